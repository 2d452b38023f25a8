"""AssignmentService: cost matrices and matchings between bytes and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from google.protobuf.message import DecodeError

from matcher.domain import ErrorReason, InvalidRequest, Provenance, Rung, Violation
from matcher.domain.snapshot import F64, I32
from matcher.v1 import assignment_service_pb2
from matcher.wire.decision import provenance_message, provenance_value

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
    """The problem of an encoded SolveRequest. Raises InvalidRequest."""
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
    unassigned = np.array(request.unassigned_cost, dtype=np.float64)
    if len(unassigned) not in (0, 1, rows):
        sentence = f"has {len(unassigned)} values; none, one, or one for each of the {rows} rows are allowed"
        wrong.append(Violation("unassigned_cost", sentence, ErrorReason.MALFORMED))
    for index in np.flatnonzero(np.isnan(unassigned) | (unassigned == -np.inf))[:_MAX_SHOWN].tolist():
        sentence = f"must be finite, or +infinity for a row that must be matched, is {unassigned[index]}"
        wrong.append(Violation(f"unassigned_cost[{index}]", sentence, ErrorReason.OUT_OF_RANGE))
    if request.max_iterations < 0:
        sentence = f"must not be negative, is {request.max_iterations}"
        wrong.append(Violation("max_iterations", sentence, ErrorReason.OUT_OF_RANGE))
    if wrong:
        raise InvalidRequest(wrong)
    return SolveProblem(
        rows=rows,
        cols=cols,
        dense=dense,
        row=row,
        col=col,
        cost=cost,
        unassigned_cost=_price(unassigned),
        maximize=request.maximize,
        max_iterations=request.max_iterations or None,
    )


def encode_solve_request(problem: SolveProblem) -> bytes:
    """Bytes of the SolveRequest; equal for equal problems."""
    request = assignment_service_pb2.SolveRequest(maximize=problem.maximize, max_iterations=problem.max_iterations or 0)
    if problem.dense is not None:
        request.dense.rows, request.dense.cols = problem.rows, problem.cols
        request.dense.costs.extend(problem.dense.ravel().tolist())
    else:
        request.sparse.rows, request.sparse.cols = problem.rows, problem.cols
        request.sparse.row.extend(problem.row.tolist())
        request.sparse.col.extend(problem.col.tolist())
        request.sparse.cost.extend(problem.cost.tolist())
    if problem.unassigned_cost is not None:
        request.unassigned_cost.extend(np.atleast_1d(problem.unassigned_cost).tolist())
    return request.SerializeToString(deterministic=True)


def encode_solve_reply(reply: SolveReply) -> bytes:
    """Bytes of the SolveResponse; equal for equal replies."""
    return assignment_service_pb2.SolveResponse(
        status=int(reply.status),  # type: ignore[arg-type]
        col_for_row=reply.col_for_row.tolist(),
        total_cost=reply.total_cost,
        row_duals=reply.row_duals.tolist(),
        col_duals=reply.col_duals.tolist(),
        lower_bound=reply.lower_bound,
        gap=reply.gap,
        iterations=reply.iterations,
        rung=int(reply.rung),  # type: ignore[arg-type]
        decision_id=reply.decision_id,
        provenance=provenance_message(reply.provenance),
    ).SerializeToString(deterministic=True)


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


def _dense(message: assignment_service_pb2.DenseCosts, max_cells: int, wrong: list[Violation]) -> F64 | None:
    cells = message.rows * message.cols
    if cells > max_cells:
        wrong.append(Violation("dense", f"{cells} cells; at most {max_cells} are allowed", ErrorReason.TOO_LARGE))
        return None
    if len(message.costs) != cells:
        sentence = f"has {len(message.costs)} values; {message.rows} × {message.cols} = {cells} are needed"
        wrong.append(Violation("dense.costs", sentence, ErrorReason.MALFORMED))
        return None
    costs = np.array(message.costs, dtype=np.float64)
    for index in np.flatnonzero(np.isnan(costs) | (costs == -np.inf))[:_MAX_SHOWN].tolist():
        where = f"row {index // message.cols}, column {index % message.cols}"
        sentence = f"{where}: must be finite, or +infinity for a forbidden pair, is {costs[index]}"
        wrong.append(Violation(f"dense.costs[{index}]", sentence, ErrorReason.OUT_OF_RANGE))
    return costs.reshape(message.rows, message.cols)


def _sparse(
    message: assignment_service_pb2.SparseCosts, max_cells: int, wrong: list[Violation]
) -> tuple[I32, I32, F64]:
    row, col = np.array(message.row, dtype=np.int32), np.array(message.col, dtype=np.int32)
    cost = np.array(message.cost, dtype=np.float64)
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
    for index in np.flatnonzero(np.isnan(cost) | (cost == -np.inf))[:_MAX_SHOWN].tolist():
        sentence = f"must be finite, or +infinity for a forbidden pair, is {cost[index]}"
        wrong.append(Violation(f"sparse.cost[{index}]", sentence, ErrorReason.OUT_OF_RANGE))
    pair = row.astype(np.int64) * max(message.cols, 1) + col
    order = np.argsort(pair, kind="stable")
    for index in sorted(order[1:][np.diff(pair[order]) == 0].tolist())[:_MAX_SHOWN]:
        sentence = f"the pair of row {row[index]} and column {col[index]} was given before"
        wrong.append(Violation(f"sparse.row[{index}]", sentence, ErrorReason.DUPLICATE))
    return row, col, cost
