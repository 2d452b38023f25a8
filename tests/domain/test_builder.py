"""The snapshot builder: one canonical form whatever the listing order, and a precise sentence for whatever is wrong."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.domain import (
    EARTH_RADIUS_M,
    NEVER_MS,
    Courier,
    DemandPoint,
    ErrorReason,
    InvalidSnapshot,
    Limits,
    Order,
    RouteStop,
    SpatialFrame,
    StopKind,
    TravelMode,
    build_snapshot,
)
from matcher.domain.sphere import sin_cos_degrees

AT = 1_700_000_000_000
PICK, DROP = StopKind.PICKUP, StopKind.DROPOFF


def order(id: str = "o1", **changes: object) -> Order:
    values: dict[str, object] = {
        "pickup_latitude": 41.15,
        "pickup_longitude": -8.61,
        "dropoff_latitude": 41.16,
        "dropoff_longitude": -8.62,
    }
    return Order(id, **(values | changes))  # type: ignore[arg-type]


def courier(id: str = "c1", **changes: object) -> Courier:
    return Courier(id, **({"latitude": 41.15, "longitude": -8.6, "capacity": 2} | changes))  # type: ignore[arg-type]


def wrong(orders: list[Order], couriers: list[Courier], **more: object) -> list[tuple[str, ErrorReason, str]]:
    with pytest.raises(InvalidSnapshot) as caught:
        build_snapshot("porto", AT, orders, couriers, **more)  # type: ignore[arg-type]
    return [(v.field, v.reason, v.description) for v in caught.value.violations]


def test_defaults_are_the_contracts() -> None:
    """What types.proto promises for fields that are not set, in the units of the columns."""
    s = build_snapshot("porto", AT, [order()], [courier()])
    o, c = s.orders, s.couriers
    assert (o.placed_ms[0], o.ready_ms[0], o.dropoff_not_before_ms[0]) == (0, 0, 0)
    for column in (o.promised_by_ms, o.pickup_by_ms, o.dropoff_by_ms, o.freshness_ms, c.shift_end_ms):
        assert column[0] == NEVER_MS
    assert (o.store[0], o.courier[0], o.size[0], o.skills[0], c.free_ms[0]) == (-1, -1, 0, 0, 0)
    assert (c.mode[0], c.speed_mph[0], s.frame) == (TravelMode.CAR, 0, SpatialFrame.WGS84)


def test_columns_are_sorted_relative_and_read_only() -> None:
    """Rows by id in UTF-8 order, times since the snapshot's, and nobody below may write."""
    orders = [
        order("é", placed_at_ms=AT - 5_000, ready_at_ms=AT + 60_000, freshness_limit_ms=7),
        order("z", store_id="s2"),
        order("a", store_id="s1", required_skills=("frozen", "alcohol"), dropoff_by_ms=AT + 1),
    ]
    s = build_snapshot("porto", AT, orders, [courier("b", skills=("frozen",), free_at_ms=AT - 9), courier("a")])
    assert s.orders.ids == ("a", "z", "é")
    assert s.orders.placed_ms.tolist() == [0, 0, -5_000]
    assert s.orders.ready_ms.tolist() == [0, 0, 60_000]
    assert (s.skills, s.stores) == (("alcohol", "frozen"), ("s1", "s2"))
    assert s.orders.skills.tolist() == [3, 0, 0]
    assert s.couriers.skills.tolist() == [0, 2]
    assert s.orders.store.tolist() == [0, 1, -1]
    assert s.couriers.free_ms.tolist() == [0, 0]  # a courier free since a while can start now, not earlier
    for group in (s.locations, s.orders, s.couriers, s.routes):
        for f in fields(group):
            column = getattr(group, f.name)
            if isinstance(column, np.ndarray):
                with pytest.raises(ValueError, match="read-only"):
                    column[...] = 0


