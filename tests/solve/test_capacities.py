"""Columns that serve several rows: exact against listing every choice, certified, ranked, and refused by name."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import matcher
from matcher.solve import SolveStatus, assignment_sensitivity, k_best_assignments
from matcher.verify import verify_assignment


def every_matching(costs: np.ndarray, price: Any, places: list[int]) -> list[float]:
    """Totals of all matchings that obey the rules, cheapest first."""
    n, m = costs.shape
    totals = []
    for choice in itertools.product(range(-1, m), repeat=n):
        if any(choice.count(j) > places[j] for j in range(m)):
            continue
        if price is None and sum(j >= 0 for j in choice) != min(n, sum(places)):
            continue
        total = sum(costs[i, j] if j >= 0 else price for i, j in enumerate(choice)) if price is not None else sum(
            costs[i, j] for i, j in enumerate(choice) if j >= 0
        )  # fmt: skip
        if not math.isinf(total):
            totals.append(float(total))
    return sorted(totals)


problems = st.integers(0, 4).flatmap(
    lambda m: st.tuples(
        st.lists(st.lists(st.integers(-4, 9) | st.just(math.inf), min_size=m, max_size=m), max_size=4),
        st.lists(st.integers(0, 3), min_size=m, max_size=m),
    )
)


@settings(max_examples=500, deadline=None)
@given(problem=problems, price=st.none() | st.integers(-3, 6), maximize=st.booleans())
def test_exact_and_certified(problem: tuple[list[list[float]], list[int]], price: int | None, maximize: bool) -> None:
    """Dense and sparse give the least total there is, and the duals, each column's as often as its places, prove it."""
    rows, places = problem
    costs = np.array(rows, np.float64).reshape(len(rows), len(places))
    if maximize:
        costs = np.where(np.isinf(costs), costs, -costs)
        price = None if price is None else -price
    best = every_matching(-costs if maximize else costs, price if price is None or not maximize else -price, places)
    row, col = np.nonzero(~np.isinf(costs))
    sparse = scipy.sparse.coo_array((costs[row, col], (row, col)), shape=costs.shape)
    for form in (costs, sparse, np.asfortranarray(costs)):
        found = matcher.solve_assignment(form, unassigned_cost=price, maximize=maximize, capacities=places)
        if not best:
            assert found.status is SolveStatus.INFEASIBLE
            assert len(found.witness) > 0
            continue
        assert found.status is SolveStatus.OPTIMAL
        assert found.total_cost == (-best[0] if maximize else best[0])
        check = verify_assignment(
            form, found.col_for_row, found.row_duals, found.col_duals, unassigned_cost=price, maximize=maximize,
            capacities=places,
        )  # fmt: skip
        assert check.proves_optimum(1e-12), check


def test_the_documented_example() -> None:
    """Three riders, a van with two seats and a bike: integers stay integers and one number holds for all columns."""
    costs = np.array([[4, 9], [5, 6], [3, 8]])
    found = matcher.solve_assignment(costs, capacities=[2, 1])
    assert found.col_for_row.tolist() == [0, 1, 0]
    assert (found.total_cost, found.lower_bound, found.gap) == (13, 13, 0.0)
    assert isinstance(found.total_cost, int)
    assert matcher.solve_assignment(costs, capacities=3).total_cost == 12
    assert matcher.solve_assignment(costs, capacities=1).total_cost == matcher.solve_assignment(costs).total_cost
    assert matcher.solve_assignment(costs, capacities=0).col_for_row.tolist() == [-1, -1, -1]


def test_a_wrong_certificate_is_found_out() -> None:
    """The verifier must notice an overfull column, and duals that would only bound a column with one place."""
    costs = np.array([[1, 5], [1, 5], [1, 5]])
    good = matcher.solve_assignment(costs, capacities=[2, 2])
    arguments = (good.row_duals, good.col_duals)
    assert verify_assignment(costs, good.col_for_row, *arguments, capacities=[2, 2]).proves_optimum()
    overfull = verify_assignment(costs, np.zeros(3, int), *arguments, capacities=[2, 2])
    assert overfull.problems == ("column 0 serves more than its 2 rows",)
    assert not verify_assignment(costs, good.col_for_row, *arguments).proves_optimum()
    assert not verify_assignment(costs, good.col_for_row, *arguments, capacities=[3, 2]).proves_optimum()


