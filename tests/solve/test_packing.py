"""One suite over every packing solver: native, CP-SAT, HiGHS, SCIP, greedy; Gurobi and CPLEX if installed."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Sequence

import numpy as np
import pytest
from bench.instances.packing import INSTANCES, market_cycle, random_packing
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.packing import cheapest_total, check_solution

from matcher.solve.packing import (
    UNKNOWN_PRICE,
    NativePackingSolver,
    PackingProblem,
    PackingSolver,
    PackingStatus,
    WarmStart,
)
from matcher.solve.packing_commercial import CplexPackingSolver, GurobiPackingSolver
from matcher.solve.packing_greedy import GreedyPackingSolver
from matcher.solve.packing_ortools import Backend, OrToolsPackingSolver

NATIVE = NativePackingSolver()
GREEDY = GreedyPackingSolver()
EXACT: list[PackingSolver] = [
    NATIVE,
    OrToolsPackingSolver(Backend.CP_SAT),
    OrToolsPackingSolver(Backend.HIGHS),
    OrToolsPackingSolver(Backend.SCIP),
    OrToolsPackingSolver(Backend.CP_SAT, hint=NATIVE),
]
if importlib.util.find_spec("gurobipy"):
    EXACT.append(GurobiPackingSolver())
if importlib.util.find_spec("cplex"):
    EXACT.append(CplexPackingSolver())
ALL: list[PackingSolver] = [*EXACT, GREEDY]
Column = tuple[int, Sequence[int], int]


def by_name(solver: PackingSolver) -> str:
    hinted = getattr(solver, "hint", None) is not None
    return solver.name + ("-hinted" if hinted else "")


def packing(n_orders: int, n_couriers: int, columns: Sequence[Column], wait: Sequence[int]) -> PackingProblem:
    return PackingProblem.from_lists(
        n_orders=n_orders,
        n_couriers=n_couriers,
        courier=[courier for courier, _, _ in columns],
        ptr=np.concatenate([[0], np.cumsum([len(orders) for _, orders, _ in columns], dtype=np.int64)]),
        order=[order for _, orders, _ in columns for order in orders],
        cost=[cost for _, _, cost in columns],
        wait=wait,
    )


@st.composite
def packings(draw: st.DrawFn, largest: int = 1_000) -> PackingProblem:
    """Small packings with many ties, negative costs, empty sides and useless columns."""
    n_orders = draw(st.integers(0, 6))
    n_couriers = draw(st.integers(0, 5))
    values = st.one_of(st.integers(-3, 6), st.integers(-largest, largest))
    columns: list[Column] = []
    if n_orders and n_couriers:
        members = st.lists(st.integers(0, n_orders - 1), min_size=1, max_size=4, unique=True)
        columns = draw(st.lists(st.tuples(st.integers(0, n_couriers - 1), members, values), max_size=14))
    wait = draw(st.lists(st.integers(0, 8) | st.integers(0, largest), min_size=n_orders, max_size=n_orders))
    return packing(n_orders, n_couriers, columns, wait)


def seeded(seed: int) -> PackingProblem:
    """A small instance from a seed; every few seeds another shape."""
    rng = np.random.default_rng(seed)
    n_orders, n_couriers = int(rng.integers(0, 8)), int(rng.integers(0, 6))
    if seed % 7 == 0:
        n_couriers = 1
    count = int(rng.integers(0, 30)) if n_orders and n_couriers else 0
    low, high = ((0, 4), (-10, 30), (-1_000_000, 40_000_000))[seed % 3]
    largest = 1 if seed % 5 == 0 else 4
    columns = []
    for _ in range(count):
        size = int(rng.integers(1, min(largest, n_orders) + 1))
        orders = rng.choice(n_orders, size, replace=False).tolist()
        columns.append(
            (int(rng.integers(0, n_couriers)), orders, int(rng.integers(low, high) * (1 if seed % 2 else size)))
        )
    return packing(n_orders, n_couriers, columns, rng.integers(0, high, n_orders).tolist())


def test_native_equals_brute_force_on_thousands() -> None:
    """The kernel is what every decision rests on: optimal on small problems, each with a valid certificate."""
    for seed in range(3000):
        problem = seeded(seed)
        solution = NATIVE.solve(problem)
        check_solution(problem, solution)
        assert solution.status is PackingStatus.OPTIMAL, seed
        assert solution.total == solution.lower_bound == cheapest_total(problem), seed


@pytest.mark.parametrize("solver", ALL, ids=by_name)
def test_back_ends_against_brute_force(solver: PackingSolver) -> None:
    """All back ends solve one model; the exact ones reach its optimum, all keep to it and to a valid bound."""
    for seed in range(60):
        problem = seeded(seed)
        solution = solver.solve(problem)
        check_solution(problem, solution)
        optimum = cheapest_total(problem)
        assert solution.lower_bound <= optimum <= solution.total, seed
        if solver is not GREEDY:
            assert solution.total == optimum, seed


@given(packings(), st.integers(0, 50))
@settings(max_examples=300, deadline=None)
def test_certificate_holds_at_every_budget(problem: PackingProblem, max_iterations: int) -> None:
    """A solve may be cut short anywhere; what it returns must still be a packing with a valid bound."""
    for solver in (NATIVE, GREEDY):
        solution = solver.solve(problem, max_iterations=max_iterations)
        check_solution(problem, solution)
        assert solution.lower_bound <= cheapest_total(problem) <= solution.total


@given(packings(), st.data())
@settings(max_examples=200, deadline=None)
def test_any_warm_start_is_safe(problem: PackingProblem, data: st.DataObject) -> None:
    """Prices come from an earlier cycle of a changed market: the answer may not depend on their being any good."""
    price = st.one_of(st.just(UNKNOWN_PRICE), st.integers(-(2**63), 2**63 - 1), st.integers(-20, 20))
    warm = WarmStart(
        order_price=np.array(
            data.draw(st.lists(price, min_size=problem.n_orders, max_size=problem.n_orders)), dtype=np.int64
        ),
        courier_price=np.array(
            data.draw(st.lists(price, min_size=problem.n_couriers, max_size=problem.n_couriers)), dtype=np.int64
        ),
    )
    for solver in (NATIVE, GREEDY):
        solution = solver.solve(problem, warm_start=warm)
        check_solution(problem, solution)
        assert solution.lower_bound <= cheapest_total(problem) <= solution.total
    assert NATIVE.solve(problem, warm_start=warm).status is PackingStatus.OPTIMAL


@pytest.mark.parametrize("name", INSTANCES)
def test_large_instances_keep_their_certificate(name: str) -> None:
    """At the size of real cycles nothing is enumerable: the certificate is all there is, so it is checked in full."""
    problem = INSTANCES[name](7)
    solution = NATIVE.solve(problem, max_iterations=20_000)
    check_solution(problem, solution)
    assert solution.total < int(problem.wait.sum())


def test_own_prices_as_warm_start_never_weaken_the_bound() -> None:
    """Re-solving with the prices just found starts where they left off."""
    problem = random_packing(3, rows=60, columns=300)
    first = NATIVE.solve(problem, max_iterations=2_000)
    again = NATIVE.solve(
        problem,
        max_iterations=300,
        warm_start=WarmStart(order_price=first.order_price, courier_price=first.courier_price),
    )
    assert again.price_bound is not None
    assert first.price_bound is not None
    assert again.price_bound >= first.price_bound


@pytest.mark.parametrize("solver", ALL, ids=by_name)
def test_same_input_same_answer(solver: PackingSolver) -> None:
    """Replay compares decisions byte for byte."""
    problem = market_cycle(5, orders=30, couriers=12, stores=4, nearest=6)
    first, second = (solver.solve(problem, max_iterations=500) for _ in range(2))
    assert first.chosen.tobytes() == second.chosen.tobytes()
    assert (first.total, first.lower_bound, first.iterations) == (second.total, second.lower_bound, second.iterations)
    assert first.order_price is not None
    assert second.order_price is not None
    assert first.order_price.tobytes() == second.order_price.tobytes()


@pytest.mark.parametrize("solver", [NATIVE, GREEDY], ids=by_name)
def test_lowest_index_among_equal_columns(solver: PackingSolver) -> None:
    """Equal columns are common (one courier, one bundle, listed twice); the first is meant. OR-Tools states no rule."""
    problem = packing(2, 2, [(0, [0], 5), (0, [0], 5), (1, [1], 5), (1, [1], 5)], [9, 9])
    assert solver.solve(problem).chosen.tolist() == [0, 2]


@pytest.mark.parametrize("solver", ALL, ids=by_name)
def test_costs_beyond_exact_sums_are_a_status(solver: PackingSolver) -> None:
    """An overflow must never turn into a plan."""
    for problem in (
        packing(1, 1, [(0, [0], -(2**63))], [0]),
        packing(1, 1, [(0, [0], 2**63 - 1)], [0]),
        packing(2, 2, [(0, [0, 1], 1), (1, [1], 0)], [2**62, 2**62]),
        packing(3, 1, [(0, [0], 2**61)], [0, 0, 0]),
    ):
        solution = solver.solve(problem)
        assert solution.status is PackingStatus.OVERFLOW
        assert len(solution.chosen) == 0


def test_costs_near_the_limit_are_exact() -> None:
    """Below the limit the kernel's answer is exact although doubles are not."""
    big = 2**57
    problem = packing(3, 2, [(0, [0], -big - 1), (0, [0, 1], -big), (1, [2], 3 - big), (1, [1, 2], 2 - big)], [1, 2, 3])
    solution = NATIVE.solve(problem)
    check_solution(problem, solution)
    assert solution.total == cheapest_total(problem)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("courier", [0, 9], "column 1 names a courier outside"),
        ("order", [0, 5], "column 1 names an order outside"),
        ("ptr", [0, 2, 2], "column 1 has no orders"),
        ("ptr", [0, 3, 2], "ptr decreases or leaves order at column 0"),
        ("cost", [1], "courier and cost need one entry a column"),
        ("wait", [1, -1], "wait of order 1 is negative"),
    ],
)
def test_faults_are_named(field: str, value: list[int], sentence: str) -> None:
    """A caller learns which entry is wrong, and the kernel never reads outside its arrays."""
    problem = packing(2, 2, [(0, [0], 1), (1, [1], 1)], [5, 5])
    dtype = getattr(problem, field).dtype
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        NATIVE.solve(dataclasses.replace(problem, **{field: np.array(value, dtype=dtype)}))


def test_an_order_twice_in_a_column_is_a_fault() -> None:
    """It would be paid for twice."""
    with pytest.raises(ValueError, match="column 0 names an order twice"):
        NATIVE.solve(packing(2, 1, [(0, [1, 1], 1)], [5, 5]))


def test_other_dtypes_are_refused() -> None:
    """A silent cast would turn 1.5 into 1."""
    problem = packing(1, 1, [(0, [0], 1)], [5])
    with pytest.raises(TypeError):
        NATIVE.solve(dataclasses.replace(problem, cost=np.array([1.5])))  # type: ignore[arg-type]
