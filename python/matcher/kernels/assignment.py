"""Assignment kernels: each row takes one column or pays its price, each column serves one row, least total wins.

Index arrays are int32 (``ptr`` may be int64), costs int64 (exact) or float64 (+inf forbids the pair); dense costs
may also be int32 or float32. Equal input gives equal output. See cpp/include/matcher/assignment.h for primal and dual.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from matcher.domain.cancel import CancelToken, flag_of
from matcher.kernels import _native

Cost = TypeVar("Cost", np.int64, np.float64)
Index = NDArray[np.int32] | NDArray[np.int64]

MUST_MATCH: Final = int(np.iinfo(np.int64).max)
"""Integer price of a row that may not stay unassigned; float prices say +inf."""


class SolveStatus(IntEnum):
    """How a solve ended."""

    OPTIMAL = 1
    """Proven by the duals."""
    INFEASIBLE = 2
    """No complete matching exists."""
    STOPPED = 3
    """The budget ran out or the caller cancelled; the bound holds."""
    OVERFLOW = 4
    """Sums of these costs could leave the number type; nothing was solved and every array is empty."""
    INVALID = 5
    """A cost is NaN or -inf; nothing was solved and every array is empty."""


class DenseMethod(IntEnum):
    """How `dense_assignment` works; totals do not depend on it."""

    AUTO = 0
    """By size and kind, with the widest vector instructions there are: see docs/kernels/assignment.md."""
    PLAIN = 1
    """Whole rows in every step: the reference."""
    SCALAR = 2
    """As AUTO, without vector instructions."""
    AVX2 = 3
    """As AUTO, with nothing wider than AVX2."""
    LISTS = 4
    """Lists of each row's cheap choices, whatever the size."""
    SCANS = 5
    """Whole rows by vector instructions, whatever the size; a warm start may still go by lists."""


class SparseAssignment(NamedTuple):
    """An integer matching and its duals; in every status but OVERFLOW the duals are feasible and sum to a bound."""

    col_for_row: NDArray[np.int32]
    """(n,) column of each row; -1: left out."""
    row_duals: NDArray[np.int64]
    """(n,)"""
    col_duals: NDArray[np.int64]
    """(m,), at most zero."""
    total: int
    """Cost of the pairs made and the prices paid."""
    status: SolveStatus
    iterations: int


class AssignmentResult(NamedTuple, Generic[Cost]):
    """What a kernel answers: matching, duals, total, status, and the witness of infeasibility."""

    col_for_row: NDArray[np.int32]
    row_duals: NDArray[Cost]
    col_duals: NDArray[Cost]
    total: Any
    status: SolveStatus
    iterations: int
    witness: NDArray[np.int32]
    """When INFEASIBLE: rows that reach fewer columns than they are. With more rows than columns and no prices: columns
    that reach fewer rows. The auction gives none."""
    bad_cell: int
    """When INVALID: the first NaN or -inf, counted row by row (sparse: arc by arc); else -1."""


def assignment_result(answer: tuple[Any, ...]) -> AssignmentResult[Any]:
    """A native answer with its names."""
    col_for_row, row_duals, col_duals, total, status, iterations, witness, bad_cell = answer
    return AssignmentResult(col_for_row, row_duals, col_duals, total, _STATUS[status], iterations, witness, bad_cell)


def _like(values: NDArray[Any] | None, sums: np.dtype[Any]) -> NDArray[Any]:
    if values is not None:
        return values
    return _NO_INT64 if sums == _INT64 else _NO_FLOAT64


def _limit(max_iterations: int | None) -> int:
    if max_iterations is None:
        return -1
    if operator.index(max_iterations) < 0:
        raise ValueError(f"max_iterations must not be negative, got {max_iterations}")
    return min(operator.index(max_iterations), MUST_MATCH)


_NO_MATCHING: Final = np.empty(0, np.int32)
_INT64: Final = np.dtype(np.int64)
_FLOAT64: Final = np.dtype(np.float64)
_NO_INT64: Final = np.empty(0, np.int64)
_NO_FLOAT64: Final = np.empty(0, np.float64)
_STATUS: Final = {int(status): status for status in SolveStatus}


