"""Assignment kernels: each row takes one column or pays its price, each column serves one row, least total wins.

Index arrays are int32 (``ptr`` may be int64), costs int64 (exact) or float64 (+inf forbids the pair). NaN and -inf are
the caller's to exclude. Equal input gives equal output. See cpp/include/matcher/assignment.h for primal and dual.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentResult(Generic[Cost]):
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


def _result(answer: tuple[Any, ...]) -> AssignmentResult[Any]:
    col_for_row, row_duals, col_duals, total, status, iterations, witness = answer
    return AssignmentResult(col_for_row, row_duals, col_duals, total, SolveStatus(status), iterations, witness)


def _prices(unassigned: NDArray[Cost] | None, like: NDArray[Cost]) -> NDArray[Cost]:
    return np.empty(0, like.dtype) if unassigned is None else unassigned


def _limit(max_iterations: int | None) -> int:
    if max_iterations is None:
        return -1
    if max_iterations < 0:
        raise ValueError(f"max_iterations must not be negative, got {max_iterations}")
    return max_iterations


def dense_assignment(
    costs: NDArray[Cost], unassigned: NDArray[Cost] | None = None, *, max_iterations: int | None = None
) -> AssignmentResult[Cost]:
    """Solve a dense (n, m) matrix of any strides by shortest augmenting paths.

    `unassigned` (n,) prices rows left out; None: min(n, m) pairs must be made. An iteration is one row scanned.
    """
    return _result(_native.solve_dense(costs, _prices(unassigned, costs), _limit(max_iterations)))


def sparse_arcs_assignment(
    ptr: Index,
    col: NDArray[np.int32],
    cost: NDArray[Cost],
    n_cols: int,
    unassigned: NDArray[Cost] | None = None,
    *,
    max_iterations: int | None = None,
) -> AssignmentResult[Cost]:
    """Solve compressed rows: the arcs of row i are ``ptr[i]:ptr[i + 1]``. Parallel arcs are allowed.

    `unassigned` (n,) prices rows left out; None: min(n, m) pairs must be made. An iteration is one row scanned.
    Raises ValueError for inconsistent arrays, TypeError for other dtypes.
    """
    return _result(_native.solve_sparse(ptr, col, cost, n_cols, _prices(unassigned, cost), _limit(max_iterations)))


def sparse_auction(
    ptr: Index,
    col: NDArray[np.int32],
    cost: NDArray[np.int64],
    n_cols: int,
    unassigned: NDArray[np.int64] | None = None,
    *,
    max_iterations: int | None = None,
) -> AssignmentResult[np.int64]:
    """As `sparse_arcs_assignment` for integers, by an epsilon-scaling auction. An iteration is one bid."""
    return _result(_native.solve_auction(ptr, col, cost, n_cols, _prices(unassigned, cost), _limit(max_iterations)))


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
