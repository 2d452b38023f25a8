"""The native decoder against the reference on the official runtime: it may refer a request, never read it otherwise."""

from __future__ import annotations

import os
import random
from contextlib import suppress
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from bench.instances import NAMES, snapshot
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.markets import AT, snapshots

from matcher import wire
from matcher.domain import InvalidRequest, Limits, Snapshot
from matcher.kernels import match_request
from matcher.v1 import matching_service_pb2, types_pb2
from matcher.wire.request import decode_by_reference

LIMITS = Limits(orders=50, couriers=50, route_stops=8, id_bytes=24, demand_points=20)


def natively(data: bytes, limits: Limits = LIMITS) -> match_request.DecodedRequest | None:
    return match_request.decode_match_request(
        data,
        orders=limits.orders,
        couriers=limits.couriers,
        route_stops=limits.route_stops,
        id_bytes=limits.id_bytes,
        demand_points=limits.demand_points,
    )


def hold_to_reference(data: bytes, limits: Limits = LIMITS) -> bool:
    """Whether the native decoder vouched for these bytes; a failure when it should not have."""
    if natively(data, limits) is None:
        return False
    fast, fast_options = wire.decode_match_request(data, limits)
    slow, slow_options = decode_by_reference(data, limits)  # raises where the native decoder was too generous
    same(fast, slow)
    assert fast_options == slow_options
    return True


def same(a: Snapshot, b: Snapshot) -> None:
    assert (a.market_id, a.at_unix_ms, a.frame, a.skills, a.stores) == (
        b.market_id,
        b.at_unix_ms,
        b.frame,
        b.skills,
        b.stores,
    )
    for group in ("locations", "orders", "couriers", "routes", "demand", "refusals"):
        for f in fields(getattr(a, group)):
            one, other = getattr(getattr(a, group), f.name), getattr(getattr(b, group), f.name)
            if isinstance(one, np.ndarray):
                assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes()), f"{group}.{f.name}"
                assert not one.flags.writeable
            else:
                assert one == other, f"{group}.{f.name}"
    assert a.digest == b.digest


def shuffled(data: bytes, seed: int) -> bytes:
    """The same request as another client would list it."""
    request = matching_service_pb2.MatchRequest.FromString(data)
    rng = random.Random(seed)
    for listed in (request.snapshot.orders, request.snapshot.couriers, request.snapshot.expected_demand):
        rows: list[Any] = list(listed)
        rng.shuffle(rows)
        copies = [type(row).FromString(row.SerializeToString()) for row in rows]
        del listed[:]
        listed.extend(copies)
    return request.SerializeToString()


@settings(max_examples=300, deadline=None)
@given(snapshots(), st.integers(0, 1 << 30))
def test_valid_requests_are_read_natively_and_the_same(market: Any, seed: int) -> None:
    """Not one valid request of our own client needs the reference, in whatever order it is listed."""
    data = wire.encode_match_request(market)
    assert hold_to_reference(data)
    assert hold_to_reference(shuffled(data, seed))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_benchmark_instances_too(name: str) -> None:
    """What is measured is the native path."""
    data = wire.encode_match_request(snapshot(name))
    assert hold_to_reference(data, Limits())
    assert hold_to_reference(shuffled(data, 5), Limits())


@pytest.mark.parametrize("spread", [(0.0,), (-90.0, 90.0, 0.0, -0.0, 5e-324, -5e-324), (41.15, 41.15 + 1e-14), None])
def test_places_are_sorted_wherever_they_lie(spread: tuple[float, ...] | None) -> None:
    """The decoder deals latitudes into slots: one slot for all, none but the outermost, neighbours in the last bit."""
    rng = random.Random(4)

    def place() -> tuple[float, float]:
        latitude = rng.choice(spread) if spread else rng.choice((1.0, 1e-3, 1e-9)) * rng.uniform(-90, 90)
        return latitude, rng.choice((0.0, -0.0, rng.uniform(-180, 180)))

    request = matching_service_pb2.MatchRequest(snapshot={"market_id": "m", "at_ms": AT})
    for k in range(400):
        (lat, lng), (to_lat, to_lng) = place(), place()
        request.snapshot.orders.add(
            id=f"{k:03}", pickup_latitude=lat, pickup_longitude=lng, dropoff_latitude=to_lat, dropoff_longitude=to_lng
        )
    assert hold_to_reference(request.SerializeToString(), Limits())