usual_assignment: Final = _native.solve_usual
"""``usual_assignment(kind, optimal, costs, price)``: a matrix in, a finished solution out, and no Python frame between.
`kind` has the slots of `matcher.solve.AssignmentSolution`, which are filled past its ``__init__``; `optimal` is the
status then. Where the optimum was not proven: what `assignment_result` takes. None: not a plain array of a kernel's
type, or a price other than a float for floats; nothing was solved."""


def dense_assignment(
    costs: NDArray[Any],
    unassigned: NDArray[Any] | None = None,
    *,
    max_iterations: int | None = None,
    cancel: CancelToken | None = None,
    start_duals: NDArray[Any] | None = None,
    start_matching: NDArray[np.int32] | None = None,
    capacities: NDArray[np.int32] | None = None,
    method: DenseMethod = DenseMethod.AUTO,
) -> AssignmentResult[Any]:
    """Solve a dense (n, m) matrix of float32, float64, int32 or int64 and any strides, read where it lies.

    `unassigned` (n,) prices rows left out; None: min(n, m) pairs must be made. Prices and duals are int64 for whole
    costs, float64 for others. An iteration is one bid or one row visited. `start_duals` (m,) and `start_matching` (n,),
    from an earlier solve, shorten this one and never change its total. `capacities` (m,), not negative: how many rows a
    column may serve; None: one. With them `method` has no say, and without prices min(n, capacities.sum()) pairs must
    be made.
    """
    sums = _INT64 if costs.dtype.kind == "i" else _FLOAT64
    if capacities is not None:
        return assignment_result(
            _native.solve_capacitated_dense(
                costs,
                capacities,
                _like(unassigned, sums),
                _limit(max_iterations),
                flag_of(cancel),
                _like(start_duals, sums),
                _NO_MATCHING if start_matching is None else start_matching,
            )
        )
    return assignment_result(
        _native.solve_dense(
            costs,
            _like(unassigned, sums),
            _limit(max_iterations),
            flag_of(cancel),
            _like(start_duals, sums),
            _NO_MATCHING if start_matching is None else start_matching,
            method,
        )
    )


def sparse_arcs_assignment(
    ptr: Index,
    col: NDArray[np.int32],
    cost: NDArray[Cost],
    n_cols: int,
    unassigned: NDArray[Cost] | None = None,
    *,
    max_iterations: int | None = None,
    cancel: CancelToken | None = None,
    start_duals: NDArray[Cost] | None = None,
    start_matching: NDArray[np.int32] | None = None,
    capacities: NDArray[np.int32] | None = None,
) -> AssignmentResult[Cost]:
    """Solve compressed rows: the arcs of row i are ``ptr[i]:ptr[i + 1]``. Parallel arcs are allowed.

    `unassigned` (n,) prices rows left out; None: min(n, m) pairs must be made. An iteration is one bid or one row
    visited. `start_duals`, `start_matching` and `capacities` as for `dense_assignment`. Raises ValueError for
    inconsistent arrays, TypeError for other dtypes.
    """
    if capacities is not None:
        if len(capacities) != n_cols:
            raise ValueError(f"capacities has {len(capacities)} values, there are {n_cols} columns")
        return assignment_result(
            _native.solve_capacitated_sparse(
                ptr,
                col,
                cost,
                capacities,
                _like(unassigned, cost.dtype),
                _limit(max_iterations),
                flag_of(cancel),
                _like(start_duals, cost.dtype),
                _NO_MATCHING if start_matching is None else start_matching,
            )
        )
    return assignment_result(
        _native.solve_sparse(
            ptr,
            col,
            cost,
            n_cols,
            _like(unassigned, cost.dtype),
            _limit(max_iterations),
            flag_of(cancel),
            _like(start_duals, cost.dtype),
            _NO_MATCHING if start_matching is None else start_matching,
        )
    )


