"""Caps on pick-ups in zones: what each candidate uses of them, and what routes in progress have left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.assignment.candidates import Candidates
from matcher.domain import EARTH_RADIUS_M, Snapshot, StopKind, Zone
from matcher.domain.sphere import sin_cos_degrees

I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ZoneCaps:
    """One cap for each limit of each zone."""

    names: tuple[str, ...]
    """(caps,) of their zones."""
    inside: Mask
    """(orders, caps) whether the order is picked up there."""
    heading: Mask
    """(couriers, caps) whether the route in progress has a pick-up there."""
    by_courier: Mask
    """(caps,) whether couriers are counted, or orders."""
    left: I64
    """(caps,) what routes in progress leave, at least 0."""

    def use(self, candidates: Candidates) -> npt.NDArray[np.int16]:
        """(candidates, caps) what each would add."""
        orders = np.zeros((len(candidates), len(self.left)), dtype=np.int16)
        for member in candidates.sequence.T:
            orders += (member >= 0)[:, None] & self.inside[member]
        coming = (orders > 0) & ~self.heading[candidates.courier]
        used: npt.NDArray[np.int16] = np.where(self.by_courier, coming, orders).astype(np.int16)
        return used

    def full_after(self, used: I64) -> Mask:
        """(orders,) whether a cap of the order has nothing left once `used` is taken from it."""
        full: Mask = np.any(self.inside & (self.left <= used), axis=1)
        return full


def zone_caps(snapshot: Snapshot, open_orders: npt.NDArray[np.int32], zones: tuple[Zone, ...]) -> ZoneCaps | None:
    """The caps of a market that have less left than orders are open there; None where there are none of those."""
    routes, orders = snapshot.routes, snapshot.orders
    owner = np.repeat(np.arange(len(snapshot.couriers)), np.diff(routes.ptr))
    pickups = routes.stop_kind == StopKind.PICKUP
    to_pick_up, picker = routes.stop_order[pickups], owner[pickups]
    names, inside, heading, by_courier, left = [], [], [], [], []
    for zone in zones:
        here = _within(snapshot, zone)[orders.pickup_loc]
        come = np.zeros(len(snapshot.couriers), dtype=np.bool_)
        come[picker[here[to_pick_up]]] = True
        present = int(np.count_nonzero(here[to_pick_up])), int(np.count_nonzero(come))
        for couriers, limit in ((False, zone.max_orders), (True, zone.max_couriers)):
            room = max(0, limit - present[couriers])
            if limit and room < np.count_nonzero(here[open_orders]):
                names.append(zone.id)
                inside.append(here)
                heading.append(come)
                by_courier.append(couriers)
                left.append(room)
    if not left:
        return None
    return ZoneCaps(
        names=tuple(names),
        inside=np.column_stack(inside),
        heading=np.column_stack(heading),
        by_courier=np.array(by_courier),
        left=np.array(left, dtype=np.int64),
    )


def _within(snapshot: Snapshot, zone: Zone) -> Mask:
    """(locations,) whether each place is in the circle."""
    places = snapshot.locations
    if places.radius_m == 0.0:
        away = np.hypot(places.x - zone.longitude, places.y - zone.latitude)
        return np.asarray(away <= zone.radius_m)
    (sin_lat, cos_lat), (sin_lng, cos_lng) = (
        sin_cos_degrees(np.array([degrees])) for degrees in (zone.latitude, zone.longitude)
    )
    centre = EARTH_RADIUS_M * np.array([(cos_lat * cos_lng)[0], (cos_lat * sin_lng)[0], sin_lat[0]])
    chord = np.sqrt((places.x - centre[0]) ** 2 + (places.y - centre[1]) ** 2 + (places.z - centre[2]) ** 2)
    return np.asarray(chord <= 2 * places.radius_m * np.sin(zone.radius_m / (2 * places.radius_m)))
