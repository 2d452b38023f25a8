"""The DecisionRecord: all that is needed to make a decision again, and to see that it is the same."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.domain.decision import Effort, Provenance
from matcher.domain.policy import Policy
from matcher.domain.travel import Travel


@dataclass(frozen=True, slots=True)
class RecordMeta:
    """What a record is found by, and what replay pins. Copied from the decision and the process that made it."""

    decision_id: str
    market_id: str
    at_ms: int
    """The snapshot's time, Unix ms."""
    decided_at_ms: int
    """The clock of the process when it had decided, Unix ms; 0 where no clock is read."""
    effort: Effort
    provenance: Provenance
    config_digest: str
    """Digest of the process's whole configuration; empty without one."""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision as the journal keeps it.

    Values are handed over, not copied: whoever records must not change the arrays of `travel` afterwards.
    """

    request: bytes
    """The matcher.v1.MatchRequest as received, or the encoding of the snapshot when it came by no wire."""
    travel: Travel
    """What the TravelTime port answered."""
    policy: Policy
    """The policy in force, values and all."""
    decision: bytes
    """The matcher.v1.MatchResponse as sent."""
    meta: RecordMeta
