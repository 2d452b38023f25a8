"""Repeated number fields from and to arrays, without a Python number for each.

A field of doubles is packed: on the wire its numbers lie side by side, as they do in an array. A message that holds
nothing else ends with them, so the end of its bytes is the array. Fields that are written one after another, in the
order of their numbers, are the bytes of the message that holds them all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.message import Message
from numpy.typing import ArrayLike

from matcher.domain.snapshot import F64
from matcher.kernels import solve_request

_BYTES = 2
"""Wire type of packed numbers and of messages."""


def doubles(message: Message, field: str) -> F64:
    """The repeated double field of a message as an array of its own."""
    alone: Any = type(message)()
    alone.CopyFrom(message)
    for other in message.DESCRIPTOR.fields:
        if other.name != field:
            alone.ClearField(other.name)
    alone.DiscardUnknownFields()
    data = alone.SerializeToString()
    count = len(getattr(message, field))
    return np.frombuffer(data, "<f8", count, len(data) - 8 * count).astype(np.float64)


def packed_doubles(field: int, values: ArrayLike) -> bytes:
    """A repeated double field; nothing for no numbers."""
    numbers = np.ascontiguousarray(values, "<f8").ravel()
    return inside(field, numbers.tobytes()) if numbers.size else b""


def packed_int32(field: int, values: ArrayLike) -> bytes:
    """A repeated int32 field; nothing for no numbers."""
    return solve_request.packed_int32(field, np.ascontiguousarray(values, np.int32).ravel())


def inside(field: int, content: bytes) -> bytes:
    """A message field (or another of its wire type) with this content."""
    return varint(field << 3 | _BYTES) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """A number, not negative, as the wire writes it."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
