"""Sparse problems beyond the near cache: renumbered, and priced by epsilon where columns are contested."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse
from scipy.spatial import cKDTree

import matcher
from matcher.solve import SolveStatus
from matcher.verify import verify_assignment

NEIGHBOURS = 10
ROWS = 27_000  # more arcs than are solved in the order given


def near_columns(seed: int, dtype: type, cols: int = ROWS) -> scipy.sparse.csr_array:
    """Each row's nearest columns; half of the rows crowd where columns do not."""
    rng = np.random.default_rng(seed)
    rows = np.where(rng.random((ROWS, 1)) < 0.5, rng.normal(0.5, 0.1, (ROWS, 2)), rng.random((ROWS, 2)))
    far, which = cKDTree(rng.random((cols, 2))).query(rows, NEIGHBOURS)
    ptr = np.arange(ROWS + 1) * NEIGHBOURS
    cost = far.ravel() * 1e6
    made = scipy.sparse.csr_array(
        (np.rint(cost).astype(dtype) if dtype is np.int64 else cost, which.ravel(), ptr), shape=(ROWS, cols)
    )
    made.sort_indices()
    return made


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_proven_and_repeatable(dtype: type) -> None:
    """The duals prove the optimum by the checker's own code, and the same bytes come again."""
    costs = near_columns(3, dtype)
    found = matcher.solve_assignment(costs, unassigned_cost=9000)
    again = matcher.solve_assignment(costs, unassigned_cost=9000)
    check = verify_assignment(
        costs, found.col_for_row, found.row_duals, found.col_duals, unassigned_cost=9000, tolerance=1e-12
    )
    assert check.proves_optimum(0 if dtype is np.int64 else 1e-12), check
    assert 0 < np.count_nonzero(found.col_for_row < 0) < ROWS
    assert again.col_for_row.tobytes() == found.col_for_row.tobytes()
    assert again.row_duals.tobytes() == found.row_duals.tobytes()


def test_order_of_rows_has_no_say_in_the_total() -> None:
    """Rows and columns shuffled, some of them with prices of their own or none."""
    costs = near_columns(4, np.int64)
    rng = np.random.default_rng(5)
    prices = np.where(rng.random(ROWS) < 0.1, rng.integers(0, 20_000, ROWS), 9000).astype(np.float64)
    prices[np.arange(0, ROWS, 1000)] = math.inf
    rows, cols = rng.permutation(ROWS), rng.permutation(ROWS)
    plain = matcher.solve_assignment(costs, unassigned_cost=prices)
    shuffled = matcher.solve_assignment(costs[rows][:, cols], unassigned_cost=prices[rows])
    assert plain.status is shuffled.status is SolveStatus.OPTIMAL
    assert plain.total_cost == plain.lower_bound == shuffled.total_cost
    assert np.all(plain.col_for_row[np.isposinf(prices)] >= 0)


def test_witness_in_the_terms_given() -> None:
    """Rows that must be matched and reach too few columns are named by their own numbers."""
    costs = near_columns(6, np.int64, cols=30_000)
    found = matcher.solve_assignment(costs)
    assert found.status is SolveStatus.INFEASIBLE
    reached = np.unique(costs[found.witness].indices)
    assert len(reached) < len(found.witness)
    assert np.all(np.diff(found.witness) > 0)


def test_stopped_with_a_bound() -> None:
    """However early it stops, the matching is one and the bound holds."""
    costs = near_columns(3, np.int64)
    best = matcher.solve_assignment(costs, unassigned_cost=9000).total_cost
    for limit in (0, 10_000, 200_000):
        found = matcher.solve_assignment(costs, unassigned_cost=9000, max_iterations=limit)
        taken = found.col_for_row[found.col_for_row >= 0]
        assert len(np.unique(taken)) == len(taken)
        assert found.lower_bound <= best <= found.total_cost
