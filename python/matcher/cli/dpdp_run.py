"""What ``matcher simulate dpdp`` does: days of factories and trucks in, calls, metrics and a table out."""

from __future__ import annotations

import argparse
import json
import re
import tarfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from matcher.cli.scores_report import ScoreText, scores_view
from matcher.console.report import write_report
from matcher.simulation.couriers import PlanError
from matcher.simulation.dpdp.batch import DpdpRun, run_days
from matcher.simulation.dpdp.dispatch import DispatchOptions
from matcher.simulation.dpdp.evaluation import Score, mean_score
from matcher.simulation.dpdp.instance import open_benchmark
from matcher.simulation.dpdp.world import DayNeverEndsError

_TABLE_WIDTH = 110
_TABLE = (
    ("orders", "orders", "{:.0f}"),
    ("delivered", "delivered", "{:.0f}"),
    ("late", "late", "{:.0f}"),
    ("late_hours", "hours\nlate", "{:.2f}"),
    ("km", "km", "{:.1f}"),
    ("calls", "calls", "{:.0f}"),
    ("score", "score", "{:.1f}"),
    ("score_on_arrival", "score on\narrival", "{:.1f}"),
    ("violations", "broken\nrules", "{:.0f}"),
)
"""Figure, heading and format."""
_TEXTS = (
    ScoreText("score", "Score", "", "kilometres a truck, and 10,000 for each hour late", "{:,.1f}"),
    ScoreText("late", "Orders late", "", "unloaded after they were due", "{:.1f}"),
    ScoreText("late_hours", "Lateness", "h", "summed over orders", "{:.2f}"),
    ScoreText("km", "Driven", "km", "by all trucks", "{:,.0f}"),
    ScoreText("orders", "Orders", "", "of a day", "{:,.0f}"),
)


def run_dpdp(args: argparse.Namespace) -> int:
    """0: every order is delivered and no rule broken; 1: not so, or something cannot be used."""
    errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        if min(args.jobs, 1 + args.iterations, 1 + args.hold) < 1:
            raise ValueError("--jobs must be at least 1, --iterations and --hold not negative")
        benchmark = open_benchmark(args.path)
        names = [name for name in benchmark.names if re.search(args.only, name)]
        if not names:
            raise ValueError(f"no day's name contains {args.only!r}")
        options = DispatchOptions(args.iterations, args.hold * 60, args.seed)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        runs = []
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("days", total=len(names))
            for run in run_days(benchmark, names, options, args.out, args.jobs):
                runs.append(run)
                progress.update(task, advance=1, description=f"days (last: {run.name})")
    except (ValueError, OSError, re.error, tarfile.TarError, PlanError, DayNeverEndsError) as error:
        errors.print(f"matcher simulate: {error}", style="red")
        return 1
    runs.sort(key=lambda run: run.name)
    mean = mean_score([run.score for run in runs])
    write_metrics(runs, mean, args.out / "metrics.json")
    decided_by = f"{args.iterations} iterations every 10 minutes; held while {args.hold} min to spare"
    scores = {run.name: asdict(run.score) for run in runs}
    days = f"Day {runs[0].name}" if len(runs) == 1 else f"{len(runs)} days"
    title = f"{days} of trucks between factories"
    write_report(scores_view(title, decided_by, scores, asdict(mean), _TEXTS), args.out / "report.html")
    console = Console(soft_wrap=True, highlight=False)
    console.width = max(console.width, _TABLE_WIDTH)
    console.print(_table(runs, mean))
    console.print(f"a decision every 10 minutes: {args.iterations} iterations; held while {args.hold} min to spare")
    console.print(f"written: {args.out}/metrics.json, {args.out}/report.html, {args.out}/INSTANCE/calls.csv")
    for run in runs:
        for violation in run.violations[:5]:
            errors.print(f"{run.name}: {violation}", style="red")
    return 1 if any(run.violations for run in runs) else 0


def write_metrics(runs: Sequence[DpdpRun], mean: Score, path: Path) -> None:
    """Figures of every day and their mean, as JSON; a score is null where an order is not delivered."""
    entries = {run.name: asdict(run.score) for run in runs}
    text = json.dumps({"instances": entries, "mean": asdict(mean)}, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _table(runs: Sequence[DpdpRun], mean: Score) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{len(runs)} days", no_wrap=True)
    for _, heading, _ in _TABLE:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, score, style in (*((run.name, run.score, "") for run in runs), ("mean", mean, "bold")):
        figures = asdict(score)
        cells = ("–" if figures[key] is None else form.format(figures[key]) for key, _, form in _TABLE)
        table.add_row(name, *cells, style=style)
    return table
