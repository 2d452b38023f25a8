"""Repeated number fields as arrays, without a Python number for each double.

A field of doubles is packed: on the wire its numbers lie side by side, as they do in an array. A message that holds
nothing else ends with them, so the end of its bytes is the array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.message import Message

from matcher.domain.snapshot import F64


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
