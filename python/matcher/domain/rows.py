"""Orders and couriers as people write them: one frozen value each, with the fields and defaults of types.proto.

The engine never sees these; `matcher.domain.builder` turns lists of them into the columns of a Snapshot. Times are
Unix milliseconds and None where the wire says "not set". Coordinates are degrees, or metres on a plane where
latitude is y (north) and longitude is x (east).
"""

from __future__ import annotations

from dataclasses import dataclass

from matcher.domain.enums import StopKind, TravelMode


@dataclass(frozen=True, slots=True)
class Order:
    """One order. In no route: open. Both stops in a route: planned. Only its drop-off in a route: on board."""

    id: str
    pickup_latitude: float = 0.0
    pickup_longitude: float = 0.0
    dropoff_latitude: float = 0.0
    dropoff_longitude: float = 0.0
    placed_at_ms: int | None = None
    """None: the snapshot's time."""
    ready_at_ms: int | None = None
    """Earliest hand-over at the pick-up; where that is uncertain, its median. None: the snapshot's time."""
    promised_by_ms: int | None = None
    """Soft end of the promise window. None: no promise."""
    dropoff_not_before_ms: int | None = None
    """None: any time."""
    pickup_by_ms: int | None = None
    """Hard. None: no limit."""
    dropoff_by_ms: int | None = None
    """Hard. None: no limit."""
    size: int = 0
    """Units of capacity."""
    required_skills: tuple[str, ...] = ()
    priority: int = 0
    """0 to 1000."""
    freshness_limit_ms: int | None = None
    """Longest time from the pick-up to the drop-off. None: no limit."""
    store_id: str = ""
    """Orders of one store may travel as a bundle; "": never bundled."""
    pickup_access_ms: int = 0
    pickup_leave_ms: int = 0
    dropoff_access_ms: int = 0
    dropoff_leave_ms: int = 0
    picked_up_at_ms: int | None = None
    """When an order on board was handed over. None: the snapshot's time."""
    courier_pay_micros: int = 0
    """What a courier earns with the order."""
    refused_courier_ids: tuple[str, ...] = ()
    """Couriers who are not given the order; ids that the snapshot does not have are ignored."""
    ready_early_at_ms: int | None = None
    """Ready before it one time in ten, for an order that is not ready. None: `ready_at_ms`."""
    ready_late_at_ms: int | None = None
    """Ready after it one time in ten, for an order that is not ready. None: `ready_at_ms`."""
    announced_courier_id: str = ""
    """Whom a plan was announced for though the order is open; "" or an unknown id: nobody."""


@dataclass(frozen=True, slots=True)
class DemandPoint:
    """A place at which orders are expected to be picked up."""

    latitude: float = 0.0
    longitude: float = 0.0
    weight: int = 1
    """Share of the expected orders, relative to the other points: 1 to 1,000,000."""


@dataclass(frozen=True, slots=True)
class RouteStop:
    """A stop still to be made."""

    kind: StopKind
    order_id: str


@dataclass(frozen=True, slots=True)
class Courier:
    """One courier with its route in progress."""

    id: str
    latitude: float = 0.0
    longitude: float = 0.0
    free_at_ms: int | None = None
    """When the courier can start from that position. None: the snapshot's time."""
    shift_end_at_ms: int | None = None
    """Latest pick-up. None: no end."""
    capacity: int = 0
    skills: tuple[str, ...] = ()
    mode: TravelMode = TravelMode.CAR
    speed_meters_per_hour: int = 0
    """0: the policy's speed of the mode."""
    route: tuple[RouteStop, ...] = ()
    locked_stops: int = 0
    """First stops of the route that can be neither changed nor preceded."""
    earned_micros: int = 0
    """Earned with orders since the shift began, those of the route included."""
    guaranteed_micros: int = 0
    """Paid at the least for the time since the shift began."""
    acceptance_permille: int = 0
    """How likely the courier takes an offer, in a thousand; 0: not known, counts as certain."""
    on_shift_ms: int = 0
    """Time on shift so far, at most a day; 0: not known."""
