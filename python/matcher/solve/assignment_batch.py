"""`solve_assignment_batch`: many small problems in one native call."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matcher.kernels import BatchResult, CancelToken, SolveStatus, dense_assignment_batch
from matcher.solve.assignment import (
    AssignmentSolution,
    dual_bound,
    misses_rows,
    relative_gap,
    stopped_after,
)
from matcher.solve.assignment_input import (
    bad_cell_sentence,
    kernel_numbers,
    negated,
    one_type,
    overflow_sentence,
    plain_array,
    row_prices,
)


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentBatch:
    """Solutions of many problems as arrays; ``batch[k]`` is the k-th as an `AssignmentSolution`.

    The first four have an entry a problem. Rows and columns of all problems lie one after the other: those of problem k
    are ``row_ptr[k]:row_ptr[k + 1]`` and ``col_ptr[k]:col_ptr[k + 1]``.
    """

    status: NDArray[np.int32]
    """(b,) values of `SolveStatus`. INVALID (NaN, an infinity of the wrong sign) and OVERFLOW are among them: one
    problem that cannot be solved says nothing about the others."""
    total_cost: NDArray[Any]
    """(b,) as `AssignmentSolution.total_cost`; float64 when any is infinite, and infinite where nothing was solved."""
    lower_bound: NDArray[Any]
    """(b,) as `AssignmentSolution.lower_bound`; where nothing was solved minus (maximizing: plus) infinity."""
    iterations: NDArray[np.int64]
    """(b,)"""
    row_ptr: NDArray[np.int64]
    """(b + 1,)"""
    col_ptr: NDArray[np.int64]
    """(b + 1,)"""
    col_for_row: NDArray[np.int32]
    """Column of each row within its problem; -1: left out, also where nothing was solved."""
    row_duals: NDArray[Any]
    """int64 or float64; zero where nothing was solved."""
    col_duals: NDArray[Any]
    _witness_ptr: NDArray[np.int64]
    _witness: NDArray[np.int32]
    _refused: dict[int, Exception]

    def __len__(self) -> int:
        return len(self.status)

    def __iter__(self) -> Iterator[AssignmentSolution]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, k: int) -> AssignmentSolution:
        """The solution of problem k, as `solve_assignment` gives it, exceptions included."""
        if not -len(self) <= k < len(self):
            raise IndexError(f"there are {len(self)} problems, no problem {k}")
        k %= len(self)
        if k in self._refused:
            raise self._refused[k]
        rows, cols = slice(*self.row_ptr[k : k + 2]), slice(*self.col_ptr[k : k + 2])
        whole = self.row_duals.dtype == np.int64
        total, bound = (_number(values[k], whole) for values in (self.total_cost, self.lower_bound))
        return AssignmentSolution(
            col_for_row=self.col_for_row[rows],
            total_cost=total,
            row_duals=self.row_duals[rows],
            col_duals=self.col_duals[cols],
            lower_bound=bound,
            gap=relative_gap(total, bound),
            status=SolveStatus(int(self.status[k])),
            iterations=int(self.iterations[k]),
            witness=self._witness[slice(*self._witness_ptr[k : k + 2])],
        )


def solve_assignment_batch(
    problems: NDArray[Any] | Sequence[ArrayLike],
    *,
    unassigned_cost: float | Sequence[float | ArrayLike] | NDArray[Any] | None = None,
    maximize: bool = False,
    max_iterations: int | None = None,
    time_limit: float | None = None,
    cancel: CancelToken | None = None,
) -> AssignmentBatch:
    """Solve many dense assignment problems in one call that holds no lock and makes no object a problem.

    Args:
        problems: (b, n, m) array, or b matrices of any shapes. As for `solve_assignment`; if their types differ, all
            are solved as int64 or, with a float among them, as float64.
        unassigned_cost: None; or one price for all rows of all problems; or b entries, each one price or (n,) prices.
        maximize: look for the dearest matchings.
        max_iterations: for each problem.
        time_limit: seconds for all together; problems not begun by then get no iterations, which still leaves each a
            matching and a bound (status STOPPED).
        cancel: likewise, raised from another thread.

    Each problem is solved as if alone, one after the other: equal input gives equal output, and what a problem gets
    depends on the others only where time runs out.

    Raises:
        ValueError: a wrong shape, or a price that is NaN or an infinity of the wrong sign; the message names the
            problem.
        TypeError: not numbers.
        OverflowError: an integer that is, or whose negative would be, beyond int64. Sums that could overflow are a
            status of their problem instead.
    """
    given = _matrices(problems)
    prices = _all_prices(unassigned_cost, given, maximize)
    values, prices = _of_one_type(given, prices)
    if maximize:
        values = [negated(value) for value in values]
    if time_limit is None:
        answer = dense_assignment_batch(values, prices, max_iterations=max_iterations, cancel=cancel)
    else:
        with stopped_after(time_limit, cancel) as token:
            answer = dense_assignment_batch(values, prices, max_iterations=max_iterations, cancel=token)
    return _batch(answer, given, prices, maximize)


def _matrices(problems: Any) -> list[NDArray[Any]]:
    if isinstance(problems, np.ndarray):
        problems = plain_array(problems, "problems")
        if problems.ndim != 3:
            raise ValueError(
                f"problems must be a (b, n, m) array or a sequence of matrices, got shape {problems.shape}"
            )
        return list(kernel_numbers(problems, "problems", small=True))
    given = []
    for k, problem in enumerate(problems):
        matrix = plain_array(problem, f"problems[{k}]")
        if matrix.ndim != 2:
            raise ValueError(f"problems[{k}] must be a matrix of rows and columns, got {matrix.ndim} dimension(s)")
        given.append(kernel_numbers(matrix, f"problems[{k}]", small=True))
    return given


def _all_prices(unassigned_cost: Any, given: list[NDArray[Any]], maximize: bool) -> list[NDArray[Any]] | None:
    if unassigned_cost is None:
        return None
    one_for_all = not isinstance(unassigned_cost, (list, tuple)) and np.ndim(unassigned_cost) == 0
    each = [unassigned_cost] * len(given) if one_for_all else list(unassigned_cost)
    if len(each) != len(given):
        sentence = f"{len(given)} entries (one a problem), has {len(each)}"
        raise ValueError(f"unassigned_cost must be one number or have {sentence}")
    prices = []
    for k, (price, matrix) in enumerate(zip(each, given, strict=True)):
        try:
            found = row_prices(price, matrix.shape[0], maximize)
        except ValueError as error:
            raise ValueError(f"problems[{k}]: {error}") from None
        assert found is not None
        prices.append(found)
    return prices


def _of_one_type(
    given: list[NDArray[Any]], prices: list[NDArray[Any]] | None
) -> tuple[list[NDArray[Any]], list[NDArray[Any]] | None]:
    """All matrices of one kernel type and the prices of its sums."""
    if prices is not None:
        pairs = [one_type(value, price) for value, price in zip(given, prices, strict=True)]
        if any(price is not None and price.dtype.kind == "f" for _, price in pairs):
            pairs = [one_type(value.astype(np.float64), price) for value, price in zip(given, prices, strict=True)]
        given, prices = [value for value, _ in pairs], [price for _, price in pairs if price is not None]
    kinds = {value.dtype for value in given}
    if len(kinds) > 1:
        common = np.dtype(np.float64 if any(kind.kind == "f" for kind in kinds) else np.int64)
        given = [value.astype(common, copy=False) for value in given]
        if prices is not None and common.kind == "f":
            prices = [price.astype(np.float64) for price in prices]
    return given, prices


def _batch(
    answer: BatchResult, given: list[NDArray[Any]], prices: list[NDArray[Any]] | None, maximize: bool
) -> AssignmentBatch:
    sign = -1 if maximize else 1
    total = [_number(value, answer.row_duals.dtype == np.int64) for value in answer.total]
    bound = list(total)
    refused: dict[int, Exception] = {}
    for k in np.flatnonzero(answer.status != SolveStatus.OPTIMAL).tolist():
        n, m = given[k].shape
        status = SolveStatus(int(answer.status[k]))
        rows, cols = slice(*answer.row_ptr[k : k + 2]), slice(*answer.col_ptr[k : k + 2])
        if status is SolveStatus.STOPPED:
            bound[k] = dual_bound(answer.row_duals[rows], answer.col_duals[cols])
            if misses_rows(answer.col_for_row[rows], None if prices is None else prices[k], min(n, m)):
                total[k] = math.inf
            continue
        answer.col_for_row[rows] = -1
        total[k] = math.inf
        bound[k] = math.inf if status is SolveStatus.INFEASIBLE else -math.inf
        if status is SolveStatus.INVALID:
            i, j = divmod(int(answer.bad_cell[k]), m)
            refused[k] = ValueError(bad_cell_sentence(f"problems[{k}][{i}, {j}]", given[k][i, j]))
        elif status is SolveStatus.OVERFLOW:
            refused[k] = OverflowError(f"problems[{k}]: {overflow_sentence(answer.row_duals)}")
    return AssignmentBatch(
        status=answer.status,
        total_cost=_array([sign * value for value in total], answer.row_duals.dtype),
        lower_bound=_array([sign * value for value in bound], answer.row_duals.dtype),
        iterations=answer.iterations,
        row_ptr=answer.row_ptr,
        col_ptr=answer.col_ptr,
        col_for_row=answer.col_for_row,
        row_duals=sign * answer.row_duals,
        col_duals=sign * answer.col_duals,
        _witness_ptr=answer.witness_ptr,
        _witness=answer.witness,
        _refused=refused,
    )


def _array(values: list[int | float], dtype: np.dtype[Any]) -> NDArray[Any]:
    whole = dtype == np.int64 and not any(isinstance(value, float) for value in values)
    return np.array(values, np.int64 if whole else np.float64)


def _number(value: Any, whole: bool) -> int | float:
    return int(value) if whole and not math.isinf(value) else float(value)
