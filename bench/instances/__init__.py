"""Seeded snapshots by name, for tests and benchmarks alike: a number that is compared must come from the same input.

A name says open orders × couriers. Markets look like a lunch peak: stores in clusters, doors around them, couriers of
mixed modes, two in five with a route in progress (partly on board, partly locked), some orders with skills, sizes,
hard limits and freshness limits. Only additions and multiplications of seeded uniform numbers make coordinates, which
are then rounded, so an instance is the same on every machine; a test holds the digests.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from matcher.domain import Snapshot, SpatialFrame, StopKind, TravelMode
from matcher.domain.builder import build_snapshot
from matcher.domain.rows import Courier, Order, RouteStop

AT_MS = 1_767_009_600_000
"""The clock of every instance: 2025-12-29 12:00 UTC."""


@dataclass(frozen=True, slots=True)
class Market:
    """How an instance is drawn."""

    orders: int
    couriers: int
    stores: int
    extent_m: float
    """Half the width of the city."""
    seed: int


NAMES = {
    "city-50x200": Market(orders=50, couriers=200, stores=20, extent_m=4_000.0, seed=11),
    "city-200x1000": Market(orders=200, couriers=1_000, stores=60, extent_m=8_000.0, seed=12),
    "city-1000x5000": Market(orders=1_000, couriers=5_000, stores=250, extent_m=16_000.0, seed=13),
    # Few couriers for many orders of few stores: bundles and waiting decide.
    "scarce-60x15": Market(orders=60, couriers=15, stores=6, extent_m=3_000.0, seed=14),
    # Small enough to be looked at whole.
    "village-6x4": Market(orders=6, couriers=4, stores=2, extent_m=1_500.0, seed=15),
}

_LATITUDE, _LONGITUDE = 41.15, -8.61
_DEGREES_NORTH, _DEGREES_EAST = 1 / 111_195.0, 1 / 83_730.0
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class _Place:
    east_m: float
    north_m: float

    @property
    def latitude(self) -> float:
        return round(_LATITUDE + self.north_m * _DEGREES_NORTH, 6)

    @property
    def longitude(self) -> float:
        return round(_LONGITUDE + self.east_m * _DEGREES_EAST, 6)


def rows(name: str) -> tuple[list[Order], list[Courier]]:
    """The instance as lists of orders and couriers, in no particular order. KeyError for an unknown name."""
    market = NAMES[name]
    rng = random.Random(market.seed)
    centres = [_around(rng, _Place(0.0, 0.0), market.extent_m) for _ in range(max(2, market.stores // 8))]
    stores = [_around(rng, rng.choice(centres), market.extent_m * 0.25) for _ in range(market.stores)]
    orders: list[Order] = []
    couriers: list[Courier] = []
    for _ in range(market.orders):
        orders.append(_order(rng, f"o{len(orders):05d}", stores, open_=True))
    for number in range(market.couriers):
        route: list[RouteStop] = []
        kind = rng.random()
        if kind < 0.2:  # On the way to a door.
            orders.append(_order(rng, f"o{len(orders):05d}", stores, open_=False))
            route = [RouteStop(StopKind.DROPOFF, orders[-1].id)]
        elif kind < 0.4:  # On the way to a store.
            orders.append(_order(rng, f"o{len(orders):05d}", stores, open_=False))
            route = [RouteStop(stop, orders[-1].id) for stop in (StopKind.PICKUP, StopKind.DROPOFF)]
        couriers.append(_courier(rng, f"c{number:05d}", market, tuple(route)))
    rng.shuffle(orders)
    rng.shuffle(couriers)
    return orders, couriers


def snapshot(name: str) -> Snapshot:
    """The instance `name` as a Snapshot. KeyError for an unknown name."""
    orders, couriers = rows(name)
    return build_snapshot(name, AT_MS, orders, couriers, frame=SpatialFrame.WGS84)


def _around(rng: random.Random, centre: _Place, spread_m: float) -> _Place:
    east, north = (sum(rng.random() for _ in range(3)) / 1.5 - 1.0 for _ in range(2))
    return _Place(centre.east_m + east * spread_m, centre.north_m + north * spread_m)


def _order(rng: random.Random, order_id: str, stores: list[_Place], *, open_: bool) -> Order:
    number = rng.randrange(len(stores))
    store, door = stores[number], _around(rng, stores[number], 3_500.0)
    age = rng.randrange(0, 6) if open_ else rng.randrange(8, 20)
    placed = AT_MS - age * _MINUTE_MS - rng.randrange(_MINUTE_MS)
    ready = placed + rng.randrange(4, 18) * _MINUTE_MS
    return Order(
        id=order_id,
        pickup_latitude=store.latitude,
        pickup_longitude=store.longitude,
        dropoff_latitude=door.latitude,
        dropoff_longitude=door.longitude,
        placed_at_ms=placed,
        ready_at_ms=ready,
        promised_by_ms=placed + rng.choice((35, 40, 45, 60)) * _MINUTE_MS,
        dropoff_by_ms=AT_MS + rng.randrange(60, 120) * _MINUTE_MS if rng.random() < 0.1 else None,
        size=rng.choice((1, 1, 1, 2, 3)),
        required_skills=("alcohol",) if open_ and rng.random() < 0.06 else (),
        priority=100 if rng.random() < 0.05 else 0,
        freshness_limit_ms=40 * _MINUTE_MS if rng.random() < 0.3 else None,
        store_id=f"s{number:04d}",
        pickup_access_ms=90_000,
        pickup_leave_ms=60_000,
        dropoff_access_ms=90_000,
        dropoff_leave_ms=60_000,
    )


def _courier(rng: random.Random, courier_id: str, market: Market, route: tuple[RouteStop, ...]) -> Courier:
    place = _around(rng, _Place(0.0, 0.0), market.extent_m * 1.2)
    mode = rng.choices(
        (TravelMode.CAR, TravelMode.MOTORCYCLE, TravelMode.BICYCLE, TravelMode.FOOT), weights=(4, 3, 5, 1)
    )[0]
    capacity = {TravelMode.CAR: 12, TravelMode.MOTORCYCLE: 6, TravelMode.BICYCLE: 4, TravelMode.FOOT: 3}[mode]
    busy_until = AT_MS + rng.randrange(0, 240_000)
    return Courier(
        id=courier_id,
        latitude=place.latitude,
        longitude=place.longitude,
        free_at_ms=busy_until if route else None,
        shift_end_at_ms=AT_MS + rng.randrange(20, 240) * _MINUTE_MS if rng.random() < 0.8 else None,
        capacity=capacity,
        skills=("alcohol",) if rng.random() < 0.5 else (),
        mode=mode,
        route=route,
        locked_stops=1 if route and rng.random() < 0.3 else 0,
    )
