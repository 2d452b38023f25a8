"""How long an explanation takes, and whether the price it names is that of deciding again under the opposite demand.

    python -m bench.explain [--instances NAME ...] [--days PATH ...] [--pairs N] [--seconds S] [--out FILE]

Cycles are seeded instances and, with --days, snapshots captured from simulated days of the Meal Delivery Routing
Problem: one in every so many cycles of the day under the policy "mdrp". In each cycle some pairs of an open order and a
courier are drawn, half of them among the order's candidates. Each is explained and, apart from that, forced: the
packing is written out anew with every column of every courier for that order, and OR-Tools solves it under the demand.
Asserted: no price is below what OR-Tools' bound permits. Reported: how many prices equal it, and CPU time.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from bench.instances import NAMES, snapshot
from bench.instances.captured import Cycle, captured_cycles
from tools.machine import facts

from matcher.app import this_build
from matcher.domain import Explanation, PairVerdict, Policy
from matcher.engine import decide, explain
from matcher.engine.pose import Posed, pose
from matcher.ports import Budget, Ports
from matcher.solve.packing import PackingProblem
from matcher.solve.packing_ortools import Backend, OrToolsPackingSolver
from matcher.travel import StraightLine

DEFAULT = ("city-50x200", "scarce-60x15", "city-200x1000")
SEED = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair explained."""

    cycle: str
    verdict: str
    cpu_ms: float
    price: int
    proven: bool
    forced_low: int
    forced_high: int

    @property
    def agrees(self) -> bool:
        """The forced re-solve is no cheaper, and no dearer than it was proven to be."""
        return self.forced_low <= self.price <= self.forced_high

    @property
    def equal(self) -> bool:
        """To the micro, the forced re-solve being proven."""
        return self.price == self.forced_high == self.forced_low


def cycles(names: list[str], days: list[Path], ports: Ports) -> Iterator[Cycle]:
    """Every market to explain."""
    for name in names:
        yield Cycle(name, snapshot(name), Policy())
    yield from captured_cycles(days, ports)


