"""The request codec: encoding gives back exactly what was decided on, and decoding refuses with the field's path."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from tests.wire.markets import AT, snapshots

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
    build_snapshot,
)
from matcher.v1 import errors_pb2, matching_service_pb2, types_pb2


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


def test_an_effort_beyond_the_limits_is_refused_by_field() -> None:
    """Work that a caller pins is bounded like everything else that it sends; the exact rung counts in its own unit."""
    limits = Limits(
        effort_nearest_couriers=10, effort_bundle_orders=2, effort_iterations=1_000, effort_exact_iterations=50
    )
    within = {"nearest_couriers": 10, "max_bundle_orders": 2, "iterations": 1_000, "rung": 1}
    _, options = wire.decode_match_request(message(effort=within).SerializeToString(), limits)
    assert options.effort == Effort(10, 2, Rung.NATIVE, 1_000, Rung.NATIVE)
    for effort, fields_ in (
        ({**within, "iterations": 1 << 62}, ["effort.iterations"]),
        ({**within, "rung": int(Rung.ORTOOLS)}, ["effort.iterations"]),
        ({**within, "nearest_couriers": 11, "max_bundle_orders": 3}, ["nearest_couriers", "max_bundle_orders"]),
    ):
        with pytest.raises(InvalidRequest) as caught:
            wire.decode_match_request(message(effort=effort).SerializeToString(), limits)
        found = [(v.field, v.reason) for v in caught.value.violations]
        assert found == [(f"effort.{name.removeprefix('effort.')}", ErrorReason.TOO_LARGE) for name in fields_]


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