def test_unknown_fields_and_repeated_ones_follow_the_runtime() -> None:
    """A newer client's fields are skipped, the last of two values counts, however they are spread over the bytes."""
    base = matching_service_pb2.MatchRequest(snapshot={"market_id": "m", "at_ms": AT}, policy="a")
    base.snapshot.orders.add(id="o", size=3)
    unknown = b"\xf8\x3f\x05" + b"\xfa\x3f\x02hi" + b"\xfd\x3f\x01\x02\x03\x04" + b"\xf9\x3f12345678"
    twice = b"\x12\x01b" + b"\x20\x00"
    data = base.SerializeToString() + unknown + twice
    assert hold_to_reference(data)
    assert wire.decode_match_request(data)[1].policy == "b"
    inner = types_pb2.Order(id="o", size=3).SerializeToString() + b"\x60\x04" + unknown
    request = b"\x0a" + bytes([len(inner) + 12]) + b"\x0a\x01m\x10\x80\x80\xb0\xf5\x90\x2f\x22" + bytes([len(inner)])
    assert natively(request + inner) is None or hold_to_reference(request + inner)


def random_tag(rng: random.Random) -> bytes:
    number, kind = rng.choice([1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 21, 22, 99, 1 << 20]), rng.choice([0, 1, 2, 3, 4, 5])
    tag, out = number << 3 | kind, bytearray()
    while tag >= 0x80:
        out.append(tag & 0x7F | 0x80)
        tag >>= 7
    return bytes([*out, tag])


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The bytes with a few wounds: flips, cuts, insertions, repeats, tags that do not belong there."""
    wounded = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(wounded) + 1)
        match rng.randrange(6):
            case 0 if wounded:
                wounded[at % len(wounded)] ^= 1 << rng.randrange(8)
            case 1:
                del wounded[at : at + rng.randint(1, 5)]
            case 2:
                wounded[at:at] = rng.randbytes(rng.randint(1, 4))
            case 3:
                wounded[at:at] = wounded[at : at + rng.randint(1, 30)]
            case 4:
                wounded[at:at] = random_tag(rng)
            case _ if wounded:
                wounded[at % len(wounded)] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
    return bytes(wounded)


FIRST_SEED = int(os.environ.get("MATCHER_FUZZ_FIRST_SEED", "0"))
SEEDS = range(FIRST_SEED, FIRST_SEED + int(os.environ.get("MATCHER_FUZZ_SEEDS", "4")))


@pytest.mark.parametrize("seed", SEEDS)
def test_wounded_bytes_are_never_read_otherwise(seed: int) -> None:
    """Differential fuzzing: what the native decoder accepts, the runtime accepts, and reads the same.

    MATCHER_FUZZ_SEEDS=N tries N thousand inputs from MATCHER_FUZZ_FIRST_SEED on; `make test` tries four, `make fuzz`
    as many as it is told.
    """
    rng = random.Random(seed)
    originals = [wire.encode_match_request(snapshot("village-6x4")), wire.encode_match_request(small())]
    accepted = 0
    for _ in range(1000):
        data = mutated(rng.choice(originals), rng)
        accepted += hold_to_reference(data)
        with suppress(InvalidRequest):
            wire.decode_match_request(data, LIMITS)
    assert accepted > 20  # otherwise nothing was compared


def small() -> Snapshot:
    """A short request, so that wounds hit every field."""
    request = matching_service_pb2.MatchRequest(snapshot={"market_id": "é", "at_ms": AT, "frame": 2}, policy="p")
    request.snapshot.orders.add(id="a", pickup_latitude=-0.0, size=1, required_skills=["s", "t"], store_id="x")
    request.snapshot.couriers.add(id="c", latitude=1e7, capacity=2, skills=["t"], mode=3)  # type: ignore[arg-type]
    request.snapshot.expected_demand.add(latitude=5.0, weight=3)
    return decode_by_reference(request.SerializeToString())[0]


KINDS = {
    "message": FieldDescriptor.TYPE_MESSAGE,
    "string": FieldDescriptor.TYPE_STRING,
    "enumeration": FieldDescriptor.TYPE_ENUM,
    "boolean": FieldDescriptor.TYPE_BOOL,
    "int32": FieldDescriptor.TYPE_INT32,
    "int64": FieldDescriptor.TYPE_INT64,
    "float64": FieldDescriptor.TYPE_DOUBLE,
}


def test_field_numbers_are_the_contracts() -> None:
    """cpp/wire/fields.h is the one copy of numbers in C++; a field added to the contract must be added there."""
    ours = {
        (message, name, number, KINDS[kind]) for message, name, number, kind in match_request.match_request_fields()
    }
    described: list[Any] = [
        matching_service_pb2.MatchRequest,
        types_pb2.Snapshot,
        types_pb2.Order,
        types_pb2.RouteStop,
        types_pb2.Courier,
        types_pb2.DemandPoint,
    ]
    theirs = {
        (message.DESCRIPTOR.name, field.name, field.number, field.type)
        for message in described
        for field in message.DESCRIPTOR.fields
    }
    assert ours == theirs
