"""What happened in a simulated market: every commitment, every stop made."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.domain.decision import Decision
from matcher.domain.enums import StopKind
from matcher.domain.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Visit:
    """A stop that was made. Unix ms."""

    courier_id: str
    kind: StopKind
    order_id: str
    set_off_at_ms: int
    """When the courier left for this stop."""
    arrive_at_ms: int
    at_ms: int
    """The hand-over."""
    depart_at_ms: int


@dataclass(frozen=True, slots=True)
class Relocation:
    """A drive without an order. Unix ms."""

    courier_id: str
    set_off_at_ms: int
    arrive_at_ms: int
    latitude: float
    longitude: float
    """Where to."""


@dataclass(frozen=True, slots=True)
class CommittedPlan:
    """Orders given to a courier by one decision: for good, but for those given up at the kitchen."""

    at_ms: int
    courier_id: str
    order_ids: tuple[str, ...]
    """In the order of their drop-offs."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One decision as it was asked for and given."""

    at_ms: int
    snapshot: Snapshot
    decision: Decision
    placed: int
    """Orders placed so far."""
    committed: int
    """Orders given to a courier so far, this decision included."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole run."""

    visits: tuple[Visit, ...]
    """Courier after courier in the order of their ids, each in order of time."""
    commitments: tuple[CommittedPlan, ...]
    """In order of time, then of courier id."""
    undelivered: tuple[str, ...]
    """Orders not delivered, sorted."""
    cycles: int
    """Decisions asked for."""
    refusals: int
    """Plans offered that a courier refused."""
    end_at_ms: int
    """Departure from the last stop; the start of the run when there was none."""
    relocations: tuple[Relocation, ...] = ()
    """In order of time, then of courier id."""
