"""The k cheapest matchings (Murty), for exploration and for "why not that one?"."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matcher.kernels import MUST_MATCH, AssignmentResult, SolveStatus
from matcher.solve.assignment_arcs import MinimumArcs, minimum_arcs
from matcher.solve.assignment_input import overflow_sentence


@dataclass(frozen=True, slots=True, eq=False)
class RankedMatching:
    """One of the cheapest matchings."""

    col_for_row: NDArray[np.int32]
    """(n,) column of each row; -1: left out."""
    total_cost: int | float


def k_best_assignments(
    costs: ArrayLike | Any,
    k: int,
    *,
    unassigned_cost: float | ArrayLike | None = None,
    maximize: bool = False,
    capacities: ArrayLike | None = None,
) -> list[RankedMatching]:
    """The k cheapest distinct matchings, cheapest first; fewer when there are no more.

    Takes what `solve_assignment` takes, and raises what it raises. Each further matching costs at most one warm solve
    for every row.

    Method: Murty, Operations Research 16 (1968): the matchings other than the best are split by the first row that
    differs, and each part's best is found by a solve started from its parent. Equally cheap ones come in the order in
    which they were found, which is the same for the same input.
    """
    if k < 0:
        raise ValueError(f"k must not be negative, got {k}")
    problem = minimum_arcs(costs, unassigned_cost, maximize, capacities)
    sign = -1 if maximize else 1
    found: list[RankedMatching] = []
    order = count()
    waiting: list[tuple[Any, int, _Part, AssignmentResult[Any]]] = []

    def consider(part: _Part, parent: AssignmentResult[Any] | None) -> None:
        solved = part.solve(parent)
        if solved.status is SolveStatus.OVERFLOW:
            raise OverflowError(overflow_sentence(solved.row_duals))
        if solved.status is SolveStatus.OPTIMAL:
            heapq.heappush(waiting, (solved.total, next(order), part, solved))

    consider(_Part(problem, 0), None)
    while waiting and len(found) < k:
        total, _, part, solved = heapq.heappop(waiting)
        matching = problem.original(solved.col_for_row)
        found.append(RankedMatching(matching, sign * (int(total) if isinstance(total, int) else float(total))))
        if len(found) == k:
            break
        for child in part.split(solved.col_for_row):
            consider(child, solved)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Matchings in which the first `fixed` rows have a single choice left each."""

    problem: MinimumArcs
    fixed: int

    def solve(self, parent: AssignmentResult[Any] | None) -> AssignmentResult[Any]:
        return self.problem.solve(parent)

    def split(self, matching: NDArray[np.int32]) -> list[_Part]:
        """Parts that cover every other matching: row r differs, the rows before it do not."""
        ptr, col, cost, unassigned = self.problem.ptr, self.problem.col, self.problem.cost, self.problem.unassigned
        row = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
        parts = []
        for r in range(self.fixed, len(matching)):
            held = col == matching[row]
            before = (row < r) & ~held
            keep = ~before & ~((row == r) & held)
            prices = unassigned.copy()
            prices[:r] = np.where(matching[:r] < 0, prices[:r], _must(prices))
            if matching[r] < 0:
                prices[r] = _must(prices)
            kept = np.concatenate([[0], np.cumsum(np.bincount(row[keep], minlength=len(matching)))]).astype(np.int64)
            problem = replace(self.problem, ptr=kept, col=col[keep], cost=cost[keep], unassigned=prices)
            parts.append(_Part(problem, r))
        return parts


def _must(unassigned: NDArray[Any]) -> Any:
    return MUST_MATCH if unassigned.dtype == np.int64 else np.inf
