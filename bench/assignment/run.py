"""The assignment table: ours against every exact peer that is installed, in one run, every optimum checked.

CPU seconds of one thread, conversions included, median of repeated calls; ours and the peers alternate, and the costs
are read once before each. A call below a millisecond costs mostly what it must fetch from memory, code and interpreter
included, and so depends on who ran before; therefore all small calls come after the same read of 32 MB, and those still
in the running are repeated side by side as well: column "near" is the ratio of those, next to no fetching. Usage:
python -m bench.assignment.run [--quick] [--only WORD] [--json FILE] [--sweep N] [--rounds N] [--seed N]
    [--growth] [--chart SVG]
With --json a chart of cost growth is drawn beside the file, .svg for .json, or where --chart says.
"""

from __future__ import annotations

import argparse
import json
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from bench.assignment import growth  # noqa: E402
from bench.assignment.families import Problem, sparse_sweep, sweep, table  # noqa: E402
from bench.assignment.lemon import restarted  # noqa: E402
from bench.assignment.peers import Solve, dense_peers, sparse_peers  # noqa: E402

import matcher  # noqa: E402

PATIENCE = 6.0
"""Seconds a peer may take for one call before it is left out of larger problems of its kind."""


@dataclass(frozen=True)
class Call:
    """A solver asked about one problem; what it does to prepare is not counted."""

    solve: Callable[[], float]
    prepare: Callable[[], None] = lambda: None


