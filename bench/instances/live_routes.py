"""Seeded markets with couriers under way, as the columns that matcher.kernels.insertion reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from matcher.domain import EARTH_RADIUS_M, NEVER_MS, MatrixTravel, MetricTravel
from matcher.domain.snapshot import Couriers, Locations, Orders, Routes

MINUTE = 60_000
NEVER = int(NEVER_MS)


@dataclass(frozen=True, slots=True)
class LiveMarket:
    """A market and its travel times; `open_orders` are in no route."""

    locations: Locations
    orders: Orders
    couriers: Couriers
    routes: Routes
    travel: MetricTravel | MatrixTravel
    open_orders: list[int]


def live_market(
    seed: int,
    *,
    couriers: int = 6,
    open_orders: int = 6,
    places: int = 12,
    stores: int = 4,
    orders_per_route: int = 3,
    sphere: bool = False,
    matrix: bool = False,
    tight: float = 0.3,
    side_m: float = 8_000.0,
) -> LiveMarket:
    """Few places, so that stops meet; `tight` is the share of orders with each kind of limit.

    Some routes have stops at one place in a row, some orders on board, some are late beyond their limits, some have
    locked stops. The matrix is asymmetric and breaks the triangle inequality.
    """
    rng = np.random.default_rng(seed)
    # Columns have as many entries as there are orders in the end; draw generously, cut below.
    held = [int(n) for n in rng.integers(0, orders_per_route + 1, couriers)]
    n = sum(held) + open_orders
    locations = _places(rng, places, sphere, side_m)

    def some(limit: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.where(rng.random(n) < tight, limit, NEVER).astype(np.int64)

    placed = -rng.integers(0, 30 * MINUTE, n)
    ready = placed + rng.integers(0, 50 * MINUTE, n)
    store = rng.integers(0, stores, n)
    i32 = np.int32
    orders = Orders(
        ids=tuple(f"o{k:05}" for k in range(n)),
        pickup_loc=store.astype(i32),
        dropoff_loc=rng.integers(0, places, n).astype(i32),
        placed_ms=placed,
        ready_ms=ready,
        ready_early_ms=ready,
        ready_late_ms=ready,
        promised_by_ms=np.where(rng.random(n) < 0.8, placed + rng.integers(20, 60, n) * MINUTE, NEVER),
        dropoff_not_before_ms=np.where(rng.random(n) < tight, ready + rng.integers(0, 30, n) * MINUTE, placed),
        pickup_by_ms=some(ready + rng.integers(-5, 40, n) * MINUTE),
        dropoff_by_ms=some(ready + rng.integers(0, 90, n) * MINUTE),
        freshness_ms=some(rng.integers(8, 50, n) * MINUTE),
        size=rng.integers(0, 4, n).astype(i32),
        skills=np.where(rng.random(n) < tight / 2, 1 << rng.integers(0, 3, n), 0).astype(np.uint64),
        priority=np.zeros(n, i32),
        store=store.astype(i32),
        pickup_access_ms=rng.integers(0, 4, n).astype(i32) * 30_000,
        pickup_leave_ms=rng.integers(0, 3, n).astype(i32) * 45_000,
        dropoff_access_ms=rng.integers(0, 4, n).astype(i32) * 30_000,
        dropoff_leave_ms=rng.integers(0, 3, n).astype(i32) * 20_000,
        pay_micros=np.zeros(n, np.int64),
        courier=np.full(n, -1, i32),
        announced=np.full(n, -1, i32),
    )
    owners = Couriers(
        ids=tuple(f"c{k:05}" for k in range(couriers)),
        loc=rng.integers(0, places, couriers).astype(i32),
        free_ms=rng.integers(0, 15, couriers) * MINUTE,
        shift_end_ms=np.where(rng.random(couriers) < tight, rng.integers(0, 90, couriers) * MINUTE, NEVER),
        capacity=rng.integers(2, 9, couriers).astype(i32),
        skills=rng.integers(0, 8, couriers).astype(np.uint64),
        mode=np.ones(couriers, np.int8),
        speed_mph=np.zeros(couriers, i32),
        earned_micros=np.zeros(couriers, np.int64),
        guaranteed_micros=np.zeros(couriers, np.int64),
        acceptance_permille=np.zeros(couriers, np.int32),
        on_shift_ms=np.zeros(couriers, np.int64),
    )
    routes, last = _routes(rng, held)
    travel: MetricTravel | MatrixTravel
    if matrix:
        table = rng.integers(1, 20, (2, places, places)).astype(i32) * 45_000
        table[:, range(places), range(places)] = 0
        travel = MatrixTravel("test", table, rng.integers(0, 2, couriers).astype(i32))
    else:
        speeds = rng.choice(np.array([5_000, 15_000, 25_000], i32), couriers)
        travel = MetricTravel("test", 1.3, int(rng.choice([1, 1000, MINUTE])), speeds)
    return LiveMarket(locations, orders, owners, routes, travel, list(range(last, n)))


def _places(rng: np.random.Generator, places: int, sphere: bool, side_m: float) -> Locations:
    if not sphere:
        x, y = rng.uniform(0, side_m, (2, places)).round(1)
        return Locations(latitude=y, longitude=x, x=x, y=y, z=np.zeros(places), radius_m=0.0)
    latitude = np.radians(48.85 + rng.uniform(-0.5, 0.5, places) * side_m / 111_000)
    longitude = np.radians(2.35 + rng.uniform(-0.5, 0.5, places) * side_m / 73_000)
    x = EARTH_RADIUS_M * np.cos(latitude) * np.cos(longitude)
    y = EARTH_RADIUS_M * np.cos(latitude) * np.sin(longitude)
    z = EARTH_RADIUS_M * np.sin(latitude)
    return Locations(np.degrees(latitude), np.degrees(longitude), x, y, z, EARTH_RADIUS_M)


def _routes(rng: np.random.Generator, held: list[int]) -> tuple[Routes, int]:
    """Random orders of stops, each pick-up before its drop-off; some pick-ups lie in the past."""
    ptr, stop_order, stop_kind, locked, order = [0], [], [], [], 0
    for count in held:
        stops: list[tuple[int, int]] = []
        for _ in range(count):
            drop = int(rng.integers(0, len(stops) + 1))
            stops.insert(drop, (2, order))
            if rng.random() < 0.7:
                stops.insert(int(rng.integers(0, drop + 1)), (1, order))
            order += 1
        stop_kind += [kind for kind, _ in stops]
        stop_order += [of for _, of in stops]
        ptr.append(len(stop_order))
        locked.append(int(rng.integers(0, len(stops) + 1)) if rng.random() < 0.3 else 0)
    columns = (np.array(c, np.int32) for c in (ptr, stop_order))
    return Routes(*columns, np.array(stop_kind, np.int8), np.array(locked, np.int32)), order
