"""The Reach table: our plans, and peers' where they are installed, against best known ones at equal CPU budgets.

    python -m bench.routing.reach --budgets 0.1 1 10 --tasks 100 200 400 1000 --per-class 2 [--peers all] [--plot FILE]

Every plan is checked by the independent checker before it counts. Budgets are CPU seconds. Peers count wall time: each
is asked again with more of it until it has had the CPU time, reading the problem included; the CPU time that it took
is in the JSON. --plot: mean gap over CPU time by size, of ours along its runs, of peers at each budget. Data: the
folder pdptw of MATCHER_DATA (default ../shared/data).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.routing import gaps
from bench.routing.peers import PEERS, Peer, installed

from matcher.routing import InvalidPlanError, Problem, Solution, read_li_lim, read_sartori_buriol, solve

ROOT = Path(__file__).resolve().parents[2]
_ATTEMPTS = 4
_ENOUGH = 0.95
"""Of the budget, in CPU time."""


@dataclass(frozen=True, slots=True)
class Case:
    """One instance with its best known plan."""

    name: str
    path: Path
    size: int
    vehicles: int
    distance: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one solver made of one instance."""

    solver: str
    budget: float
    case: str
    size: int
    extra_vehicles: int
    gap: float
    """Distance over that of the best known plan, minus one; not comparable where vehicles differ."""
    unserved: int
    cpu_seconds: float
    iterations: int = 0
    """Of ours; peers count other things."""
    invalid: str = ""
    """The rule that a peer's plan breaks, by the independent checker; such a plan does not count."""
    trace: tuple[tuple[float, int, float], ...] = ()
    """(CPU seconds, extra vehicles, gap) of the plans found on the way that serve all."""


def data_folder() -> Path:
    """Where the instances are."""
    return Path(os.environ.get("MATCHER_DATA", ROOT.parent / "shared" / "data")) / "pdptw"


def read_cases(objective: str, family: str) -> list[Case]:
    """Instances with best known values for the objective; sizes as in the table: 100, 200, 400, 600, 1000."""
    folder = data_folder()
    with (folder / "bks.csv").open() as file:
        rows = {row["instance"]: row for row in csv.DictReader(file)}
    if objective == "distance":
        with (folder / "bks_distance.csv").open() as file:
            rows = {row["instance"]: {**rows[row["instance"]], **row} for row in csv.DictReader(file)}
    cases = []
    for name, row in rows.items():
        if not row["file"].startswith(family):
            continue
        size = min((100, 200, 400, 600, 1000), key=lambda s: abs(s - int(row["tasks"])))
        cases.append(Case(name, folder / row["file"], size, int(row["vehicles"]), float(row["distance"])))
    return sorted(cases, key=lambda case: (case.size, case.name))


def sample(cases: list[Case], sizes: list[int], per_class: int, classes: list[str]) -> list[Case]:
    """The first `per_class` instances of every class (lc1, lr2, ...; all when none is named) and size."""
    taken: dict[tuple[int, str], int] = defaultdict(int)
    chosen = []
    for case in cases:
        kind = case.name.rstrip("0123456789_-")[:3] + next((c for c in case.name if c.isdigit()), "")
        if case.size in sizes and kind in (classes or [kind]) and taken[case.size, kind] < per_class:
            taken[case.size, kind] += 1
            chosen.append(case)
    return chosen


def run(case: Case, solver: str, budget: float, objective: str, seed: int) -> Outcome:
    """Solve, check and compare."""
    problem = read_li_lim(case.path) if case.path.parent.name == "lilim" else read_sartori_buriol(case.path)
    began = time.process_time()
    if solver == "matcher":
        solution = solve(problem, time_limit=budget, clock="cpu", seed=seed, objective=objective)  # type: ignore[arg-type]
        spent = time.process_time() - began
    else:
        solution, spent = in_cpu_time(PEERS[solver], problem, budget, seed, objective)
    try:
        solution.check()
    except InvalidPlanError as error:
        if solver == "matcher":
            raise
        print(f"{solver}, {case.name}: {error}", file=sys.stderr)
        invalid = str(error)
    else:
        invalid = ""
    return Outcome(
        solver=solver,
        budget=budget,
        case=case.name,
        size=case.size,
        extra_vehicles=solution.vehicles - case.vehicles,
        gap=solution.distance / case.distance - 1.0,
        unserved=len(solution.left_out),
        cpu_seconds=spent,
        iterations=solution.iterations if solver == "matcher" else 0,
        invalid=invalid,
        trace=tuple(
            (step.fraction * budget, step.vehicles - case.vehicles, step.distance / case.distance - 1.0)
            for step in solution.history
            if step.unserved == 0
        ),
    )


