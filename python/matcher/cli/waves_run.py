"""What ``matcher simulate waves`` does: instances and seeds in, trips, metrics and a table out."""

from __future__ import annotations

import argparse
import csv
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from matcher.cli.scores_report import ScoreText, scores_view
from matcher.console.report import write_report
from matcher.routing.waves import HoldOptions
from matcher.simulation.waves.batch import WaveRun, WaveTask, run_tasks, write_waves
from matcher.simulation.waves.evaluation import WaveScore
from matcher.simulation.waves.instance import read_wave_instances

_Row = Mapping[str, str]
_WIDTH = 118
"""Of the table, at the least: cut figures help nobody."""
_TEXTS = (
    ScoreText("cost", "Cost", "s", "driving time of all trips", "{:,.0f}"),
    ScoreText("held", "Held", "", "share of requests that left with a later wave than their first", "{:.1%}"),
    ScoreText("requests", "Requests", "", "of a run", "{:,.0f}"),
    ScoreText("trips", "Trips", "", "of all waves", "{:,.0f}"),
)


def run_waves(args: argparse.Namespace) -> int:
    """0: all runs obey every rule; 1: one does not, or something cannot be used."""
    errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        if min(args.jobs, args.futures, args.ahead, args.iterations, args.plan_iterations) < 1:
            raise ValueError("--jobs, --futures, --ahead, --iterations and --plan-iterations must be at least 1")
        tasks, rows = _tasks(args)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        runs = []
        args.out.mkdir(parents=True, exist_ok=True)
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("runs", total=len(tasks))
            for run in run_tasks(tasks, args.jobs):
                runs.append(run)
                write_waves(run, args.out / f"{run.name}.csv")
                progress.advance(bar)
        mean = _mean([run.score for run in runs])
        entries = {run.name: asdict(run.score) for run in runs}
        text = json.dumps({"instances": entries, "mean": asdict(mean)}, indent=1, allow_nan=False)
        (args.out / "metrics.json").write_text(text + "\n", encoding="utf-8")
        decided_by = f"{args.by}; {tasks[0].options}, {args.ahead} waves ahead"
        title = f"Dispatch waves of {runs[0].name}" if len(runs) == 1 else f"{len(runs)} runs of dispatch waves"
        view = scores_view(title, decided_by, entries, asdict(mean), _TEXTS)
        write_report(view, args.out / "report.html")
    except (ValueError, OSError, tarfile.TarError) as error:
        errors.print(f"matcher simulate: {error}", style="red")
        return 1
    console = Console(soft_wrap=True, highlight=False)
    console.width = max(console.width, _WIDTH)
    console.print(_table(runs, mean, rows, args.beside))
    console.print(f"decided by: {decided_by}")
    console.print(f"written: {args.out}/metrics.json, {args.out}/report.html, {args.out}/INSTANCE-SEED.csv")
    for run in runs:
        for violation in run.violations[:5]:
            errors.print(f"{run.name}: {violation}", style="red")
    return 1 if any(run.violations for run in runs) else 0


def _tasks(args: argparse.Namespace) -> tuple[list[WaveTask], dict[str, _Row]]:
    """Runs to be made, and the row of --runs of each."""
    instances = {instance.name: instance for instance in read_wave_instances(args.path)}
    if not instances:
        raise ValueError(f"{args.path}: no instance here; expected .txt files in VRPLIB's format")
    options = HoldOptions(
        futures=args.futures, iterations=args.iterations, plan_iterations=args.plan_iterations, seed=args.seed
    )
    if args.runs is None:
        if args.beside:
            raise ValueError("--beside shows columns of --runs, and there is none")
        tasks = [WaveTask(instance, args.run_seed, args.by, options, args.ahead) for instance in instances.values()]
        return tasks, {}
    tasks, rows = [], {}
    for line, row in enumerate(_read_runs(args.runs, args.beside), start=2):
        name = row["instance"].split(".")[0]
        if not row["instance_seed"].isdigit():
            raise ValueError(f"{args.runs}:{line}: instance_seed is no number: {row['instance_seed']!r}")
        if name in instances:
            task = WaveTask(instances[name], int(row["instance_seed"]), args.by, options, args.ahead)
            tasks.append(task)
            rows[task.name] = row
    if not tasks:
        raise ValueError(f"{args.runs}: no run is of an instance of {args.path}")
    return tasks, rows


def _read_runs(path: Path, beside: Sequence[str]) -> list[_Row]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in ("instance", "instance_seed", *beside) if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path}:1: has no column {', '.join(map(repr, missing))}")
        return list(reader)


def _mean(scores: Sequence[WaveScore]) -> WaveScore:
    return WaveScore(*(sum(getattr(s, field.name) for s in scores) / len(scores) for field in fields(WaveScore)))


def _table(runs: Sequence[WaveRun], mean: WaveScore, rows: Mapping[str, _Row], beside: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{len(runs)} runs", no_wrap=True)
    for heading in ("requests", "held", "trips", "broken rules", "cost", *beside):
        table.add_column(heading, justify="right", no_wrap=True)
    others = {name: [_number(rows[run.name][name]) for run in runs] for name in beside}
    for number, run in enumerate(runs):
        table.add_row(run.name, *_cells(run.score), *(_shown(others[name][number]) for name in beside))
    means = [sum(values) / len(values) if None not in values else None for values in others.values()]  # type: ignore[arg-type]
    table.add_row("mean", *_cells(mean), *map(_shown, means), style="bold")
    return table


def _cells(score: WaveScore) -> tuple[str, ...]:
    figures = f"{score.requests:.0f}", f"{score.held:.1%}", f"{score.trips:.0f}", f"{score.violations:.0f}"
    return (*figures, f"{score.cost:,.0f}")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
