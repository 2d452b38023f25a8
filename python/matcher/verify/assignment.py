"""Checks an assignment from values alone: feasibility, total, optimality from the duals. No solver code is used."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class AssignmentCheck:
    """What the values say. `problems` is empty when the answer is feasible and its duals are."""

    total: float | int
    """Recomputed cost of the pairs and prices."""
    bound: float | int
    """Sum of the duals: no matching costs less (when maximizing: more), provided `problems` is empty."""
    problems: tuple[str, ...]
    """One sentence for each kind of violation, naming its first place."""

    @property
    def feasible_and_bounded(self) -> bool:
        """The matching obeys every rule and the bound holds."""
        return not self.problems

    def proves_optimum(self, tolerance: float = 0.0) -> bool:
        """No violation, and total and bound differ by at most `tolerance` of the larger (0: exactly equal)."""
        return not self.problems and abs(self.total - self.bound) <= tolerance * max(abs(self.total), abs(self.bound))


def verify_assignment(
    costs: ArrayLike | Any,
    col_for_row: NDArray[Any],
    row_duals: NDArray[Any],
    col_duals: NDArray[Any],
    *,
    unassigned_cost: float | ArrayLike | None = None,
    maximize: bool = False,
    tolerance: float = 0.0,
    capacities: ArrayLike | None = None,
) -> AssignmentCheck:
    """Check a matching and its duals against the costs, in one pass over them.

    Args:
        costs: (n, m) array or scipy.sparse matrix; +inf (when maximizing also -inf) or absent forbids a pair.
        col_for_row: (n,) columns, -1: left out.
        row_duals: (n,)
        col_duals: (m,)
        unassigned_cost: as given to the solver.
        maximize: as given to the solver.
        tolerance: by how much a float dual constraint may be broken, relative to the largest number in it; rounding
            needs about 1e-12. Integers are checked exactly and ignore it.
        capacities: as given to the solver; the bound counts each column's dual as often.

    Numbers that mean nothing (NaN, an infinite dual) are problems like any other. Raises OverflowError for integers
    beyond int64; sums of integers never wrap.
    """
    rows, cols, values, n, m = _pairs(costs)
    sign = -1 if maximize else 1
    problems: list[str] = []
    match = np.asarray(col_for_row)
    u, v = np.asarray(row_duals), np.asarray(col_duals)
    if match.shape != (n,) or u.shape != (n,) or v.shape != (m,):
        return AssignmentCheck(0, 0, (f"shapes {match.shape}, {u.shape}, {v.shape} do not fit {n} rows, {m} columns",))
    senseless = _senseless(rows, cols, values, match, u, v)
    if senseless:
        return AssignmentCheck(0, 0, senseless)
    u, v = _turned(u, sign), _turned(v, sign)
    allowed = ~np.isinf(values) if maximize else ~np.isposinf(values)
    rows, cols, values = rows[allowed], cols[allowed], _turned(values[allowed], sign)
    price, must = _prices(unassigned_cost, n, sign)
    places = np.broadcast_to(np.asarray(1 if capacities is None else capacities), (m,))
    if places.dtype.kind not in "iu" and m:
        return AssignmentCheck(0, 0, (f"capacities must be integers, are {places.dtype}",))
    wanted = min(n, sum(map(int, places)))
    exact = all(array.dtype.kind in "iuO" for array in (values, u, v, price))
    slack_unit = 0.0 if exact else tolerance
    if exact and sum(map(_magnitude, (values, u, v, price))) > np.iinfo(np.int64).max:
        values, u, v, price = (array.astype(object) for array in (values, u, v, price))  # sums could wrap

    if np.any((match < -1) | (match >= m)):
        problems.append(f"row {int(np.argmax((match < -1) | (match >= m)))} has a column that does not exist")
        match = np.where((match < -1) | (match >= m), -1, match)
    taken = match[match >= 0]
    counts = np.bincount(taken, minlength=m)
    if np.any(counts > places):
        j = int(np.argmax(counts > places))
        most = "one row" if places[j] == 1 else f"its {places[j]} rows"
        problems.append(f"column {j} serves more than {most}")
    used = match[rows] == cols
    cost_of_row = np.full(n, 2**64 if values.dtype == object else np.iinfo(np.int64).max if exact else np.inf,
                          dtype=values.dtype if exact else np.float64)  # fmt: skip
    np.minimum.at(cost_of_row, rows[used], values[used])  # the cheapest of parallel pairs counts
    has_pair = np.zeros(n, bool)
    has_pair[rows[used]] = True
    if np.any((match >= 0) & ~has_pair):
        i = int(np.argmax((match >= 0) & ~has_pair))
        problems.append(f"row {i} has column {int(match[i])}, a forbidden pair")
    if unassigned_cost is None:
        if len(taken) != wanted:
            problems.append(f"{len(taken)} pairs are made where {wanted} must be")
    elif np.any(must & (match < 0)):
        problems.append(f"row {int(np.argmax(must & (match < 0)))} must be matched and is not")

    def over(excess: NDArray[Any], *terms: NDArray[Any]) -> NDArray[np.bool_]:
        if exact:
            return np.asarray(excess > 0, bool)
        scale = np.maximum.reduce([np.abs(np.asarray(term, np.float64)) for term in terms])
        return np.asarray(excess > slack_unit * scale)

    broken = over(u[rows] + v[cols] - values, u[rows], v[cols], values)
    if np.any(broken):
        at = int(np.argmax(broken))
        problems.append(f"the duals of row {rows[at]} and column {cols[at]} exceed the cost of their pair")
    if unassigned_cost is not None:
        broken = ~must & over(u - price, u, price)
        if np.any(broken):
            problems.append(f"the dual of row {int(np.argmax(broken))} exceeds its price")
    free_rows = unassigned_cost is None and n > wanted
    optional = u if free_rows else v
    broken = over(optional, np.full_like(optional, max(1, np.max(np.abs(values), initial=0))))
    if np.any(broken):
        side = "row" if free_rows else "column"
        problems.append(f"the dual of {side} {int(np.argmax(broken))} has the wrong sign")

    paid = price[(match < 0) & ~must] if unassigned_cost is not None else price[:0]
    made = cost_of_row[has_pair]
    bound = _sum(u, v if capacities is None else _times(v, places), exact=exact)
    return AssignmentCheck(sign * _sum(made, paid, exact=exact), sign * bound, tuple(problems))


def _senseless(
    rows: NDArray[Any], cols: NDArray[Any], values: NDArray[Any], match: NDArray[Any], u: NDArray[Any], v: NDArray[Any]
) -> tuple[str, ...]:
    """Why nothing can be said of these values; empty: it can."""
    if match.dtype.kind not in "iu" and match.size:
        return (f"col_for_row must hold integers, holds {match.dtype}",)
    if values.dtype.kind == "f" and np.any(np.isnan(values)):
        at = int(np.argmax(np.isnan(values)))
        return (f"costs[{rows[at]}, {cols[at]}] is NaN",)
    for side, duals in (("row", u), ("column", v)):
        if duals.dtype.kind not in "iuf" and duals.size:
            return (f"the duals of the {side}s are no numbers but {duals.dtype}",)
        if not np.all(np.isfinite(duals)):
            return (f"the dual of {side} {int(np.argmin(np.isfinite(duals)))} is not finite",)
    return ()


def _turned(values: NDArray[Any], sign: int) -> NDArray[Any]:
    """Times 1 or -1; the lowest integer has no opposite of its own type."""
    if sign < 0 and values.dtype.kind in "iu" and values.size:
        return sign * (
            values.astype(object) if _magnitude(values) > np.iinfo(np.int64).max else values.astype(np.int64)
        )
    return values if sign > 0 else sign * values


def _magnitude(values: NDArray[Any]) -> int:
    return max((abs(int(values.max())), abs(int(values.min()))), default=0) if values.size else 0


def _pairs(costs: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any], int, int]:
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(costs):
        coo = costs.tocoo()
        n, m = coo.shape
        return coo.row.astype(np.int64), coo.col.astype(np.int64), _widest(coo.data), n, m
    matrix = np.asarray(costs)
    n, m = matrix.shape
    rows, cols = np.divmod(np.arange(n * m, dtype=np.int64), max(m, 1))
    return rows, cols, _widest(matrix.ravel()), n, m


def _widest(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype == np.uint64 and _magnitude(values) > np.iinfo(np.int64).max:
        raise OverflowError("costs hold an integer beyond int64")
    return values.astype(np.int64 if values.dtype.kind in "iub" else np.float64)


def _prices(unassigned_cost: Any, n: int, sign: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    if unassigned_cost is None:
        return np.zeros(n, np.int64), np.ones(n, bool)
    price = np.broadcast_to(_widest(np.asarray(unassigned_cost)), (n,))
    must = np.isinf(price)
    price = sign * np.where(must, 0, price)
    if price.dtype.kind == "f" and np.all(price == np.rint(price)) and np.all(np.abs(price) < 2.0**62):
        price = price.astype(np.int64)
    return price, must


def _times(duals: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    """Each dual as often as its column has places; integers without a limit."""
    if duals.dtype.kind == "f":
        return np.asarray(duals * places)
    return np.array([int(dual) * int(times) for dual, times in zip(duals, places, strict=True)], dtype=object)


def _sum(*parts: NDArray[Any], exact: bool) -> float | int:
    if exact:
        return sum(int(value) for part in parts for value in part)
    return math.fsum(float(value) for part in parts for value in part)
