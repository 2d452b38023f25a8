"""`solve_assignment`: one call for any assignment problem, with its certificate."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matcher.kernels import (
    MUST_MATCH,
    AssignmentResult,
    CancelToken,
    SolveStatus,
    SparseResolver,
    assignment_result,
    dense_assignment,
    sparse_arcs_assignment,
    usual_assignment,
)
from matcher.solve.assignment_input import (
    bad_cell_sentence,
    column_places,
    is_sparse,
    kernel_numbers,
    minimum_rows,
    negated,
    one_type,
    out_of_proportion,
    overflow_sentence,
    plain_array,
    refuse_repeated,
    row_prices,
    sides,
)

_OPTIMAL = SolveStatus.OPTIMAL  # looking a member up takes longer than all else around a small problem


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentSolution:
    """A matching with the duals that bound it.

    For a minimum: ``row_duals[i] + col_duals[j] <= costs[i, j]`` for every allowed pair, ``row_duals[i]`` is at most
    the price of leaving row i out, ``col_duals`` at most zero. (More rows than columns and no price: ``row_duals`` at
    most zero, ``col_duals`` free.) For a maximum every sign turns. Integer costs give integer arrays and exact sums.
    """

    col_for_row: NDArray[np.int32]
    """(n,) column of each row; -1: left out."""
    total_cost: int | float
    """Cost of the pairs made and the prices paid; infinite when the matching misses rows that it must match."""
    row_duals: NDArray[Any]
    """(n,) int64 or float64."""
    col_duals: NDArray[Any]
    """(m,) int64 or float64."""
    lower_bound: int | float
    """No matching costs less (when maximizing: more)."""
    gap: float
    """|total_cost - lower_bound| / |total_cost|; 0 when both are 0."""
    status: SolveStatus
    """OPTIMAL, INFEASIBLE or STOPPED."""
    iterations: int
    """Bids made and rows visited."""
    witness: NDArray[np.int32]
    """When INFEASIBLE: rows that together reach fewer columns than they are (more rows than columns and no price:
    columns that reach fewer rows); else empty."""
    resolver: SparseResolver | None = field(default=None, repr=False)
    """After a warm start of a sparse problem: copies of its rows, for the next one; about 50 bytes a stored entry, one
    for all solutions of a chain. Never part of the answer."""

    def carried(self, rows: ArrayLike, cols: ArrayLike) -> WarmStart:
        """This solution as a start for a changed problem.

        rows, cols: for each row and column of the new problem its index in this one, -1 where it is new.
        """
        old_row, old_col = np.asarray(rows, np.int64), np.asarray(cols, np.int64)
        duals = np.zeros(len(old_col), self.col_duals.dtype)
        duals[old_col >= 0] = self.col_duals[old_col[old_col >= 0]]
        new_col = np.full(len(self.col_duals) + 1, -1, np.int32)  # the last stands for no column
        new_col[old_col[old_col >= 0]] = np.flatnonzero(old_col >= 0)
        matching = np.full(len(old_row), -1, np.int32)
        matching[old_row >= 0] = new_col[self.col_for_row[old_row[old_row >= 0]]]
        return WarmStart(duals, matching, self.resolver, None if self.resolver is None else old_row.astype(np.int32))


@dataclass(frozen=True, slots=True, eq=False)
class WarmStart:
    """What an earlier solve knew: column duals, and each row's column (-1: none). See `AssignmentSolution.carried`."""

    col_duals: NDArray[Any]
    col_for_row: NDArray[np.int32]
    resolver: SparseResolver | None = field(default=None, repr=False)
    old_row: NDArray[np.int32] | None = field(default=None, repr=False)
    """For each row the one it was in the problem that `resolver` knows, -1 where it is new; None: the same."""


