"""The named instances are what every figure and several test rooms stand on."""

from __future__ import annotations

import numpy as np
import pytest
from bench.instances import NAMES, rows, snapshot

from matcher.domain.builder import build_snapshot

DIGESTS = {
    "city-50x200": "2487cb82445ba77b",
    "city-200x1000": "47d4f64812d8742d",
    "city-1000x5000": "5c897955690e4a56",
    "scarce-60x15": "4b65ad4fa25ec6a7",
    "village-6x4": "3b4ea7c939acdeab",
}


@pytest.mark.parametrize("name", NAMES)
def test_an_instance_is_the_same_everywhere(name: str) -> None:
    """A figure can be compared with an older one only when the input is the same; a change here must be meant.

    Digests of the snapshots: a new field that the instances do not fill leaves them as they are."""
    assert snapshot(name).digest.hex()[:16] == DIGESTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_an_instance_is_what_its_name_says(name: str) -> None:
    """Open orders × couriers, with routes in progress, on-board and locked stops among them."""
    market, got = NAMES[name], snapshot(name)
    assert int((got.orders.courier < 0).sum()) == market.orders
    assert len(got.couriers) == market.couriers
    stops = np.diff(got.routes.ptr)
    assert 0 < (stops > 0).sum() < market.couriers
    if market.couriers >= 100:
        assert set(stops.tolist()) == {0, 1, 2}
        assert got.routes.locked.any()
        assert got.orders.skills.any()
        assert len(set(got.couriers.mode.tolist())) == 4


def test_listing_order_does_not_matter() -> None:
    """The rows are shuffled on purpose; the snapshot must not show it."""
    orders, couriers = rows("village-6x4")
    assert orders != sorted(orders, key=lambda order: order.id)
    again = build_snapshot("village-6x4", snapshot("village-6x4").at_unix_ms, orders[::-1], couriers[::-1])
    assert again.digest == snapshot("village-6x4").digest
