"""The Snapshot: everything known when a decision starts, as columns.

One numpy array an attribute; no Python object per order or courier. Rows are sorted by id, so the order in which a
caller lists entities has no influence, and "the lower index wins" is a tie rule that every stage can share.

Units: int64 milliseconds since the snapshot's clock (`Snapshot.at_unix_ms`), so "now" is 0; metres; capacity units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.domain.enums import SpatialFrame

I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]

NEVER_MS = np.int64(1) << np.int64(50)
"""Stands for "no limit" in columns of latest times; far beyond any time a plan reaches, far below overflow."""

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth (IUGG), metres."""


@dataclass(frozen=True, slots=True)
class Locations:
    """Distinct places, sorted by (latitude, longitude). Two stops are at the same place iff they have the same index.

    In the plane x is the longitude (east), y the latitude (north) and z is 0. On the sphere (x, y, z) is the point on
    a sphere of `radius_m`; the great-circle distance follows from the chord without trigonometry per pair.

    latitude, longitude: (n,) float64 as the caller gave them, -0.0 as 0.0. x, y, z: (n,) float64 metres.
    radius_m: 0.0 in the plane.
    """

    latitude: F64
    longitude: F64
    x: F64
    y: F64
    z: F64
    radius_m: float

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders, open or in a route, sorted by id. All arrays have one entry per order."""

    ids: tuple[str, ...]
    pickup_loc: I32
    dropoff_loc: I32
    placed_ms: I64
    ready_ms: I64
    """Earliest hand-over at the pick-up; for an order on board, when it was handed over."""
    promised_by_ms: I64
    """Soft end of the promise window; NEVER_MS without one."""
    dropoff_not_before_ms: I64
    pickup_by_ms: I64
    """Hard; NEVER_MS without one."""
    dropoff_by_ms: I64
    """Hard; NEVER_MS without one."""
    freshness_ms: I64
    """Longest time from pick-up to drop-off; NEVER_MS without a limit."""
    size: I32
    skills: U64
    """Bit set over Snapshot.skills."""
    priority: I32
    store: I32
    """Index in Snapshot.stores; -1: never bundled."""
    pickup_access_ms: I32
    pickup_leave_ms: I32
    dropoff_access_ms: I32
    dropoff_leave_ms: I32
    pay_micros: I64
    """What a courier earns with the order."""
    courier: I32
    """The courier whose route mentions the order; -1: open."""
    announced: I32
    """The courier whom a plan was announced for; -1: nobody."""
    ready_early_ms: I64
    """Ready before it one time in ten; ready_ms where that is certain."""
    ready_late_ms: I64
    """Ready after it one time in ten; ready_ms where that is certain."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Couriers:
    """Couriers, sorted by id. All arrays have one entry per courier."""

    ids: tuple[str, ...]
    loc: I32
    free_ms: I64
    """Earliest departure from `loc`; never below 0."""
    shift_end_ms: I64
    """Latest pick-up; NEVER_MS without an end."""
    capacity: I32
    skills: U64
    mode: I8
    speed_mph: I32
    """Own speed in metres per hour; 0: the policy's for the mode."""
    earned_micros: I64
    """Earned in this shift, the orders of the route included."""
    guaranteed_micros: I64
    """Paid at the least for the time since the shift began."""
    acceptance_permille: I32
    """How likely an offer is taken, in a thousand; 0: not known, counts as certain."""
    on_shift_ms: I64
    """Time since the shift began; 0: not known."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Routes:
    """Stops still to be made, courier after courier: courier c has the stops ptr[c]:ptr[c+1]."""

    ptr: I32
    """(couriers + 1,)"""
    stop_order: I32
    """Index of the stop's order."""
    stop_kind: I8
    """StopKind."""
    locked: I32
    """(couriers,) first stops of each route that can be neither changed nor preceded."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Where orders are expected, sorted by (loc, weight); empty: nothing is known."""

    loc: I32
    """(points,)"""
    weight: I32
    """(points,) relative shares, at least 1."""

    def __len__(self) -> int:
        return len(self.loc)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Pairs of an order and a courier who is not given it, by order and then courier, each once."""

    order: I32
    courier: I32

    def __len__(self) -> int:
        return len(self.order)


NO_REFUSALS = Refusals(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent view of a market. Build it with `matcher.domain.builder` or decode it from the wire."""

    market_id: str
    at_unix_ms: int
    frame: SpatialFrame
    locations: Locations
    orders: Orders
    couriers: Couriers
    routes: Routes
    demand: Demand
    skills: tuple[str, ...]
    """Names of the skill bits, sorted."""
    stores: tuple[str, ...]
    """Ids of the stores, sorted."""
    digest: bytes
    """Digest of the content, independent of listing order."""
    refusals: Refusals = NO_REFUSALS