def drawn(cycle: Cycle, posed: Posed, count: int) -> list[tuple[int, int]]:
    """Pairs of the position of an open order and a courier, half of them candidates."""
    rng = random.Random(f"{SEED} {cycle.name}")
    column = posed.problem.column_of_member
    candidates = sorted(
        {(int(o), int(posed.problem.courier[k])) for o, k in zip(posed.problem.order, column, strict=True)}
    )
    pairs = rng.sample(candidates, min(count // 2, len(candidates)))
    orders, couriers = len(posed.orders), len(cycle.market.couriers)
    while orders and couriers and len(pairs) < count:
        pairs.append((rng.randrange(orders), rng.randrange(couriers)))
    return pairs


def forced(
    cycle: Cycle, posed: Posed, ports: Ports, pair: tuple[int, int], *, out: bool, seconds: float
) -> tuple[int, int] | None:
    """(lower bound, total) of the decision when the pair is insisted on or, for `out`, ruled out; None: impossible.

    Written out anew: every column that the decision had, and of the pair those that a search without limits finds.
    """
    order, courier = pair
    wide = replace(cycle.policy.candidates, nearest_couriers=len(cycle.market.couriers), reach_ms=86_400_000)
    everything = pose(cycle.market, replace(cycle.policy, candidates=wide), Budget(), ports).problem
    rows: list[tuple[int, list[int], int]] = []
    for problem, of_pair in ((posed.problem, False), (everything, True)):
        for column in range(problem.columns):
            members, who = problem.members(column).tolist(), int(problem.courier[column])
            is_pair = order in members and who == courier
            wanted = not is_pair if out else not (order in members or who == courier)
            if (is_pair and of_pair and not out) or (wanted and not of_pair):
                rows.append((who, members, int(problem.cost[column])))
    if not out and not any(order in members for _, members, _ in rows):
        return None
    wait = posed.problem.wait.copy()
    penalty = 0 if out else int(wait.sum()) + 1
    wait[order] += penalty
    problem = PackingProblem.from_lists(
        n_orders=posed.problem.n_orders,
        n_couriers=posed.problem.n_couriers,
        courier=[who for who, _, _ in rows],
        ptr=np.concatenate([[0], np.cumsum([len(members) for _, members, _ in rows])]).astype(np.int64),
        order=[member for _, members, _ in rows for member in members],
        cost=[cost for _, _, cost in rows],
        wait=wait,
    )
    solution = OrToolsPackingSolver(Backend.CP_SAT, time_limit_s=seconds).solve(problem)
    return solution.lower_bound, solution.total


def explained(cycle: Cycle, ports: Ports, count: int, seconds: float) -> list[Pair]:
    """All pairs drawn of one cycle."""
    posed = pose(cycle.market, cycle.policy, Budget(), ports)
    decision = decide(cycle.market, cycle.policy, ports=ports)
    found = []
    for order, courier in drawn(cycle, posed, count):
        names = cycle.market.orders.ids[int(posed.orders[order])], cycle.market.couriers.ids[courier]
        began = time.process_time()
        answer: Explanation = explain(cycle.market, cycle.policy, *names, ports=ports)
        cpu_ms = (time.process_time() - began) * 1e3
        assert answer.decision_id == decision.decision_id
        chosen = answer.verdict is PairVerdict.CHOSEN
        bounds = forced(cycle, posed, ports, (order, courier), out=chosen, seconds=seconds)
        assert (bounds is None) == (answer.verdict is PairVerdict.INFEASIBLE), f"{cycle.name}: {names} {answer.verdict}"
        if bounds is None:
            bounds = (decision.total_cost_micros + answer.price_micros,) * 2  # its own limits are not the market's
        low, high = (bound - decision.total_cost_micros for bound in bounds)
        found.append(Pair(cycle.name, answer.verdict.name, cpu_ms, answer.price_micros, answer.proven, low, high))
        assert answer.price_micros >= low, f"{cycle.name}: {names} are priced below what is possible"
    return found


def main() -> int:
    """0: at least 99 % of prices equal those of the forced re-solve."""
    parser = argparse.ArgumentParser(prog="python -m bench.explain")
    parser.add_argument("--instances", nargs="*", choices=sorted(NAMES), default=list(DEFAULT))
    parser.add_argument("--days", nargs="*", type=Path, default=[], help="instance folders or archives")
    parser.add_argument("--pairs", type=int, default=20, help="pairs a cycle")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each forced re-solve")
    parser.add_argument("--out", type=Path, help="figures as JSON")
    args = parser.parse_args()
    ports = Ports(travel=StraightLine(), build=this_build())
    pairs: list[Pair] = []
    for cycle in cycles(args.instances, args.days, ports):
        pairs += explained(cycle, ports, args.pairs, args.seconds)
        print(
            f"{cycle.name}: {len(cycle.market.orders)} orders × {len(cycle.market.couriers)} couriers", file=sys.stderr
        )
    priced = [pair for pair in pairs if pair.verdict != PairVerdict.INFEASIBLE.name]
    times = sorted(pair.cpu_ms for pair in pairs)
    figures = {
        "pairs": len(pairs),
        "verdicts": {name: sum(pair.verdict == name for pair in pairs) for name in sorted({p.verdict for p in pairs})},
        "cpu_ms_p50": statistics.median(times),
        "cpu_ms_p95": times[min(len(times) - 1, int(0.95 * len(times)))],
        "proven": sum(pair.proven for pair in priced) / max(1, len(priced)),
        "equal": sum(pair.equal for pair in priced) / max(1, len(priced)),
        "within_bounds": sum(pair.agrees for pair in priced) / max(1, len(priced)),
    }
    where = facts()
    for key, value in {**where, **figures}.items():
        print(f"{key + ':':<15}{value}")
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps({**where, "figures": figures}, indent=1) + "\n")
    return 0 if figures["equal"] >= 0.99 else 1


if __name__ == "__main__":
    sys.exit(main())