def solve_assignment(
    costs: ArrayLike | Any,
    *,
    unassigned_cost: float | ArrayLike | None = None,
    maximize: bool = False,
    warm_start: AssignmentSolution | WarmStart | None = None,
    max_iterations: int | None = None,
    time_limit: float | None = None,
    cancel: CancelToken | None = None,
    capacities: ArrayLike | None = None,
) -> AssignmentSolution:
    """Find the cheapest matching of rows to columns, and prove it.

    Args:
        costs: (n, m) array, or a scipy.sparse matrix or array whose stored entries are the allowed pairs (a stored zero
            is a pair that costs nothing). Integers are solved exactly as int64, floats as float64. +inf forbids a pair
            (when maximizing, -inf does too). Dense float32, float64, int32 and int64 of any strides are read where they
            lie; other types are converted.
        unassigned_cost: price of leaving a row out, one for all or one a row; +inf: the row must be matched. None: as
            many pairs as the smaller side has must be made.
        maximize: look for the dearest matching; prices are then the value of leaving a row out.
        warm_start: an earlier solution of a problem of this shape, or one carried over to it. It shortens the solve and
            never changes the total; among equally cheap matchings it may lead to another. A sparse problem's rows are
            kept from the first warm start on (``AssignmentSolution.resolver``), and the next reads only those that
            differ from them in a bit.
        max_iterations: stop after so many bids and rows visited, with the best matching so far and a bound that holds.
        time_limit: stop so many seconds after the call in the same way. What is found then depends on the machine's
            speed; for answers that can be had again limit the iterations.
        cancel: raised from another thread, stops the solve in the same way.
        capacities: how many rows each column may serve, one number for all or one a column, 0 or more; None: one row
            each. Then ``lower_bound`` counts each column's dual as often as its capacity, and without an
            ``unassigned_cost`` as many pairs must be made as there are rows or places, whichever are fewer.

    Equal input gives equal output; rows are served in ascending order and ties go to the lowest column of a scan. The
    input is read with the GIL released: do not change it meanwhile from another thread.

    Raises:
        ValueError: wrong shape, NaN (the message names the cell), an infinity of the wrong sign, a pair stored twice.
        TypeError: not numbers.
        OverflowError: sums of these costs could leave int64 or float64.
    """
    if (
        warm_start is None
        and max_iterations is None
        and time_limit is None
        and cancel is None
        and capacities is None
        and not maximize
    ):
        # The usual case in one native call: a Python frame or two would take longer than small problems do.
        answer = usual_assignment(AssignmentSolution, _OPTIMAL, costs, unassigned_cost)
        if isinstance(answer, AssignmentSolution):
            return answer
        if answer is not None:
            matrix = np.asarray(costs)
            prices = row_prices(unassigned_cost, len(matrix), maximize)
            return _dense_solution(assignment_result(answer), matrix, prices, maximize=False, places=None)
    if max_iterations is not None and max_iterations < 0:
        raise ValueError(f"max_iterations must not be negative, got {max_iterations}")
    solve = _solve_sparse if is_sparse(costs) else _solve_dense
    if time_limit is None:
        return solve(costs, unassigned_cost, maximize, warm_start, _Limits(max_iterations, cancel), capacities)
    with stopped_after(time_limit, cancel) as token:
        return solve(costs, unassigned_cost, maximize, warm_start, _Limits(max_iterations, token), capacities)


@dataclass(frozen=True, slots=True)
class _Limits:
    max_iterations: int | None
    cancel: CancelToken | None


@contextmanager
def stopped_after(seconds: float, cancel: CancelToken | None) -> Iterator[CancelToken]:
    """A token that is raised when `seconds` have passed, and with `cancel`.

    No clock is read: a timer thread, which does not outlive the block, raises it.
    """
    if not seconds >= 0:
        raise ValueError(f"time_limit must not be negative, got {seconds}")
    with (cancel or CancelToken()).child() as token:
        if seconds == 0:
            token.cancel()  # the work might be done before a timer's thread begins
        timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), token.cancel)
        timer.start()
        try:
            yield token
        finally:
            timer.cancel()
            timer.join()


def _solve_dense(
    costs: Any,
    unassigned_cost: Any,
    maximize: bool,
    warm_start: AssignmentSolution | WarmStart | None,
    limits: _Limits,
    capacities: Any,
) -> AssignmentSolution:
    matrix = plain_array(costs, "costs")
    n, m = sides(matrix)
    values = kernel_numbers(matrix, "costs", small=True)
    values, prices = one_type(values, row_prices(unassigned_cost, n, maximize))
    if maximize:
        values = negated(values)
    duals, matching = _start(warm_start, values, prices, n, m, maximize)
    places = column_places(capacities, m)

    def solve(duals: NDArray[Any] | None, matching: NDArray[np.int32] | None) -> AssignmentResult[Any]:
        return dense_assignment(
            values,
            prices,
            max_iterations=limits.max_iterations,
            cancel=limits.cancel,
            start_duals=duals,
            start_matching=matching,
            capacities=places,
        )

    result = _from_start(solve, duals, matching)
    return _dense_solution(result, matrix, prices, maximize=maximize, places=places)


