"""What can change in a market between two decisions, as the messages of a session say it."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.domain.decision import CourierPlan, Decision
from matcher.domain.enums import StreamStatus
from matcher.domain.rows import Courier, Order, RouteStop
from matcher.domain.violations import ErrorReason, Violation


@dataclass(frozen=True, slots=True)
class OrderIn:
    """An order that the session does not have yet; open."""

    order: Order


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order that the session has, as it is now: replaces every field, but refusals add up."""

    order: Order


@dataclass(frozen=True, slots=True)
class OrderOut:
    """An order that is gone; its stops leave the route that has them."""

    order_id: str


@dataclass(frozen=True, slots=True)
class CourierOn:
    """A courier that the session does not have yet."""

    courier: Courier


@dataclass(frozen=True, slots=True)
class CourierMoved:
    """Where a courier is, or will be."""

    courier_id: str
    latitude: float
    longitude: float
    free_at_ms: int | None = None
    """None: the snapshot's time."""


@dataclass(frozen=True, slots=True)
class CourierOff:
    """A courier who leaves; orders not yet picked up are open again."""

    courier_id: str


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """A courier who does not take an order: it leaves the route and is not given to that courier again."""

    courier_id: str
    order_id: str


@dataclass(frozen=True, slots=True)
class RouteChanged:
    """All stops that a courier has yet to make; orders that are in it no longer are open again."""

    courier_id: str
    route: tuple[RouteStop, ...]
    locked_stops: int = 0

    @classmethod
    def of_plan(cls, plan: CourierPlan, locked_stops: int = 0) -> RouteChanged:
        """The route of a decision's plan, as a courier who accepts it drives it."""
        return cls(plan.courier_id, tuple(RouteStop(stop.kind, stop.order_id) for stop in plan.stops), locked_stops)


@dataclass(frozen=True, slots=True)
class RouteAdvanced:
    """A courier who has made the first `stops` stops: what was picked up is on board, what was dropped off is gone."""

    courier_id: str
    stops: int
    at_ms: int | None = None
    """When the last of them was made. None: the market's clock reading."""


Delta = (
    OrderIn
    | OrderChanged
    | OrderOut
    | CourierOn
    | CourierMoved
    | CourierOff
    | OfferRefused
    | RouteChanged
    | RouteAdvanced
)


@dataclass(frozen=True, slots=True)
class StreamReply:
    """The answer to one message of a session."""

    sequence: int
    status: StreamStatus
    next_sequence: int
    """The number that the next message must have (with a snapshot: at least)."""
    decision: Decision | None = None
    reason: ErrorReason | None = None
    message: str = ""
    violations: tuple[Violation, ...] = ()
