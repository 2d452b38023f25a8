"""StreamSolve: a problem in parts, from bytes to arrays and back, without a Python object a number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from google.protobuf.message import DecodeError

from matcher.domain import ErrorReason, InvalidRequest, Violation
from matcher.domain.snapshot import F64, I32
from matcher.v1 import assignment_service_pb2
from matcher.wire.assignment import SolveProblem, SolveReply, bad_costs, decode_solve_reply, encode_solve_reply, options
from matcher.wire.repeated import doubles, inside, packed_doubles, packed_int32

PART_NUMBERS = 1 << 17
"""Cells or pairs in a part that we send: 1 to 2 MB."""
_DENSE_TAG, _COSTS_TAG = 0x12, 0x0A  # StreamSolveRequest.dense, DensePart.costs


class SolveParts:
    """A problem on its way in: the header begins it, `add` takes the other parts in order, `finish` gives it."""

    def __init__(self, header: bytes, max_cells: int, max_side: int) -> None:
        """Raises InvalidRequest, also for a problem of more than `max_cells` cells or pairs."""
        self._part = 0
        message = self._parsed(header)
        if message.WhichOneof("part") != "header":
            self._refuse("", "the first part must be the header", ErrorReason.MISSING)
        head = message.header
        self.rows, self.cols = head.rows, head.cols
        wrong: list[Violation] = []
        for field, value in (("rows", self.rows), ("cols", self.cols)):
            if not 0 <= value <= max_side:
                sentence = f"must be between 0 and {max_side}, is {value}"
                wrong.append(Violation(f"parts[0].header.{field}", sentence, ErrorReason.OUT_OF_RANGE))
        if head.HasField("pairs") and head.pairs < 0:
            sentence = f"must not be negative, is {head.pairs}"
            wrong.append(Violation("parts[0].header.pairs", sentence, ErrorReason.OUT_OF_RANGE))
        if wrong:
            raise InvalidRequest(wrong)
        self._sparse = head.HasField("pairs")
        self.cells = head.pairs if self._sparse else self.rows * self.cols
        """How many cells or pairs the problem has in all."""
        if self.cells > max_cells:
            what = "pairs" if self._sparse else "cells"
            self._refuse(".header", f"{self.cells} {what}; at most {max_cells} are allowed", ErrorReason.TOO_LARGE)
        self._options = options(head, self.rows, self.cols, "parts[0].header.", wrong)
        if wrong:
            raise InvalidRequest(wrong)
        self._cost: F64 = np.empty(self.cells)
        pairs = self.cells if self._sparse else 0
        self._row: I32 = np.empty(pairs, np.int32)
        self._col: I32 = np.empty(pairs, np.int32)
        self._filled = 0

    def add(self, part: bytes) -> None:
        """Take the next part. Raises InvalidRequest naming the number that is wrong."""
        self._part += 1
        if self._sparse:
            self._add_sparse(part)
        else:
            self._add_dense(part)

    def finish(self) -> SolveProblem:
        """The whole problem. Raises InvalidRequest when numbers are missing or a pair came twice."""
        if self._filled < self.cells:
            what = "pairs" if self._sparse else "cells"
            self._refuse("", f"the stream ended after {self._filled} of {self.cells} {what}", ErrorReason.MISSING)
        if self._sparse:
            key = self._row.astype(np.int64) * max(self.cols, 1) + self._col
            key.sort()
            twice = np.flatnonzero(key[1:] == key[:-1])
            if len(twice):
                i, j = divmod(int(key[twice[0]]), max(self.cols, 1))
                self._refuse("", f"the pair of row {i} and column {j} was given twice", ErrorReason.DUPLICATE)
        return SolveProblem(
            rows=self.rows,
            cols=self.cols,
            dense=None if self._sparse else self._cost.reshape(self.rows, self.cols),
            row=self._row,
            col=self._col,
            cost=self._cost if self._sparse else np.zeros(0),
            **self._options,
        )

    def _add_dense(self, part: bytes) -> None:
        costs = _packed_costs(part)
        if costs is None:
            message = self._parsed(part)
            if message.WhichOneof("part") != "dense":
                self._refuse("", "must hold dense costs: the header announced no pairs", ErrorReason.MALFORMED)
            costs = doubles(message.dense, "costs")
        self._room_for(len(costs), "cells")

        def place(index: int) -> str:
            row, col = divmod(self._filled + index, self.cols)
            return f"row {row}, column {col}: "

        wrong = bad_costs(costs, f"parts[{self._part}].dense.costs", place)
        if wrong:
            raise InvalidRequest(wrong)
        self._cost[self._filled : self._filled + len(costs)] = costs
        self._filled += len(costs)

    def _add_sparse(self, part: bytes) -> None:
        message = self._parsed(part)
        if message.WhichOneof("part") != "sparse":
            self._refuse("", "must hold pairs: the header announced them", ErrorReason.MALFORMED)
        given = message.sparse
        row, col = np.array(given.row, np.int32), np.array(given.col, np.int32)
        cost = doubles(given, "cost")
        if not len(row) == len(col) == len(cost):
            sentence = f"row, col and cost have {len(row)}, {len(col)} and {len(cost)} values; they must have as many"
            self._refuse(".sparse", sentence, ErrorReason.MALFORMED)
        self._room_for(len(cost), "pairs")
        for field, values, side in (("row", row, self.rows), ("col", col, self.cols)):
            outside = np.flatnonzero((values < 0) | (values >= side))
            if len(outside):
                at = int(outside[0])
                sentence = f"must be between 0 and {side - 1}, is {values[at]}"
                self._refuse(f".sparse.{field}[{at}]", sentence, ErrorReason.OUT_OF_RANGE)
        wrong = bad_costs(cost, f"parts[{self._part}].sparse.cost", lambda _: "")
        if wrong:
            raise InvalidRequest(wrong)
        into = slice(self._filled, self._filled + len(cost))
        self._row[into], self._col[into], self._cost[into] = row, col, cost
        self._filled += len(cost)

    def _room_for(self, count: int, what: str) -> None:
        if self._filled + count > self.cells:
            sentence = f"{self._filled + count} {what} have come; the header announced {self.cells}"
            self._refuse("", sentence, ErrorReason.MALFORMED)

    def _parsed(self, part: bytes) -> assignment_service_pb2.StreamSolveRequest:
        try:
            return assignment_service_pb2.StreamSolveRequest.FromString(part)
        except DecodeError as error:
            self._refuse("", f"the bytes are no matcher.v1.StreamSolveRequest: {error}", ErrorReason.MALFORMED)
            raise AssertionError("refused") from None

    def _refuse(self, field: str, sentence: str, reason: ErrorReason) -> None:
        raise InvalidRequest([Violation(f"parts[{self._part}]{field}", sentence, reason)])


def encode_solve_parts(problem: SolveProblem, part_numbers: int = PART_NUMBERS) -> Iterator[bytes]:
    """The StreamSolveRequests of a problem, header first."""
    kind, sparse = assignment_service_pb2.StreamSolveRequest, assignment_service_pb2.SparsePart
    dense = assignment_service_pb2.DensePart.COSTS_FIELD_NUMBER
    message = kind()
    head = message.header
    head.rows, head.cols = problem.rows, problem.cols
    head.maximize, head.max_iterations = problem.maximize, problem.max_iterations or 0
    if problem.unassigned_cost is not None:
        head.unassigned_cost.extend(np.atleast_1d(problem.unassigned_cost).tolist())
    if problem.capacities is not None:
        head.capacities.extend(np.atleast_1d(problem.capacities).tolist())
    if problem.dense is None:
        head.pairs = len(problem.cost)
    yield message.SerializeToString(deterministic=True)
    if problem.dense is not None:
        cells = np.ascontiguousarray(problem.dense, "<f8").ravel()
        for first in range(0, len(cells), part_numbers):
            yield inside(kind.DENSE_FIELD_NUMBER, packed_doubles(dense, cells[first : first + part_numbers]))
        return
    for first in range(0, len(problem.cost), part_numbers):
        some = slice(first, first + part_numbers)
        pairs = (
            packed_int32(sparse.ROW_FIELD_NUMBER, problem.row[some]),
            packed_int32(sparse.COL_FIELD_NUMBER, problem.col[some]),
            packed_doubles(sparse.COST_FIELD_NUMBER, problem.cost[some]),
        )
        yield inside(kind.SPARSE_FIELD_NUMBER, b"".join(pairs))


def encode_stream_solve_reply(reply: SolveReply) -> bytes:
    """Bytes of the StreamSolveResponse."""
    kind = assignment_service_pb2.StreamSolveResponse
    return inside(kind.SOLUTION_FIELD_NUMBER, encode_solve_reply(reply))


def decode_stream_solve_reply(data: bytes) -> SolveReply:
    """The reply of an encoded StreamSolveResponse. Raises ValueError."""
    try:
        message = assignment_service_pb2.StreamSolveResponse.FromString(data)
    except DecodeError as error:
        raise ValueError(f"not a matcher.v1.StreamSolveResponse: {error}") from None
    return decode_solve_reply(message.solution.SerializeToString())


def _packed_costs(part: bytes) -> F64 | None:
    """The costs of a dense part as encoders write it: one packed field and nothing else. None: written otherwise."""
    if not part or part[0] != _DENSE_TAG:
        return None
    size, at = _read_varint(part, 1)
    if at + size != len(part) or size == 0 or part[at] != _COSTS_TAG:
        return None
    size, at = _read_varint(part, at + 1)
    if at + size != len(part) or size % 8:
        return None
    return np.frombuffer(part, "<f8", offset=at).astype(np.float64, copy=False)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at` and where it ends; what is cut off counts as larger than any message."""
    value = shift = 0
    while at < len(data) and shift < 64:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7
    return 1 << 62, at
