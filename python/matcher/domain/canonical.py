"""The canonical form of a snapshot: ranks, distinct places, bit sets, read-only columns and the digest."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from matcher.domain.enums import SpatialFrame
from matcher.domain.snapshot import EARTH_RADIUS_M, F64, I32, I64, U64, Locations
from matcher.domain.sphere import sin_cos_degrees

_SCHEMA = b"matcher.snapshot/3"
_DIGEST_BYTES = 16
_SAME = 1 << 63
"""In the length of a column: its values are all the same, of which one is written."""
_LITTLE_ENDIAN = sys.byteorder == "little"


def rank(ids: Sequence[str]) -> tuple[I32, I64]:
    """Rank of each id, and the position of each rank. Code points sort as UTF-8 bytes do."""
    at = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
    ranks = np.empty(len(ids), dtype=np.int32)
    ranks[at] = np.arange(len(ids), dtype=np.int32)
    return ranks, at


def locate(frame: SpatialFrame, latitude: F64, longitude: F64) -> tuple[Locations, I32]:
    """The distinct places among (latitude, longitude), sorted, and the index of each given one."""
    latitude, longitude = latitude + 0.0, longitude + 0.0  # -0.0 is 0.0
    order = np.lexsort((longitude, latitude))
    sorted_latitude, sorted_longitude = latitude[order], longitude[order]
    first = np.ones(len(order), dtype=bool)
    if len(order) > 1:
        first[1:] = (np.diff(sorted_latitude) != 0) | (np.diff(sorted_longitude) != 0)
    places = np.empty(len(order), dtype=np.int32)
    places[order] = np.cumsum(first, dtype=np.int32) - 1
    lat, lng = sorted_latitude[first], sorted_longitude[first]
    if frame is SpatialFrame.PLANE_METERS:
        return Locations(lat, lng, lng.copy(), lat.copy(), np.zeros_like(lat), 0.0), places
    (sin_lat, cos_lat), (sin_lng, cos_lng) = sin_cos_degrees(lat), sin_cos_degrees(lng)
    x, y, z = EARTH_RADIUS_M * (cos_lat * cos_lng), EARTH_RADIUS_M * (cos_lat * sin_lng), EARTH_RADIUS_M * sin_lat
    return Locations(lat, lng, x, y, z, EARTH_RADIUS_M), places


def skill_sets(names: Sequence[str], ptr: I32, listed: Sequence[str]) -> U64:
    """Bit sets over `names` of the skills listed[ptr[i]:ptr[i+1]]."""
    sets = np.zeros(len(ptr) - 1, dtype=np.uint64)
    if listed:
        bit = {name: 1 << index for index, name in enumerate(names)}
        row = np.repeat(np.arange(len(sets)), np.diff(ptr))
        np.bitwise_or.at(sets, row, np.array([bit[name] for name in listed], dtype=np.uint64))
    return sets


def freeze(*groups: Any) -> None:
    """Mark every array of these dataclasses read-only."""
    for array in _arrays(groups):
        array.flags.writeable = False


def canonical_digest(scalars: tuple[object, ...], content: bytes) -> bytes:
    """Digest of a snapshot: of its scalars and its `canonical_content`. SHA-256: there are instructions for it."""
    digest = hashlib.sha256(_SCHEMA + repr(scalars).encode())
    digest.update(content)
    return digest.digest()[:_DIGEST_BYTES]


_LEFT_OUT = ("x", "y", "z", "announced", "acceptance_permille", "on_shift_ms", "ready_early_ms", "ready_late_ms")


def canonical_content(
    texts: Iterable[Sequence[str]], groups: Iterable[Any], more: Iterable[np.ndarray[Any, Any]] = ()
) -> bytes:
    """Lengths and bytes of all texts and columns, and of `more` columns. x, y and z follow from the coordinates given
    and are left out; columns that came later are among `more` where they say something. Of a column whose values are
    all the same, one is written, and the highest bit of its length is set.

    The native decoder says the same in one call: cpp/wire/content.cpp.
    """
    content = bytearray()
    for strings in texts:
        _put(content, np.fromiter(map(len, strings), dtype=np.int32, count=len(strings)))
        content += "".join(strings).encode()
    for array in chain(_arrays(groups, leave_out=_LEFT_OUT), more):
        _put(content, array)
    return bytes(content)


def _put(content: bytearray, array: np.ndarray[Any, Any]) -> None:
    count = len(array)
    if count > 1 and bool((array == array[0]).all()):
        count, array = count | _SAME, array[:1]
    content += count.to_bytes(8, "little")
    content += (array if _LITTLE_ENDIAN else array.astype(array.dtype.newbyteorder("<"))).tobytes()


def _arrays(groups: Iterable[Any], leave_out: Sequence[str] = ()) -> Iterable[Any]:
    for group in groups:
        for name in _field_names(group.__class__):
            value = getattr(group, name)
            if isinstance(value, np.ndarray) and name not in leave_out:
                yield value


@cache
def _field_names(dataclass: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(dataclass))
