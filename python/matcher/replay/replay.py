"""Records of a journal → the same engine → the same bytes, or where they differ.

Everything that a decision depended on comes from its record: the snapshot by its request, the answers of the ports,
the policy's values, and the work that was granted. No clock is asked. The recorded build is handed to the engine as
its identity, so that decisions of another build differ only where it decides differently; that the build is another
is said beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace

from matcher import wire
from matcher.domain import Build, DecisionRecord, InvalidRequest, Limits, Snapshot, Travel
from matcher.domain.policy import TravelPolicy
from matcher.engine import VerificationError, decide
from matcher.journal import JournalEntry
from matcher.ports import Budget, Ports
from matcher.replay.difference import first_difference

# What was accepted then is accepted now, whatever today's limits are.
_NO_LIMITS = Limits(**{limit.name: 1 << 62 if limit.name.startswith("effort") else 1 << 30 for limit in fields(Limits)})


@dataclass(frozen=True, slots=True)
class Replayed:
    """One record, decided again."""

    segment: str
    index: int
    decision_id: str
    difference: str | None
    """Path and values of the first field that differs, or why no decision came; None: the bytes are identical."""
    recorded_build: Build

    @property
    def identical(self) -> bool:
        """Whether the decision is the same, byte for byte."""
        return self.difference is None


def replay(entries: Iterable[JournalEntry]) -> Iterator[Replayed]:
    """Decide every record again, in the order given."""
    for entry in entries:
        provenance = entry.record.meta.provenance
        yield Replayed(
            segment=entry.segment,
            index=entry.index,
            decision_id=entry.record.meta.decision_id,
            difference=_difference(entry.record),
            recorded_build=Build(provenance.build_version, provenance.build_digest),
        )


def decide_again(record: DecisionRecord) -> bytes:
    """The MatchResponse that this build gives to a record.

    Raises InvalidRequest or VerificationError where this build does not decide at all.
    """
    snapshot, options = wire.decode_match_request(record.request, _NO_LIMITS)
    provenance = record.meta.provenance
    ports = Ports(travel=_RecordedTravel(record.travel), build=Build(provenance.build_version, provenance.build_digest))
    budget = Budget(effort=record.meta.effort, forced_rung=options.forced_rung)
    return wire.encode_decision(decide(snapshot, record.policy, budget=budget, ports=ports))


@dataclass(frozen=True, slots=True)
class _RecordedTravel:
    """A TravelTime that gives the recorded answer."""

    answer: Travel

    def travel(self, snapshot: Snapshot, policy: TravelPolicy) -> Travel:
        del snapshot, policy
        return self.answer


def _difference(record: DecisionRecord) -> str | None:
    try:
        again = decide_again(record)
    except (InvalidRequest, VerificationError) as error:
        return f"no decision: {error}"
    if again == record.decision:
        return None
    then, now = wire.decode_decision(record.decision), wire.decode_decision(again)
    # The id follows from everything else, so it is the least telling difference.
    found = first_difference(then, replace(now, decision_id=then.decision_id)) or first_difference(then, now)
    return found or "the encoding: equal decisions in different bytes"
