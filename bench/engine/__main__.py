"""How long a decision takes, and where the time goes.

    python -m bench.engine [--instances NAME ...] [--rounds N] [--out FILE]

A round decides every instance once, so that instances are measured under the same conditions; figures are medians over
rounds. Time of the whole is CPU time of the process; stages are the engine's own spans, on the wall clock. Every
answer is asserted: it passes the engine's verification, is the same in each round, is proven to be within one percent
of the best over its candidates, and costs no more than that of the greedy rung.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

from bench.instances import NAMES, snapshot
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tools.machine import facts

from matcher.app import this_build
from matcher.domain import Decision, Policy, Rung, Snapshot
from matcher.engine import decide
from matcher.ports import Budget, Ports
from matcher.travel import StraightLine

DEFAULT = ("city-50x200", "city-200x1000", "city-1000x5000")
STAGES = ("travel", "bundles", "candidates", "scores", "solve", "verify", "outcome")
LARGEST_GAP = 0.01


def check(name: str, decision: Decision, first: Decision | None, greedy_cost: int) -> None:
    """Raise AssertionError when a figure would stand for a wrong answer."""
    assert first is None or decision == first, f"{name}: two rounds give two decisions"
    assert decision.rung is Rung.NATIVE, f"{name}: the {decision.rung.name} rung answered"
    assert len(decision.outcomes) == NAMES[name].orders, f"{name}: an order has no outcome"
    assert decision.lower_bound_micros <= decision.total_cost_micros, f"{name}: the bound is above the cost"
    assert decision.gap <= LARGEST_GAP, f"{name}: proven only to within {decision.gap:.2%}"
    assert decision.total_cost_micros <= greedy_cost, f"{name}: dearer than greedy"


def decide_once(market: Snapshot, policy: Policy, rung: Rung | None = None) -> Decision:
    """One decision with embedded travel times."""
    ports = Ports(travel=StraightLine(), build=this_build())
    return decide(market, policy, budget=Budget(forced_rung=rung), ports=ports)


def main() -> int:
    """0: every answer is right."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine")
    parser.add_argument("--instances", nargs="+", choices=sorted(NAMES), default=list(DEFAULT))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="figures as JSON")
    args = parser.parse_args()
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)

    markets = {name: snapshot(name) for name in args.instances}
    policies = {name: Policy() for name in markets}
    greedy = {
        name: decide_once(market, policies[name], Rung.GREEDY).total_cost_micros for name, market in markets.items()
    }
    first: dict[str, Decision] = {}
    cpu: dict[str, list[float]] = defaultdict(list)
    wall: dict[str, list[float]] = defaultdict(list)
    stages: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(args.rounds):
        for name, market in markets.items():
            spans.clear()
            started, began = time.process_time(), time.perf_counter()
            decision = decide_once(market, policies[name])
            cpu[name].append((time.process_time() - started) * 1e3)
            wall[name].append((time.perf_counter() - began) * 1e3)
            for stage in STAGES:
                found = [s for s in spans.get_finished_spans() if s.name == stage]
                assert found, f"no span says how long {stage!r} took"
                stages[name][stage].append(sum((s.end_time or 0) - (s.start_time or 0) for s in found) / 1e6)
            check(name, decision, first.get(name), greedy[name])
            first.setdefault(name, decision)

    figures = {
        name: {
            "cpu_ms": statistics.median(cpu[name]),
            "wall_ms": statistics.median(wall[name]),
            "stages_ms": {stage: statistics.median(stages[name][stage]) for stage in STAGES},
            "gap": first[name].gap,
            "cost_over_greedy": first[name].total_cost_micros / greedy[name],
        }
        for name in markets
    }
    where = facts()
    for key, value in where.items():
        print(f"{key + ':':<11}{value}")
    print(f"decide() under the default policy, medians of {args.rounds} rounds; ms")
    print(
        f"{'orders × couriers':<18}{'CPU':>9}{'wall':>9}  "
        + "".join(f"{s:>11}" for s in STAGES)
        + "    gap  cost/greedy"
    )
    for name, figure in figures.items():
        parts = "".join(f"{statistics.median(stages[name][stage]):>11.2f}" for stage in STAGES)
        tail = f"  {figure['gap']:.3%}  {figure['cost_over_greedy']:.4f}"
        print(f"{name:<18}{figure['cpu_ms']:>9.1f}{figure['wall_ms']:>9.1f}  {parts}{tail}")
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps({**where, "rounds": args.rounds, "figures": figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
