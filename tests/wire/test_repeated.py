"""Number fields come out bit by bit as they went in, whatever they hold and whatever else their message does."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.v1 import assignment_service_pb2
from matcher.wire.repeated import doubles

_UNKNOWN_FIELD = bytes([0xFA, 0x01, 3, 1, 2, 3])  # number 31, three bytes


@pytest.mark.parametrize("count", [0, 1, 15, 16, 2047, 2048, 100_000])
def test_doubles_are_those_of_the_message(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    values[: min(count, 5)] = [np.nan, np.inf, -np.inf, -0.0, 5e-324][:count]
    sent = assignment_service_pb2.SparseCosts(rows=3, cols=7, row=[1, 2], col=[3, 4], cost=values)
    received = assignment_service_pb2.SparseCosts.FromString(sent.SerializeToString() + _UNKNOWN_FIELD)
    read = doubles(received, "cost")
    assert read.tobytes() == np.array(received.cost, np.float64).tobytes() == values.tobytes()
    assert read.flags.writeable
