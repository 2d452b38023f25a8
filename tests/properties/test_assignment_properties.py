"""Invariants of `solve_assignment` over generated matrices of every kind."""

from __future__ import annotations

import math

import numpy as np
import scipy.optimize
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.oracles.assignment import cheapest_total

import matcher
from matcher.solve import SolveStatus
from matcher.verify import verify_assignment

shapes = st.tuples(st.integers(0, 6), st.integers(0, 6))
integers = shapes.flatmap(
    lambda shape: hnp.arrays(np.int64, shape, elements=st.integers(-5, 5) | st.integers(-(2**53), 2**53))
)
magnitudes = st.sampled_from([0.0, 1.0, 0.1, 1e-300, 1e300, -1e300, math.inf])
floats = shapes.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=magnitudes | st.floats(-1e6, 1e6)))
prices = st.none() | st.integers(-6, 6) | st.just(math.inf)


@settings(max_examples=600, deadline=None)
@given(costs=integers, price=prices, maximize=st.booleans())
def test_integers_are_exact(costs: np.ndarray, price: float | None, maximize: bool) -> None:
    """Against exact fractions: the total is the least there is, and the duals prove it to the last digit."""
    sign = -1 if maximize else 1
    rows = [[sign * int(cost) for cost in row] for row in costs]
    out = None if price is None else [price if math.isinf(price) else sign * price] * len(rows)
    best = cheapest_total(rows, out, costs.shape[1])
    solution = matcher.solve_assignment(costs, unassigned_cost=price, maximize=maximize)
    if best is None:
        assert solution.status is SolveStatus.INFEASIBLE
        return
    assert solution.status is SolveStatus.OPTIMAL
    assert solution.total_cost == sign * best
    verdict = verify_assignment(
        costs,
        solution.col_for_row,
        solution.row_duals,
        solution.col_duals,
        unassigned_cost=price,
        maximize=maximize,
    )
    assert verdict.proves_optimum(), verdict


@settings(max_examples=600, deadline=None)
@given(costs=floats, price=prices)
def test_floats_are_optimal_up_to_rounding(costs: np.ndarray, price: float | None) -> None:
    """1e300 beside 1e-300 and forbidden pairs: within rounding of the exact optimum, sparse form as dense."""
    out = None if price is None else [price] * len(costs)
    best = cheapest_total(costs.tolist(), out, costs.shape[1])
    finite = costs[np.isfinite(costs)]
    scale = float(np.max(np.abs(finite), initial=6.0)) * (sum(costs.shape) + 1)
    row, col = np.nonzero(~np.isinf(costs))
    sparse = scipy.sparse.coo_array((costs[row, col], (row, col)), shape=costs.shape)
    for form in (costs, sparse, np.asfortranarray(costs)):
        solution = matcher.solve_assignment(form, unassigned_cost=price)
        if best is None:
            assert solution.status is SolveStatus.INFEASIBLE
            assert_hall(costs, solution.witness, by_column=price is None and costs.shape[0] > costs.shape[1])
        else:
            assert solution.status is SolveStatus.OPTIMAL
            assert abs(solution.total_cost - float(best)) <= 1e-14 * scale


def assert_hall(costs: np.ndarray, witness: np.ndarray, by_column: bool) -> None:
    """The witness rows (or columns) reach fewer partners than they are: nobody can match them all."""
    allowed = ~np.isinf(costs.T if by_column else costs)
    assert allowed[witness].any(axis=0).sum() < len(witness)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 60), m=st.integers(1, 60), top=st.sampled_from([2, 10, 10**9]), seed=st.integers(0, 2**32 - 1))
def test_larger_integers_agree_with_scipy(n: int, m: int, top: int, seed: int) -> None:
    """An independent exact solver, at sizes where brute force ends."""
    costs = np.random.default_rng(seed).integers(0, top, (n, m))
    row, col = scipy.optimize.linear_sum_assignment(costs)
    solution = matcher.solve_assignment(costs)
    assert solution.total_cost == costs[row, col].sum()
    assert matcher.solve_assignment(scipy.sparse.csr_array(costs + 1)).total_cost == solution.total_cost + min(n, m)
