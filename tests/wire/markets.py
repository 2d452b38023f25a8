"""Any valid snapshot, for property tests of the wire."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from matcher.domain import Courier, DemandPoint, Order, RouteStop, SpatialFrame, StopKind, TravelMode, build_snapshot

AT = 1_700_000_000_000


def times(spread: int = 3_600_000) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(AT - spread, AT + spread)


@st.composite
def snapshots(draw: st.DrawFn) -> Any:
    """Any valid snapshot, small: routes, boards, windows, skills, stores, both frames, awkward floats."""
    frame = draw(st.sampled_from(SpatialFrame))
    reach = (90.0, 180.0) if frame is SpatialFrame.WGS84 else (1e7, 1e7)
    lat = st.floats(-reach[0], reach[0]) | st.sampled_from([0.0, -0.0, 41.15, 0.1 + 0.2])
    lng = st.floats(-reach[1], reach[1]) | st.sampled_from([0.0, -0.0, -8.61])
    names = st.lists(st.sampled_from(["frozen", "alcohol", "ü"]), max_size=2).map(tuple)
    ids = draw(st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=6))
    micros = st.integers(0, 10**12)
    duration = st.sampled_from([0, 0, 1, 60_000])
    orders = []
    for id_ in ids:
        try:
            id_.encode()
        except UnicodeEncodeError:
            continue
        ready, not_before = draw(times()), draw(times())
        pickup_by, dropoff_by, promised = draw(times()), draw(times()), draw(times())
        early, late = draw(times()), draw(times())
        ordered = iter(sorted(time for time in (early, ready, late) if time is not None))
        early, ready, late = (time if time is None else next(ordered) for time in (early, ready, late))
        if ready is not None and pickup_by is not None:
            pickup_by = max(pickup_by, ready)
        earliest = [t for t in (ready, not_before) if t is not None]
        if dropoff_by is not None:
            dropoff_by = max([dropoff_by, *earliest])
        if promised is not None and not_before is not None:
            promised = max(promised, not_before)
        orders.append(
            Order(
                id_,
                draw(lat),
                draw(lng),
                draw(lat),
                draw(lng),
                placed_at_ms=draw(times()),
                ready_at_ms=ready,
                promised_by_ms=promised,
                dropoff_not_before_ms=not_before,
                pickup_by_ms=pickup_by,
                dropoff_by_ms=dropoff_by,
                size=draw(st.integers(0, 3)),
                required_skills=draw(names),
                priority=draw(st.integers(0, 1000)),
                freshness_limit_ms=draw(st.none() | st.integers(1, 10**6)),
                store_id=draw(st.sampled_from(["", "s", "t"])),
                pickup_access_ms=draw(duration),
                pickup_leave_ms=draw(duration),
                dropoff_access_ms=draw(duration),
                dropoff_leave_ms=draw(duration),
                picked_up_at_ms=draw(times()),
                courier_pay_micros=draw(micros),
                refused_courier_ids=draw(st.lists(st.sampled_from(["c0", "c1", "c3", "gone"]), max_size=3).map(tuple)),
                ready_early_at_ms=early,
                ready_late_at_ms=late,
                announced_courier_id=draw(st.sampled_from(["", "", "c0", "c2", "gone"])),
            )
        )
    couriers, left = [], list(orders)
    for k in range(draw(st.integers(0, 4))):
        stops = []
        for _ in range(draw(st.integers(0, 2))):
            if left:
                order = left.pop()
                if draw(st.booleans()):
                    stops.append(RouteStop(StopKind.PICKUP, order.id))
                stops.append(RouteStop(StopKind.DROPOFF, order.id))
        couriers.append(
            Courier(
                f"c{k}",
                draw(lat),
                draw(lng),
                free_at_ms=draw(times()),
                shift_end_at_ms=draw(times()),
                capacity=draw(st.integers(0, 5)),
                skills=draw(names),
                mode=draw(st.sampled_from(TravelMode)),
                speed_meters_per_hour=draw(st.sampled_from([0, 19_200])),
                route=tuple(stops),
                locked_stops=draw(st.integers(0, len(stops))),
                earned_micros=draw(micros),
                guaranteed_micros=draw(micros),
                acceptance_permille=draw(st.sampled_from([0, 0, 1, 1000])),
                on_shift_ms=draw(st.sampled_from([0, 0, 1, 86_400_000])),
            )
        )
    demand = draw(st.lists(st.builds(DemandPoint, lat, lng, st.integers(1, 1_000_000)), max_size=4))
    return build_snapshot("porto", AT, orders, couriers, expected_demand=demand, frame=frame)
