"""What the engine asks of the outside, as small Protocols. Concrete classes are named in `matcher.app` only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from matcher.domain import Build, CancelToken, DecisionRecord, Effort, Rung, Snapshot, Travel
from matcher.domain.policy import TravelPolicy


class TravelTime(Protocol):
    """Travel times between all places of a snapshot, asked once and in bulk."""

    def travel(self, snapshot: Snapshot, policy: TravelPolicy) -> Travel:
        """Times for every courier of the snapshot."""
        ...


class DecisionSink(Protocol):
    """Where decisions are kept: the journal."""

    def record(self, record: DecisionRecord) -> bool:
        """Take a record without waiting; False when there was no room and it is lost (the sink counts those)."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one engine, and the build that it is."""

    travel: TravelTime
    build: Build


@dataclass(frozen=True, slots=True)
class Budget:
    """How much work a decision may do.

    Work, not time: `effort` pins what is done, and is what replay hands back. `seconds_left` (the only window to a
    clock, given by the caller) is asked between stages; when it runs low the engine steps down, and the effort in the
    decision says to where.
    """

    effort: Effort | None = None
    """Do exactly this, as in replay: no clock, no stepping down. None: what policy and time allow."""
    forced_rung: Rung | None = None
    """Answer from this rung only; None: the policy's ladder."""
    seconds_left: Callable[[], float] | None = None
    cancel: CancelToken | None = None
    """Raised when nobody waits for the decision any more: kernels stop at once and `Cancelled` is all that comes."""
