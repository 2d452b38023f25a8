"""A market to be simulated: who will order what and when, who will be on shift. Unix milliseconds, domain rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from matcher.domain.enums import SpatialFrame
from matcher.domain.rows import Courier, DemandPoint, Order


class Diversion(Enum):
    """What a later decision may still change of a plan that a courier has been given."""

    LOCKED_PLAN = "locked_plan"
    """Nothing: the courier carries out the whole plan, and is seen again where and when it ends."""
    ADDED_ORDERS = "added_orders"
    """What has been promised stays; until the first pick-up is made, orders may be added at it or after it. Then the
    courier carries out the plan, and is seen again where and when it ends. With prepositioning and late kitchens, a
    courier who is at the place and waits for the kitchen is seen as free there, and what it waits for as open: it may
    be given other orders, or sent elsewhere, as any courier who was sent there to wait."""
    LIVE_ROUTE = "live_route"
    """All but the stop that the courier is driving to or serving."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One courier's working time."""

    courier: Courier
    """Who and where when the shift starts; what follows from the shift or from what has happened
    (`free_at_ms`, `shift_end_at_ms`, `route`, `locked_stops`, `earned_micros`, `guaranteed_micros`,
    `on_shift_ms`) is ignored."""
    on_at_ms: int
    off_at_ms: int
    """Latest pick-up; drop-offs may come later."""
    guaranteed_per_hour_micros: int = 0
    """Paid at the least, orders or not."""


@dataclass(frozen=True, slots=True)
class Market:
    """The whole course of a market, known to the simulation only; decisions see no order before it is placed."""

    market_id: str
    frame: SpatialFrame
    orders: tuple[Order, ...]
    """Every one with `placed_at_ms`."""
    shifts: tuple[Shift, ...]
    expected_demand: tuple[DemandPoint, ...] = ()
    """What is known beforehand of where orders will be picked up; in every snapshot."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the market is run."""

    start_at_ms: int
    """First decision; the others follow every `cycle_ms`. A cycle without an open order asks for none."""
    cycle_ms: int
    diversion: Diversion
    only_free_couriers: bool = False
    """A courier is given a plan only when free at the time of the decision; a plan for one who is still busy, or not
    yet on shift, is not carried out, and its orders stay open."""
    prepositioning: bool = False
    """Idle couriers carry out the moves that decisions ask for, and cannot be diverted on the way; every cycle asks for
    a decision then. For couriers who carry out plans whole."""
    coming_shifts_ms: int = 0
    """Couriers whose shift starts within this time are part of the snapshot, free from its start."""
