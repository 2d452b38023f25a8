"""`verify` is the definition of a schedule: examples worked out by hand, and each rule broken in turn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.engine.markets import MINUTE, NOW, PORTS, a_courier, an_order, plane

from matcher.domain import Additions, HoldingPolicy, MatrixTravel, Policy, Snapshot, StopKind
from matcher.domain.policy import CandidatePolicy, TravelPolicy
from matcher.domain.rows import Courier, Order, RouteStop
from matcher.verify import check_plans
from matcher.verify.plan import timeline, travel_ms

# 6 km/h: a hundred metres take a minute.
POLICY = Policy(travel=TravelPolicy(road_factor=1.0, round_up_to_ms=MINUTE, car_mph=6000))
Plans = dict[int, list[tuple[StopKind, int]]]
PICKUP, DROPOFF = StopKind.PICKUP, StopKind.DROPOFF


def travel_of(snapshot: Snapshot) -> object:
    """Travel times of the test port."""
    return PORTS.travel.travel(snapshot, POLICY.travel)


def faults(
    snapshot: Snapshot, plans: dict[int, list[tuple[StopKind, int]]], policy: Policy = POLICY
) -> tuple[str, ...]:
    """Faults found in plans."""
    return check_plans(snapshot, travel_of(snapshot), policy, plans).faults  # type: ignore[arg-type]


def two_orders() -> Snapshot:
    """Two orders of one store 300 m away, dropped 200 m and 500 m beyond it; a courier at the origin."""
    service = {
        "pickup_access_ms": 2 * MINUTE,
        "pickup_leave_ms": 2 * MINUTE,
        "dropoff_access_ms": 2 * MINUTE,
        "dropoff_leave_ms": 2 * MINUTE,
    }
    return plane(
        [
            an_order("a", pickup_longitude=300.0, dropoff_longitude=500.0, ready_at_ms=NOW + 8 * MINUTE, **service),
            an_order("b", pickup_longitude=300.0, dropoff_longitude=800.0, ready_at_ms=NOW + 10 * MINUTE, **service),
        ],
        [a_courier("c")],
    )


def test_a_bundle_by_hand() -> None:
    """Both are picked up at the later ready time; one access and leave for the two; drops 2+2+travel apart."""
    snapshot = two_orders()
    times = timeline(
        snapshot,
        travel_of(snapshot),  # type: ignore[arg-type]
        POLICY,
        0,
        [(PICKUP, 0), (PICKUP, 1), (DROPOFF, 0), (DROPOFF, 1)],
    )
    assert [at // MINUTE for at in times.arrive] == [3, 3, 14, 21]
    assert [at // MINUTE for at in times.at] == [10, 10, 16, 23]
    assert [at // MINUTE for at in times.depart] == [12, 12, 18, 25]
    # Promised 30 minutes from now, placed 5 minutes ago; ready at 8 and 10.
    click_to_door = (16 + 5) + (23 + 5)
    assert [quantity // MINUTE for quantity in times.quantities] == [click_to_door, 0, 0, 2, 3 + 2 + 3, 25 - 5]
    assert times.depart_by == 5 * MINUTE
    assert times.broken == {}


def test_exact_multiples_are_not_rounded_up() -> None:
    """3,200 m at 19,200 m/h are exactly ten minutes; a reciprocal would make them eleven."""
    snapshot = plane([an_order("o", pickup_longitude=3200.0)], [a_courier("c", speed_meters_per_hour=19_200)])
    travel = travel_of(snapshot)
    origin, pickup = int(snapshot.couriers.loc[0]), int(snapshot.orders.pickup_loc[0])
    assert travel_ms(snapshot, travel, 0, origin, pickup) == 10 * MINUTE  # type: ignore[arg-type]


def test_a_matrix_is_read_from_row_to_column() -> None:
    """Road times are not symmetric."""
    snapshot = plane([an_order("o", pickup_longitude=100.0, dropoff_longitude=200.0)], [a_courier("c")])
    matrix = np.arange(9, dtype=np.int32).reshape(1, 3, 3)
    travel = MatrixTravel("table/1", matrix, np.zeros(1, dtype=np.int32))
    assert travel_ms(snapshot, travel, 0, 0, 2) == 2
    assert travel_ms(snapshot, travel, 0, 2, 0) == 6
    assert travel_ms(snapshot, travel, 0, 1, 1) == 0


@pytest.mark.parametrize(
    ("order", "courier", "limit"),
    [
        ({"required_skills": ("cold",)}, {}, "skills"),
        ({"size": 5}, {}, "capacity"),
        ({"pickup_by_ms": NOW + MINUTE}, {"longitude": 900.0}, "pickup_by"),
        ({}, {"shift_end_at_ms": NOW + MINUTE, "longitude": 900.0}, "shift_end"),
        ({"dropoff_by_ms": NOW + MINUTE}, {}, "dropoff_by"),
        ({"freshness_limit_ms": MINUTE}, {}, "freshness"),
    ],
)
def test_each_hard_limit_is_checked(order: dict[str, object], courier: dict[str, object], limit: str) -> None:
    """A plan that breaks exactly one limit is refused by the name of that limit."""
    snapshot = plane([an_order("o", **order)], [a_courier("c", **courier)])
    found = faults(snapshot, {0: [(PICKUP, 0), (DROPOFF, 0)]})
    assert len(found) == 1
    assert f": {limit} broken by" in found[0]


def live_route() -> Snapshot:
    """A courier on its way with one planned order, and one open order."""
    route = (RouteStop(PICKUP, "r"), RouteStop(DROPOFF, "r"))
    orders: list[Order] = [an_order("o", pickup_longitude=100.0), an_order("r", pickup_longitude=200.0)]
    couriers: list[Courier] = [a_courier("c", route=route, locked_stops=1), a_courier("d")]
    return plane(orders, couriers)


@pytest.mark.parametrize(
    ("plans", "sentence"),
    [
        ({0: [(PICKUP, 0), (PICKUP, 1), (DROPOFF, 1), (DROPOFF, 0)]}, "the locked stops have changed"),
        ({0: [(PICKUP, 1), (PICKUP, 0), (DROPOFF, 0)]}, "stops of the present route were dropped"),
        ({0: [(PICKUP, 1), (DROPOFF, 1), (DROPOFF, 0), (PICKUP, 0)]}, "order broken"),
        ({0: [(PICKUP, 1), (DROPOFF, 1), (PICKUP, 0)]}, "not picked up once and dropped off once"),
        ({1: [(PICKUP, 1), (DROPOFF, 1)]}, "given to courier d and to another"),
        (
            {
                0: [(PICKUP, 1), (DROPOFF, 1), (PICKUP, 0), (DROPOFF, 0)],
                1: [(PICKUP, 0), (DROPOFF, 0)],
            },
            "given to courier d and to another",
        ),
    ],
)
def test_each_way_to_corrupt_a_route_is_seen(plans: dict[int, list[tuple[StopKind, int]]], sentence: str) -> None:
    """A plan is a permutation of what was there plus the new order, locks kept, each order with one courier."""
    found = faults(live_route(), plans)
    assert any(sentence in fault for fault in found), found


def test_a_good_insertion_into_a_live_route_passes() -> None:
    """The counterpart: nothing is refused without cause."""
    assert faults(live_route(), {0: [(PICKUP, 1), (PICKUP, 0), (DROPOFF, 1), (DROPOFF, 0)]}) == ()


def test_a_limit_that_reality_broke_may_stay_broken_but_not_grow() -> None:
    """A courier already too late for a planned order must stay usable, without making that order later still."""
    route = (RouteStop(PICKUP, "r"), RouteStop(DROPOFF, "r"))
    orders = [an_order("o"), an_order("r", dropoff_by_ms=NOW + MINUTE)]
    snapshot = plane(orders, [a_courier("c", route=route)])
    assert faults(snapshot, {0: [(PICKUP, 1), (DROPOFF, 1), (PICKUP, 0), (DROPOFF, 0)]}) == ()
    detour = [an_order("o", pickup_longitude=-500.0), an_order("r", dropoff_by_ms=NOW + MINUTE)]
    snapshot = plane(detour, [a_courier("c", route=route)])
    found = faults(snapshot, {0: [(PICKUP, 0), (PICKUP, 1), (DROPOFF, 1), (DROPOFF, 0)]})
    assert any("dropoff_by broken" in fault for fault in found)


def test_route_length_is_limited() -> None:
    """The policy's longest route holds for new stops."""
    short = replace(POLICY, candidates=CandidatePolicy(max_route_stops=3))
    found = faults(live_route(), {0: [(PICKUP, 1), (DROPOFF, 1), (PICKUP, 0), (DROPOFF, 0)]}, short)
    assert any("more than the policy's 3" in fault for fault in found)


