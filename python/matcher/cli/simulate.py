"""`matcher simulate mdrp`: days of the Meal Delivery Routing Problem through the engine, or through a live server."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from matcher.app.config import Config, ConfigError, JournalConfig, load_config
from matcher.cli.deciders import open_engine, open_remote
from matcher.cli.mdrp_report import run_view, summary_table, with_market
from matcher.cli.policies import with_overrides
from matcher.console.report import write_report
from matcher.simulation.couriers import PlanError
from matcher.simulation.mdrp.batch import DayRun, DeciderFactory, simulate_days
from matcher.simulation.mdrp.day import MODE
from matcher.simulation.mdrp.evaluation import mean_metrics
from matcher.simulation.mdrp.instance import InstanceSource, find_instances
from matcher.simulation.mdrp.solution import read_solution


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    simulate = subparsers.add_parser("simulate", help="run recorded markets through the engine")
    kinds = simulate.add_subparsers(dest="kind", required=True)
    mdrp = kinds.add_parser(
        "mdrp",
        help="days of the Meal Delivery Routing Problem (Reyes et al., 2018)",
        description=f"Runs each day with one decision a minute, {MODE}: an order is committed when its courier sets off.",
    )
    mdrp.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="instance folder, folder of them, or tar archive")
    mdrp.add_argument("--out", type=Path, required=True, metavar="DIR", help="solutions, metrics.json and report.html")
    mdrp.add_argument("--only", default="", metavar="TEXT", help="only instances whose name contains TEXT")
    mdrp.add_argument("--jobs", type=int, default=2, help="days at a time, each in its own process (default 2)")
    mdrp.add_argument("--via", choices=("engine", "grpc"), default="engine", help="decide in process, or by a live server")
    mdrp.add_argument("--target", default="auto", help="server for --via grpc: host:port, unix:PATH, or auto (start one)")
    mdrp.add_argument("--config", type=Path, metavar="FILE", help="configuration with policies (TOML)")
    mdrp.add_argument("--policy", default="mdrp", help="name of the policy (default mdrp)")
    mdrp.add_argument(
        "--set", action="append", default=[], dest="settings", metavar="KEY=VALUE", help="change a value of the policy"
    )
    mdrp.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 when every solution obeys all rules, 1 when one breaks any, 2 when something cannot be read."""
    errors = Console(stderr=True)
    try:
        sources = [source for source in find_instances(args.paths) if args.only in source.name]
        if not sources:
            raise ValueError(f"no instance's name contains {args.only!r}")
        config = with_overrides(load_config(args.config), args.policy, args.settings)
        config = replace(config, journal=JournalConfig())
        runs = _simulate(args, sources, config)
    except (ValueError, OSError, ConfigError, PlanError) as error:
        errors.print(f"matcher simulate: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 2
    mean = mean_metrics([day.metrics for day in runs])
    entries = {day.name: asdict(day.metrics) for day in runs}
    args.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"instances": entries, "mean": asdict(mean)}, indent=1, allow_nan=False)
    (args.out / "metrics.json").write_text(text + "\n", encoding="utf-8")
    policy = config.policies[args.policy]
    view = run_view(runs, mean, policy, command=_command())
    if len(runs) == 1:
        view = with_market(view, runs[0], sources[0].read(), read_solution(args.out / runs[0].name))
    write_report(view, args.out / "report.html")

    console = Console()
    console.print(summary_table(runs, mean))
    console.print(f"operating mode: {MODE}; orders are committed when the courier sets off; one decision a minute")
    console.print(f"policy {policy.name} {policy.digest[:12]}, decided {_decided(args)}")
    console.print(f"written: {args.out}/metrics.json, {args.out}/report.html, {args.out}/INSTANCE/solution_info_*.txt")
    for day in runs:
        for violation in day.violations[:5]:
            errors.print(f"{day.name}: {violation}", style="red", markup=False, highlight=False, soft_wrap=True)
    return 1 if any(day.violations for day in runs) else 0


def _simulate(args: argparse.Namespace, sources: list[InstanceSource], config: Config) -> list[DayRun]:
    if args.via == "engine":
        return _all_days(args, sources, partial(open_engine, config, args.policy))
    if args.target != "auto":
        if args.config or args.settings:
            raise ValueError("--config and --set change the policies of this process, not those of the server at --target")
        return _all_days(args, sources, partial(open_remote, args.target, args.policy))
    from matcher.service.local import serve_in_background

    with serve_in_background(config) as target:
        return _all_days(args, sources, partial(open_remote, target, args.policy))


def _all_days(args: argparse.Namespace, sources: list[InstanceSource], factory: DeciderFactory) -> list[DayRun]:
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
        for day in simulate_days(sources, factory, args.out, args.jobs):
            runs.append(day)
            progress.update(task, advance=1, description=f"days (last: {day.name})")
    return sorted(runs, key=lambda day: day.name)


def _decided(args: argparse.Namespace) -> str:
    if args.via == "engine":
        return "in process"
    return "by a server started for this run" if args.target == "auto" else f"by the server at {args.target}"


def _command() -> str:
    return " ".join(["matcher", *sys.argv[1:]])
