"""What would serve an order that a plan leaves out: each amount is enough, and none less is, by the checker."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.domain import (
    NEVER_MS,
    Courier,
    Order,
    OrderRelaxation,
    Policy,
    RelaxedLimit,
    RouteStop,
    Snapshot,
    SpatialFrame,
    StopKind,
    build_snapshot,
)
from matcher.routing.live import order_rows
from matcher.routing.relax import relaxations
from matcher.travel import StraightLine
from matcher.verify import check_routes
from matcher.verify.plan import route_of

AT = 1_767_009_600_000
MINUTE = 60_000
POLICY = Policy()


@st.composite
def markets(draw: st.DrawFn) -> Snapshot:
    """Two couriers with an order each, and a new order that some limit may well refuse."""
    places = st.integers(0, 3000)

    def order(name: str, *, tight: bool) -> Order:
        def limit(low: int, high: int) -> int | None:
            return draw(st.none() | st.integers(low * MINUTE, high * MINUTE)) if tight else None

        by, until, fresh = limit(6, 20), limit(6, 30), limit(1, 10)
        return Order(
            name, draw(places), draw(places), draw(places), draw(places),
            ready_at_ms=AT + draw(st.integers(0, 5)) * MINUTE,
            pickup_by_ms=None if by is None else AT + by,
            dropoff_by_ms=None if until is None else AT + until,
            freshness_limit_ms=fresh,
            size=draw(st.integers(0, 4)),
            required_skills=tuple(draw(st.sets(st.sampled_from("abc"), max_size=2 if tight else 0))),
        )  # fmt: skip

    orders = [order("new", tight=True), order("r0", tight=False), order("r1", tight=False)]
    couriers = [
        Courier(
            f"c{k}",
            draw(places),
            draw(places),
            capacity=4,
            shift_end_at_ms=draw(st.none() | st.integers(AT + 10 * MINUTE, AT + 20 * MINUTE)),
            skills=tuple(draw(st.sets(st.sampled_from("abc"), max_size=2))),
            route=(RouteStop(StopKind.PICKUP, f"r{k}"), RouteStop(StopKind.DROPOFF, f"r{k}")),
            locked_stops=draw(st.integers(0, 1)),
        )
        for k in range(2)
    ]
    return build_snapshot("m", AT, orders, couriers, frame=SpatialFrame.PLANE_METERS)


def fits(snapshot: Snapshot, policy: Policy = POLICY) -> bool:
    """Whether some courier can take order 0 somewhere: every place is tried, and checked."""
    travel = StraightLine().travel(snapshot, policy.travel)
    present = {courier: route_of(snapshot, courier) for courier in range(len(snapshot.couriers))}
    served = {order for stops in present.values() for _, order in stops}
    left_out = set(range(1, len(snapshot.orders))) - served
    for courier, stops in present.items():
        for first in range(len(stops) + 1):
            for second in range(first, len(stops) + 1):
                longer = [*stops[:first], (StopKind.PICKUP, 0), *stops[first:]]
                longer.insert(second + 1, (StopKind.DROPOFF, 0))
                if not check_routes(snapshot, travel, policy, present | {courier: longer}, left_out).faults:
                    return True
    return False


def asked(snapshot: Snapshot, policy: Policy = POLICY) -> tuple[OrderRelaxation, ...]:
    """Of order 0, which is in no route."""
    travel = StraightLine().travel(snapshot, policy.travel)
    orders = order_rows(snapshot, [0], range(len(snapshot.skills)))
    (found,) = relaxations(snapshot, travel, policy, snapshot.routes, orders, 0, lambda: False)
    assert found is not None
    return found


def with_order(snapshot: Snapshot, **amounts: int) -> Snapshot:
    """Limits of order 0 later, longer or larger by so much."""
    columns = {name: getattr(snapshot.orders, name).copy() for name in amounts}
    for name, amount in amounts.items():
        columns[name][0] = min(columns[name][0] + amount, NEVER_MS)
    return dataclasses.replace(snapshot, orders=dataclasses.replace(snapshot.orders, **columns))


def _longer_shift(snapshot: Snapshot, ms: int) -> Snapshot:
    ends = np.minimum(snapshot.couriers.shift_end_ms + ms, NEVER_MS)
    return dataclasses.replace(snapshot, couriers=dataclasses.replace(snapshot.couriers, shift_end_ms=ends))


def _more_room(snapshot: Snapshot, units: int) -> Snapshot:
    capacity = (snapshot.couriers.capacity + units).astype(np.int32)
    return dataclasses.replace(snapshot, couriers=dataclasses.replace(snapshot.couriers, capacity=capacity))


EASED: dict[RelaxedLimit, Callable[[Snapshot, int], Snapshot]] = {
    RelaxedLimit.TIME_WINDOW: lambda s, ms: with_order(s, pickup_by_ms=ms, dropoff_by_ms=ms),
    RelaxedLimit.FRESHNESS: lambda s, ms: with_order(s, freshness_ms=ms),
    RelaxedLimit.SHIFT_END: _longer_shift,
    RelaxedLimit.CAPACITY: _more_room,
}


@settings(max_examples=150, deadline=None)
@given(markets())
def test_each_amount_is_enough_and_none_less_is(snapshot: Snapshot) -> None:
    """Whatever is not named does not help however far it gives way."""
    found = {one.limit: one.amount for one in asked(snapshot)}
    if fits(snapshot):
        assert found == {RelaxedLimit.SEARCH: 0}
        return
    assert RelaxedLimit.SEARCH not in found
    for limit, eased in EASED.items():
        if limit in found:
            assert fits(eased(snapshot, found[limit])), limit
            assert not fits(eased(snapshot, found[limit] - 1)), limit
        else:
            assert not fits(eased(snapshot, 10_000 if limit is RelaxedLimit.CAPACITY else int(NEVER_MS))), limit
    bare = dataclasses.replace(snapshot.orders, skills=np.zeros_like(snapshot.orders.skills))
    assert (RelaxedLimit.SKILLS in found) == fits(dataclasses.replace(snapshot, orders=bare))


def test_skills_longer_routes_and_one_more_courier_are_counted() -> None:
    """The fewest skills to do without; stops beyond the longest route; nobody has time, but a colleague would."""
    there = {"pickup_latitude": 0.0, "pickup_longitude": 0.0, "dropoff_latitude": 0.0, "dropoff_longitude": 3000.0}
    new = Order("new", **there, required_skills=("a", "b"))
    able, unable = Courier("able", capacity=9, skills=("a",)), Courier("unable", capacity=9)
    found = asked(build_snapshot("m", AT, [new], [unable, able], frame=SpatialFrame.PLANE_METERS))
    assert found == (OrderRelaxation(RelaxedLimit.SKILLS, 1, "able"),)

    busy = [Order(f"o{k}", **there) for k in range(2)]
    stops = [RouteStop(kind, order.id) for order in busy for kind in (StopKind.PICKUP, StopKind.DROPOFF)]
    full = build_snapshot(
        "m", AT, [Order("new", **there), *busy], [Courier("c", capacity=9, route=tuple(stops))],
        frame=SpatialFrame.PLANE_METERS,
    )  # fmt: skip
    short = dataclasses.replace(POLICY, candidates=dataclasses.replace(POLICY.candidates, max_route_stops=5))
    assert set(asked(full, short)) == {
        OrderRelaxation(RelaxedLimit.ROUTE_STOPS, 1, "c"),
        OrderRelaxation(RelaxedLimit.COURIERS, 1, "c"),
    }


def test_no_couriers_and_no_time_are_told_apart() -> None:
    """Nothing helps where there is nobody; nothing is known where there was no time."""
    new = Order("new", 0.0, 0.0, 0.0, 3000.0, dropoff_by_ms=AT + MINUTE)
    for couriers, expected in (([], ()), ([Courier("c", capacity=1)], None)):
        snapshot = build_snapshot("m", AT, [new], couriers, frame=SpatialFrame.PLANE_METERS)
        travel = StraightLine().travel(snapshot, POLICY.travel)
        orders = order_rows(snapshot, [0], [])
        assert relaxations(snapshot, travel, POLICY, snapshot.routes, orders, 0, lambda: True) == [expected]


@pytest.mark.parametrize("price", [1, 1000])
def test_a_price_that_is_too_low_says_by_how_much(price: int) -> None:
    """It fits, and costs more than leaving it out."""
    snapshot = build_snapshot(
        "m", AT, [Order("new", 0.0, 0.0, 0.0, 3000.0)], [Courier("c", capacity=1)], frame=SpatialFrame.PLANE_METERS
    )
    travel = StraightLine().travel(snapshot, POLICY.travel)
    orders = order_rows(snapshot, [0], [])
    ((one,),) = relaxations(snapshot, travel, POLICY, snapshot.routes, orders, price, lambda: False)
    (enough,) = relaxations(snapshot, travel, POLICY, snapshot.routes, orders, price + one.amount, lambda: False)
    assert (one.limit, enough) == (RelaxedLimit.UNSERVED_PRICE, (OrderRelaxation(RelaxedLimit.SEARCH, 0, "c"),))
