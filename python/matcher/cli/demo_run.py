"""What ``matcher demo`` does: a city in, a table, metrics, a journal and a report out."""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from matcher.app import ConfigError
from matcher.app.config import JournalConfig
from matcher.app.telemetry import configure_logs
from matcher.cli.configured import read_config
from matcher.cli.demo_play import DemoRun, late_orders, play, rungs
from matcher.cli.demo_view import demo_view
from matcher.client import CallFailed
from matcher.console import write_report
from matcher.domain import InvalidRequest
from matcher.simulation import PlanError
from matcher.simulation.demo import demo_city


def run_demo(args: argparse.Namespace) -> int:
    """0: played to the end, no rule broken; 1: a rule was broken, or something cannot be used."""
    errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        config = read_config(args)
        if args.policy not in config.policies:
            raise ValueError(f"there is no policy {args.policy!r}; there are: {', '.join(sorted(config.policies))}")
        journal = args.out / "journal"
        # A run's journal holds that run and no other.
        if journal.exists():
            shutil.rmtree(journal)
        config = replace(
            config,
            journal=JournalConfig(directory=str(journal)),
            telemetry=replace(config.telemetry, log_calls=False, log_level="warning"),
        )
        configure_logs(config.telemetry)
        run = play(demo_city(args.seed), config, args.policy)
        _write_metrics(run, args.out / "metrics.json")
        write_report(
            demo_view(run, f"matcher demo --seed {args.seed} --policy {args.policy}"), args.out / "report.html"
        )
    except (ValueError, OSError, ConfigError, PlanError, InvalidRequest, CallFailed) as error:
        errors.print(f"matcher demo: {error}", style="red")
        return 1
    console = Console(soft_wrap=True, highlight=False)
    console.print(_table(run))
    console.print(_next_steps(args.out))
    for rule in run.broken[:10]:
        errors.print(rule, style="red")
    return 1 if run.broken else 0


def _write_metrics(run: DemoRun, path: Path) -> None:
    entry = asdict(run.metrics)
    text = json.dumps({"instances": {run.city.market.market_id: entry}, "mean": entry}, indent=1, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def _table(run: DemoRun) -> Table:
    metrics, late = run.metrics, late_orders(run.lives)
    delivered = max(1, int(metrics.delivered))
    shared = sum(life.shared for life in run.lives)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    ms = [
        f"{value or 0.0:.1f}" for value in (metrics.decision_ms_p50, metrics.decision_ms_p95, metrics.decision_ms_p99)
    ]
    used = ", ".join(f"{name} {count}" for name, count in rungs(run).items())
    gap = metrics.certified_gap_mean or 0.0
    proven = sum(cycle.decision.gap <= 0.0 for cycle in run.cycles)
    for name, value, note in (
        ("delivered", f"{metrics.delivered:.0f}", f"of {metrics.orders:.0f} orders"),
        ("click-to-door", _minutes(metrics.click_to_door_mean), f"mean; p90 {_minutes(metrics.click_to_door_p90)}"),
        ("ready-to-pickup", _minutes(metrics.ready_to_pickup_mean), "mean"),
        (
            "late",
            f"{100 * len(late) / delivered:.1f} %",
            f"by {_minutes(sum(late) / len(late) if late else 0.0)} on average",
        ),
        ("batched", f"{100 * shared / delivered:.1f} %", "orders that shared a trip"),
        ("courier utilisation", f"{100 * (metrics.utilization or 0.0):.1f} %", "driving and serving, of shift"),
        ("decision p50 / p95 / p99", " / ".join(ms), "ms, through gRPC"),
        ("solver rungs", used, f"of {len(run.cycles)} decisions"),
        ("certified gap", f"{gap:.4%}", f"mean; {proven} of {len(run.cycles)} proven optimal"),
        ("rules broken", f"{len(run.broken)}", "by the strict checker"),
    ):
        table.add_row(name, value, note)
    return table


def _minutes(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} min"


def _next_steps(out: Path) -> str:
    return f"""
report:   {out}/report.html
replay:   .venv/bin/matcher replay {out}/journal
serve:    make serve    (127.0.0.1:50051), then from another shell:
  .venv/bin/matcher match examples/snapshot.json --target 127.0.0.1:50051
  Python  matcher.Client("127.0.0.1:50051").match(snapshot)
  Go, …   any gRPC client of proto/matcher/v1, e.g. clients/go"""
