"""`python -m bench.packing`: native packing against CP-SAT, HiGHS and SCIP, on seeded and on captured instances.

Every solver gets the same instances and is judged against the same bound, the best that any of them proved; every
packing is re-checked. Native work is granted in iterations, and the processor time that took is reported; the others
get seconds, on one thread. Gains are what a packing saves against leaving every order waiting: a share of gain is a
harder measure than a share of cost, which the price of waiting inflates.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.instances import NAMES, snapshot
from bench.instances.captured import captured_cycles
from bench.instances.packing import INSTANCES
from tests.oracles.packing import check_solution
from tools.machine import facts

from matcher.app import this_build
from matcher.domain import Policy
from matcher.engine.pose import pose
from matcher.ports import Budget, Ports
from matcher.solve.packing import NativePackingSolver, PackingProblem, PackingSolution, PackingSolver
from matcher.solve.packing_commercial import CplexPackingSolver, GurobiPackingSolver
from matcher.solve.packing_ortools import Backend, OrToolsPackingSolver
from matcher.travel import StraightLine


@dataclass(frozen=True, slots=True)
class Run:
    """One solver on one instance."""

    family: str
    seed: int
    columns: int
    solver: str
    granted: str
    cpu_s: float
    gain: int
    gain_bound: int
    status: str


def measure(
    family: str, seed: int, problem: PackingProblem, solver: PackingSolver, granted: str, limit: int | None
) -> Run:
    """Solve, check, and express in gains."""
    start = time.process_time()
    solution: PackingSolution = solver.solve(problem, max_iterations=limit)
    cpu_s = time.process_time() - start
    check_solution(problem, solution)
    nothing = int(problem.wait.sum())
    return Run(
        family=family,
        seed=seed,
        columns=problem.columns,
        solver=solver.name,
        granted=granted,
        cpu_s=cpu_s,
        gain=nothing - solution.total,
        gain_bound=nothing - solution.lower_bound,
        status=solution.status.value,
    )


def short(gain: int, bound: int) -> float:
    """By how many per cent of the bound a gain falls short of it; 0 where there is nothing to gain."""
    return 100 * (1 - gain / bound) if bound else 0.0


def report(runs: list[Run]) -> str:
    """A table by family, solver and grant: medians, the worst, and how often native at its largest grant is ahead."""
    lines = [
        "| family | solver | granted | cpu s | below best bound % | at worst | own gap % | proven "
        "| native ahead or equal |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    instances = {(run.family, run.seed) for run in runs}
    bound = {key: min(run.gain_bound for run in runs if (run.family, run.seed) == key) for key in instances}
    native = {(run.family, run.seed): run.gain for run in runs if run.solver == "native"}
    groups = dict.fromkeys((run.family, run.solver, run.granted) for run in runs)
    for family, solver, granted in groups:
        own = [run for run in runs if (run.family, run.solver, run.granted) == (family, solver, granted)]
        short_of = [short(run.gain, bound[run.family, run.seed]) for run in own]
        below = statistics.median(short_of)
        gap = statistics.median(short(run.gain, run.gain_bound) for run in own)
        cpu_s = statistics.median(run.cpu_s for run in own)
        proven = sum(run.status == "optimal" for run in own)
        ahead = sum(native.get((run.family, run.seed), 0) >= run.gain for run in own)
        lines.append(
            f"| {family} | {solver} | {granted} | {cpu_s:.3f} | {below:.3f} | {max(short_of):.3f} | {gap:.3f} "
            f"| {proven}/{len(own)} | {ahead}/{len(own)} |"
        )
    return "\n".join(lines)


def commercial(seconds: float) -> list[PackingSolver]:
    """Gurobi and CPLEX where their wheels are installed; without a licence they refuse large models."""
    found: list[PackingSolver] = []
    if importlib.util.find_spec("gurobipy"):
        found.append(GurobiPackingSolver(time_limit_s=seconds))
    if importlib.util.find_spec("cplex"):
        found.append(CplexPackingSolver(time_limit_s=seconds))
    return found


def instances(options: argparse.Namespace) -> Iterator[tuple[str, int, PackingProblem]]:
    """Family, number within it, and problem: the seeded ones, and those that decide() poses for markets."""
    for family in options.families:
        for seed in range(options.seeds):
            yield family, seed, INSTANCES[family](seed)
    ports = Ports(travel=StraightLine(), build=this_build())
    for name in options.markets:
        yield name, 0, pose(snapshot(name), Policy(), Budget(), ports).problem
    cycles = captured_cycles(options.days, ports, apart=options.apart, open_orders=options.open_orders)
    for number, cycle in enumerate(cycles):
        yield "captured", number, pose(cycle.market, cycle.policy, Budget(), ports).problem


def main(arguments: list[str]) -> int:
    """Run, print the table, and write the runs as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.packing", description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="*", default=list(INSTANCES), choices=list(INSTANCES))
    parser.add_argument("--seeds", type=int, default=5, help="instances a family")
    parser.add_argument(
        "--markets", nargs="*", default=[], choices=sorted(NAMES), help="seeded markets, posed by decide()"
    )
    parser.add_argument("--days", nargs="*", type=Path, default=[], help="days whose cycles are captured and posed")
    parser.add_argument("--apart", type=int, default=20, help="capture one in so many cycles of a day")
    parser.add_argument("--open-orders", type=int, default=5, help="pass over cycles with fewer")
    parser.add_argument("--iterations", type=int, nargs="+", default=[2_000, 10_000, 50_000], help="native grants")
    parser.add_argument("--seconds", type=float, nargs="*", default=[0.2, 5.0], help="grants of the others")
    parser.add_argument("--backends", nargs="*", default=[each.value for each in Backend])
    parser.add_argument("--out", type=Path, default=Path("out/bench-packing.json"))
    options = parser.parse_args(arguments)
    where = facts()
    for key, value in where.items():
        print(f"{key + ':':<11}{value}", flush=True)
    runs: list[Run] = []
    for family, seed, problem in instances(options):
        for limit in sorted(options.iterations):
            runs.append(measure(family, seed, problem, NativePackingSolver(), f"{limit} it", limit))
        for seconds in options.seconds:
            for backend in options.backends:
                solver = OrToolsPackingSolver(Backend(backend), time_limit_s=seconds)
                runs.append(measure(family, seed, problem, solver, f"{seconds} s", None))
            for other in commercial(seconds):
                run = measure(family, seed, problem, other, f"{seconds} s", None)
                if run.status != "unsolved":  # refused for its size
                    runs.append(run)
        print(f"{family} {seed} done", file=sys.stderr, flush=True)
    print(report(runs))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figures = [{name: getattr(run, name) for name in Run.__slots__} for run in runs]
    options.out.write_text(json.dumps({**where, "figures": figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
