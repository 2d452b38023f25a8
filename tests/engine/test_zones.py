"""Zones with caps: what a decision may send there, and what it says to those who wait."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.markets import MINUTE, NOW, PORTS, a_courier, an_order, plane, random_market

import matcher
from matcher.app.config import ConfigError, parse_config
from matcher.domain import (
    Decision,
    PairChange,
    PairChangeKind,
    PairVerdict,
    Policy,
    Rung,
    Snapshot,
    StopKind,
    WaitReason,
    Zone,
)
from matcher.domain.builder import build_snapshot
from matcher.domain.rows import RouteStop
from matcher.journal.schema import policy_from_text, policy_text
from matcher.ports import Budget
from matcher.verify import check_zones

MALL = Zone("mall", radius_m=500.0, max_orders=2)


def decided(snapshot: Snapshot, *zones: Zone, rung: Rung | None = None) -> Decision:
    """The decision of the default policy with these zones."""
    policy = replace(Policy(), zones=zones)
    return matcher.decide(snapshot, policy, budget=Budget(forced_rung=rung), ports=PORTS)


def reasons(decision: Decision) -> list[WaitReason | None]:
    """Of every order, in the order of ids."""
    return [outcome.reason for outcome in decision.outcomes]


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(list(Rung)), st.integers(0, 3), st.integers(0, 2), st.integers(500, 5000))
def test_caps_are_kept_on_every_rung(seed: int, rung: Rung, orders: int, couriers: int, radius: int) -> None:
    """Random markets with routes in progress: decisions pass the count that verification makes by itself, and waiting
    orders outside of the zone are never told that it is full."""
    snapshot = plane(*random_market(seed))
    zone = Zone("z", 3000.0, 3000.0, float(radius), orders, couriers if orders else max(1, couriers))
    decision = decided(snapshot, zone, rung=rung)
    routes = {plan.courier_id: list(plan.stops) for plan in decision.plans}
    index = {name: k for k, name in enumerate(snapshot.orders.ids)}
    plans = {
        snapshot.couriers.ids.index(name): [(stop.kind, index[stop.order_id]) for stop in stops]
        for name, stops in routes.items()
    }
    assert check_zones(snapshot, replace(Policy(), zones=(zone,)), plans) == []
    for outcome in decision.outcomes:
        if outcome.reason is WaitReason.ZONE_FULL:
            place = snapshot.orders.pickup_loc[index[outcome.order_id]]
            x, y = snapshot.locations.x[place], snapshot.locations.y[place]
            assert (x - 3000.0) ** 2 + (y - 3000.0) ** 2 <= radius**2


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_zones_with_room_for_all_change_nothing(seed: int) -> None:
    """A cap that does not bind costs nothing."""
    snapshot = plane(*random_market(seed))
    plain, roomy = decided(snapshot), decided(snapshot, Zone("z", 3000.0, 3000.0, 9000.0, 1000, 1000))
    assert (plain.plans, plain.outcomes) == (roomy.plans, roomy.outcomes)
    assert (plain.total_cost_micros, plain.lower_bound_micros) == (roomy.total_cost_micros, roomy.lower_bound_micros)


def test_orders_beyond_the_cap_wait_because_the_zone_is_full() -> None:
    """Four orders at a mall that takes two, couriers for all: two go, two wait and are told why; one elsewhere goes."""
    orders = [an_order(f"o{k}", store_id="") for k in range(4)] + [an_order("x", pickup_longitude=5000.0, store_id="")]
    couriers = [a_courier(f"c{k}") for k in range(5)]
    decision = decided(plane(orders, couriers), MALL)
    assert sorted(map(str, reasons(decision)[:4])) == ["14", "14", "None", "None"]
    assert reasons(decision)[4] is None


def test_what_is_still_to_be_picked_up_there_counts() -> None:
    """Two orders of a route in progress fill the zone; on board they would not."""
    new = an_order("new", store_id="")
    carried = [an_order(f"r{k}", store_id="") for k in range(2)]
    drops = tuple(RouteStop(StopKind.DROPOFF, order.id) for order in carried)
    picks = tuple(RouteStop(StopKind.PICKUP, order.id) for order in carried)
    free = a_courier("free", longitude=300.0)
    to_come = [a_courier("busy", route=(*picks, *drops)), free]
    assert reasons(decided(plane([new, *carried], to_come), MALL)) == [WaitReason.ZONE_FULL]
    aboard = [a_courier("busy", route=drops), free]
    assert reasons(decided(plane([new, *carried], aboard), MALL)) == [None]


def test_a_courier_who_is_going_there_anyway_may_take_more() -> None:
    """One courier is allowed at the mall and one is on the way: only that one may take the second order."""
    zone = replace(MALL, max_orders=0, max_couriers=1)
    carried = an_order("r", store_id="")
    route = (RouteStop(StopKind.PICKUP, "r"), RouteStop(StopKind.DROPOFF, "r"))
    busy = a_courier("busy", longitude=-3000.0, route=route)
    near = a_courier("near")
    snapshot = plane([an_order("new", store_id=""), carried], [busy, near])
    assert [plan.courier_id for plan in decided(snapshot).plans] == ["near"]
    assert [plan.courier_id for plan in decided(snapshot, zone).plans] == ["busy"]


def test_bundles_count_every_order_and_one_courier() -> None:
    """Three orders of one store, one courier allowed: they go together, and not all three where two are allowed."""
    orders = [an_order(f"o{k}", dropoff_latitude=50.0 * k) for k in range(3)]
    couriers = [a_courier(f"c{k}", latitude=10.0 * k) for k in range(3)]
    alone = decided(plane(orders, couriers), replace(MALL, max_orders=0, max_couriers=1))
    assert [len(plan.new_order_ids) for plan in alone.plans] == [3]
    both = decided(plane(orders, couriers), replace(MALL, max_couriers=1))
    assert [len(plan.new_order_ids) for plan in both.plans] == [2]
    assert reasons(both).count(WaitReason.ZONE_FULL) == 1


def test_on_the_sphere_the_radius_is_metres_of_the_ground() -> None:
    """A thousandth of a degree north is 111 m, at 60 degrees of latitude one east is half of that."""
    order = an_order(
        "o", pickup_latitude=60.001, pickup_longitude=10.002, dropoff_latitude=60.0, dropoff_longitude=10.0
    )
    courier = a_courier("c", latitude=60.0, longitude=10.0)
    snapshot = build_snapshot("m", NOW, [order], [courier])
    away = 157.3  # 111.2 m north, 111.2 m east
    full = [a_courier("there", latitude=60.0, longitude=10.0, free_at_ms=NOW + MINUTE)]
    assert reasons(decided(snapshot, Zone("z", 60.0, 10.0, away + 1, 1))) == [None]
    route = (RouteStop(StopKind.PICKUP, "r"), RouteStop(StopKind.DROPOFF, "r"))
    carried = replace(order, id="r")
    snapshot = build_snapshot("m", NOW, [order, carried], [courier, replace(full[0], route=route)])
    assert reasons(decided(snapshot, Zone("z", 60.0, 10.0, away + 1, 1))) == [WaitReason.ZONE_FULL]
    assert reasons(decided(snapshot, Zone("z", 60.0, 10.0, away - 1, 1))) == [None]


def test_verification_counts_by_itself() -> None:
    """Plans that nobody decided on: three orders into a zone of two are a fault, and what was over-full may stay so."""
    orders = [an_order(f"o{k}", store_id="") for k in range(3)]
    snapshot = plane(orders, [a_courier("c")])
    policy = replace(Policy(), zones=(MALL,))
    route = [(kind, k) for kind in (StopKind.PICKUP, StopKind.DROPOFF) for k in range(3)]
    assert check_zones(snapshot, policy, {0: route}) == [
        "zone mall: 3 orders to be picked up there, at most 2 are allowed"
    ]
    stops = tuple(RouteStop(kind, orders[k].id) for kind, k in route)
    assert check_zones(plane(orders, [a_courier("c", route=stops)]), policy, {}) == []


def test_explain_names_the_full_zone_and_its_room_turns_the_verdict() -> None:
    """A route in progress fills the zone: the pair is infeasible, by one place; with that place it is chosen."""
    carried = an_order("r", store_id="")
    route = (RouteStop(StopKind.PICKUP, "r"), RouteStop(StopKind.DROPOFF, "r"))
    couriers = [a_courier("busy", longitude=-3000.0, route=route), a_courier("near")]
    snapshot = plane([an_order("new", store_id=""), carried], couriers)
    policy = replace(Policy(), zones=(replace(MALL, max_orders=1),))
    told = matcher.explain(snapshot, policy, "new", "near", ports=PORTS)
    assert told.verdict is PairVerdict.INFEASIBLE
    assert PairChange(PairChangeKind.ZONE_ROOM, 1, ("mall",)) in told.changes
    roomy = replace(policy, zones=(replace(MALL, max_orders=2),))
    assert matcher.explain(snapshot, roomy, "new", "near", ports=PORTS).verdict is PairVerdict.CHOSEN


def test_explain_prices_the_place_in_a_full_zone() -> None:
    """Two orders, one place: what it costs to insist on the one that waits is the difference of two decisions."""
    orders = [an_order("a", store_id=""), an_order("b", store_id="", dropoff_longitude=3000.0)]
    snapshot = plane(orders, [a_courier("c"), a_courier("d")])
    policy = replace(Policy(), zones=(replace(MALL, max_orders=1),))
    decision = matcher.decide(snapshot, policy, ports=PORTS)
    (left,) = [outcome.order_id for outcome in decision.outcomes if outcome.reason is WaitReason.ZONE_FULL]
    told = matcher.explain(snapshot, policy, left, "c", ports=PORTS)
    assert told.verdict is PairVerdict.LOST
    (kept,) = [outcome.order_id for outcome in decision.outcomes if outcome.reason is None]
    other = matcher.decide(
        plane([replace(row, refused_courier_ids=("c", "d") if row.id == kept else ()) for row in orders],
              [a_courier("c"), a_courier("d")]), policy, ports=PORTS)  # fmt: skip
    assert told.price_micros == other.total_cost_micros - decision.total_cost_micros


TEXT = """
[policies.x]
zones = [{ id = "mall", latitude = 41.15, longitude = -8.6, radius_m = 300, max_couriers = 4 }]
"""


def test_zones_are_read_from_the_configuration_and_journalled() -> None:
    """A list of tables; the policy of a journal is the one that decided; digests tell policies apart."""
    policy = parse_config(TEXT).policies["x"]
    assert policy.zones == (Zone("mall", 41.15, -8.6, 300, 0, 4),)
    assert policy_from_text(policy_text(policy)) == policy
    assert policy.digest != replace(policy, zones=()).digest
    assert policy.digest != replace(policy, zones=(replace(policy.zones[0], max_couriers=5),)).digest


@pytest.mark.parametrize(
    ("zones", "problem"),
    [
        ("3", "policies.x.zones: a list of tables is expected, not 3"),
        ("[3]", "policies.x.zones[0]: a table is expected, not 3"),
        ('[{ id = "a", radius = 3 }]', "policies.x.zones[0].radius: unknown key (did you mean 'radius_m'?)"),
        ('[{ id = "a", radius_m = 300 }]', "policies.x.zones[0]: must have a max_orders or a max_couriers"),
        (
            "[{ radius_m = 300, max_orders = 1 }]",
            "policies.x.zones[0].id: must be a name that no zone before has, is ''",
        ),
        (
            '[{ id = "a", radius_m = 3, max_orders = 1 }, { id = "a", radius_m = 3, max_orders = 1 }]',
            "policies.x.zones[1].id: must be a name that no zone before has, is 'a'",
        ),
        ('[{ id = "a", radius_m = 0, max_orders = 1 }]', "policies.x.zones[0].radius_m: must be between 1 and"),
        ('[{ id = "a", radius_m = 9, max_orders = -1 }]', "policies.x.zones[0].max_orders: must be between 0 and"),
    ],
)
def test_zones_that_make_no_sense_are_refused(zones: str, problem: str) -> None:
    """By path, as every other value."""
    with pytest.raises(ConfigError) as caught:
        parse_config(f"[policies.x]\nzones = {zones}\n")
    assert problem in str(caught.value)
