"""The reach table of the Grubhub days, and what each part of the decision is worth.

    python -m bench.dispatch [--days REGEX] [--powers both|none|updates|prepositioning] [--jobs N]
                             [--imprecise REGEX] [--ablations REGEX] [--set KEY=VALUE] [--out DIR]

Every solution is judged by the strict checker; the exit status is 1 when one breaks a rule. Published figures are of
Reyes, Erera, Savelsbergh, Sahasrabudhe & O'Neil (2018), over all 240 instances unless the row says otherwise; bounds
of the days that were run come from the data's index.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from bench.dispatch.reach import ABLATIONS, MEAN_KITCHENS, MODES, mean_kitchen_rows, reach_rows
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from matcher.app import Config, ConfigError
from matcher.app.config import JournalConfig, load_config
from matcher.cli.deciders import open_engine
from matcher.cli.mdrp_report import committed_when
from matcher.cli.mdrp_run import policy_of, write_metrics
from matcher.cli.policies import with_overrides
from matcher.simulation.mdrp.batch import DayRun, simulate_days
from matcher.simulation.mdrp.checks import OperatingMode
from matcher.simulation.mdrp.evaluation import mean_metrics
from matcher.simulation.mdrp.instance import InstanceSource, find_instances
from matcher.simulation.noise import Noise

_ROOT = Path(__file__).resolve().parents[2]
_WIDTH = 118


def main() -> int:
    """0: all solutions obey every rule; 1: one does not, or the data is missing."""
    parser = argparse.ArgumentParser(prog="bench.dispatch", description=__doc__)
    parser.add_argument("--days", default="", metavar="REGEX", help="days of the reach table (default: all)")
    parser.add_argument(
        "--ablations", default="0o50t100s1p100|1r50t75s1p125|2o50t100s1p100|3r50t100s1p125|4r50t75s1p100",
        metavar="REGEX", help='days of the ablations ("none": no ablations)',
    )  # fmt: skip
    parser.add_argument(
        "--imprecise", metavar="REGEX", help="days run once more with only mean preparation times known, for the reach "
        'table (default: those of --days; "none": none)',
    )  # fmt: skip
    parser.add_argument(
        "--powers", choices=MODES, default="both", help="operating mode of the reach table (default: both)"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=_ROOT / "out" / "bench-mdrp", metavar="DIR")
    args = parser.parse_args()
    data = Path(os.environ.get("MATCHER_DATA", _ROOT.parent / "shared" / "data")) / "mdrp"
    archives = sorted(data.glob("seed*.tar.gz"))
    if not archives or not (data / "index.csv").is_file():
        print(f"bench.dispatch needs {data}/seed*.tar.gz and index.csv; set MATCHER_DATA", file=sys.stderr)
        return 1
    sources = find_instances(archives)
    base = replace(load_config(None), journal=JournalConfig())
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, _WIDTH)
    console.print(f"machine:  {platform.platform()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    console.print(f"commit:   {_commit()}")
    mode = MODES[args.powers]
    console.print(f"mode:     {mode}; {committed_when(mode)}; one decision a minute")
    try:
        config = with_overrides(base, "mdrp", [*policy_of(mode), *args.settings])
        console.print(f"policy:   mdrp {config.policies['mdrp'].digest} {' '.join(args.settings)}")
        wanted = [source for source in sources if re.search(args.days, source.name)]
        if not wanted:
            raise ValueError(f"no day's name matches {args.days!r}")
        runs = _run(wanted, config, mode, args.out / "reach", args.jobs, "reach")
        imprecise = _imprecise(sources, config, mode, args)
        console.print(
            _reach_table(runs, imprecise, _read(data / "index.csv"), _read(data / "published_seed0_exact.csv"))
        )
        p50, p95, p99 = np.percentile([note.decision_ms for day in runs for note in day.cycles], [50, 95, 99])
        console.print(f"ms a decision: p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}")
        broken = sum(len(day.violations) for day in [*runs, *imprecise])
        if args.ablations != "none":
            chosen = [source for source in sources if re.search(args.ablations, source.name)]
            table, more = _ablations(chosen, base, args)
            console.print(table)
            broken += more
    except (ConfigError, ValueError, re.error) as error:
        print(f"bench.dispatch: {error}", file=sys.stderr)
        return 1
    console.print(f"rules broken: {broken}")
    return 1 if broken else 0


def _imprecise(
    sources: Sequence[InstanceSource], config: Config, mode: OperatingMode, args: argparse.Namespace
) -> list[DayRun]:
    """The days of --imprecise, with only mean preparation times known."""
    regex = args.days if args.imprecise is None else args.imprecise
    if regex == "none":
        return []
    wanted = [source for source in sources if re.search(regex, source.name)]
    if not wanted:
        raise ValueError(f"no day's name matches {regex!r}")
    told = replace(mode, late_kitchens=True)
    return _run(wanted, config, told, args.out / "imprecise", args.jobs, "imprecise", MEAN_KITCHENS)


def _run(
    sources: Sequence[InstanceSource],
    config: Config,
    mode: OperatingMode,
    out: Path,
    jobs: int,
    name: str,
    noise: Noise | None = None,
) -> list[DayRun]:
    runs = []
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=len(sources))
        for day in simulate_days(sources, partial(open_engine, config, "mdrp"), out, jobs, noise, mode):
            runs.append(day)
            progress.advance(task)
    runs.sort(key=lambda day: day.name)
    write_metrics(runs, mean_metrics([day.metrics for day in runs]), mode, out / "metrics.json")
    return runs


def _reach_table(
    runs: Sequence[DayRun],
    imprecise: Sequence[DayRun],
    index: dict[str, dict[str, str]],
    exact: dict[str, dict[str, str]],
) -> Table:
    title = f"{len(runs)} days" + (f", and {len(imprecise)} with imprecise preparation times" if imprecise else "")
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("measure", "ours", "reach", "", "Reyes et al.", "best known", "bound of these days"):
        table.add_column(heading, justify="left" if heading == "measure" else "right", no_wrap=True)
    for row in reach_rows({day.name: day.metrics for day in runs}, index, exact):
        table.add_row(*row)
    if imprecise:
        for row in mean_kitchen_rows({day.name: day.metrics for day in imprecise}):
            table.add_row(*row)
    return table


def _ablations(sources: Sequence[InstanceSource], base: Config, args: argparse.Namespace) -> tuple[Table, int]:
    """A row per ablation; and the rules broken."""
    title = f"what each part is worth, on {len(sources)} days"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in (
        "policy",
        "lost %",
        "click to door",
        "ready to pick-up",
        "over 40",
        "$ per order",
        "bundle",
        "gap %",
        "ms p99",
    ):
        table.add_column(heading, justify="left" if heading == "policy" else "right", no_wrap=True)
    broken = 0
    without = {f"powers: {powers}": (mode, ()) for powers, mode in MODES.items() if powers != args.powers}
    parts = {name: (MODES[args.powers], settings) for name, settings in ABLATIONS.items()}
    for name, (mode, settings) in (parts | without).items():
        config = with_overrides(base, "mdrp", [*policy_of(mode), *args.settings, *settings])
        runs = _run(sources, config, mode, args.out / re.sub("[^a-z]+", "-", name), args.jobs, name)
        broken += sum(len(day.violations) for day in runs)
        mean = mean_metrics([day.metrics for day in runs])
        figures = (
            (mean.undelivered_pct, "{:.2f}"),
            (mean.click_to_door_mean, "{:.2f}"),
            (mean.ready_to_pickup_mean, "{:.2f}"),
            (mean.overage_mean, "{:.2f}"),
            (mean.cost_per_order, "{:.2f}"),
            (mean.orders_per_bundle, "{:.3f}"),
            (mean.certified_gap_mean, "{:.3%}"),
            (mean.decision_ms_p99, "{:.1f}"),
        )
        table.add_row(name, *("–" if value is None else text.format(value) for value, text in figures))
    return table, broken


def _read(path: Path) -> dict[str, dict[str, str]]:
    """A CSV file by its column "instance"."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["instance"]: row for row in csv.DictReader(file)}


def _commit() -> str:
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
