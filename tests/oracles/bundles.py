"""Bundles by enumeration: every subset of a store's open orders, every sequence. Integers and loops only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Places:
    """Columns as `propose_bundles` takes them."""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    z: npt.NDArray[np.float64]
    radius_m: float


@dataclass(frozen=True, slots=True)
class OrderTable:
    """Columns as `propose_bundles` takes them."""

    store: npt.NDArray[np.int32]
    pickup_loc: npt.NDArray[np.int32]
    dropoff_loc: npt.NDArray[np.int32]
    ready_ms: npt.NDArray[np.int64]
    promised_by_ms: npt.NDArray[np.int64]
    freshness_ms: npt.NDArray[np.int64]
    size: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class MatrixTimes:
    """Columns as `propose_bundles` takes them."""

    matrix_ms: npt.NDArray[np.int32]
    profile: npt.NDArray[np.int32]


def estimate(orders: OrderTable, trip: npt.NDArray[np.int32], bundle: tuple[int, ...]) -> tuple[int, int, int] | None:
    """(saving, delay, number of sequences with that delay) by the definition; None if no sequence keeps freshness."""
    store = int(orders.pickup_loc[bundle[0]])
    door = {o: int(orders.dropoff_loc[o]) for o in bundle}
    ready = {o: max(0, int(orders.ready_ms[o])) for o in bundle}

    def go(a: int, b: int) -> int:
        return 0 if a == b else int(trip[a, b])

    def late(o: int, arrival: int) -> int:
        return max(0, arrival - int(orders.promised_by_ms[o]))

    leave = max(ready.values())
    found: list[tuple[int, tuple[int, ...], int]] = []
    for sequence in permutations(bundle):
        here, elapsed, delay, fresh = store, 0, 0, True
        for o in sequence:
            elapsed += go(here, door[o])
            here = door[o]
            fresh = fresh and elapsed <= int(orders.freshness_ms[o])
            alone = ready[o] + go(store, door[o])
            delay += leave + elapsed - alone + late(o, leave + elapsed) - late(o, alone)
        if fresh:
            alone_tours = sum(go(store, door[o]) + go(door[o], store) for o in bundle)
            found.append((delay, sequence, alone_tours - elapsed - go(here, store)))
    if not found:
        return None
    delay, _, saving = min(found)
    return saving, delay, sum(1 for each in found if each[0] == delay)


def all_bundles(
    orders: OrderTable, trip: npt.NDArray[np.int32], open_orders: list[int], max_orders: int, spread: int, max_size: int
) -> dict[tuple[int, ...], tuple[int, int]]:
    """Every bundle that keeps all limits and saves something, with its saving and delay."""
    found = {}
    for count in range(2, max_orders + 1):
        for bundle in combinations(open_orders, count):
            stores = {(int(orders.store[o]), int(orders.pickup_loc[o])) for o in bundle}
            ready = [max(0, int(orders.ready_ms[o])) for o in bundle]
            size = sum(int(orders.size[o]) for o in bundle)
            if len(stores) > 1 or orders.store[bundle[0]] < 0 or max(ready) - min(ready) > spread or size > max_size:
                continue
            value = estimate(orders, trip, bundle)
            if value is not None and value[0] > 0:
                found[bundle] = value[:2]
    return found
