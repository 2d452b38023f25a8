"""The Decision: what a market does now, and why. Ids, not indices: it leaves the process."""

from __future__ import annotations

from dataclasses import dataclass, field

from matcher.domain.enums import Degradation, MoveReason, OrderStatus, Rung, StopKind, WaitReason


@dataclass(frozen=True, slots=True)
class PlannedStop:
    """A stop with its times, in Unix milliseconds."""

    kind: StopKind
    order_id: str
    arrive_at_ms: int
    at_ms: int
    depart_at_ms: int


@dataclass(frozen=True, slots=True)
class CourierPlan:
    """The whole remaining route of a courier who gains orders."""

    courier_id: str
    stops: tuple[PlannedStop, ...]
    new_order_ids: tuple[str, ...]
    depart_by_ms: int


@dataclass(frozen=True, slots=True)
class CourierMove:
    """An idle courier told to wait at another place, no order attached."""

    courier_id: str
    latitude: float
    longitude: float
    arrive_at_ms: int
    """Unix ms, setting off at once."""
    reason: MoveReason
    saved_ms: int
    """Pick-up delay that the orders expected next are spared, on the mean."""


@dataclass(frozen=True, slots=True)
class OrderOutcome:
    """What becomes of one open order."""

    order_id: str
    status: OrderStatus
    reason: WaitReason | None
    courier_id: str
    hold_until_ms: int
    dropoff_at_ms: int
    waiting_micros: int


@dataclass(frozen=True, slots=True)
class Effort:
    """Work granted, in units that do not depend on the clock; given back as a budget it yields the same decision."""

    nearest_couriers: int
    """Couriers considered for an order, at most."""
    max_bundle_orders: int
    """Orders in a bundle, at most."""
    rung: Rung
    """Rung that answered."""
    iterations: int
    """Iterations granted to the solver; it may have needed fewer."""
    first_rung: Rung
    """Rung that was tried first; the rungs between it and `rung` failed verification."""


@dataclass(frozen=True, slots=True)
class Build:
    """The build that decides."""

    version: str
    digest: str
    """Digest of the decision code, kernels included; replay compares it."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a decision."""

    policy: str
    policy_digest: str
    build_version: str
    build_digest: str
    snapshot_digest: str
    models: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """A plan per courier concerned, an outcome per open order, the cost by term and its certificate."""

    decision_id: str
    market_id: str
    at_ms: int
    plans: tuple[CourierPlan, ...]
    outcomes: tuple[OrderOutcome, ...]
    cost_terms: tuple[tuple[str, int], ...]
    total_cost_micros: int
    lower_bound_micros: int
    gap: float
    rung: Rung
    degradations: tuple[Degradation, ...]
    effort: Effort
    provenance: Provenance
    moves: tuple[CourierMove, ...] = ()
    """Sorted by courier; couriers of `plans` are not among them."""
