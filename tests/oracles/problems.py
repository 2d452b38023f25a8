"""Small random assignment problems of many kinds, for comparison suites."""

from __future__ import annotations

import numpy as np

from matcher.kernels import MUST_MATCH
from matcher.solve.rungs import SparseProblem


def sparse_problem(rng: np.random.Generator) -> SparseProblem:
    """Up to 6x6 pairs; ties, negative, huge and tiny costs, prices, rows that must be matched, empty sides."""
    n, m = int(rng.integers(0, 7)), int(rng.integers(0, 7))
    low, high = ((0, 2), (-3, 4), (0, 1000), (-(10**6), 10**6), (10**9, 10**9 + 5))[int(rng.integers(5))]
    costs = rng.integers(low, high, (n, m))
    allowed = rng.random((n, m)) < rng.choice([0.2, 0.5, 0.8, 1.0])
    kind = int(rng.integers(3))
    prices = rng.integers(low, high + 1, n)
    if kind == 0:
        prices = np.full(n, MUST_MATCH)
    elif kind == 1:
        prices = np.where(rng.random(n) < 0.5, prices, MUST_MATCH)
    row, col = np.nonzero(allowed)
    ptr = np.searchsorted(row, np.arange(n + 1)).astype(np.int64)
    return SparseProblem(ptr, col.astype(np.int32), costs[allowed].astype(np.int64), m, prices.astype(np.int64))


def dense(problem: SparseProblem) -> list[list[float | int]]:
    """The same costs as rows of a full matrix with math.inf where no pair is allowed."""
    rows: list[list[float | int]] = [[float("inf")] * problem.n_cols for _ in range(problem.n_rows)]
    for i, j, cost in zip(problem.row_of_arc().tolist(), problem.col.tolist(), problem.cost.tolist(), strict=True):
        rows[i][j] = cost
    return rows


def prices(problem: SparseProblem) -> list[float | int]:
    """Prices with math.inf for rows that must be matched."""
    return [float("inf") if price == MUST_MATCH else price for price in problem.unassigned.tolist()]
