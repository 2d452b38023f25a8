"""AssignmentService: cost matrices and matchings between bytes and arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TypedDict

import numpy as np
from google.protobuf.message import DecodeError

from matcher.domain import ErrorReason, InvalidRequest, Provenance, Rung, Violation
from matcher.domain.snapshot import F64, I32
from matcher.kernels import solve_request
from matcher.v1 import assignment_service_pb2
from matcher.wire.decision import provenance_message, provenance_value
from matcher.wire.repeated import doubles, inside, packed_doubles, packed_int32

_MAX_SHOWN = 100


class SolveStatus(IntEnum):
    """How far a solve went; the numbers of the wire."""

    OPTIMAL = 1
    INFEASIBLE = 2
    STOPPED = 3


@dataclass(frozen=True, slots=True)
class SolveProblem:
    """A SolveRequest: either `dense`, or the three arrays of a sparse problem."""

    rows: int
    cols: int
    dense: F64 | None
    """(rows, cols); +inf forbids the pair."""
    row: I32
    col: I32
    cost: F64
    unassigned_cost: F64 | float | None
    maximize: bool
    max_iterations: int | None
    capacities: I32 | int | None = None
    """Rows that a column may serve: one number for all, (cols,), or None: one each."""

    @property
    def digest(self) -> bytes:
        """16 bytes, equal for equal problems."""
        prices = None if self.unassigned_cost is None else np.atleast_1d(self.unassigned_cost)
        places = None if self.capacities is None else np.atleast_1d(self.capacities).astype(np.int32)
        arrays = (self.dense, self.row, self.col, self.cost, prices, places)
        sizes = tuple(None if array is None else array.shape for array in arrays)
        digest = hashlib.blake2b(b"matcher.solve/1", digest_size=16)
        digest.update(repr((self.rows, self.cols, sizes, self.maximize, self.max_iterations)).encode())
        for array in arrays:
            if array is not None:
                digest.update(np.ascontiguousarray(array).data)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class SolveReply:
    """A SolveResponse."""

    status: SolveStatus
    col_for_row: I32
    total_cost: float
    row_duals: F64
    col_duals: F64
    lower_bound: float
    gap: float
    iterations: int
    rung: Rung
    decision_id: str
    provenance: Provenance


def decode_solve_request(data: bytes, max_cells: int = 1 << 24, max_side: int = 1 << 20) -> SolveProblem:
    """The problem of an encoded SolveRequest. Raises InvalidRequest with every violation found."""
    decoded = solve_request.decode_solve_request(data, max_cells=max_cells, max_side=max_side)
    if decoded is None:
        return decode_solve_by_reference(data, max_cells, max_side)
    return SolveProblem(
        rows=decoded.rows,
        cols=decoded.cols,
        dense=decoded.costs if decoded.is_dense else None,
        row=decoded.row,
        col=decoded.col,
        cost=np.zeros(0) if decoded.is_dense else decoded.costs,
        unassigned_cost=_price(decoded.unassigned_cost),
        maximize=decoded.maximize,
        max_iterations=decoded.max_iterations or None,
        capacities=_places(decoded.capacities),
    )


def decode_solve_by_reference(data: bytes, max_cells: int = 1 << 24, max_side: int = 1 << 20) -> SolveProblem:
    """The same on the official protobuf runtime: the meaning of a request, and the judge of what is wrong with one."""
    try:
        request = assignment_service_pb2.SolveRequest.FromString(data)
    except DecodeError as error:
        sentence = f"the bytes are no matcher.v1.SolveRequest: {error}"
        raise InvalidRequest([Violation("request", sentence, ErrorReason.MALFORMED)]) from None
    kind = request.WhichOneof("costs")
    if kind is None:
        raise InvalidRequest([Violation("costs", "one of dense and sparse is required", ErrorReason.MISSING)])
    wrong: list[Violation] = []
    sides = request.dense if kind == "dense" else request.sparse
    rows, cols = sides.rows, sides.cols
    for field, value in (("rows", rows), ("cols", cols)):
        if not 0 <= value <= max_side:
            sentence = f"must be between 0 and {max_side}, is {value}"
            wrong.append(Violation(f"{kind}.{field}", sentence, ErrorReason.OUT_OF_RANGE))
    if wrong:
        raise InvalidRequest(wrong)
    dense: F64 | None = None
    row = col = np.zeros(0, dtype=np.int32)
    cost = np.zeros(0)
    if kind == "dense":
        dense = _dense(request.dense, max_cells, wrong)
    else:
        row, col, cost = _sparse(request.sparse, max_cells, wrong)
    given = options(request, rows, cols, "", wrong)
    if wrong:
        raise InvalidRequest(wrong)
    return SolveProblem(rows=rows, cols=cols, dense=dense, row=row, col=col, cost=cost, **given)


class Options(TypedDict):
    """What a problem says beside its costs."""

    unassigned_cost: F64 | float | None
    maximize: bool
    max_iterations: int | None
    capacities: I32 | int | None


def options(
    request: assignment_service_pb2.SolveRequest | assignment_service_pb2.StreamSolveHeader,
    rows: int,
    cols: int,
    prefix: str,
    wrong: list[Violation],
) -> Options:
    """The options of a request or header; what is wrong with them is appended, its field after `prefix`."""
    unassigned = np.array(request.unassigned_cost, dtype=np.float64)
    if len(unassigned) not in (0, 1, rows):
        sentence = f"has {len(unassigned)} values; none, one, or one for each of the {rows} rows are allowed"
        wrong.append(Violation(f"{prefix}unassigned_cost", sentence, ErrorReason.MALFORMED))
    for index in np.flatnonzero(np.isnan(unassigned) | (unassigned == -np.inf))[:_MAX_SHOWN].tolist():
        sentence = f"must be finite, or +infinity for a row that must be matched, is {unassigned[index]}"
        wrong.append(Violation(f"{prefix}unassigned_cost[{index}]", sentence, ErrorReason.OUT_OF_RANGE))
    capacities = np.array(request.capacities, dtype=np.int32)
    if len(capacities) not in (0, 1, cols):
        sentence = f"has {len(capacities)} values; none, one, or one for each of the {cols} columns are allowed"
        wrong.append(Violation(f"{prefix}capacities", sentence, ErrorReason.MALFORMED))
    for index in np.flatnonzero(capacities < 0)[:_MAX_SHOWN].tolist():
        sentence = f"must not be negative, is {capacities[index]}"
        wrong.append(Violation(f"{prefix}capacities[{index}]", sentence, ErrorReason.OUT_OF_RANGE))
    if request.max_iterations < 0:
        sentence = f"must not be negative, is {request.max_iterations}"
        wrong.append(Violation(f"{prefix}max_iterations", sentence, ErrorReason.OUT_OF_RANGE))
    return Options(
        unassigned_cost=_price(unassigned),
        maximize=request.maximize,
        max_iterations=request.max_iterations or None,
        capacities=_places(capacities),
    )


def bad_costs(costs: F64, field: str, place: Callable[[int], str]) -> list[Violation]:
    """A violation for each of the first costs that are NaN or -infinity; `place` says where an index is."""
    sentence = "must be finite, or +infinity for a forbidden pair, is"
    return [
        Violation(f"{field}[{index}]", f"{place(index)}{sentence} {costs[index]}", ErrorReason.OUT_OF_RANGE)
        for index in np.flatnonzero(np.isnan(costs) | (costs == -np.inf))[:_MAX_SHOWN].tolist()
    ]


def encode_solve_request(problem: SolveProblem) -> bytes:
    """Bytes of the SolveRequest; equal for equal problems."""
    kind = assignment_service_pb2.SolveRequest
    few = kind(maximize=problem.maximize, max_iterations=problem.max_iterations or 0)
    prices = () if problem.unassigned_cost is None else problem.unassigned_cost
    places = () if problem.capacities is None else problem.capacities
    return b"".join(
        (
            _encoded_costs(problem),
            packed_doubles(kind.UNASSIGNED_COST_FIELD_NUMBER, prices),
            few.SerializeToString(deterministic=True),
            packed_int32(kind.CAPACITIES_FIELD_NUMBER, places),
        )
    )


def _encoded_costs(problem: SolveProblem) -> bytes:
    kind, dense, sparse = (
        assignment_service_pb2.SolveRequest,
        assignment_service_pb2.DenseCosts,
        assignment_service_pb2.SparseCosts,
    )
    if problem.dense is not None:
        costs = packed_doubles(dense.COSTS_FIELD_NUMBER, problem.dense)
        return inside(kind.DENSE_FIELD_NUMBER, dense(rows=problem.rows, cols=problem.cols).SerializeToString() + costs)
    pairs = (
        sparse(rows=problem.rows, cols=problem.cols).SerializeToString(),
        packed_int32(sparse.ROW_FIELD_NUMBER, problem.row),
        packed_int32(sparse.COL_FIELD_NUMBER, problem.col),
        packed_doubles(sparse.COST_FIELD_NUMBER, problem.cost),
    )
    return inside(kind.SPARSE_FIELD_NUMBER, b"".join(pairs))


def encode_solve_reply(reply: SolveReply) -> bytes:
    """Bytes of the SolveResponse; equal for equal replies."""
    kind = assignment_service_pb2.SolveResponse
    rest = kind(
        lower_bound=reply.lower_bound,
        gap=reply.gap,
        iterations=reply.iterations,
        rung=int(reply.rung),  # type: ignore[arg-type]
        decision_id=reply.decision_id,
        provenance=provenance_message(reply.provenance),
    )
    return b"".join(
        (
            kind(status=int(reply.status)).SerializeToString(),  # type: ignore[arg-type]
            packed_int32(kind.COL_FOR_ROW_FIELD_NUMBER, reply.col_for_row),
            kind(total_cost=reply.total_cost).SerializeToString(),
            packed_doubles(kind.ROW_DUALS_FIELD_NUMBER, reply.row_duals),
            packed_doubles(kind.COL_DUALS_FIELD_NUMBER, reply.col_duals),
            rest.SerializeToString(deterministic=True),
        )
    )


def decode_solve_reply(data: bytes) -> SolveReply:
    """The reply of an encoded SolveResponse. Raises ValueError."""
    try:
        message = assignment_service_pb2.SolveResponse.FromString(data)
    except DecodeError as error:
        raise ValueError(f"not a matcher.v1.SolveResponse: {error}") from None
    return SolveReply(
        status=SolveStatus(message.status),
        col_for_row=np.array(message.col_for_row, dtype=np.int32),
        total_cost=message.total_cost,
        row_duals=np.array(message.row_duals, dtype=np.float64),
        col_duals=np.array(message.col_duals, dtype=np.float64),
        lower_bound=message.lower_bound,
        gap=message.gap,
        iterations=message.iterations,
        rung=Rung(message.rung),
        decision_id=message.decision_id,
        provenance=provenance_value(message.provenance),
    )


def _price(values: F64) -> F64 | float | None:
    """None, one price for all rows, or one for each."""
    if len(values) == 0:
        return None
    return float(values[0]) if len(values) == 1 else values


def _places(values: I32) -> I32 | int | None:
    """None, one number for all columns, or one for each."""
    if len(values) == 0:
        return None
    return int(values[0]) if len(values) == 1 else values


def _dense(message: assignment_service_pb2.DenseCosts, max_cells: int, wrong: list[Violation]) -> F64 | None:
    cells = message.rows * message.cols
    if cells > max_cells:
        wrong.append(Violation("dense", f"{cells} cells; at most {max_cells} are allowed", ErrorReason.TOO_LARGE))
        return None
    if len(message.costs) != cells:
        sentence = f"has {len(message.costs)} values; {message.rows} × {message.cols} = {cells} are needed"
        wrong.append(Violation("dense.costs", sentence, ErrorReason.MALFORMED))
        return None
    costs = doubles(message, "costs")
    wrong += bad_costs(costs, "dense.costs", lambda at: f"row {at // message.cols}, column {at % message.cols}: ")
    return costs.reshape(message.rows, message.cols)


def _sparse(
    message: assignment_service_pb2.SparseCosts, max_cells: int, wrong: list[Violation]
) -> tuple[I32, I32, F64]:
    row, col = np.array(message.row, dtype=np.int32), np.array(message.col, dtype=np.int32)
    cost = doubles(message, "cost")
    if not len(row) == len(col) == len(cost):
        sentence = f"row, col and cost have {len(row)}, {len(col)} and {len(cost)} values; they must have as many"
        wrong.append(Violation("sparse", sentence, ErrorReason.MALFORMED))
        return row, col, cost
    if len(row) > max_cells:
        wrong.append(Violation("sparse", f"{len(row)} pairs; at most {max_cells} are allowed", ErrorReason.TOO_LARGE))
        return row, col, cost
    for field, values, side in (("row", row, message.rows), ("col", col, message.cols)):
        for index in np.flatnonzero((values < 0) | (values >= side))[:_MAX_SHOWN].tolist():
            sentence = f"must be between 0 and {side - 1}, is {values[index]}"
            wrong.append(Violation(f"sparse.{field}[{index}]", sentence, ErrorReason.OUT_OF_RANGE))
    wrong += bad_costs(cost, "sparse.cost", lambda _: "")
    pair = row.astype(np.int64) * max(message.cols, 1) + col
    order = np.argsort(pair, kind="stable")
    for index in sorted(order[1:][np.diff(pair[order]) == 0].tolist())[:_MAX_SHOWN]:
        sentence = f"the pair of row {row[index]} and column {col[index]} was given before"
        wrong.append(Violation(f"sparse.row[{index}]", sentence, ErrorReason.DUPLICATE))
    return row, col, cost