@pytest.mark.parametrize("price", [None, 3])
def test_ranking_and_margins(price: float | None) -> None:
    """The k cheapest come in order, none twice (places of one column are not told apart), and margins are exact."""
    rng = np.random.default_rng(31)
    for n, m in ((3, 2), (2, 3), (4, 2)):
        for places in ([1] * m, [2] * m, [3, *[0] * (m - 1)], [1, 2, 1][:m]):
            costs = rng.integers(0, 12, (n, m)).astype(float)
            expected = every_matching(costs, price, places)
            ranked = k_best_assignments(costs, len(expected) + 2, unassigned_cost=price, capacities=places)
            assert [one.total_cost for one in ranked] == expected
            assert len({tuple(one.col_for_row.tolist()) for one in ranked}) == len(expected)
            margins = assignment_sensitivity(costs, unassigned_cost=price, capacities=places)
            for i, j in itertools.product(range(n), range(m)):
                forced = costs.copy()
                forced[i, j] -= 1000
                extra = every_matching(forced, price, places)[0] + 1000 - expected[0]
                assert margins.enter[i, j] == (extra if extra < 900 else math.inf), (i, j, places)
            for i, j in enumerate(margins.col_for_row.tolist()):
                if j >= 0:
                    without = costs.copy()
                    without[i, j] = math.inf
                    others = every_matching(without, price, places)
                    assert margins.stay[i] == (others[0] - expected[0] if others else math.inf), (i, places)


def test_warm_start() -> None:
    """From the last solution after some rows changed: the same total, in a fraction of the iterations."""
    rng = np.random.default_rng(32)
    costs, places = rng.integers(0, 10_000, (300, 40)), rng.integers(4, 12, 40)
    before = matcher.solve_assignment(costs, capacities=places)
    costs[::100] = rng.integers(0, 10_000, (3, 40))
    cold = matcher.solve_assignment(costs, capacities=places)
    warm = matcher.solve_assignment(costs, capacities=places, warm_start=before)
    assert warm.total_cost == cold.total_cost
    assert warm.iterations < cold.iterations / 5
    fewer = matcher.solve_assignment(costs, capacities=places // 2, warm_start=before)
    assert fewer.total_cost == matcher.solve_assignment(costs, capacities=places // 2).total_cost


def test_stopped_early_keeps_a_bound() -> None:
    """Any number of iterations gives a bound below the optimum and a matching above it."""
    rng = np.random.default_rng(33)
    costs = rng.integers(0, 1000, (40, 12))
    best = matcher.solve_assignment(costs, capacities=4, unassigned_cost=500)
    for limit in (0, 1, 7, 30, 60, 100):
        part = matcher.solve_assignment(costs, capacities=4, unassigned_cost=500, max_iterations=limit)
        assert part.iterations <= limit
        assert part.lower_bound <= best.total_cost <= part.total_cost < math.inf


@pytest.mark.parametrize(
    ("capacities", "error", "sentence"),
    [
        ([1, 2, 3], ValueError, r"2 \(one a column\), got shape \(3,\)"),
        ([1, -1], ValueError, r"capacities\[1\] must be between 0 and 2147483647, got -1"),
        (-1, ValueError, "capacities must be between 0"),
        (2**31, ValueError, "capacities must be between 0"),
        ([1.0, 2.0], TypeError, "capacities must be integers, got float64"),
        ("ab", TypeError, "capacities must be integers"),
    ],
)
def test_refusals_name_the_place(capacities: Any, error: type, sentence: str) -> None:
    """A wrong capacity is refused by name, never taken for another."""
    with pytest.raises(error, match=sentence):
        matcher.solve_assignment(np.ones((2, 2)), capacities=capacities)
