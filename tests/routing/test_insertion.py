"""The insertion kernel against enumeration, and what it promises about ties, limits and bad input."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from bench.instances.live_routes import MINUTE, LiveMarket, live_market
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.insertion import Oracle

from matcher.domain import NEVER_MS
from matcher.kernels.insertion import (
    QUANTITIES,
    REJECTIONS,
    VIOLATIONS,
    InsertionCandidates,
    evaluate_routes,
    insertion_candidates,
)

WEIGHTS = np.array([1_000, 2_000, 4_000, 500, 1_000, 500], dtype=np.int64)
REACH = 60 * MINUTE


def units_of(market: LiveMarket, largest: int) -> list[list[int]]:
    """Single orders, and bundles of up to `largest` open orders of one store."""
    units = [[order] for order in market.open_orders]
    for store in np.unique(market.orders.store):
        of_store = [order for order in market.open_orders if market.orders.store[order] == store]
        units += [of_store[:size][::-1] for size in range(2, min(largest, len(of_store)) + 1)]
    return units


def insert(
    market: LiveMarket,
    units: list[list[int]],
    *,
    nearest: int = 4,
    share: bool = False,
    stops: int = 10,
    detours: bool = True,
) -> InsertionCandidates:
    """The kernel's answer."""
    return insertion_candidates(
        market,
        market.travel,
        unit_ptr=np.cumsum([0, *map(len, units)], dtype=np.int32),
        unit_order=np.array([order for unit in units for order in unit], dtype=np.int32),
        nearest=nearest,
        reach_ms=REACH,
        max_route_stops=stops,
        weights=WEIGHTS,
        detours=detours,
        share_dropoff_service=share,
        severe_after_ms=10 * MINUTE,
    )


def agree(
    market: LiveMarket,
    units: list[list[int]],
    *,
    nearest: int = 4,
    share: bool = False,
    stops: int = 10,
    detours: bool = True,
) -> int:
    """Assert that the kernel says what the oracle says; returns the number of candidates seen."""
    found = insert(market, units, nearest=nearest, share=share, stops=stops, detours=detours)
    oracle = Oracle(market, market.travel, share_dropoffs=share, severe_after_ms=10 * MINUTE, detours=detours)
    for u, unit in enumerate(units):
        expected, rejected, pruned = oracle.candidates(
            unit, nearest=nearest, reach_ms=REACH, max_route_stops=stops, weights=WEIGHTS
        )
        rows = range(found.ptr[u], found.ptr[u + 1])
        assert [int(found.courier[row]) for row in rows] == sorted(expected)
        assert found.rejected[u].tolist() == rejected
        assert found.pruned[u] == pruned
        for row in rows:
            courier = int(found.courier[row])
            _, i, j, sequence, delta, route = expected[courier]
            simulated = oracle.simulate(courier, route)
            assert (found.pickup_pos[row], found.dropoff_pos[row]) == (i, j)
            assert tuple(order for order in found.sequence[row] if order >= 0) == sequence
            assert found.delta[row].tolist() == delta
            assert found.pickup_at_ms[row] == simulated.at[i]
            assert found.finish_ms[row] == simulated.depart[-1]
            assert found.depart_by_ms[row] == simulated.depart_by
    return int(found.ptr[-1])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sphere=st.booleans(),
    matrix=st.booleans(),
    share=st.booleans(),
    tight=st.sampled_from([0.0, 0.2, 0.6]),
    nearest=st.integers(0, 7),
)
def test_single_orders_equal_enumeration(
    seed: int, sphere: bool, matrix: bool, share: bool, tight: float, nearest: int
) -> None:
    """Position, times, quantities, reasons and counts of single orders, for every form of travel."""
    market = live_market(seed, sphere=sphere, matrix=matrix, tight=tight)
    agree(market, units_of(market, 1), nearest=nearest, share=share)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), matrix=st.booleans(), share=st.booleans(), tight=st.sampled_from([0.0, 0.3]))
def test_bundles_equal_enumeration(seed: int, matrix: bool, share: bool, tight: float) -> None:
    """Bundles of up to four: the sequence of drop-offs is part of the minimum, and of the tie rule."""
    market = live_market(seed, matrix=matrix, tight=tight, couriers=3, open_orders=8, stores=2, orders_per_route=2)
    agree(market, units_of(market, 4), nearest=3, share=share, stops=12)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), share=st.booleans(), tight=st.sampled_from([0.0, 0.3]), largest=st.integers(1, 3)
)
def test_without_detours_pickups_join_or_follow(seed: int, share: bool, tight: float, largest: int) -> None:
    """Two stores, so that most routes pass the unit's; the cheapest of fewer positions, the reasons among them."""
    market = live_market(seed, tight=tight, couriers=4, open_orders=6, stores=2, orders_per_route=2)
    agree(market, units_of(market, largest), nearest=4, share=share, stops=12, detours=False)


