"""The kernel beside OR-Tools' routing library: the same problems, the same seconds, every field that both know.

    python -m bench.routing.rungs --seconds 1 --requests 10 50 100

Both count wall time. Every plan passes the independent checker before it counts. The last line says where the kernel
was worse, if anywhere; a difference below 10⁻⁴ of the distance is none, for OR-Tools rounds.
"""

from __future__ import annotations

import argparse
import time

from bench.instances.delivery_problems import FEATURES, delivery_problem

from matcher.routing import Solution, solve
from matcher.routing.rung import Objective, SolverName
from matcher.routing.rungs import value

_OBJECTIVES: dict[str, Objective] = {"prizes": "distance", "fixed_costs": "cost"}


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
    worse, count = [], 0
    print("| field | requests | native: left out / vehicles / distance | ortools | ortools longer by |")
    print("|---|---|---|---|---|")
    for feature in arguments.features:
        for requests in arguments.requests:
            for seed in range(arguments.seeds):
                plans = [run(feature, requests, seed, arguments.seconds, name)[0] for name in ("native", "ortools")]
                objective = _OBJECTIVES.get(feature, "hierarchical")
                ours, theirs = (value(plan, objective) for plan in plans)
                count += 1
                if ours[:-1] > theirs[:-1] or (ours[:-1] == theirs[:-1] and ours[-1] > theirs[-1] * (1 + 1e-4)):
                    worse.append(f"{feature}-{requests}-{seed}")
                cells = [f"{len(p.left_out)} / {p.vehicles} / {p.distance:.1f}" for p in plans]
                more = f"{100 * (theirs[-1] / ours[-1] - 1):.1f} %" if ours[:-1] == theirs[:-1] else "–"
                print(f"| {feature} | {requests} | {cells[0]} | {cells[1]} | {more} |", flush=True)
    print(f"native worse on {len(worse)} of {count}{': ' if worse else ''}{', '.join(worse)}")


if __name__ == "__main__":
    main()