def test_additions_at_the_same_pickup_only() -> None:
    """The policy's promise to a courier on the way to a store: more of that store, or something after all is done."""
    orders = [
        an_order("a", pickup_longitude=300.0),
        an_order("b", pickup_longitude=300.0),
        an_order("z", pickup_longitude=400.0),
    ]
    route = (RouteStop(PICKUP, "a"), RouteStop(DROPOFF, "a"))
    snapshot = plane(orders, [a_courier("c", route=route, locked_stops=1)])
    additive = replace(POLICY, holding=HoldingPolicy(additions=Additions.SAME_PICKUP))
    a, b, z = (snapshot.orders.ids.index(name) for name in "abz")
    joins = [(PICKUP, a), (PICKUP, b), (DROPOFF, b), (DROPOFF, a)]
    follows = [(PICKUP, a), (DROPOFF, a), (PICKUP, z), (DROPOFF, z)]
    detour = [(PICKUP, a), (PICKUP, z), (DROPOFF, z), (DROPOFF, a)]
    assert faults(snapshot, {0: joins}, additive) == ()
    assert faults(snapshot, {0: follows}, additive) == ()
    assert faults(snapshot, {0: detour}) == ()
    (fault,) = faults(snapshot, {0: detour}, additive)
    assert "order z: not added at a pick-up of its place" in fault
