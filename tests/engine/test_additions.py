"""Orders added to a courier's pick-up until it is made, and nowhere else: the additive commitment as a policy."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.markets import MINUTE, NOW, PORTS, a_courier, an_order, plane, random_demand, random_market

import matcher
from matcher.domain import (
    Additions,
    Commitment,
    CostPolicy,
    HoldingPolicy,
    OrderStatus,
    Policy,
    RouteStop,
    Snapshot,
    StopKind,
    WaitReason,
)
from matcher.engine.load import orders_per_courier

PICKUP, DROPOFF = StopKind.PICKUP, StopKind.DROPOFF
ADDING = Policy(holding=HoldingPolicy(additions=Additions.SAME_PICKUP))
HOLDING = replace(ADDING, holding=HoldingPolicy(Commitment.LATEST_DEPARTURE, Additions.SAME_PICKUP))


def on_the_way(ready_in: int, **more: object) -> Snapshot:
    """Ana drives to store s for "a", ready then; "new" is open at s, "other" at t nearby; nobody else is there."""
    orders = [
        an_order("a", pickup_longitude=600.0, ready_at_ms=NOW + ready_in),
        an_order("new", pickup_longitude=600.0, **more),
        an_order("other", pickup_longitude=700.0, store_id="t"),
    ]
    route = (RouteStop(PICKUP, "a"), RouteStop(DROPOFF, "a"))
    return plane(orders, [a_courier("ana", route=route, locked_stops=1)])


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6))
def test_new_pickups_join_or_follow(seed: int) -> None:
    """Verification holds decisions to it; here the plans are looked at directly."""
    snapshot = plane(*random_market(seed), random_demand(seed))
    place = dict(zip(snapshot.orders.ids, snapshot.orders.pickup_loc.tolist(), strict=True))
    for plan in matcher.decide(snapshot, ADDING, ports=PORTS).plans:
        stops = [(stop.kind, stop.order_id) for stop in plan.stops]
        last = max((k for k, (_, id_) in enumerate(stops) if id_ not in plan.new_order_ids), default=-1)
        for k, (kind, id_) in enumerate(stops[: last + 1]):
            if kind is PICKUP and id_ in plan.new_order_ids:
                beside = stops[max(0, k - 1) : k + 2]
                assert any(kind is PICKUP and other != id_ and place[other] == place[id_] for kind, other in beside)


def test_an_order_of_the_same_store_joins_the_pickup() -> None:
    """The other store's order, cheap as a detour, has to wait until Ana is done."""
    snapshot = on_the_way(8 * MINUTE)
    assert {plan.courier_id for plan in matcher.decide(snapshot, Policy(), ports=PORTS).plans} == {"ana"}
    (plan,) = matcher.decide(snapshot, ADDING, ports=PORTS).plans
    assert plan.new_order_ids == ("new",)
    assert [(stop.kind, stop.order_id) for stop in plan.stops[:2]] == [(PICKUP, "a"), (PICKUP, "new")]


def test_an_addition_is_held_until_the_pickup_is_near() -> None:
    """Until then another courier may turn out better; after the pick-up Ana would be gone without it."""
    outcomes = {o.order_id: o for o in matcher.decide(on_the_way(8 * MINUTE), HOLDING, ports=PORTS).outcomes}
    assert outcomes["new"].reason is WaitReason.HELD_UNTIL_DEPARTURE
    assert outcomes["new"].hold_until_ms == NOW + 8 * MINUTE - 1
    access = on_the_way(8 * MINUTE, pickup_access_ms=2 * MINUTE)
    outcomes = {o.order_id: o for o in matcher.decide(access, HOLDING, ports=PORTS).outcomes}
    assert outcomes["new"].hold_until_ms == NOW + 6 * MINUTE, "to be at the counter by then"
    soon = replace(HOLDING, holding=replace(HOLDING.holding, cycle_ms=8 * MINUTE))
    outcomes = {o.order_id: o for o in matcher.decide(on_the_way(8 * MINUTE), soon, ports=PORTS).outcomes}
    assert outcomes["new"].status is OrderStatus.ASSIGNED, "the next decision would come too late"


def test_couriers_who_take_only_additions_are_not_free() -> None:
    """They do not relieve the load that prices courier time."""
    snapshot = on_the_way(8 * MINUTE)
    costs = CostPolicy(load_horizon_ms=30 * MINUTE)
    assert orders_per_courier(snapshot, replace(ADDING, costs=costs)) == 2.0
    idle = plane([an_order("new")], [a_courier("ana"), a_courier("bo")])
    assert orders_per_courier(idle, replace(ADDING, costs=costs)) == 0.5