def test_routes_follow_their_couriers_and_own_their_orders() -> None:
    """Sorting couriers moves their stops along; an order on board keeps when it was handed over as its ready time."""
    orders = [order("open"), order("planned"), order("aboard", picked_up_at_ms=AT - 60_000, ready_at_ms=AT - 90_000)]
    couriers = [
        courier("z", route=(RouteStop(DROP, "aboard"),), locked_stops=1),
        courier("m"),
        courier("a", route=(RouteStop(PICK, "planned"), RouteStop(DROP, "planned"))),
    ]
    s = build_snapshot("porto", AT, orders, couriers)
    assert s.orders.ids == ("aboard", "open", "planned")
    assert s.orders.courier.tolist() == [2, -1, 0]
    assert s.routes.ptr.tolist() == [0, 2, 2, 3]
    assert s.routes.stop_order.tolist() == [2, 2, 0]
    assert s.routes.stop_kind.tolist() == [PICK, DROP, DROP]
    assert s.routes.locked.tolist() == [0, 0, 1]
    assert s.orders.ready_ms.tolist() == [-60_000, 0, 0]


def test_places_are_distinct_and_on_the_sphere() -> None:
    """One index per place, -0.0 and 0.0 are one, chords give great-circle distances."""
    o = order(pickup_latitude=0.0, pickup_longitude=0.0, dropoff_latitude=0.0, dropoff_longitude=90.0)
    s = build_snapshot("porto", AT, [o], [courier(latitude=-0.0, longitude=-0.0)])
    assert len(s.locations) == 2
    assert s.orders.pickup_loc[0] == s.couriers.loc[0]
    a, b = int(s.orders.pickup_loc[0]), int(s.orders.dropoff_loc[0])
    p = s.locations
    chord = math.dist((p.x[a], p.y[a], p.z[a]), (p.x[b], p.y[b], p.z[b]))
    arc = 2 * EARTH_RADIUS_M * math.asin(chord / (2 * EARTH_RADIUS_M))
    assert arc == pytest.approx(EARTH_RADIUS_M * math.pi / 2, rel=1e-15)


def test_the_plane_keeps_metres_as_they_are() -> None:
    """Plane frame: x is the longitude field, y the latitude field, no radius."""
    o = order(pickup_latitude=3.5, pickup_longitude=-4.25, dropoff_latitude=1e6, dropoff_longitude=0.0)
    s = build_snapshot("g", AT, [o], [], frame=SpatialFrame.PLANE_METERS)
    k = int(s.orders.pickup_loc[0])
    assert (s.locations.x[k], s.locations.y[k], s.locations.z[k], s.locations.radius_m) == (-4.25, 3.5, 0.0, 0.0)


def test_sine_and_cosine_agree_with_the_library() -> None:
    """Our own series must be as good as a library's; its point is that it has the same bits everywhere."""
    degrees = np.concatenate([np.linspace(-180.0, 180.0, 100_001), [-90.0, 0.0, 1e-300, 45.0, 90.0, 180.0]])
    sin, cos = sin_cos_degrees(degrees)
    assert np.abs(sin - np.sin(np.radians(degrees))).max() < 4e-16
    assert np.abs(cos - np.cos(np.radians(degrees))).max() < 4e-16
    exact = sin_cos_degrees(np.array([-180.0, -90.0, 0.0, 90.0, 180.0]))
    assert exact[0].tolist() == [0.0, -1.0, 0.0, 1.0, 0.0]
    assert exact[1].tolist() == [-1.0, 0.0, 1.0, 0.0, -1.0]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_listing_order_changes_nothing(data: st.DataObject) -> None:
    """The digest is of the content: shuffled lists and shuffled skills give the same snapshot."""
    n, m = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 4))
    number = st.integers(-40, 40).map(lambda k: k / 4)
    names = st.lists(st.sampled_from(["a", "b", "ü"]), max_size=3).map(tuple)
    orders = [
        order(
            f"o{k}",
            pickup_latitude=data.draw(number),
            dropoff_longitude=data.draw(number),
            required_skills=data.draw(names),
            store_id=data.draw(st.sampled_from(["", "s", "t"])),
        )
        for k in range(n)
    ]
    couriers = [courier(f"c{k}", latitude=data.draw(number), skills=data.draw(names)) for k in range(m)]
    if n and m:
        couriers[0] = replace(couriers[0], route=(RouteStop(PICK, "o0"), RouteStop(DROP, "o0")))
    shuffled_orders = [
        replace(o, required_skills=tuple(reversed(o.required_skills))) for o in data.draw(st.permutations(orders))
    ]
    demand = [DemandPoint(data.draw(number), 1.0, data.draw(st.integers(1, 3))) for _ in range(3)]
    first = build_snapshot("porto", AT, orders, couriers, expected_demand=demand)
    second = build_snapshot(
        "porto",
        AT,
        shuffled_orders,
        data.draw(st.permutations(couriers)),
        expected_demand=data.draw(st.permutations(demand)),
    )
    assert first.digest == second.digest
    for group in ("locations", "orders", "couriers", "routes", "demand"):
        for f in fields(getattr(first, group)):
            a, b = getattr(getattr(first, group), f.name), getattr(getattr(second, group), f.name)
            assert np.array_equal(a, b), (group, f.name)


