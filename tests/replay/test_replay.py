"""A recorded decision is made again, byte for byte, whatever led to it; and a difference is found and named."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench.instances import snapshot

from matcher import wire
from matcher.app import App, Config
from matcher.app.config import JournalConfig
from matcher.cli.main import main
from matcher.domain import Build, DecisionRecord, MatrixTravel, Rung, Snapshot
from matcher.domain.policy import TravelPolicy
from matcher.journal import JournalReader, JournalSettings, JournalWriter
from matcher.replay import decide_again, first_difference, replay

NAMES = ("village-6x4", "scarce-60x15", "city-50x200")
BUILD = Build("0.0.1", "a-build-of-the-past")


class Table:
    """A travel-time table as a road-routing engine would give: uneven, and different there and back."""

    def travel(self, snapshot: Snapshot, policy: TravelPolicy) -> MatrixTravel:
        del policy
        count = len(snapshot.locations)
        times = np.random.default_rng(5).integers(30_000, 900_000, (2, count, count)).astype(np.int32)
        times[:, np.arange(count), np.arange(count)] = 0
        return MatrixTravel("table/1", times, (np.arange(len(snapshot.couriers)) % 2).astype(np.int32))


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Decisions of every kind: each rung, short deadlines, pinned effort, two kinds of travel times."""
    directory = tmp_path_factory.mktemp("journal")
    config = Config(journal=JournalConfig(directory=str(directory)))
    with App(config, build=BUILD) as app:
        for name in NAMES:
            full = app.decide(snapshot(name))
            app.decide(snapshot(name), "mdrp")
            for rung in Rung:
                app.decide(snapshot(name), forced_rung=rung)
            for seconds in (0.5, 0.05, 0.01, 0.001):
                app.decide(snapshot(name), deadline_seconds=seconds)
            app.decide(snapshot(name), effort=replace(full.effort, nearest_couriers=2, max_bundle_orders=1))
    with App(config, build=BUILD, travel=Table()) as app:
        for name in NAMES:
            app.decide(snapshot(name))
    return directory


def records(journal: Path) -> Iterator[DecisionRecord]:
    """All records of the journal."""
    return (entry.record for entry in JournalReader(journal).entries())


def test_every_kind_of_decision_is_identical(journal: Path) -> None:
    """The promise of the journal: same record, same build, same bytes, on every rung and under every deadline."""
    replayed = list(replay(JournalReader(journal).entries()))
    assert len(replayed) == len(NAMES) * 11
    assert [one.difference for one in replayed if not one.identical] == []
    rungs = {wire.decode_decision(record.decision).rung for record in records(journal)}
    assert rungs == set(Rung)
    assert any(isinstance(record.travel, MatrixTravel) for record in records(journal))


def test_the_command_counts(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts read this object; that the journal is of another build is said aside."""
    assert main(["replay", str(journal), "--json"]) == 0
    said = capsys.readouterr()
    count = len(NAMES) * 11
    assert json.loads(said.out) == {"records": count, "identical": count, "different": 0}
    assert f"{count} decisions were made by build a-build-of-the-past" in said.err


def test_a_difference_is_found_and_named(journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A journal whose decisions are not those that the engine makes: exit status 1 and the first field that differs."""
    first, second, third = (record for record, _ in zip(records(journal), range(3), strict=False))
    cheaper = wire.decode_decision(first.decision)
    lied = replace(first, decision=wire.encode_decision(replace(cheaper, total_cost_micros=1)))
    costs = replace(second.policy.costs, click_to_door=second.policy.costs.click_to_door * 9)
    other_policy = replace(second.policy, costs=costs)
    provenance = replace(second.meta.provenance, policy_digest=other_policy.digest)
    moved = replace(second, policy=other_policy, meta=replace(second.meta, provenance=provenance))
    writer = JournalWriter(tmp_path, JournalSettings(), monotonic=time.monotonic)
    for record in (lied, moved, third):
        assert writer.record(record)
    assert writer.close(10)
    assert main(["replay", str(tmp_path), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == {"records": 3, "identical": 1, "different": 2}
    assert f"total_cost_micros: 1 recorded, {cheaper.total_cost_micros} now" in said.err
    assert "segment-00000001.arrows row 1" in said.err


def test_a_request_that_is_refused_now_is_a_difference(journal: Path) -> None:
    """A record that this build cannot even decode is counted and explained, and does not end the replay."""
    entry = next(JournalReader(journal).entries())
    broken = replace(entry, record=replace(entry.record, request=b"\xff" + entry.record.request))
    found = list(replay([broken, entry]))
    assert [one.identical for one in found] == [False, True]
    assert (found[0].difference or "").startswith("no decision: ")


def test_recorded_port_answers_are_used(journal: Path) -> None:
    """Replay must not ask today's travel times: with the recorded answer exchanged, the decision changes."""
    record = next(records(journal))
    travel = record.travel
    assert not isinstance(travel, MatrixTravel)
    slower = replace(record, travel=replace(travel, factor=travel.factor * 4))
    assert decide_again(record) == record.decision
    assert decide_again(slower) != record.decision


def test_no_journal_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong path is a sentence, not a traceback."""
    assert main(["replay", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().err.strip().endswith("nowhere does not exist")


def test_differences_are_named_by_path() -> None:
    """The path leads through plans, stops and maps to the value; lengths are compared before members."""
    decision = wire.decode_decision(App().answer_match(*_request("village-6x4")).reply)
    plan = decision.plans[0]
    stop = replace(plan.stops[1], at_ms=plan.stops[1].at_ms + 1)
    changed = replace(plan, stops=(plan.stops[0], stop, *plan.stops[2:]))
    other = replace(decision, plans=(changed, *decision.plans[1:]))
    assert first_difference(decision, decision) is None
    assert (first_difference(decision, other) or "").startswith("plans[0].stops[1].at_ms: ")
    fewer = replace(decision, outcomes=decision.outcomes[1:])
    count = len(decision.outcomes)
    assert first_difference(decision, fewer) == f"outcomes: {count} recorded, {count - 1} now"
    models = replace(decision, provenance=replace(decision.provenance, models={"travel": "x"}))
    assert "provenance.models['travel']: " in (first_difference(decision, models) or "")


def _request(name: str) -> tuple[bytes, Snapshot, wire.MatchOptions]:
    options = wire.MatchOptions()
    return wire.encode_match_request(snapshot(name), options), snapshot(name), options
