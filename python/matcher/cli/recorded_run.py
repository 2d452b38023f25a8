"""What ``matcher simulate recorded`` does: two tables in, a table of figures, metrics and a report out."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from matcher.app import ConfigError
from matcher.app.config import JournalConfig
from matcher.cli.configured import read_config
from matcher.cli.deciders import TimedDecider, open_engine
from matcher.cli.policies import with_overrides
from matcher.console import CycleSeries, Figure, MetricRow, RunView, write_report
from matcher.simulation import Cycle, Diversion, Market, Outcome, PlanError, Rules, World
from matcher.simulation.market_outcome import broken_rules, market_metrics
from matcher.simulation.mdrp.evaluation import METRIC_TEXTS, Metrics
from matcher.simulation.recorded import MIDNIGHT_MS, Assumptions, read_recorded


def run_recorded(args: argparse.Namespace) -> int:
    """0: played to the end, no rule broken; 1: a rule was broken, or something cannot be used."""
    errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        if args.cycle < 1:
            raise ValueError(f"--cycle must be at least 1 second, not {args.cycle}")
        between_s = (_seconds(args.start), _seconds(args.end) if args.end else 1 << 40)
        market = read_recorded(args.orders, args.couriers, between_s=between_s)
        if not market.orders:
            raise ValueError(f"{args.orders}: no order is placed within the time asked for")
        config = replace(
            with_overrides(read_config(args), args.policy, args.settings),
            journal=JournalConfig(),
        )
        with open_engine(config, args.policy) as decider:
            notes: list[_Note] = []
            outcome = _play(market, args.cycle, decider, notes)
            decision_ms, cpu_ms = list(decider.decision_ms), list(decider.decision_cpu_ms)
        broken = broken_rules(market, outcome, config.policies[args.policy])
        metrics = market_metrics(
            market,
            outcome,
            pay_per_hour=Assumptions().pay_per_hour,
            decision_ms=decision_ms,
            gaps=[note.gap for note in notes],
            violations=len(broken),
        )
        args.out.mkdir(parents=True, exist_ok=True)
        entry = asdict(metrics)
        text = json.dumps({"instances": {market.market_id: entry}, "mean": entry}, indent=1, allow_nan=False)
        (args.out / "metrics.json").write_text(text + "\n", encoding="utf-8")
        write_report(_view(market, metrics, notes, decision_ms, args), args.out / "report.html")
    except (ValueError, OSError, ConfigError, PlanError) as error:
        errors.print(f"matcher simulate: {error}", style="red")
        return 1
    console = Console(soft_wrap=True, highlight=False)
    console.print(_summary(market, metrics, notes, cpu_ms))
    console.print(f"assumed: {Assumptions()}")
    console.print(f"written: {args.out}/metrics.json, {args.out}/report.html")
    for rule in broken[:10]:
        errors.print(rule, style="red")
    return 1 if broken else 0


@dataclass(frozen=True, slots=True)
class _Note:
    """One decision, and the market as it saw it."""

    at_ms: int
    open_orders: int
    decided_orders: int
    active_orders: int
    busy_couriers: int
    couriers: int
    gap: float
    rung: str
    cycle_cpu_ms: float
    """What this process computed since the last decision was applied: the market, the snapshot and the decision."""


def _play(market: Market, cycle_s: int, decider: TimedDecider, notes: list[_Note]) -> Outcome:
    first_ms = min(order.placed_at_ms or 0 for order in market.orders)
    rules = Rules(
        start_at_ms=first_ms - first_ms % (cycle_s * 1000),
        cycle_ms=cycle_s * 1000,
        diversion=Diversion.LIVE_ROUTE,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[shown]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(market.market_id, total=len(market.orders), shown="")

        applied = time.process_time()

        def on_cycle(cycle: Cycle) -> None:
            nonlocal applied
            began, applied = applied, time.process_time()
            notes.append(_note(cycle, (applied - began) * 1e3))
            shown = f"{_clock(cycle.at_ms)}  {len(cycle.snapshot.couriers)} couriers"
            progress.update(task, completed=cycle.committed, shown=shown)

        return World(market, rules).run(decider, on_cycle)


def _note(cycle: Cycle, cycle_cpu_ms: float) -> _Note:
    snapshot, decided = cycle.snapshot, len(cycle.decision.outcomes)
    return _Note(
        at_ms=cycle.at_ms,
        open_orders=cycle.placed - cycle.committed,
        decided_orders=decided,
        active_orders=len(snapshot.orders) - decided,
        busy_couriers=int(np.count_nonzero(np.diff(snapshot.routes.ptr))),
        couriers=len(snapshot.couriers),
        gap=cycle.decision.gap,
        rung=cycle.decision.rung.name.lower(),
        cycle_cpu_ms=cycle_cpu_ms,
    )


def _summary(market: Market, metrics: Metrics, notes: list[_Note], cpu_ms: list[float]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    most_orders, most_couriers = max(note.decided_orders for note in notes), max(note.couriers for note in notes)
    ms = (metrics.decision_ms_p50, metrics.decision_ms_p95, metrics.decision_ms_p99)
    processor, whole = (
        " / ".join(_one(float(value)) for value in np.percentile(values, [50, 95, 99]))
        for values in (cpu_ms, [note.cycle_cpu_ms for note in notes])
    )
    used = Counter(note.rung for note in notes)
    for name, value, note in (
        ("delivered", f"{metrics.delivered:.0f}", f"of {metrics.orders:.0f} orders"),
        ("couriers", f"{len(market.shifts)}", f"shifts; at most {most_couriers} at once"),
        ("click-to-door", _one(metrics.click_to_door_mean, "min"), f"mean; p90 {_one(metrics.click_to_door_p90)}"),
        ("ready-to-pickup", _one(metrics.ready_to_pickup_mean, "min"), "mean"),
        ("late", _one(metrics.overage_mean, "min"), "beyond the promise, mean over the promised"),
        ("courier utilisation", _one(100 * (metrics.utilization or 0.0), "%"), "driving and serving, of shift"),
        ("decision p50 / p95 / p99", " / ".join(_one(value) for value in ms), "ms, in this process"),
        ("the same, of processor", processor, "ms"),
        ("whole cycle, of processor", whole, "ms, the simulated market and its snapshot with it"),
        ("most memory", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}", "MiB, all of it"),
        ("orders in a decision", f"{most_orders}", f"at most, of {len(notes)} decisions"),
        ("solver rungs", ", ".join(f"{name} {count}" for name, count in sorted(used.items())), ""),
        ("certified gap", f"{metrics.certified_gap_mean or 0.0:.4%}", "mean"),
        ("rules broken", f"{metrics.strict_violations:.0f}", "by the strict checker"),
    ):
        table.add_row(name, value, note)
    return table


def _view(
    market: Market, metrics: Metrics, notes: list[_Note], decision_ms: list[float], args: argparse.Namespace
) -> RunView:
    values = asdict(metrics)
    begin_ms = notes[0].at_ms
    return RunView(
        title=market.market_id,
        subtitle=f"A recorded day from {_clock(begin_ms)}: {len(market.orders)} orders, {len(market.shifts)} shifts, a "
        f"decision every {args.cycle} simulated seconds. Couriers can be diverted at any stop that they are not yet "
        f"driving to. Assumed: {Assumptions()}.",
        figures=(
            Figure("Delivered", f"{metrics.delivered:.0f}", f"of {metrics.orders:.0f}"),
            Figure("Click-to-door", _one(metrics.click_to_door_mean), "min"),
            Figure("Ready-to-pickup", _one(metrics.ready_to_pickup_mean), "min"),
            Figure("Decision p95", _one(metrics.decision_ms_p95), "ms", f"p99 {_one(metrics.decision_ms_p99)}"),
        ),
        metrics=tuple(
            MetricRow(text.label, float(values[name]), text.unit, text.meaning)
            for name, text in METRIC_TEXTS.items()
            if values[name] is not None
        ),
        provenance=(
            ("command", " ".join(["matcher", *sys.argv[1:]])),
            ("policy", args.policy),
        ),
        cycles=CycleSeries(
            at_s=tuple((note.at_ms - begin_ms) / 1000 for note in notes),
            open_orders=tuple(note.open_orders for note in notes),
            active_orders=tuple(note.active_orders for note in notes),
            busy_couriers=tuple(note.busy_couriers for note in notes),
            couriers_on_shift=tuple(note.couriers for note in notes),
            decision_ms=tuple(decision_ms),
            gap=tuple(note.gap for note in notes),
            rung=tuple(note.rung for note in notes),
        ),
    )


def _one(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{value:.1f} {unit}".rstrip()


def _clock(at_ms: int) -> str:
    minutes = (at_ms - MIDNIGHT_MS) // 60_000
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _seconds(clock: str) -> int:
    """Seconds after midnight of "HH:MM"; hours may pass 24."""
    hours, colon, minutes = clock.partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit() and int(minutes) < 60):
        raise ValueError(f"a time of day is HH:MM, not {clock!r}")
    return int(hours) * 3600 + int(minutes) * 60
