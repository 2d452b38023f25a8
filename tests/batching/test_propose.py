"""Batches as proposals: every open order is in one or is told why not, and the figures are those of the trips."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.markets import MINUTE, NOW, PORTS, a_courier, an_order, plane, random_market

from matcher.batching import Proposals, open_orders, propose_batches
from matcher.domain import BundlingPolicy, Order, Policy, Snapshot, UnbatchedReason

POLICY = Policy()


def proposed(snapshot: Snapshot, policy: BundlingPolicy = POLICY.bundling, most: int = 1_000) -> Proposals:
    """Proposals of up to three orders under test travel times."""
    travel = PORTS.travel.travel(snapshot, POLICY.travel)
    return propose_batches(snapshot, travel, policy, POLICY.travel.car_mph, 3, most)


def reasons(*orders: Order, most: int = 1_000) -> dict[str, UnbatchedReason]:
    """Why orders of a market without couriers are in no batch."""
    snapshot = plane(list(orders), [])
    return {snapshot.orders.ids[order]: reason for order, reason in proposed(snapshot, most=most).unbatched}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 3, 1_000]))
def test_every_open_order_is_proposed_or_told_why_not(seed: int, most: int) -> None:
    """A planner that shows proposals can account for every order; the best come first and none beyond the limit."""
    snapshot = plane(*random_market(seed))
    found = proposed(snapshot, most=most)
    batched = {order for batch in found.batches for order in batch.orders}
    unbatched = [order for order, _ in found.unbatched]
    assert unbatched == sorted(unbatched)
    assert batched.isdisjoint(unbatched)
    assert sorted(batched | set(unbatched)) == open_orders(snapshot).tolist()
    assert len(found.batches) <= most
    worth = [batch.saving_ms - batch.delay_ms for batch in found.batches]
    assert worth == sorted(worth, reverse=True)
    for batch in found.batches:
        assert len(set(batch.orders)) == len(batch.orders) >= 2
        assert (
            len({(int(snapshot.orders.store[order]), int(snapshot.orders.pickup_loc[order])) for order in batch.orders})
            == 1
        )
        assert batch.saving_ms > 0
    if not found.dropped:
        assert UnbatchedReason.BEYOND_LIMIT not in {reason for _, reason in found.unbatched}


def test_the_saving_is_the_trips_alone_less_the_tour() -> None:
    """Two doors beside each other, one kilometre off: the second trip is saved whole, nobody waits for it."""
    snapshot = plane([an_order("a"), an_order("b")], [a_courier("ana", speed_meters_per_hour=60_000)])
    (batch,) = proposed(snapshot).batches
    trip_ms = 2 * 78_000  # there and back: 1,300 m of road at a metre a millisecond and some, rounded up to seconds
    assert (batch.saving_ms, batch.delay_ms) == (trip_ms, 0)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"store_id": ""}, UnbatchedReason.NO_STORE),
        ({"store_id": "elsewhere"}, UnbatchedReason.ALONE),
        ({"pickup_longitude": 1.0}, UnbatchedReason.ALONE),
        ({"ready_at_ms": NOW + 11 * MINUTE}, UnbatchedReason.READY_APART),
        ({"dropoff_longitude": -1250.0}, UnbatchedReason.SAVES_NOTHING),
        ({"ready_at_ms": NOW + 5 * MINUTE, "freshness_limit_ms": 1}, UnbatchedReason.FRESHNESS),
    ],
)
def test_what_keeps_an_order_out_is_named(other: dict[str, object], reason: UnbatchedReason) -> None:
    """The reason is the one a person would act on: another store, another time, another way, or the limit."""
    first = an_order("a", dropoff_longitude=1250.0)  # 234 s of the policy's car: nothing to gain by rounding
    assert reasons(first, an_order("b", **other))["b"] is reason


def test_the_limit_is_a_reason() -> None:
    """What fell to max_batches is not told that it saves nothing."""
    near = [an_order(f"n{k}") for k in range(2)]
    far = [an_order(f"f{k}", store_id="t", pickup_longitude=9_000.0, dropoff_longitude=9_100.0) for k in range(2)]
    found = reasons(*near, *far, most=1)
    assert found == {"f0": UnbatchedReason.BEYOND_LIMIT, "f1": UnbatchedReason.BEYOND_LIMIT}


def test_couriers_are_not_needed_to_propose() -> None:
    """Batches can be looked at before the shift begins: trips then take the policy's car time."""
    orders = [an_order("a"), an_order("b", dropoff_longitude=1_200.0)]
    plain = replace(POLICY.bundling, ready_spread_ms=MINUTE)
    assert proposed(plane(orders, []), plain) == proposed(plane(orders, [a_courier("ana")]), plain)