def cpu(call: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds, and what the call returned."""
    began = time.process_time()
    value = call()
    return time.process_time() - began, value


def ours(problem: Problem) -> Call:
    """Our call. Warm where the problem is: one of a chain of re-solves, as a caller would make them, so that rows are
    kept already; what goes before it is not counted."""
    before, costs = problem.before, problem.costs if problem.sparse is None else problem.sparse
    start: list[matcher.WarmStart] = []
    if before is not None:
        old = before.costs if before.sparse is None else before.sparse
        last = matcher.solve_assignment(old, unassigned_cost=before.price)
        last = matcher.solve_assignment(old, unassigned_cost=before.price, warm_start=last)

    def prepare() -> None:
        if before is None:
            return
        assert problem.kept is not None
        warm = matcher.solve_assignment(old, unassigned_cost=before.price, warm_start=last)
        at = np.arange(len(problem.kept))
        start[:] = [warm.carried(np.where(problem.kept, at, -1), np.arange(len(warm.col_duals)))]

    def solve() -> float:
        solution = matcher.solve_assignment(
            costs, unassigned_cost=problem.price, warm_start=start[0] if start else None
        )
        assert solution.status == 1
        return float(solution.total_cost)

    return Call(solve, prepare)


ELSEWHERE = np.ones(4_000_000)
"""As much as the caches hold."""
SMALL = 0.001
"""Seconds below which a call depends on what the one before left in the caches."""


def touch(problem: Problem, *, small: bool) -> None:
    """Read the costs, so that every call finds them equally near: else the first after a slow one pays for the rest."""
    if small:
        np.max(ELSEWHERE)
    np.max(problem.sparse.data if problem.costs is None else problem.costs)


def near(calls: dict[str, Callable[[], float]], most: int) -> dict[str, float]:
    """CPU seconds of each call when the same call came just before."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(most):
        for name, call in calls.items():
            once, _ = cpu(call)
            repeats = range(max(1, min(20, round(SMALL / max(once, 1e-6)))))
            times[name].append(cpu(lambda call=call, repeats=repeats: [call() for _ in repeats])[0] / len(repeats))  # type: ignore[misc]
    return {name: median(values) for name, values in times.items()}


def measure(problem: Problem, peers: dict[str, Solve], slow: dict[str, int], most: int) -> dict[str, object]:
    """Seconds of ours and of each peer; a peer that is wrong or fails is named, never counted.

    slow: by peer, the fewest costs on which it went beyond all patience; it is not asked about as many again.
    """
    call = ours(problem)
    call.prepare()
    call.solve()  # what happens once in a process
    call.prepare()
    first, optimum = cpu(call.solve)
    small = first < SMALL
    rounds = min(most, 15 if first < 0.005 else 7 if first < 0.1 else 3)
    times: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    costs = problem.sparse.nnz if problem.costs is None else problem.costs.size
    asked = {name: Call(partial(solve, problem)) for name, solve in peers.items()}
    if problem.before is not None:
        network = restarted(problem)
        asked["pylmcf warm"] = Call(network.solve, network.prepare)
    active = {"ours": call} | {name: peer for name, peer in asked.items() if name not in slow or costs < slow[name]}
    for turn in range(rounds):
        # Nobody always follows the same neighbour, who may have given the heap back to the system.
        first_now = 4 * turn % len(active)
        for name, peer in list(active.items())[first_now:] + list(active.items())[:first_now]:
            try:
                preparing, _ = cpu(peer.prepare)
                touch(problem, small=small)
                taken, total = cpu(peer.solve)
            except Exception as reason:  # peers refuse shapes in many ways
                if name == "ours":
                    raise
                failed[name] = f"{type(reason).__name__}: {reason}"[:80]
                del active[name]
                continue
            if abs(total - optimum) > 1e-6 * max(1.0, abs(optimum)):
                failed[name] = f"wrong: {total} instead of {optimum}"
                del active[name]
                continue
            times.setdefault(name, []).append(taken)
            if name == "ours":
                continue
            if max(preparing, taken) > PATIENCE:
                slow[name] = min(costs, slow.get(name, costs))
            if turn == 0 and taken > 20 * max(first, 0.002):
                del active[name]  # far from best: one look is enough
    stream = None
    if problem.costs is not None:
        problem.costs.min()
        stream = median(cpu(lambda: float(problem.costs.min()))[0] for _ in range(5))  # type: ignore[union-attr]
    medians = {name: median(values) for name, values in times.items()}
    best = min((name for name in medians if name != "ours"), key=medians.__getitem__, default=None)
    again: dict[str, float] = {}
    if small and best and problem.before is None:
        rivals = [name for name in active if medians[name] < 3 * medians[best] or name == "ours"]
        if len(rivals) > 1:  # the best may have been left at its first turn: far behind
            again = near({name: active[name].solve for name in rivals}, most)
    return {
        "name": problem.name,
        "reach": problem.reach,
        "ms": {name: 1e3 * value for name, value in medians.items()},
        "best": best,
        "ratio": medians["ours"] / medians[best] if best else None,
        "near": again["ours"] / min(value for name, value in again.items() if name != "ours") if again else None,
        "stream": medians["ours"] / stream if stream else None,
        "failed": failed,
    }


def show(row: dict[str, object]) -> None:
    """One line of the table."""
    ms: dict[str, float] = row["ms"]  # type: ignore[assignment]
    best, reach, ratio, stream = row["best"], row["reach"], row["ratio"], row["stream"]
    again = "" if row["near"] is None else f"{row['near']:.3f}"
    peer = f"{ms[best]:10.3f} {best:<13}" if best else f"{'-':>10} {'':<13}"  # type: ignore[index]
    verdict = "" if reach is None or ratio is None else ("holds" if ratio <= reach else "MISSES")  # type: ignore[operator]
    print(
        f"{row['name']:<34} {ms['ours']:9.3f} {peer} "
        f"{ratio if ratio is not None else float('nan'):6.3f} {again:>6} "
        f"{reach if reach is not None else '':>5} {verdict:<6} {stream if stream is not None else float('nan'):7.2f}",
        flush=True,
    )
    for name, why in row["failed"].items():  # type: ignore[attr-defined]
        if why.startswith("wrong"):
            print(f"    {name}: {why}")


def write(rows: list[dict[str, object]], file: Path, chart: Path | None) -> None:
    """Figures as JSON, and the chart of those whose sizes grow."""
    for path in (file, chart or file):
        path.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(rows, indent=1))
    growth.draw(rows, chart or file.with_suffix(".svg"))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="nothing above 1000 rows dense, no 50000 sparse")
    parser.add_argument("--only", default="", help="families whose name holds this; sweep: only the random shapes")
    parser.add_argument("--sweep", type=int, default=12, help="random dense shapes, and a third as many sparse")
    parser.add_argument("--seed", type=int, help="other instances of every family, and other random shapes")
    parser.add_argument("--rounds", type=int, default=15, help="repeat no call more often")
    parser.add_argument("--growth", action="store_true", help="instead of the table: its families at sizes that double")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--chart", type=Path, help="where the chart goes")
    arguments = parser.parse_args()
    dense, missing = dense_peers()
    sparse, missing_sparse = sparse_peers()
    for name, why in (missing | missing_sparse).items():
        print(f"left out {name}: {why}")
    print(
        f"{'family':<34} {'ours ms':>9} {'best peer ms':>10} {'':<11} {'ratio':>6} {'near':>6} "
        f"{'reach':>5} {'':<6} {'x stream':>7}"
    )
    rows: list[dict[str, object]] = []
    slow_dense: dict[str, int] = {}
    slow_sparse: dict[str, int] = {}
    problems = growth.problems() if arguments.growth else table(arguments.seed)
    seed = 5 if arguments.seed is None else arguments.seed
    shapes = 0 if arguments.growth else arguments.sweep
    for random in sweep(shapes, seed) + sparse_sweep(shapes // 3, seed):
        problems[random.name] = lambda p=random: p  # type: ignore[misc]
    for name, make in problems.items():
        if arguments.only not in name:
            continue
        problem = make()
        size = problem.costs.shape[0] if problem.costs is not None else problem.sparse.shape[0] // 10
        if arguments.quick and size > 1000:
            continue
        is_dense = problem.sparse is None
        peers, slow = (dense, slow_dense) if is_dense else (sparse, slow_sparse)
        rows.append(measure(problem, peers, slow, arguments.rounds))
        show(rows[-1])
        if arguments.json:  # after each, as a run may be cut short
            write(rows, arguments.json, arguments.chart)
    for ratio in ("ratio", "near"):
        swept = [row[ratio] for row in rows if str(row["name"]).startswith("sweep") and row[ratio] is not None]
        if swept:
            print(f"guard: worst {ratio} of the sweep {max(swept):.2f} (at most 1.2 wanted)")  # type: ignore[type-var]
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
