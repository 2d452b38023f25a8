"""Batches: which open orders are worth carrying together. Ids, not indices: they leave the process."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.domain.decision import Provenance
from matcher.domain.enums import UnbatchedReason


@dataclass(frozen=True, slots=True)
class Batch:
    """Orders of one store, picked up together."""

    store_id: str
    order_ids: tuple[str, ...]
    """In drop-off order."""
    saving_ms: int
    """Courier time: out-and-back trips of each alone less the one tour."""
    delay_ms: int
    """Customers' time: drop-offs later than alone, and what that adds beyond the promises."""
    ready_at_ms: int
    """When the last of them is ready, Unix ms."""


@dataclass(frozen=True, slots=True)
class Batches:
    """Proposals, best first, and why other open orders are in none."""

    batches: tuple[Batch, ...]
    unbatched: tuple[tuple[str, UnbatchedReason], ...]
    """(order id, reason), ascending by id."""
    dropped: int
    """Batches found beyond the limit."""
    provenance: Provenance
