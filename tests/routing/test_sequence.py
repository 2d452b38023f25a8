"""The best sequence of a route's stops against all of them, and what it promises about locks, loads and bad input."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from bench.instances.live_routes import MINUTE, LiveMarket, live_market
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.insertion import PICKUP, Oracle, Stop

from matcher.kernels.insertion import QUANTITIES, VIOLATIONS, evaluate_routes
from matcher.routing import BestSequence, best_sequence

POLICY = {
    "click_to_door": 1_000, "lateness": 2_000, "severe_lateness": 4_000, "pickup_delay": 500, "travel": 1_000,
    "courier_time": 500,
}  # fmt: skip
WEIGHTS = [POLICY, {"travel": 1}, {"travel": 1_000, "courier_time": 700}, {"lateness": 3, "pickup_delay": 2}]


def solve(market: LiveMarket, weights: dict[str, int], share: bool = False) -> BestSequence:
    """The kernel's answer."""
    return best_sequence(
        market, market.travel, weights=weights, share_dropoff_service=share, severe_after_ms=5 * MINUTE
    )


def keeps(oracle: Oracle, courier: int, stops: list[Stop], locked: int) -> bool:
    """Whether the stops after the locked ones keep their limits."""
    simulated = oracle.simulate(courier, stops)
    excess = oracle.excesses(courier, stops, simulated)
    for kind, order in stops[locked:]:
        full = kind == PICKUP and int(oracle.orders.size[order]) > 0 and excess["CAPACITY", kind, order]
        if full or any(excess.get((name, kind, order), 0) for name in ("SHIFT_END", "TIME_WINDOW", "FRESHNESS")):
            return False
    return True


def cheapest(oracle: Oracle, courier: int, weights: dict[str, int]) -> int | None:
    """Least cost over all sequences; None: none is feasible."""
    present, locked = oracle.route(courier), int(oracle.routes.locked[courier])
    best = None
    for tail in itertools.permutations(present[locked:]):
        stops = [*present[:locked], *tail]
        where = {stop: k for k, stop in enumerate(stops)}
        if any(k == 2 and where.get((PICKUP, order), -1) > where[k, order] for k, order in stops):
            continue
        if keeps(oracle, courier, stops, locked):
            cost = cost_of(oracle, courier, stops, weights)
            best = cost if best is None else min(best, cost)
    return best


def cost_of(oracle: Oracle, courier: int, stops: list[Stop], weights: dict[str, int]) -> int:
    """Of one sequence."""
    quantities = oracle.simulate(courier, stops).quantities
    return sum(weights.get(name, 0) * q for name, q in zip(QUANTITIES, quantities, strict=True))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    weights=st.sampled_from(WEIGHTS),
    matrix=st.booleans(),
    share=st.booleans(),
    places=st.sampled_from([4, 12]),
)
def test_it_is_the_best_of_all_sequences(
    seed: int, weights: dict[str, int], matrix: bool, share: bool, places: int
) -> None:
    """With locks, orders on board, ride limits, windows, shared visits, on the plane and over any matrix."""
    market = live_market(seed, couriers=3, open_orders=0, places=places, matrix=matrix, tight=0.25)
    found = solve(market, weights, share)
    oracle = Oracle(market, market.travel, share_dropoffs=share, severe_after_ms=5 * MINUTE)
    for courier in range(3):
        begin, end = (int(k) for k in market.routes.ptr[courier : courier + 2])
        stops = list(zip(found.stop_kind[begin:end].tolist(), found.stop_order[begin:end].tolist(), strict=True))
        present, locked = oracle.route(courier), int(market.routes.locked[courier])
        assert sorted(stops) == sorted(present)
        assert stops[:locked] == present[:locked]
        best = cheapest(oracle, courier, weights)
        assert bool(found.feasible[courier]) == (best is not None)
        if best is None:
            assert stops == present
            continue
        assert keeps(oracle, courier, stops, locked)
        assert cost_of(oracle, courier, stops, weights) == best == found.cost[courier]
        if keeps(oracle, courier, present, locked) and cost_of(oracle, courier, present, weights) == best:
            assert stops == present


def six_orders(seed: int) -> LiveMarket:
    """One courier with twelve stops, in an order that no one would choose."""
    market = live_market(seed, couriers=1, open_orders=6, places=30, stores=6, tight=0.0)
    n = len(market.orders.size)
    order = np.array([*range(n - 6, n), *range(n - 6, n)], np.int32)
    kind = np.repeat(np.array([1, 2], np.int8), 6)
    routes = dataclasses.replace(
        market.routes, ptr=np.array([0, 12], np.int32), stop_order=order, stop_kind=kind, locked=np.zeros(1, np.int32)
    )
    couriers = dataclasses.replace(
        market.couriers, capacity=np.array([6], np.int32), shift_end_ms=np.array([1 << 50], np.int64)
    )
    sizes = dataclasses.replace(market.orders, size=np.full(n, 1, np.int32))
    return dataclasses.replace(market, routes=routes, couriers=couriers, orders=sizes)


