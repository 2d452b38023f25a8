"""The demo is the whole product in one run: server, world, journal, replay, figures, report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from matcher.app import Config
from matcher.app.config import JournalConfig, TelemetryConfig
from matcher.cli.demo_play import DemoRun, play
from matcher.cli.demo_view import demo_view
from matcher.cli.main import main
from matcher.console import render_report
from matcher.domain.enums import StopKind
from matcher.simulation.demo import demo_city
from matcher.simulation.market_outcome import broken_rules, market_metrics, order_lives
from matcher.simulation.mdrp.evaluation import METRIC_TEXTS
from matcher.simulation.outcome import Outcome


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[DemoRun, Path]:
    """A small city, played through a server that keeps a journal."""
    journal = tmp_path_factory.mktemp("demo") / "journal"
    config = Config(
        journal=JournalConfig(directory=str(journal)), telemetry=TelemetryConfig(log_level="error", log_calls=False)
    )
    return play(demo_city(3, orders=70, couriers=14), config, "default"), journal


def test_every_order_is_brought_and_no_rule_broken(played: tuple[DemoRun, Path]) -> None:
    """A market with enough couriers; the checker shares nothing with the engine."""
    run, _ = played
    assert run.broken == ()
    assert run.outcome.undelivered == ()
    assert run.metrics.delivered == run.metrics.orders == 70
    assert all(life.assigned_at_ms is not None for life in run.lives)


def test_the_whole_run_replays_identically(played: tuple[DemoRun, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Each decision of a run over gRPC, taken from its journal, is made again byte for byte."""
    run, journal = played
    assert main(["replay", str(journal), "--json"]) == 0
    count = len(run.cycles)
    assert count > 50
    assert json.loads(capsys.readouterr().out) == {"records": count, "identical": count, "different": 0}


def test_the_same_seed_is_the_same_run(played: tuple[DemoRun, Path]) -> None:
    """What differs between two runs is time spent, nothing else."""
    run, _ = played
    config = Config(telemetry=TelemetryConfig(log_level="error", log_calls=False))
    again = play(demo_city(3, orders=70, couriers=14), config, "default")
    assert again.outcome == run.outcome
    assert demo_city(4) != demo_city(3) == demo_city(3)


def test_figures_agree_with_the_visits(played: tuple[DemoRun, Path]) -> None:
    """The mean click-to-door, by hand from the raw visits."""
    run, _ = played
    placed = {order.id: order.placed_at_ms or 0 for order in run.city.market.orders}
    doors = [v.at_ms - placed[v.order_id] for v in run.outcome.visits if v.kind is StopKind.DROPOFF]
    assert run.metrics.click_to_door_mean == pytest.approx(sum(doors) / len(doors) / 60_000)
    assert 0.0 < (run.metrics.utilization or 0.0) < 1.0
    assert (run.metrics.certified_gap_mean or 0.0) < 0.01


def test_the_report_shows_the_run(played: tuple[DemoRun, Path]) -> None:
    """Every order and courier is on the map, and the table has every metric; nothing is paid by the order here."""
    run, _ = played
    view = demo_view(run, "matcher demo")
    assert view.market is not None
    assert view.cycles is not None
    assert len(view.market.orders) == 70
    assert len(view.market.couriers) == 14
    undefined = {"earnings_gini", "earnings_per_hour_p10"}
    assert {row.name for row in view.metrics} == {
        text.label for name, text in METRIC_TEXTS.items() if name not in undefined
    }
    for track in view.market.couriers:
        times = [point[0] for point in track.points]
        assert times == sorted(times)
    assert "courier-003" in render_report(view)


def test_the_checker_sees_what_is_wrong(played: tuple[DemoRun, Path]) -> None:
    """A checker that never objects proves nothing: each tampered run breaks the rule that was tampered with."""
    run, _ = played
    policy = Config().policies["default"]

    def broken(**changes: int) -> str:
        """The rules broken when the last drop-off is changed so."""
        visits = list(run.outcome.visits)
        last = max(k for k, visit in enumerate(visits) if visit.kind is StopKind.DROPOFF)
        visits[last] = replace(visits[last], **changes)  # type: ignore[arg-type]
        return "\n".join(broken_rules(run.city.market, replace(run.outcome, visits=tuple(visits)), policy))

    one = max((v for v in run.outcome.visits if v.kind is StopKind.DROPOFF), key=lambda v: v.courier_id)
    assert "faster than its mode allows" in broken(arrive_at_ms=one.set_off_at_ms)
    assert "before the courier was there" in broken(at_ms=one.arrive_at_ms)
    assert "before it is free" in broken(set_off_at_ms=0)
    half = tuple(visit for visit in run.outcome.visits if visit.kind is StopKind.PICKUP)
    assert "never dropped off" in "\n".join(broken_rules(run.city.market, replace(run.outcome, visits=half), policy))
    early = tuple(replace(v, at_ms=v.arrive_at_ms) for v in run.outcome.visits)
    assert "picked up before it was ready" in "\n".join(
        broken_rules(run.city.market, replace(run.outcome, visits=early), policy)
    )
    small = tuple(
        replace(shift, courier=replace(shift.courier, capacity=0, skills=())) for shift in run.city.market.shifts
    )
    poor = replace(run.city, market=replace(run.city.market, shifts=small))
    said = "\n".join(broken_rules(poor.market, run.outcome, policy))
    assert "carries" in said
    assert "lacks a skill" in said


def test_a_market_without_couriers_is_reported(played: tuple[DemoRun, Path]) -> None:
    """Nothing delivered is a result too: no metric is made up."""
    run, _ = played
    nothing = Outcome(
        visits=(), commitments=(), undelivered=tuple(run.lives[0].order.id), cycles=0, refusals=0, end_at_ms=0
    )
    metrics = market_metrics(run.city.market, nothing, pay_per_hour=1.0, decision_ms=[], gaps=[], violations=0)
    assert (metrics.delivered, metrics.undelivered_pct, metrics.click_to_door_mean) == (0, 100.0, None)
    assert all(life.dropoff_at_ms is None for life in order_lives(run.city.market, nothing))
