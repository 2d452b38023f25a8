"""A made-up city over lunch: what `matcher demo` plays. Equal seeds give equal cities, on every machine.

Sixty stores in clusters, 820 orders in two hours with a peak after the first, 120 couriers of four modes on staggered
shifts. Orders have sizes, preparation times and promises; some need a skill, must stay fresh, or matter more. Only
additions and multiplications of seeded uniform numbers make places, which are then rounded.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from matcher.domain.enums import SpatialFrame, TravelMode
from matcher.domain.rows import Courier, Order
from matcher.simulation.market import Diversion, Market, Rules, Shift

MINUTE_MS = 60_000
START_MS = 1_772_622_000_000
"""2026-03-04 11:00 UTC."""
ORDER_MINUTES = 120
"""Orders are placed during the first so many minutes."""
RULES = Rules(start_at_ms=START_MS, cycle_ms=30_000, diversion=Diversion.LIVE_ROUTE, coming_shifts_ms=5 * MINUTE_MS)
PAY_PER_HOUR = 18.0
"""What a courier is paid for an hour of shift, in the policy's currency."""

_LATITUDE, _LONGITUDE = 45.07, 7.68
_DEGREES_NORTH, _DEGREES_EAST = 1 / 111_195.0, 1 / 78_530.0
_CLUSTERS, _STORES = 7, 60
_PEAK = (2, 3, 4, 6, 8, 10, 11, 10, 8, 6, 4, 3)
"""Relative demand in each tenth minute."""
_MODES = (TravelMode.CAR, TravelMode.MOTORCYCLE, TravelMode.BICYCLE, TravelMode.FOOT)
_MODE_WEIGHTS = (20, 35, 40, 5)
_CAPACITY = {TravelMode.CAR: 12, TravelMode.MOTORCYCLE: 6, TravelMode.BICYCLE: 4, TravelMode.FOOT: 3}


@dataclass(frozen=True, slots=True)
class Store:
    """A pick-up place of the city."""

    id: str
    latitude: float
    longitude: float
    prep_minutes: int
    """Typical time from an order to its being ready."""


@dataclass(frozen=True, slots=True)
class City:
    """The city and everything that will happen in it."""

    seed: int
    stores: tuple[Store, ...]
    market: Market


def demo_city(seed: int = 7, *, orders: int = 820, couriers: int = 120) -> City:
    """The city of that seed, with so many orders and couriers."""
    rng = random.Random(seed)
    centres = [(0.0, 0.0)] + [_near(rng, (0.0, 0.0), 3_300.0) for _ in range(_CLUSTERS - 1)]
    places = [_near(rng, centres[k % _CLUSTERS], 900.0) for k in range(_STORES)]
    stores = tuple(Store(f"store-{k:02d}", *_degrees(place), rng.randrange(6, 17)) for k, place in enumerate(places))
    popularity = [1.0 + 3.0 * rng.random() * rng.random() for _ in stores]
    placed = sorted(_placement(rng) for _ in range(orders))
    placements = tuple(_order(rng, k, at, stores, places, popularity) for k, at in enumerate(placed))
    shifts = tuple(_shift(rng, k, centres) for k in range(couriers))
    return City(seed, stores, Market(f"demo-{seed}", SpatialFrame.WGS84, placements, shifts))


def _near(rng: random.Random, centre: tuple[float, float], spread_m: float) -> tuple[float, float]:
    """A point around `centre` (east, north; metres), denser near it."""
    east, north = (sum(rng.random() for _ in range(3)) / 1.5 - 1.0 for _ in range(2))
    return centre[0] + east * spread_m, centre[1] + north * spread_m


def _degrees(place: tuple[float, float]) -> tuple[float, float]:
    return round(_LATITUDE + place[1] * _DEGREES_NORTH, 6), round(_LONGITUDE + place[0] * _DEGREES_EAST, 6)


def _placement(rng: random.Random) -> int:
    """Milliseconds from the start to an order."""
    tenth = rng.choices(range(len(_PEAK)), weights=_PEAK)[0]
    return (10 * MINUTE_MS * tenth) + rng.randrange(10 * MINUTE_MS)


def _order(
    rng: random.Random,
    number: int,
    placed: int,
    stores: tuple[Store, ...],
    places: list[tuple[float, float]],
    popularity: list[float],
) -> Order:
    k = rng.choices(range(len(stores)), weights=popularity)[0]
    store, door = stores[k], _degrees(_near(rng, places[k], 2_600.0))
    placed_at = START_MS + placed
    prep = store.prep_minutes * MINUTE_MS + rng.randrange(-3 * MINUTE_MS, 6 * MINUTE_MS)
    return Order(
        id=f"order-{number:04d}",
        pickup_latitude=store.latitude,
        pickup_longitude=store.longitude,
        dropoff_latitude=door[0],
        dropoff_longitude=door[1],
        placed_at_ms=placed_at,
        ready_at_ms=placed_at + prep,
        promised_by_ms=placed_at + prep + rng.choice((20, 25, 25, 30)) * MINUTE_MS,
        size=rng.choice((1, 1, 1, 2, 2, 3)),
        required_skills=("alcohol",) if rng.random() < 0.06 else (),
        priority=50 if rng.random() < 0.05 else 0,
        freshness_limit_ms=40 * MINUTE_MS if rng.random() < 0.35 else None,
        store_id=store.id,
        pickup_access_ms=90_000,
        pickup_leave_ms=45_000,
        dropoff_access_ms=90_000,
        dropoff_leave_ms=45_000,
    )


def _shift(rng: random.Random, number: int, centres: list[tuple[float, float]]) -> Shift:
    mode = rng.choices(_MODES, weights=_MODE_WEIGHTS)[0]
    latitude, longitude = _degrees(_near(rng, centres[number % len(centres)], 1_800.0))
    kind = number % 7
    if kind < 3:  # From before the first order to after the last.
        on, off = 0, rng.randrange(165, 196, 5)
    elif kind < 5:  # From late morning.
        on, off = rng.randrange(20, 41, 5), rng.randrange(140, 181, 5)
    else:  # The peak only.
        on, off = rng.randrange(35, 56, 5), rng.randrange(110, 131, 5)
    courier = Courier(
        id=f"courier-{number:03d}",
        latitude=latitude,
        longitude=longitude,
        capacity=_CAPACITY[mode],
        skills=("alcohol",) if rng.random() < 0.6 else (),
        mode=mode,
    )
    return Shift(courier, START_MS + on * MINUTE_MS, START_MS + off * MINUTE_MS)