class SparseResolver:
    """Sparse problems one after the other, of which only the rows that changed are read again.

    It keeps copies of the last problem's rows, as they came and as they were read, by row and once needed by column:
    about 50 bytes an arc (`nbytes`). A row is known again by comparing every bit, so arrays may be changed in place,
    rows and columns may come and go, and any sequence of problems is answered as `sparse_arcs_assignment` answers
    them, in every field. One thread at a time; a copy, also an unpickled one, begins with nothing.
    """

    __slots__ = ("_native",)

    def __init__(self) -> None:
        """Begin with nothing."""
        self._native = _native.SparseResolver()

    def solve(
        self,
        ptr: Index,
        col: Index,
        cost: NDArray[Cost],
        n_cols: int,
        unassigned: NDArray[Cost] | None = None,
        *,
        max_iterations: int | None = None,
        cancel: CancelToken | None = None,
        start_duals: NDArray[Cost] | None = None,
        start_matching: NDArray[np.int32] | None = None,
        old_row: NDArray[np.int32] | None = None,
    ) -> AssignmentResult[Cost] | None:
        """As `sparse_arcs_assignment`; `col` has the type of `ptr`, and ascends in each row.

        `old_row` (n,) names the row that each was in the problem before, -1 for none; None: as many rows, in the same
        order. It may be wrong: rows are compared, it only says with which. None: this is a case for
        `sparse_arcs_assignment`, which will say what is wrong with the input if anything is; or another thread is here.
        Raises ValueError and TypeError as that does.
        """
        answer = self._native.solve(
            ptr,
            col,
            cost,
            n_cols,
            _like(unassigned, cost.dtype),
            _limit(max_iterations),
            flag_of(cancel),
            _like(start_duals, cost.dtype),
            _NO_MATCHING if start_matching is None else start_matching,
            _NO_MATCHING if old_row is None else old_row,
        )
        return None if answer is None else assignment_result(answer)

    @property
    def nbytes(self) -> int:
        """Memory held; waits for a solve in another thread."""
        return self._native.nbytes


class BatchResult(NamedTuple):
    """Answers to many problems, one entry a problem; rows, columns and witnesses one problem after the other: those of
    problem k are ``row_ptr[k]:row_ptr[k + 1]`` and so on."""

    status: NDArray[np.int32]
    total: NDArray[Any]
    iterations: NDArray[np.int64]
    bad_cell: NDArray[np.int64]
    row_ptr: NDArray[np.int64]
    col_ptr: NDArray[np.int64]
    witness_ptr: NDArray[np.int64]
    col_for_row: NDArray[np.int32]
    """-1 throughout where nothing was solved (OVERFLOW, INVALID); the duals there are zero."""
    row_duals: NDArray[Any]
    col_duals: NDArray[Any]
    witness: NDArray[np.int32]


def dense_assignment_batch(
    problems: Sequence[NDArray[Any]],
    unassigned: Sequence[NDArray[Any]] | None = None,
    *,
    max_iterations: int | None = None,
    cancel: CancelToken | None = None,
) -> BatchResult:
    """`dense_assignment` of each problem in one call; all are of one dtype, `unassigned` has an array for each.

    `max_iterations` holds for each problem; problems not begun when `cancel` is raised get none.
    """
    flag = flag_of(cancel)
    return BatchResult(*_native.solve_batch(problems, unassigned or [], _limit(max_iterations), flag))


def sparse_auction(
    ptr: Index,
    col: NDArray[np.int32],
    cost: NDArray[np.int64],
    n_cols: int,
    unassigned: NDArray[np.int64] | None = None,
    *,
    max_iterations: int | None = None,
    cancel: CancelToken | None = None,
) -> AssignmentResult[np.int64]:
    """As `sparse_arcs_assignment` for integers, by an epsilon-scaling auction. An iteration is one bid."""
    return assignment_result(
        _native.solve_auction(
            ptr,
            col,
            cost,
            n_cols,
            _like(unassigned, _INT64),
            _limit(max_iterations),
            flag_of(cancel),
        )
    )


def sparse_assignment(
    ptr: Index,
    col: NDArray[np.int32],
    cost: NDArray[np.int64],
    n_cols: int,
    unassigned: NDArray[np.int64] | None,
    *,
    max_iterations: int | None = None,
) -> SparseAssignment:
    """Integer assignment over allowed pairs, as the engine asks for it.

    `unassigned`: (n,) price of each row left out, `MUST_MATCH` where it may not be; None: min(n, m) pairs must be made.
    """
    answer = sparse_arcs_assignment(ptr, col, cost, n_cols, unassigned, max_iterations=max_iterations)
    return SparseAssignment(
        answer.col_for_row, answer.row_duals, answer.col_duals, int(answer.total), answer.status, answer.iterations
    )