@pytest.mark.parametrize(
    "change",
    [
        {"pickup_latitude": 41.150001},
        {"placed_at_ms": AT - 1},
        {"ready_at_ms": AT + 1},
        {"promised_by_ms": AT + 1},
        {"dropoff_not_before_ms": AT + 1},
        {"pickup_by_ms": AT + 1},
        {"dropoff_by_ms": AT + 1},
        {"size": 1},
        {"required_skills": ("x",)},
        {"priority": 1},
        {"freshness_limit_ms": 1},
        {"store_id": "s"},
        {"pickup_access_ms": 1},
        {"pickup_leave_ms": 1},
        {"dropoff_access_ms": 1},
        {"dropoff_leave_ms": 1},
        {"courier_pay_micros": 1},
        {"announced_courier_id": "c1"},
        {"ready_early_at_ms": AT - 1},
        {"ready_late_at_ms": AT + 1},
    ],
)
def test_the_digest_sees_every_attribute_of_an_order(change: dict[str, object]) -> None:
    """Two snapshots that may be decided differently never share a digest."""
    plain = build_snapshot("porto", AT, [order()], [courier()])
    assert build_snapshot("porto", AT, [order(**change)], [courier()]).digest != plain.digest


def test_the_digest_sees_couriers_market_and_time() -> None:
    """The same for the rest of the snapshot."""
    plain = build_snapshot("porto", AT, [order()], [courier()]).digest
    others = [
        build_snapshot("lisboa", AT, [order()], [courier()]),
        build_snapshot("porto", AT + 1, [order()], [courier()]),
        build_snapshot("porto", AT, [order()], [courier()], frame=SpatialFrame.PLANE_METERS),
        build_snapshot("porto", AT, [order("o2")], [courier()]),
        build_snapshot("porto", AT, [order()], []),
        build_snapshot("porto", AT, [order()], [courier()], expected_demand=[DemandPoint(41.15, -8.6)]),
        build_snapshot("porto", AT, [order()], [courier()], expected_demand=[DemandPoint(41.15, -8.6, 2)]),
    ]
    changes: list[dict[str, object]] = [
        {"latitude": 1.0},
        {"free_at_ms": AT + 1},
        {"shift_end_at_ms": AT + 1},
        {"capacity": 3},
        {"skills": ("x",)},
        {"mode": TravelMode.FOOT},
        {"speed_meters_per_hour": 1},
        {"earned_micros": 1},
        {"guaranteed_micros": 1},
        {"acceptance_permille": 1},
        {"on_shift_ms": 1},
        {"route": (RouteStop(DROP, "o1"),)},
    ]
    others += [build_snapshot("porto", AT, [order()], [courier(**change)]) for change in changes]
    digests = [s.digest for s in others]
    assert plain not in digests
    assert len(set(digests)) == len(digests)


