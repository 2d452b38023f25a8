"""The request codec: encoding gives back exactly what was decided on, and decoding refuses with the field's path."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher import wire
from matcher.domain import (
    Courier,
    Effort,
    ErrorReason,
    InvalidRequest,
    Limits,
    Order,
    RouteStop,
    Rung,
    SpatialFrame,
    StopKind,
    TravelMode,
    build_snapshot,
)
from matcher.v1 import errors_pb2, matching_service_pb2, types_pb2

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
    duration = st.sampled_from([0, 0, 1, 60_000])
    orders = []
    for id_ in ids:
        try:
            id_.encode()
        except UnicodeEncodeError:
            continue
        ready, not_before = draw(times()), draw(times())
        pickup_by, dropoff_by, promised = draw(times()), draw(times()), draw(times())
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
            )
        )
    return build_snapshot("porto", AT, orders, couriers, frame=frame)


@settings(max_examples=200, deadline=None)
@given(snapshots())
def test_decoding_the_encoding_gives_the_same_snapshot(snapshot: Any) -> None:
    """Client, journal and simulator rely on it: same digest, same columns, same bytes once more."""
    data = wire.encode_match_request(snapshot)
    again, options = wire.decode_match_request(data)
    assert again.digest == snapshot.digest
    assert options == wire.MatchOptions()
    for group in ("locations", "orders", "couriers", "routes"):
        for f in fields(getattr(snapshot, group)):
            a, b = getattr(getattr(snapshot, group), f.name), getattr(getattr(again, group), f.name)
            assert np.array_equal(a, b), (group, f.name)
            if isinstance(a, np.ndarray):
                assert a.dtype == b.dtype
    assert wire.encode_match_request(again) == data


def message(**changes: Any) -> matching_service_pb2.MatchRequest:
    request = matching_service_pb2.MatchRequest(snapshot={"market_id": "porto", "at_ms": AT})
    request.snapshot.orders.add(id="o1", pickup_latitude=41.0)
    request.snapshot.couriers.add(id="c1", latitude=41.0)
    request.MergeFrom(matching_service_pb2.MatchRequest(**changes))
    return request


def test_wire_and_rows_mean_the_same() -> None:
    """The two ways in share one meaning: a message with nothing set equals a row with nothing set."""
    from_wire, _ = wire.decode_match_request(message().SerializeToString())
    from_rows = build_snapshot("porto", AT, [Order("o1", 41.0)], [Courier("c1", 41.0)])
    assert from_wire.digest == from_rows.digest


def test_options_travel() -> None:
    """Policy, forced rung, validation only and a pinned effort come back as they went."""
    snapshot = build_snapshot("porto", AT, [], [])
    options = wire.MatchOptions("mdrp", Rung.GREEDY, True, Effort(3, 2, Rung.ORTOOLS, 77, Rung.NATIVE))
    assert wire.decode_match_request(wire.encode_match_request(snapshot, options))[1] == options


def refused(data: bytes, **more: Any) -> list[tuple[str, ErrorReason]]:
    with pytest.raises(InvalidRequest) as caught:
        wire.decode_match_request(data, **more)
    assert all(v.description for v in caught.value.violations)
    return [(v.field, v.reason) for v in caught.value.violations]


def test_what_is_no_request_is_malformed() -> None:
    """Garbage and cut-off bytes, and text that is not UTF-8, are refused by name."""
    assert refused(b"\xff\xff\xff") == [("request", ErrorReason.MALFORMED)]
    assert refused(message().SerializeToString()[:-3]) == [("request", ErrorReason.MALFORMED)]
    assert refused(b"\x12\x02\xc3\x28") == [("request", ErrorReason.MALFORMED)]
    assert refused(b"") == [("snapshot", ErrorReason.MISSING)]


def test_options_are_checked() -> None:
    """Unknown enum numbers and impossible efforts name their field."""
    assert refused(message(forced_rung=9).SerializeToString()) == [("forced_rung", ErrorReason.UNKNOWN_ENUM_VALUE)]
    found = refused(message(effort={"iterations": -1, "rung": 17}).SerializeToString())
    assert set(found) == {
        ("effort.rung", ErrorReason.UNKNOWN_ENUM_VALUE),
        ("effort.nearest_couriers", ErrorReason.OUT_OF_RANGE),
        ("effort.max_bundle_orders", ErrorReason.OUT_OF_RANGE),
        ("effort.iterations", ErrorReason.OUT_OF_RANGE),
    }


def test_violations_of_the_snapshot_reach_the_caller() -> None:
    """The checks of the builder hold for bytes too, with the caller's positions."""
    request = message()
    request.snapshot.orders.add(id="o1", dropoff_latitude=math.nan)
    request.snapshot.couriers.add(id="c2", mode=17, route=[{"kind": 5, "order_id": "o1"}])  # type: ignore[arg-type]
    request.snapshot.frame = 12  # type: ignore[assignment]
    assert refused(request.SerializeToString()) == [("snapshot.frame", ErrorReason.UNKNOWN_ENUM_VALUE)]
    request.snapshot.frame = 0  # type: ignore[assignment]
    assert refused(request.SerializeToString()) == [
        ("snapshot.orders[1].id", ErrorReason.DUPLICATE),
        ("snapshot.orders[1].dropoff_latitude", ErrorReason.OUT_OF_RANGE),
        ("snapshot.couriers[1].mode", ErrorReason.UNKNOWN_ENUM_VALUE),
    ]


def test_rows_over_the_limits_are_counted_not_built() -> None:
    """A request over the limits says how many rows it has."""
    request = message()
    for k in range(10):
        request.snapshot.orders.add(id=str(k))
    with pytest.raises(InvalidRequest, match="11 orders; at most 3") as caught:
        wire.decode_match_request(request.SerializeToString(), Limits(orders=3))
    assert [v.reason for v in caught.value.violations] == [ErrorReason.TOO_LARGE]


def test_reasons_are_those_of_the_contract() -> None:
    """Clients switch on the names; a reason that one side lacks would arrive as another."""
    theirs = {name: number for name, number in errors_pb2.ErrorReason.items() if number}
    assert {f"ERROR_REASON_{reason.name}": int(reason) for reason in ErrorReason} == theirs


def test_rows_have_the_fields_of_the_contract() -> None:
    """A field added to types.proto must reach the rows that people write, under the same name."""
    for row, proto in ((Order, types_pb2.Order), (Courier, types_pb2.Courier), (RouteStop, types_pb2.RouteStop)):
        described: list[FieldDescriptor] = list(proto.DESCRIPTOR.fields)
        assert sorted(f.name for f in fields(row)) == sorted(f.name for f in described)
