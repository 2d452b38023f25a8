"""By how much each cost may change before another matching is as cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matcher.kernels import MUST_MATCH, SolveStatus
from matcher.solve.assignment_arcs import minimum_arcs
from matcher.solve.assignment_input import overflow_sentence


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivity:
    """Exact margins of an optimum, one pair changed at a time. For a maximum read "rise" for "fall" and so on."""

    enter: NDArray[Any]
    """(n, m) how far the pair's cost must fall before some cheapest matching has it: the extra cost of insisting on it.
    0 for pairs in the matching, inf for forbidden pairs and pairs no complete matching can have."""
    stay: NDArray[Any]
    """(n,) how far the cost of what the row does now (its pair, or staying out) may rise while that stays cheapest."""
    col_for_row: NDArray[np.int32]
    """(n,) the matching the margins belong to."""


def assignment_sensitivity(
    costs: ArrayLike | Any,
    *,
    unassigned_cost: float | ArrayLike | None = None,
    maximize: bool = False,
    capacities: ArrayLike | None = None,
) -> Sensitivity:
    """Margins around the optimum of `solve_assignment` for the same arguments.

    Insisting on a pair sets off a chain of moves that ends where the pair's row came from; the cheapest chain is a
    shortest path over columns, plus one node for all that is left out. All of them at once: Floyd-Warshall, O(m^3) time
    and O(m^2) memory, meant for up to a thousand columns. Raises ValueError when no complete matching exists, and
    what `solve_assignment` raises.
    """
    p = minimum_arcs(costs, unassigned_cost, maximize, capacities)
    n, m = len(p.ptr) - 1, p.n_cols
    solved = p.solve()
    if solved.status is SolveStatus.OVERFLOW:
        raise OverflowError(overflow_sentence(solved.row_duals))
    if solved.status is not SolveStatus.OPTIMAL:
        raise ValueError(f"there is no optimum to look around: {solved.status.name}")
    at = solved.col_for_row.astype(np.int64)
    home = np.where(at >= 0, at, m)
    u, v = solved.row_duals.astype(np.float64), solved.col_duals.astype(np.float64)
    row = np.repeat(np.arange(n), np.diff(p.ptr))
    slack = np.full((n, m + 1), np.inf)
    np.minimum.at(slack, (row, p.col), np.maximum(p.cost - u[row] - v[p.col], 0.0))
    priced = p.unassigned != (MUST_MATCH if p.unassigned.dtype == np.int64 else np.inf)
    slack[priced, m] = np.maximum(p.unassigned[priced] - u[priced], 0.0)

    # away[a, b]: cheapest chain of moves that starts with the row at column a leaving it and ends at column b.
    away = np.full((m + 1, m + 1), np.inf)
    np.minimum.at(away, home, slack)
    held = np.bincount(at[at >= 0], minlength=m)
    full = held >= (1 if p.capacities is None else p.capacities)
    away[:m, m] = np.where(full, away[:m, m], 0.0)
    away[m, :m] = np.minimum(away[m, :m], np.where(held > 0, -v, np.where(full, np.inf, 0.0)))
    np.fill_diagonal(away, 0.0)
    for through in range(m + 1):
        np.minimum(away, away[:, through, None] + away[None, through, :], out=away)

    back = slack + away[:, home].T  # (n, m + 1): row i goes there, and the chain comes home
    back[np.arange(n), home] = np.inf
    stay = back.min(axis=1, initial=np.inf)
    back[np.arange(n), home] = 0.0
    enter = back[:, :m]
    matching = p.original(solved.col_for_row)
    if p.transposed:
        turned = np.full(m, np.inf)
        turned[at] = stay
        loose = np.flatnonzero(matching < 0)
        turned[loose] = enter.T[loose].min(axis=1, initial=np.inf)
        return Sensitivity(enter.T.copy(), turned, matching)
    return Sensitivity(enter[:, : m - 1].copy() if p.spare else enter.copy(), stay, matching)
