"""Where an order fits into routes under way, and routes for a whole market."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from matcher.domain.decision import CourierPlan
from matcher.domain.enums import Rung, WaitReason


@dataclass(frozen=True, slots=True)
class OrderCandidate:
    """One way to serve an order; times are Unix milliseconds."""

    plan: CourierPlan
    """The courier's new route."""
    pickup_pos: int
    """Stops of the present route before the pick-up."""
    dropoff_pos: int
    cost_terms: tuple[tuple[str, int], ...]
    """(term, micros) in the order of the policy's weights."""
    pickup_at_ms: int
    dropoff_at_ms: int
    finish_at_ms: int

    @property
    def cost_micros(self) -> int:
        """Sum of the terms."""
        return sum(micros for _, micros in self.cost_terms)


@dataclass(frozen=True, slots=True)
class OrderInsertion:
    """Who can serve one order."""

    order_id: str
    candidates: tuple[OrderCandidate, ...]
    """Cheapest first."""
    reason: WaitReason | None
    """Set when there are none."""
    refused: tuple[tuple[WaitReason, int], ...]
    """(reason, couriers), when there are fewer candidates than asked for."""


class RelaxedLimit(StrEnum):
    """What gives way, and the unit of the amount; see message Relaxation in the contract."""

    TIME_WINDOW = "time_window_ms"
    FRESHNESS = "freshness_ms"
    SHIFT_END = "shift_end_ms"
    CAPACITY = "capacity"
    SKILLS = "skills"
    ROUTE_STOPS = "route_stops"
    COURIERS = "couriers"
    UNSERVED_PRICE = "unserved_micros"
    SEARCH = "longer_search"
    """Nothing: the order fits as it is. The amount is 0."""


@dataclass(frozen=True, slots=True)
class OrderRelaxation:
    """One limit, and the least by which it alone must give way for an order to be served."""

    limit: RelaxedLimit
    amount: int
    courier_id: str
    """Who would take the order; of COURIERS: whom one more would have to be like."""


@dataclass(frozen=True, slots=True)
class UnservedOrder:
    """An order in no route."""

    order_id: str
    reason: WaitReason
    refused: tuple[tuple[WaitReason, int], ...]
    relaxations: tuple[OrderRelaxation, ...] | None = None
    """Of a final plan: each is enough by itself; empty when none is. None: not worked out."""


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """Routes for a whole market; they were checked against every limit."""

    plans: tuple[CourierPlan, ...]
    """Couriers with stops, by id."""
    unserved: tuple[UnservedOrder, ...]
    cost_terms: tuple[tuple[str, int], ...]
    """(term, micros) of all routes."""
    initial_cost_micros: int
    iterations: int
    exhausted: bool
    """Time was over before max_iterations were done."""
    final: bool
    rung: Rung
    """NATIVE: the search has run; GREEDY: orders were only inserted."""

    @property
    def cost_micros(self) -> int:
        """Sum of the terms."""
        return sum(micros for _, micros in self.cost_terms)