def _dense_solution(
    result: AssignmentResult[Any],
    matrix: NDArray[Any],
    prices: NDArray[Any] | None,
    *,
    maximize: bool,
    places: NDArray[np.int32] | None,
) -> AssignmentSolution:
    n, m = matrix.shape
    if result.status is SolveStatus.INVALID:
        raise ValueError(
            bad_cell_sentence(f"costs[{result.bad_cell // m}, {result.bad_cell % m}]", matrix.flat[result.bad_cell])
        )
    return _solution(result, prices, n, m, maximize, places)


def _solve_sparse(
    costs: Any,
    unassigned_cost: Any,
    maximize: bool,
    warm_start: AssignmentSolution | WarmStart | None,
    limits: _Limits,
    capacities: Any,
) -> AssignmentSolution:
    n, m = sides(costs)
    rows = costs.tocsr()
    if costs.format == "coo" and rows.nnz != costs.nnz:  # tocsr() has added them up
        refuse_repeated(np.asarray(costs.row, np.int64) * m + costs.col, m)
    prices = row_prices(unassigned_cost, n, maximize)
    places = column_places(capacities, m)
    resolver = None
    if warm_start is not None and places is None and (prices is not None or n <= m):
        resolver = warm_start.resolver or SparseResolver()
        old_row = warm_start.old_row if isinstance(warm_start, WarmStart) else None
        arcs, values, prices = minimum_rows(rows, prices, maximize)
        duals, matching = _start(warm_start, values, prices, n, m, maximize)
        result = resolver.solve(
            *arcs,
            values,
            m,
            prices,
            max_iterations=limits.max_iterations,
            cancel=limits.cancel,
            start_duals=duals,
            start_matching=matching,
            old_row=old_row,
        )
        if result is not None:
            return _solution(result, prices, n, m, maximize, places, resolver)
    if not rows.has_sorted_indices:
        rows = rows.sorted_indices()
    if not rows.has_canonical_format:
        row_of = np.repeat(np.arange(n, dtype=np.int64), np.diff(rows.indptr))
        refuse_repeated(row_of * m + rows.indices, m)
    (ptr, col), values, prices = minimum_rows(rows, prices, maximize)
    duals, matching = _start(warm_start, values, prices, n, m, maximize)
    narrow = col.astype(np.int32, copy=False)

    def solve(duals: NDArray[Any] | None, matching: NDArray[np.int32] | None) -> AssignmentResult[Any]:
        return sparse_arcs_assignment(
            ptr,
            narrow,
            values,
            m,
            prices,
            max_iterations=limits.max_iterations,
            cancel=limits.cancel,
            start_duals=duals,
            start_matching=matching,
            capacities=places,
        )

    result = _from_start(solve, duals, matching)
    if result.status is SolveStatus.INVALID:
        at = result.bad_cell
        i = int(np.searchsorted(rows.indptr, at, side="right")) - 1
        raise ValueError(bad_cell_sentence(f"costs[{i}, {rows.indices[at]}]", rows.data[at]))
    return _solution(result, prices, n, m, maximize, places, resolver)


def _from_start(
    solve: Callable[[NDArray[Any] | None, NDArray[np.int32] | None], AssignmentResult[Any]],
    duals: NDArray[Any] | None,
    matching: NDArray[np.int32] | None,
) -> AssignmentResult[Any]:
    """The solve from these duals and this matching, or without them where they, and not the costs, overflow."""
    result = solve(duals, matching)
    if result.status is SolveStatus.OVERFLOW and duals is not None:
        return solve(None, None)
    return result


