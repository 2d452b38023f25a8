"""Small sparse problems in which nearly all rows must be matched: larger bids come before paths."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from scipy.spatial import cKDTree

import matcher
from matcher.solve import SolveStatus
from matcher.verify import verify_assignment

ROWS, NEIGHBOURS, PRICE = 350, 40, 10_000_000


def crowded(seed: int, dtype: type) -> scipy.sparse.csr_array:
    """Each row's nearest columns; rows and columns crowd in different places."""
    rng = np.random.default_rng(seed)
    rows, cols = (
        np.where(rng.random((ROWS, 1)) < 0.5, rng.normal(rng.random(2), 0.06, (ROWS, 2)), rng.random((ROWS, 2)))
        for _ in range(2)
    )
    far, which = cKDTree(cols).query(rows, NEIGHBOURS)
    cost = far.ravel() * 1e7
    ptr = np.arange(ROWS + 1) * NEIGHBOURS
    made = scipy.sparse.csr_array(
        (np.rint(cost).astype(dtype) if dtype is np.int64 else cost, which.ravel(), ptr), shape=(ROWS, ROWS)
    )
    made.sort_indices()
    return made


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_optimal_in_little_work(seed: int, dtype: type) -> None:
    """The total is that of a dense solver; paths without those bids would take 20 to 26 steps a row."""
    costs = crowded(seed, dtype)
    found = matcher.solve_assignment(costs, unassigned_cost=PRICE)
    full = np.full((ROWS, 2 * ROWS), float(PRICE))
    full[:, :ROWS][costs.nonzero()] = costs.data
    i, j = scipy.optimize.linear_sum_assignment(full)
    assert found.total_cost == pytest.approx(full[i, j].sum(), rel=1e-12)
    check = verify_assignment(
        costs, found.col_for_row, found.row_duals, found.col_duals, unassigned_cost=PRICE, tolerance=1e-12
    )
    assert check.proves_optimum(0 if dtype is np.int64 else 1e-12), check
    assert 0 < np.count_nonzero(found.col_for_row < 0) < ROWS
    assert found.iterations < 18 * ROWS


def test_any_start_gives_the_same_total() -> None:
    """Duals of another problem, with rows kept from it, and prices of which one is infinite."""
    costs, prices = crowded(0, np.int64), np.full(ROWS, float(PRICE))
    prices[17] = np.inf
    other = matcher.solve_assignment(crowded(1, np.int64), unassigned_cost=prices)
    cold = matcher.solve_assignment(costs, unassigned_cost=prices)
    for _ in range(2):
        warm = matcher.solve_assignment(costs, unassigned_cost=prices, warm_start=other)
        assert warm.status is cold.status is SolveStatus.OPTIMAL
        assert warm.total_cost == warm.lower_bound == cold.total_cost
        other = warm
