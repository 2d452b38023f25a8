"""Ranked matchings and margins, against listing every matching there is."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.sparse

from matcher.solve import assignment_sensitivity, k_best_assignments, solve_assignment


def every_matching(costs: np.ndarray, price: float | None) -> list[float]:
    """Totals of all complete matchings, cheapest first."""
    n, m = costs.shape
    if price is None and n > m:
        return every_matching(costs.T, None)
    totals = []
    for choice in itertools.product(range(-1, m), repeat=n):
        taken = [j for j in choice if j >= 0]
        if len(set(taken)) < len(taken) or (price is None and len(taken) < n):
            continue
        total = sum(costs[i, j] if j >= 0 else price for i, j in enumerate(choice))
        if not math.isinf(total):
            totals.append(total)
    return sorted(totals)


@pytest.mark.parametrize("price", [None, 3])
def test_ranking_lists_every_matching_in_order(price: float | None) -> None:
    """The first k totals are the k least, ties counted one by one, and no matching comes twice."""
    rng = np.random.default_rng(8)
    for n, m in ((3, 3), (2, 4), (4, 2), (1, 3), (0, 2)):
        for top in (2, 50):
            costs = rng.integers(0, top, (n, m)).astype(float)
            costs[rng.random((n, m)) < 0.2] = math.inf
            expected = every_matching(costs, price)
            ranked = k_best_assignments(costs, len(expected) + 3, unassigned_cost=price)
            assert [one.total_cost for one in ranked] == expected
            assert len({tuple(one.col_for_row.tolist()) for one in ranked}) == len(expected)


def test_ranking_other_inputs() -> None:
    """Sparse, whole and maximizing inputs rank as the dense minimum does."""
    costs = np.array([[4, 1, 3], [2, 0, 5], [3, 2, 2]])
    least = [one.total_cost for one in k_best_assignments(costs, 6)]
    assert least == sorted(least) == every_matching(costs, None)
    assert all(isinstance(total, int) for total in least)
    assert [one.total_cost for one in k_best_assignments(scipy.sparse.csr_array(costs + 1), 6)] == [
        t + 3 for t in least
    ]
    assert [one.total_cost for one in k_best_assignments(costs, 6, maximize=True)] == least[::-1]
    assert k_best_assignments(costs, 0) == []
    with pytest.raises(ValueError, match="must not be negative"):
        k_best_assignments(costs, -1)


@pytest.mark.parametrize("price", [None, 6])
def test_margins_are_exact(price: float | None) -> None:
    """Insisting on a pair costs exactly its margin; raising what a row does now costs its margin and no more."""
    rng = np.random.default_rng(9)
    for n, m in ((4, 4), (3, 5), (5, 3), (1, 2)):
        for _ in range(12):
            costs = rng.integers(0, 12, (n, m)).astype(float)
            costs[rng.random((n, m)) < 0.15] = math.inf
            best = solve_assignment(costs, unassigned_cost=price)
            if best.status != 1:
                continue
            margins = assignment_sensitivity(costs, unassigned_cost=price)
            for i, j in itertools.product(range(n), range(m)):
                if math.isinf(costs[i, j]):
                    assert margins.enter[i, j] == math.inf
                    continue
                forced = costs.copy()
                forced[i, j] -= 1000
                with_pair = solve_assignment(forced, unassigned_cost=price).total_cost + 1000
                expected = with_pair - best.total_cost if with_pair - best.total_cost < 900 else math.inf
                assert margins.enter[i, j] == expected, (i, j)
            for i, j in enumerate(margins.col_for_row.tolist()):
                if j < 0:
                    continue
                without = costs.copy()
                without[i, j] = math.inf
                other = solve_assignment(without, unassigned_cost=price)
                assert margins.stay[i] == other.total_cost - best.total_cost


def test_margins_need_an_optimum() -> None:
    """Nothing is said about a problem without complete matching."""
    with pytest.raises(ValueError, match="INFEASIBLE"):
        assignment_sensitivity(np.array([[math.inf]]))
