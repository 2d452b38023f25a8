"""The kernel and solver "auto" beside OR-Tools' routing library: the same problems and seconds, by field and mixed.

    python -m bench.routing.rungs --seconds 1 --requests 10 50 100

All count wall time. Every plan passes the independent checker before it counts. The last lines say where the kernel
and "auto" were worse, if anywhere; a difference below 10⁻⁴ of the distance is none, for OR-Tools rounds.
"""

from __future__ import annotations

import argparse
import itertools
import time

from bench.instances.delivery_problems import FEATURES, delivery_problem

from matcher.routing import Solution, solve
from matcher.routing.rung import Objective, SolverName
from matcher.routing.rungs import value

_OBJECTIVES: dict[str, Objective] = {"prizes": "distance", "fixed_costs": "cost", "mixed": "cost", "lateness": "cost"}


def run(feature: str, requests: int, seed: int, seconds: float, solver: SolverName) -> tuple[Solution, float]:
    """A plan, checked, and the seconds that it took."""
    problem = delivery_problem(feature, requests, seed)
    began = time.perf_counter()
    objective = _OBJECTIVES.get(feature, "hierarchical")
    plan = solve(problem, time_limit=seconds, objective=objective, solver=solver, seed=seed)
    spent = time.perf_counter() - began
    plan.check()
    return plan, spent


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--requests", type=int, nargs="+", default=[10, 50, 100])
    parser.add_argument("--features", nargs="+", default=list(FEATURES), choices=FEATURES)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    worse: dict[str, list[str]] = {"native": [], "auto": []}
    count = 0
    print("| field | requests | native: left out / vehicles / value | auto | ortools | ortools above auto by |")
    print("|---|---|---|---|---|---|")
    for feature, requests, seed in itertools.product(arguments.features, arguments.requests, range(arguments.seeds)):
        names: tuple[SolverName, ...] = ("native", "auto", "ortools")
        plans = {name: run(feature, requests, seed, arguments.seconds, name)[0] for name in names}
        objective = _OBJECTIVES.get(feature, "hierarchical")
        values = {name: value(plan, objective) for name, plan in plans.items()}
        count += 1
        theirs = values["ortools"]
        for name, lost in worse.items():
            ours = values[name]
            if ours[:-1] > theirs[:-1] or (ours[:-1] == theirs[:-1] and ours[-1] > theirs[-1] * (1 + 1e-4)):
                lost.append(f"{feature}-{requests}-{seed}")
        cells = [f"{len(p.left_out)} / {p.vehicles} / {values[name][-1]:.1f}" for name, p in plans.items()]
        ours = values["auto"]
        more = f"{100 * (theirs[-1] / ours[-1] - 1):.1f} %" if ours[:-1] == theirs[:-1] and ours[-1] else "–"
        print(f"| {feature} | {requests} | {' | '.join(cells)} | {more} |", flush=True)
    for name, lost in worse.items():
        print(f"{name} worse than ortools on {len(lost)} of {count}{': ' if lost else ''}{', '.join(lost)}")


if __name__ == "__main__":
    main()
