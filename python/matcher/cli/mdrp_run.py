"""What ``matcher simulate mdrp`` does: days in, solutions, metrics, a table and a report out."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from matcher.app import Config, ConfigError
from matcher.app.config import JournalConfig
from matcher.cli.configured import read_config
from matcher.cli.deciders import open_engine, open_remote
from matcher.cli.mdrp_report import committed_when, run_view, with_market
from matcher.cli.mdrp_table import summary_table
from matcher.cli.policies import with_overrides
from matcher.client import CallFailed
from matcher.console.report import write_report
from matcher.domain import InvalidRequest
from matcher.simulation import PlanError
from matcher.simulation.mdrp.batch import DayRun, DeciderFactory, simulate_days
from matcher.simulation.mdrp.checks import NO_POWERS, OperatingMode
from matcher.simulation.mdrp.day import MINUTE_MS
from matcher.simulation.mdrp.evaluation import Metrics, mean_metrics
from matcher.simulation.mdrp.instance import InstanceSource, find_instances
from matcher.simulation.mdrp.solution import read_solution
from matcher.simulation.noise import Noise, parse_noise

_TABLE_WIDTH = 110


def run_mdrp(args: argparse.Namespace) -> int:
    """0: all solutions obey every rule; 1: one does not, or something cannot be used."""
    errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        sources = [source for source in find_instances(args.paths) if re.search(args.only, source.name)]
        if not sources:
            raise ValueError(f"no instance's name contains {args.only!r}")
        if args.jobs < 1:
            raise ValueError(f"--jobs must be at least 1, not {args.jobs}")
        noise = parse_noise(args.noise, MINUTE_MS) if args.noise else None
        mode = OperatingMode(args.preposition, args.updates, noise is not None and noise.late_kitchens)
        config = replace(
            with_overrides(read_config(args), args.policy, [*policy_of(mode), *args.settings]),
            journal=JournalConfig(),
        )
        with _decider_factory(args, config) as factory:
            runs = _all_days(sources, factory, args.out, args.jobs, noise, mode)
    except (ValueError, OSError, re.error, ConfigError, PlanError, InvalidRequest, CallFailed) as error:
        errors.print(f"matcher simulate: {error}", style="red")
        return 1
    mean = mean_metrics([day.metrics for day in runs])
    write_metrics(runs, mean, mode, args.out / "metrics.json")
    policy = config.policies[args.policy]
    view = run_view(runs, mean, policy, mode, command=" ".join(["matcher", *sys.argv[1:]]))
    if len(runs) == 1:
        view = with_market(view, runs[0], sources[0].read(), read_solution(args.out / runs[0].name))
    write_report(view, args.out / "report.html")
    console = Console(soft_wrap=True, highlight=False)
    console.width = max(console.width, _TABLE_WIDTH)
    console.print(summary_table(runs, mean))
    console.print(f"operating mode: {mode}; {committed_when(mode)}; one decision a minute")
    if noise is not None:
        console.print(f"{noise}")
    console.print(f"written: {args.out}/metrics.json, {args.out}/report.html, {args.out}/INSTANCE/solution_info_*.txt")
    for day in runs:
        for violation in day.violations[:5]:
            errors.print(f"{day.name}: {violation}", style="red")
    return 1 if any(day.violations for day in runs) else 0


def policy_of(mode: OperatingMode) -> list[str]:
    """What a policy must say for the mode's powers to be used."""
    settings = ["positioning.max_moves=3"] if mode.prepositioning else []
    if mode.assignment_updates:
        settings.append("holding.additions=same_pickup")
    if mode.prepositioning and mode.assignment_updates:
        settings.append("readiness.leave_permille=100")
    return settings


def write_metrics(runs: list[DayRun], mean: Metrics, mode: OperatingMode, path: Path) -> None:
    """Metrics of every day and their mean, as JSON, undefined ones null; the operating mode where it is not the plain
    one, `late_kitchens` in it where they are."""
    entries = {day.name: asdict(day.metrics) for day in runs}
    said = {name: value for name, value in asdict(mode).items() if value or name != "late_kitchens"}
    stated = {} if mode == NO_POWERS else {"mode": said}
    text = json.dumps({**stated, "instances": entries, "mean": asdict(mean)}, indent=1, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


@contextmanager
def _decider_factory(args: argparse.Namespace, config: Config) -> Iterator[DeciderFactory]:
    if args.via == "engine":
        yield partial(open_engine, config, args.policy)
    elif args.target != "auto":
        if args.settings:
            raise ValueError("--set changes a policy of this process; the server at --target has its own")
        yield partial(open_remote, args.target, args.policy)
    else:
        from matcher.cli.local_server import local_server

        with local_server(replace(config, telemetry=replace(config.telemetry, log_calls=False))) as target:
            yield partial(open_remote, target, args.policy)


def _all_days(
    sources: list[InstanceSource],
    factory: DeciderFactory,
    out: Path,
    jobs: int,
    noise: Noise | None,
    mode: OperatingMode,
) -> list[DayRun]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    runs = []
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("days", total=len(sources))
        for day in simulate_days(sources, factory, out, jobs, noise, mode):
            runs.append(day)
            progress.update(task, advance=1, description=f"days (last: {day.name})")
    return sorted(runs, key=lambda day: day.name)