def test_a_bundle_of_six_equals_enumeration() -> None:
    """The largest bundle has 720 sequences; the bound must not lose the best."""
    market = live_market(7, couriers=2, open_orders=6, stores=1, orders_per_route=1, tight=0.0)
    market = dataclasses.replace(
        market, couriers=dataclasses.replace(market.couriers, capacity=np.full(2, 99, np.int32))
    )
    assert agree(market, [market.open_orders], nearest=2, stops=20) == 2


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), sphere=st.booleans(), matrix=st.booleans(), share=st.booleans())
def test_schedules_equal_simulation(seed: int, sphere: bool, matrix: bool, share: bool) -> None:
    """Times, quantities and violations of routes, late ones included."""
    market = live_market(seed, sphere=sphere, matrix=matrix, couriers=12, tight=0.5)
    oracle = Oracle(market, market.travel, share_dropoffs=share, severe_after_ms=10 * MINUTE)
    schedule = evaluate_routes(market, market.travel, share_dropoff_service=share, severe_after_ms=10 * MINUTE)
    for courier in range(12):
        stops = oracle.route(courier)
        simulated = oracle.simulate(courier, stops)
        rows = slice(int(market.routes.ptr[courier]), int(market.routes.ptr[courier + 1]))
        assert schedule.arrive_ms[rows].tolist() == simulated.arrive
        assert schedule.at_ms[rows].tolist() == simulated.at
        assert schedule.depart_ms[rows].tolist() == simulated.depart
        assert schedule.quantities[courier].tolist() == simulated.quantities
        assert schedule.depart_by_ms[courier] == simulated.depart_by
        excesses = oracle.excesses(courier, stops, simulated)
        broken = {reason for (reason, *_), excess in excesses.items() if excess > 0}
        carried = sum(int(market.orders.size[order]) for order in oracle.on_board(stops))
        if carried > market.couriers.capacity[courier]:
            broken.add("CAPACITY")
        if any(int(market.orders.skills[o]) & ~int(market.couriers.skills[courier]) for _, o in stops):
            broken.add("SKILLS")
        assert schedule.violations[courier] == sum(VIOLATIONS[reason] for reason in broken)


def test_the_delta_is_what_the_schedules_differ_by() -> None:
    """A candidate's quantities are those of the spliced route minus those of the present one, by the other kernel."""
    market = live_market(11, couriers=8, open_orders=10)
    units = units_of(market, 3)
    found = insert(market, units, nearest=8)
    present = evaluate_routes(market, market.travel, severe_after_ms=10 * MINUTE)
    assert len(found.courier) > 10
    for row, courier in enumerate(found.courier.tolist()):
        begin, end = int(market.routes.ptr[courier]), int(market.routes.ptr[courier + 1])
        old = list(zip(market.routes.stop_kind[begin:end], market.routes.stop_order[begin:end], strict=True))
        sequence = [order for order in found.sequence[row].tolist() if order >= 0]
        i, j = int(found.pickup_pos[row]), int(found.dropoff_pos[row])
        new = [*old[:i], *((1, o) for o in sequence), *old[i:j], *((2, o) for o in sequence), *old[j:]]
        ptr = np.zeros(9, np.int32)
        ptr[courier + 1 :] = len(new)
        schedule = evaluate_routes(
            market,
            market.travel,
            ptr=ptr,
            stop_order=np.array([order for _, order in new], np.int32),
            stop_kind=np.array([kind for kind, _ in new], np.int8),
            severe_after_ms=10 * MINUTE,
        )
        assert (schedule.quantities[courier] - present.quantities[courier]).tolist() == found.delta[row].tolist()
        assert schedule.depart_by_ms[courier] == found.depart_by_ms[row]


def test_whole_quanta_are_not_rounded_up_again() -> None:
    """3200 m at 19200 m/h are 10 minutes exactly; a reciprocal would make them 11."""
    market = live_market(1, couriers=1, open_orders=1, places=2, stores=1, orders_per_route=0, tight=0.0)
    flat = dataclasses.replace(market.locations, x=np.array([0.0, 3200.0]), y=np.zeros(2))
    travel = dataclasses.replace(market.travel, factor=1.0, quantum_ms=MINUTE, speed_mph=np.array([19200], np.int32))
    orders = dataclasses.replace(market.orders, dropoff_loc=np.array([1], np.int32))
    couriers = dataclasses.replace(market.couriers, loc=np.zeros(1, np.int32), capacity=np.array([9], np.int32))
    market = dataclasses.replace(market, locations=flat, orders=orders, couriers=couriers, travel=travel)
    found = insert(market, [[0]])
    assert found.delta[0, QUANTITIES.index("travel")] == 10 * MINUTE