def in_cpu_time(peer: Peer, problem: Problem, budget: float, seed: int, objective: str) -> tuple[Solution, float]:
    """A peer's plan and the CPU seconds that it took: at least 95 % of the budget, unless it ends by itself."""
    wall, spent = budget, 0.0
    for _ in range(_ATTEMPTS):
        before = os.times()
        solution = peer(problem, wall, seed, objective)
        after = os.times()
        spent = sum(after[:4]) - sum(before[:4])
        if spent >= _ENOUGH * budget:
            break
        wall *= min(8.0, 1.05 * budget / max(spent, 1e-3))
    return solution, spent


def table(outcomes: list[Outcome], sizes: list[int]) -> str:
    """Mean extra vehicles / mean distance gap by solver, budget and size."""
    lines = ["| solver | CPU s | " + " | ".join(map(str, sizes)) + " |", "|---|---|" + "---|" * len(sizes)]
    keys = sorted({(o.budget, o.solver) for o in outcomes})
    for budget, solver in keys:
        cells = []
        for size in sizes:
            here = [o for o in outcomes if (o.budget, o.solver, o.size) == (budget, solver, size)]
            served = [o for o in here if o.unserved == 0 and not o.invalid]
            if not here:
                cells.append("")
                continue
            if not served:
                cells.append("none")
                continue
            extra = statistics.mean(o.extra_vehicles for o in served)
            gap = statistics.mean(o.gap for o in served)
            note = (
                f" ({len(here) - len(served)} of {len(here)} incomplete or invalid)" if len(served) < len(here) else ""
            )
            cells.append(f"{extra:.2f} / {100 * gap:.1f} %{note}")
        lines.append(f"| {solver} | {budget:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def rates(outcomes: list[Outcome], sizes: list[int]) -> list[str]:
    """Rows of our iterations a second of CPU time, means by budget and size; one removes and reinserts ten requests."""
    rows = []
    for budget in sorted({o.budget for o in outcomes}):
        cells = []
        for size in sizes:
            here = [
                o.iterations / o.cpu_seconds for o in outcomes if (o.budget, o.size) == (budget, size) and o.iterations
            ]
            cells.append(f"{statistics.mean(here):,.0f}" if here else "")
        rows.append(f"| iterations/s | {budget:g} | " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.1, 1.0])
    parser.add_argument("--tasks", type=int, nargs="+", default=[100, 200, 400, 1000])
    parser.add_argument("--per-class", type=int, default=2, help="instances of each class and size")
    parser.add_argument("--classes", nargs="*", default=[], help="lc1, lr2, ...; all when none is named")
    parser.add_argument("--objective", choices=["hierarchical", "distance"], default="hierarchical")
    parser.add_argument("--family", choices=["lilim", "sartori_buriol"], default="lilim")
    parser.add_argument("--peers", nargs="*", default=[], choices=[*sorted(PEERS), "all"], help="all: those installed")
    parser.add_argument("--plot", type=Path, help="write a chart of gap over CPU time, .svg or .png")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write every outcome, with machine and commit, as JSON")
    arguments = parser.parse_args()
    if not data_folder().exists():
        sys.exit(f"{data_folder()} is missing; set MATCHER_DATA to the folder of the yardstick data")
    peers = installed() if "all" in arguments.peers else arguments.peers
    cases = sample(
        read_cases(arguments.objective, arguments.family), arguments.tasks, arguments.per_class, arguments.classes
    )
    outcomes = []
    for budget in arguments.budgets:
        for case in cases:
            for solver in ["matcher", *peers]:
                if solver == "vrp-cli" and budget < 1.0:
                    continue  # it counts whole seconds
                outcome = run(case, solver, budget, arguments.objective, arguments.seed)
                outcomes.append(outcome)
                print(json.dumps(asdict(outcome)), file=sys.stderr, flush=True)
    print(f"{len(cases)} instances, objective {arguments.objective}, seed {arguments.seed}")
    print(table(outcomes, arguments.tasks))
    print("\n".join(rates(outcomes, arguments.tasks)))
    missing = sorted(set(PEERS) - set(installed()))
    if missing:
        print(f"not installed: {', '.join(missing)}")
    if arguments.plot:
        gaps.draw([asdict(outcome) for outcome in outcomes], arguments.plot)
    if arguments.out:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
        record = {
            "machine": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "commit": commit.stdout.strip(),
            "outcomes": [asdict(outcome) for outcome in outcomes],
        }
        arguments.out.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
