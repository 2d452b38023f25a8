"""Places of rows and the way between them."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.domain.enums import SpatialFrame, StopKind
from matcher.domain.rows import Order


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the market's frame."""

    latitude: float
    longitude: float


def stop_place(order: Order, kind: StopKind) -> Place:
    """Where a stop of `order` is made."""
    if kind is StopKind.PICKUP:
        return Place(order.pickup_latitude, order.pickup_longitude)
    return Place(order.dropoff_latitude, order.dropoff_longitude)


def between(start: Place, end: Place, share: float, frame: SpatialFrame) -> Place:
    """The point after `share` (0 to 1) of the way from `start` to `end`.

    Straight in the frame's coordinates; in degrees along the shorter side of the antimeridian. Over the distances of
    one city this is the great circle to within metres.
    """
    if share <= 0.0:
        return start
    if share >= 1.0:
        return end
    eastward = end.longitude - start.longitude
    if frame is SpatialFrame.WGS84 and abs(eastward) > 180.0:
        eastward -= 360.0 if eastward > 0.0 else -360.0
    longitude = start.longitude + share * eastward
    if frame is SpatialFrame.WGS84 and abs(longitude) > 180.0:
        longitude -= 360.0 if longitude > 0.0 else -360.0
    return Place(start.latitude + share * (end.latitude - start.latitude), longitude)