def test_orders_of_listing_units_do_not_matter() -> None:
    """Units are worked off by pick-up place; each one's answer is its own."""
    market = live_market(5, couriers=8, open_orders=12)
    units = units_of(market, 3)
    forth, back = insert(market, units), insert(market, units[::-1])
    for u in range(len(units)):
        one, other = slice(*forth.ptr[u : u + 2]), slice(*back.ptr[len(units) - 1 - u :][:2])
        assert forth.courier[one].tolist() == back.courier[other].tolist()
        assert forth.delta[one].tolist() == back.delta[other].tolist()


def test_late_routes_still_take_orders() -> None:
    """Reality breaks limits; an order that makes nothing worse is not refused for them."""
    market = live_market(3, couriers=1, open_orders=1, places=3, stores=1, orders_per_route=1, tight=0.0, side_m=900.0)
    n = len(market.orders.size)
    orders = dataclasses.replace(
        market.orders, dropoff_by_ms=np.where(np.arange(n) < n - 1, -MINUTE, int(NEVER_MS)).astype(np.int64)
    )
    couriers = dataclasses.replace(market.couriers, capacity=np.array([99], np.int32))
    market = dataclasses.replace(market, orders=orders, couriers=couriers)
    assert n == 2, "the seed gives the courier one order"
    assert evaluate_routes(market, market.travel).violations[0] & VIOLATIONS["TIME_WINDOW"]
    found = insert(market, [[1]])
    assert found.courier.tolist() == [0]
    assert found.pickup_pos[0] == len(market.routes.stop_order), "anywhere else would delay the late one"


@pytest.mark.parametrize(
    ("table", "column", "value", "error", "sentence"),
    [
        ("orders", "pickup_loc", np.array([99] * 9, np.int32), ValueError, r"orders\.pickup_loc\[0\] names a place"),
        ("orders", "ready_ms", np.zeros(9, np.int32), TypeError, r"orders\.ready_ms has dtype int32, not int64"),
        ("orders", "size", np.zeros(8, np.int32), ValueError, r"orders\.size has a length"),
        ("orders", "placed_ms", np.zeros((9, 1), np.int64), ValueError, r"orders\.placed_ms does not have 1"),
        ("couriers", "capacity", np.array([-1, 1], np.int32), ValueError, r"couriers\.capacity\[0\] is negative"),
        ("routes", "stop_kind", np.zeros(0, np.int8), ValueError, r"routes\.stop_kind has a length"),
        ("locations", "x", np.full(12, np.nan), ValueError, r"locations\[0\] is not finite"),
    ],
)
def test_bad_columns_are_named(
    table: str, column: str, value: np.ndarray, error: type[Exception], sentence: str
) -> None:
    """Nothing is cast or guessed; the message says which column and row is wrong."""
    market = live_market(2, couriers=2, open_orders=5)
    assert (len(market.orders.size), len(market.locations.x)) == (9, 12), "the cases above rely on these sizes"
    changed = dataclasses.replace(getattr(market, table), **{column: value})
    with pytest.raises(error, match=sentence):
        insert(dataclasses.replace(market, **{table: changed}), [[8]])


def test_units_that_make_no_sense_are_refused() -> None:
    """Empty units, strangers in a bundle, orders that travel already, costs that could overflow."""
    market = live_market(2, couriers=2, open_orders=5)
    by_store = {int(market.orders.pickup_loc[o]): o for o in market.open_orders}
    strangers = list(by_store.values())[:2]
    for units, sentence in [
        ([[]], "fewer than 1"),
        ([strangers], "different pick-up places"),
        ([[8, 8]], "twice in one unit"),
        ([[0]], "in a route already"),
        ([[99]], "does not exist"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            insert(market, units)
    with pytest.raises(ValueError, match="may leave 64 bits"):
        insertion_candidates(
            market,
            market.travel,
            unit_ptr=np.array([0, 1], np.int32),
            unit_order=np.array([8], np.int32),
            nearest=1,
            reach_ms=REACH,
            max_route_stops=9,
            weights=np.full(6, 1 << 50, np.int64),
        )


def test_no_couriers_no_orders() -> None:
    """Empty tables are answers, not errors."""
    market = live_market(2, couriers=0, open_orders=2)
    found = insert(market, [[0], [1]])
    assert found.ptr.tolist() == [0, 0, 0]
    assert found.rejected.shape == (2, len(REJECTIONS))
    assert insert(live_market(2, couriers=3, open_orders=0), []).ptr.tolist() == [0]