def _start(
    warm_start: AssignmentSolution | WarmStart | None,
    values: NDArray[Any],
    prices: NDArray[Any] | None,
    n: int,
    m: int,
    maximize: bool,
) -> tuple[NDArray[Any] | None, NDArray[np.int32] | None]:
    if warm_start is None:
        return None, None
    if not isinstance(warm_start, (AssignmentSolution, WarmStart)):
        raise TypeError(f"warm_start must be an AssignmentSolution or a WarmStart, got {type(warm_start).__name__}")
    duals, matching = np.asarray(warm_start.col_duals), np.asarray(warm_start.col_for_row)
    if duals.shape != (m,) or matching.shape != (n,):
        raise ValueError(
            f"warm_start has {matching.shape[0]} rows and {duals.shape[0]} columns, costs has {n} and {m}; "
            "see AssignmentSolution.carried"
        )
    if matching.dtype.kind not in "iu":
        raise TypeError(f"warm_start.col_for_row must hold integers, got {matching.dtype}")
    whole = duals.dtype.kind == "i"
    if not whole and not np.all(np.isfinite(duals)):
        raise ValueError("warm_start.col_duals must be finite")
    sums = np.int64 if values.dtype.kind == "i" else np.float64
    if out_of_proportion(duals, values, prices):
        duals = np.zeros(m, sums)
    duals = -duals if maximize else duals
    if values.dtype.kind == "i" and not whole:
        duals = np.floor(duals)
    return np.ascontiguousarray(duals, sums), np.ascontiguousarray(matching, np.int32)


def _optimum(result: AssignmentResult[Any], resolver: SparseResolver | None) -> AssignmentSolution:
    # Nothing to work out. The duals add up to the total, in floats up to rounding.
    return AssignmentSolution(
        result.col_for_row,
        result.total,
        result.row_duals,
        result.col_duals,
        result.total,
        0.0,
        _OPTIMAL,
        result.iterations,
        result.witness,
        resolver,
    )


def _solution(
    result: Any,
    prices: NDArray[Any] | None,
    n: int,
    m: int,
    maximize: bool,
    places: NDArray[np.int32] | None,
    resolver: SparseResolver | None = None,
) -> AssignmentSolution:
    if result.status is SolveStatus.OPTIMAL and not maximize:
        return _optimum(result, resolver)
    if result.status is SolveStatus.OVERFLOW:
        raise OverflowError(overflow_sentence(result.row_duals))
    total: int | float = int(result.total) if _exact(result) else float(result.total)
    if result.status is SolveStatus.INFEASIBLE:
        result.col_for_row.fill(-1)
    wanted = min(n, m if places is None else int(places.sum(dtype=np.int64)))
    if result.status is SolveStatus.INFEASIBLE or misses_rows(result.col_for_row, prices, wanted):
        total = math.inf
    sign = -1 if maximize else 1
    bound = total  # OPTIMAL: equal in exact arithmetic; for floats the two sums differ by rounding only
    if result.status is SolveStatus.STOPPED:
        bound = dual_bound(result.row_duals, result.col_duals, places)
    return AssignmentSolution(
        col_for_row=result.col_for_row,
        total_cost=sign * total,
        row_duals=sign * result.row_duals,
        col_duals=sign * result.col_duals,
        lower_bound=sign * bound,
        gap=relative_gap(total, bound),
        status=result.status,
        iterations=result.iterations,
        witness=result.witness,
        resolver=resolver,
    )


def _exact(result: Any) -> bool:
    return bool(result.row_duals.dtype == np.int64)


def dual_bound(
    row_duals: NDArray[Any], col_duals: NDArray[Any], places: NDArray[np.int32] | None = None
) -> int | float:
    """The sum of the duals, columns as often as they have places; exact for integers."""
    if row_duals.dtype == np.int64:
        times = np.ones(len(col_duals), np.int64) if places is None else places.astype(np.int64)
        used = col_duals != 0
        paid = int(times[used] @ (col_duals[used] >> 16)) * 2**16 + int(times[used] @ (col_duals[used] & 0xFFFF))
        return int((row_duals >> 32).sum()) * 2**32 + int((row_duals & 0xFFFFFFFF).sum()) + paid
    return math.fsum(row_duals) + math.fsum(col_duals if places is None else col_duals * places)


def misses_rows(col_for_row: NDArray[np.int32], prices: NDArray[Any] | None, wanted: int) -> bool:
    """Whether a row without a price is left out, or fewer than `wanted` pairs are made where there are no prices."""
    if prices is None:
        return int(np.count_nonzero(col_for_row >= 0)) < wanted
    must = np.isposinf(prices) if prices.dtype == np.float64 else prices == MUST_MATCH
    return bool(np.any(must & (col_for_row < 0)))


def relative_gap(total: int | float, bound: int | float) -> float:
    """See `AssignmentSolution.gap`."""
    if total == bound:
        return 0.0
    if math.isinf(total) or math.isinf(bound):
        return math.inf
    return float(abs(total - bound) / abs(total)) if total else math.inf