DAY = 86_400_000
BAD_ORDERS: list[tuple[dict[str, object], str, ErrorReason, str]] = [
    ({"id": ""}, "id", ErrorReason.MISSING, "required"),
    ({"id": "x" * 129}, "id", ErrorReason.TOO_LARGE, "129 bytes"),
    ({"id": "é" * 65}, "id", ErrorReason.TOO_LARGE, "130 bytes"),
    ({"id": "\ud800"}, "id", ErrorReason.MALFORMED, "Unicode"),
    ({"store_id": "x" * 129}, "store_id", ErrorReason.TOO_LARGE, "129 bytes"),
    ({"announced_courier_id": "x" * 129}, "announced_courier_id", ErrorReason.TOO_LARGE, "129 bytes"),
    ({"pickup_latitude": math.nan}, "pickup_latitude", ErrorReason.OUT_OF_RANGE, "is nan"),
    ({"pickup_longitude": 180.5}, "pickup_longitude", ErrorReason.OUT_OF_RANGE, "±180 degrees"),
    ({"dropoff_latitude": math.inf}, "dropoff_latitude", ErrorReason.OUT_OF_RANGE, "is inf"),
    ({"dropoff_longitude": "8"}, "dropoff_longitude", ErrorReason.MALFORMED, "number"),
    ({"dropoff_longitude": True}, "dropoff_longitude", ErrorReason.MALFORMED, "number"),
    ({"dropoff_longitude": 1 << 2000}, "dropoff_longitude", ErrorReason.OUT_OF_RANGE, "double"),
    ({"dropoff_longitude": 1 << 1000}, "dropoff_longitude", ErrorReason.OUT_OF_RANGE, "±180"),
    ({"placed_at_ms": AT - 31 * DAY}, "placed_at_ms", ErrorReason.OUT_OF_RANGE, "31.0 days"),
    ({"placed_at_ms": AT // 1000}, "placed_at_ms", ErrorReason.OUT_OF_RANGE, "Unix milliseconds"),
    ({"placed_at_ms": 0}, "placed_at_ms", ErrorReason.OUT_OF_RANGE, "None"),
    (
        {"ready_at_ms": AT, "ready_early_at_ms": AT + 5},
        "ready_at_ms",
        ErrorReason.INVERTED_WINDOW,
        "before ready_early_at_ms",
    ),
    (
        {"ready_at_ms": AT, "ready_late_at_ms": AT - 5},
        "ready_late_at_ms",
        ErrorReason.INVERTED_WINDOW,
        "before ready_at_ms",
    ),
    ({"ready_at_ms": 1.5}, "ready_at_ms", ErrorReason.MALFORMED, "integer"),
    ({"ready_at_ms": 1 << 63}, "ready_at_ms", ErrorReason.OUT_OF_RANGE, "64 bits"),
    (
        {"promised_by_ms": AT, "dropoff_not_before_ms": AT + 5},
        "promised_by_ms",
        ErrorReason.INVERTED_WINDOW,
        "5 ms before dropoff_not_before_ms",
    ),
    (
        {"dropoff_by_ms": AT, "dropoff_not_before_ms": AT + 5},
        "dropoff_by_ms",
        ErrorReason.INVERTED_WINDOW,
        "before dropoff_not_before_ms",
    ),
    (
        {"pickup_by_ms": AT, "ready_at_ms": AT + 5},
        "pickup_by_ms",
        ErrorReason.INVERTED_WINDOW,
        "before ready_at_ms",
    ),
    (
        {"dropoff_by_ms": AT, "ready_at_ms": AT + 5},
        "dropoff_by_ms",
        ErrorReason.INVERTED_WINDOW,
        "before ready_at_ms",
    ),
    ({"size": -1}, "size", ErrorReason.OUT_OF_RANGE, "is -1"),
    ({"courier_pay_micros": -1}, "courier_pay_micros", ErrorReason.OUT_OF_RANGE, "is -1"),
    ({"courier_pay_micros": 9.5}, "courier_pay_micros", ErrorReason.MALFORMED, "integer"),
    ({"size": True}, "size", ErrorReason.MALFORMED, "integer"),
    ({"priority": 1001}, "priority", ErrorReason.OUT_OF_RANGE, "is 1001"),
    ({"freshness_limit_ms": -1}, "freshness_limit_ms", ErrorReason.OUT_OF_RANGE, "is -1"),
    ({"pickup_access_ms": -1}, "pickup_access_ms", ErrorReason.OUT_OF_RANGE, "is -1"),
    ({"dropoff_leave_ms": 2 * DAY}, "dropoff_leave_ms", ErrorReason.OUT_OF_RANGE, "86400000"),
    ({"required_skills": "frozen"}, "required_skills", ErrorReason.MALFORMED, "tuple"),
    ({"required_skills": ("ok", "")}, "required_skills[1]", ErrorReason.MISSING, "required"),
]


@pytest.mark.parametrize(("change", "field", "reason", "words"), BAD_ORDERS)
def test_a_bad_order_is_named(change: dict[str, object], field: str, reason: ErrorReason, words: str) -> None:
    """Each violation names the caller's own position, the field, the reason and says what is wrong."""
    bad = replace(order("o9"), **change)  # type: ignore[arg-type]
    found = wrong([order("o1"), order("o2"), bad], [courier()])
    assert (f"snapshot.orders[2].{field}", reason) in [(f, r) for f, r, _ in found]
    assert any(words in description for _, _, description in found), found


BAD_DEMAND: list[tuple[dict[str, object], str, ErrorReason, str]] = [
    ({"latitude": 91.0}, "latitude", ErrorReason.OUT_OF_RANGE, "±90 degrees"),
    ({"longitude": math.nan}, "longitude", ErrorReason.OUT_OF_RANGE, "nan"),
    ({"weight": 0}, "weight", ErrorReason.OUT_OF_RANGE, "between 1 and 1000000, is 0"),
    ({"weight": 1.5}, "weight", ErrorReason.MALFORMED, "integer"),
]


@pytest.mark.parametrize(("change", "field", "reason", "words"), BAD_DEMAND)
def test_a_bad_point_of_demand_is_named(change: dict[str, object], field: str, reason: ErrorReason, words: str) -> None:
    """The same for where orders are expected."""
    points = [DemandPoint(41.0, -8.0), replace(DemandPoint(41.0, -8.0), **change)]  # type: ignore[arg-type]
    found = wrong([order("o1")], [], expected_demand=points)
    assert (f"snapshot.expected_demand[1].{field}", reason) in [(f, r) for f, r, _ in found]
    assert any(words in description for _, _, description in found), found


def test_too_many_points_of_demand_are_refused() -> None:
    """Work grows with them, so they have a limit of their own."""
    found = wrong([], [], expected_demand=[DemandPoint()] * 3, limits=Limits(demand_points=2))
    assert found == [("snapshot.expected_demand", ErrorReason.TOO_LARGE, "3 points; at most 2 are allowed")]


BAD_COURIERS: list[tuple[dict[str, object], str, ErrorReason, str]] = [
    ({"id": ""}, "id", ErrorReason.MISSING, "required"),
    ({"latitude": -90.1}, "latitude", ErrorReason.OUT_OF_RANGE, "±90 degrees"),
    ({"longitude": math.nan}, "longitude", ErrorReason.OUT_OF_RANGE, "nan"),
    ({"free_at_ms": AT + 31 * DAY}, "free_at_ms", ErrorReason.OUT_OF_RANGE, "31.0 days"),
    ({"shift_end_at_ms": AT - 31 * DAY}, "shift_end_at_ms", ErrorReason.OUT_OF_RANGE, "31.0 days"),
    ({"capacity": -3}, "capacity", ErrorReason.OUT_OF_RANGE, "is -3"),
    ({"mode": 9}, "mode", ErrorReason.UNKNOWN_ENUM_VALUE, "9 is no TravelMode"),
    ({"speed_meters_per_hour": -1}, "speed_meters_per_hour", ErrorReason.OUT_OF_RANGE, "is -1"),
    ({"earned_micros": 10**12 + 1}, "earned_micros", ErrorReason.OUT_OF_RANGE, "1000000000001"),
    ({"guaranteed_micros": -1}, "guaranteed_micros", ErrorReason.OUT_OF_RANGE, "is -1"),
    ({"acceptance_permille": 1001}, "acceptance_permille", ErrorReason.OUT_OF_RANGE, "between 0 and 1000, is 1001"),
    ({"acceptance_permille": 0.5}, "acceptance_permille", ErrorReason.MALFORMED, "integer"),
    ({"on_shift_ms": DAY + 1}, "on_shift_ms", ErrorReason.OUT_OF_RANGE, "86400000"),
    ({"locked_stops": 1}, "locked_stops", ErrorReason.OUT_OF_RANGE, "the 0 stops"),
    ({"locked_stops": -1}, "locked_stops", ErrorReason.OUT_OF_RANGE, "is -1"),
    ({"route": (RouteStop(DROP, "nope"),)}, "route[0].order_id", ErrorReason.UNKNOWN_REFERENCE, "'nope'"),
    ({"route": (RouteStop(0, "o1"),)}, "route[0].kind", ErrorReason.MISSING, "required"),  # type: ignore[arg-type]
    ({"route": (RouteStop(7, "o1"),)}, "route[0].kind", ErrorReason.UNKNOWN_ENUM_VALUE, "7"),  # type: ignore[arg-type]
    ({"route": (RouteStop(PICK, "o1"),)}, "route", ErrorReason.INVALID_ROUTE, "never dropped off"),
    (
        {"route": (RouteStop(DROP, "o1"), RouteStop(PICK, "o1"))},
        "route[1].kind",
        ErrorReason.INVALID_ROUTE,
        "before this pick-up",
    ),
    (
        {"route": (RouteStop(DROP, "o1"), RouteStop(DROP, "o1"))},
        "route[1].order_id",
        ErrorReason.INVALID_ROUTE,
        "twice",
    ),
    (
        {"route": (RouteStop(DROP, "o2"),)},
        "route[0].order_id",
        ErrorReason.INVALID_ROUTE,
        "already in the route of 'c1'",
    ),
]


@pytest.mark.parametrize(("change", "field", "reason", "words"), BAD_COURIERS)
def test_a_bad_courier_is_named(change: dict[str, object], field: str, reason: ErrorReason, words: str) -> None:
    """The same for couriers and their routes."""
    first = courier("c1", route=(RouteStop(DROP, "o2"),))
    found = wrong([order("o1"), order("o2")], [first, replace(courier("c2"), **change)])  # type: ignore[arg-type]
    assert (f"snapshot.couriers[1].{field}", reason) in [(f, r) for f, r, _ in found]
    assert any(words in description for _, _, description in found), found


def test_what_is_wrong_with_the_whole_snapshot() -> None:
    """Ids twice, sizes over the limits, too many skills, no time, no market."""
    found = wrong([order("a"), order("b"), order("a")], [courier("c"), courier("c")])
    assert [(f, r) for f, r, _ in found] == [
        ("snapshot.orders[2].id", ErrorReason.DUPLICATE),
        ("snapshot.couriers[1].id", ErrorReason.DUPLICATE),
    ]
    found = wrong([order("a"), order("b")], [courier("c")], limits=Limits(orders=1, couriers=0))
    assert [(f, r) for f, r, _ in found] == [
        ("snapshot.orders", ErrorReason.TOO_LARGE),
        ("snapshot.couriers", ErrorReason.TOO_LARGE),
    ]
    route = (RouteStop(PICK, "a"), RouteStop(DROP, "a"))
    found = wrong([order("a")], [courier("c", route=route)], limits=Limits(route_stops=1))
    assert found == [("snapshot.couriers[0].route", ErrorReason.TOO_LARGE, "2 stops; at most 1 are allowed")]
    found = wrong([order(required_skills=tuple(f"s{k}" for k in range(64)))], [])
    assert [r for _, r, _ in found] == [ErrorReason.TOO_LARGE]
    assert build_snapshot("p", AT, [order(required_skills=tuple(f"s{k}" for k in range(63)))], []).orders.skills[0] > 0
    for market, at, field in (("", AT, "snapshot.market_id"), ("p", 0, "snapshot.at_ms"), ("p", -1, "snapshot.at_ms")):
        with pytest.raises(InvalidSnapshot) as caught:
            build_snapshot(market, at, [], [])
        assert [v.field for v in caught.value.violations] == [field]


def test_a_thousand_mistakes_are_reported_a_hundred_at_a_time() -> None:
    """An answer to a broken caller stays bounded."""
    assert len(wrong([order(f"o{k}", size=-1) for k in range(1000)], [])) == 100


def test_late_reality_is_not_an_inverted_window() -> None:
    """Limits in the past are the world's business: only two numbers of the caller may contradict each other."""
    late = order(pickup_by_ms=AT - 60_000, dropoff_by_ms=AT - 1, promised_by_ms=AT - 3_600_000)
    s = build_snapshot("porto", AT, [late], [courier(shift_end_at_ms=AT - 5)])
    assert s.orders.pickup_by_ms[0] == -60_000
    assert s.couriers.shift_end_ms[0] == -5