@pytest.mark.parametrize("seed", range(6))
def test_twelve_stops_are_no_worse_than_any_exchange(seed: int) -> None:
    """Far too many sequences to try: no stop moved elsewhere, and no pair exchanged, is better."""
    market = six_orders(seed)
    found = solve(market, POLICY)
    oracle = Oracle(market, market.travel, severe_after_ms=5 * MINUTE)
    best = list(zip(found.stop_kind.tolist(), found.stop_order.tolist(), strict=True))
    assert found.feasible[0]
    assert found.cost[0] == cost_of(oracle, 0, best, POLICY)
    for a, b in itertools.permutations(range(12), 2):
        moved = [stop for k, stop in enumerate(best) if k != a]
        moved.insert(b, best[a])
        swapped = list(best)
        swapped[a], swapped[b] = best[b], best[a]
        for stops in (moved, swapped):
            where = {stop: k for k, stop in enumerate(stops)}
            if all(where[1, order] < where[2, order] for order in set(found.stop_order.tolist())):
                assert cost_of(oracle, 0, stops, POLICY) >= found.cost[0]


def test_evaluate_routes_agrees() -> None:
    """What the sequence is said to cost is what the schedule kernel measures."""
    market = six_orders(3)
    found = solve(market, POLICY)
    schedule = evaluate_routes(
        market, market.travel, ptr=market.routes.ptr, stop_order=found.stop_order, stop_kind=found.stop_kind,
        severe_after_ms=5 * MINUTE,
    )  # fmt: skip
    assert schedule.violations[0] & ~VIOLATIONS["SKILLS"] == 0
    assert int(schedule.quantities[0] @ np.array([POLICY[name] for name in QUANTITIES])) == found.cost[0]


def test_further_dimensions_of_load_bind() -> None:
    """With room for one order at a time in a second dimension every pick-up is followed by its drop-off."""
    market = six_orders(1)
    found = best_sequence(
        market, market.travel, weights=POLICY,
        more_size=np.ones((len(market.orders.size), 1), np.int32), more_capacity=np.ones((1, 1), np.int32),
    )  # fmt: skip
    assert found.stop_kind.tolist() == [1, 2] * 6
    assert (found.stop_order[::2] == found.stop_order[1::2]).all()
    assert found.cost[0] >= solve(market, POLICY).cost[0]


def test_bad_input_is_named() -> None:
    """What is wrong is said, by column."""
    market = six_orders(0)
    with pytest.raises(ValueError, match="weights name unknown quantities: distance"):
        solve(market, {"distance": 1})
    with pytest.raises(ValueError, match="weights is not between 0 and 1,000,000"):
        solve(market, {"travel": -1})
    with pytest.raises(ValueError, match="given together"):
        best_sequence(market, market.travel, weights=POLICY, more_capacity=np.ones((1, 1), np.int32))
    with pytest.raises(ValueError, match=r"more_size is not \(orders, dimensions\)"):
        best_sequence(
            market, market.travel, weights=POLICY, more_size=np.ones((1, 1), np.int32),
            more_capacity=np.ones((1, 1), np.int32),
        )  # fmt: skip
    half = {"stop_order": market.routes.stop_order[:6], "ptr": np.array([0, 6], np.int32)}
    for change, sentence in (
        ({"stop_kind": np.ones(12, np.int8)}, "has a stop twice"),
        ({**half, "stop_kind": np.ones(6, np.int8)}, "has a pick-up without its drop-off"),
    ):
        broken = dataclasses.replace(market, routes=dataclasses.replace(market.routes, **change))
        with pytest.raises(ValueError, match=sentence):
            solve(broken, POLICY)
    many = live_market(0, couriers=1, open_orders=12)
    routes = dataclasses.replace(
        many.routes,
        ptr=np.array([0, 18], np.int32),
        stop_order=np.repeat(np.arange(9, dtype=np.int32), 2),
        stop_kind=np.tile(np.array([1, 2], np.int8), 9),
    )
    with pytest.raises(ValueError, match="more than 16 stops"):
        solve(dataclasses.replace(many, routes=dataclasses.replace(routes, locked=np.zeros(1, np.int32))), POLICY)
