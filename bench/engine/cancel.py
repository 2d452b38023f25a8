"""How soon a cancelled decision is off the processor.

    python -m bench.engine.cancel [--tries N]

Each try cancels at another moment, spread evenly over the whole work, and takes the processor time that the working
thread still uses from there to the exception; its arrays are freed in it. Asserts that every cancelled piece of work
raises Cancelled.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from bench.instances import snapshot
from bench.instances.packing import neighbours_packing
from tools.machine import facts

from matcher.app import this_build
from matcher.domain import BundlingPolicy, Cancelled, CancelToken, Effort, Policy, Rung
from matcher.engine import decide
from matcher.engine.rungs import PACKING_SOLVERS
from matcher.ports import Budget, Ports
from matcher.travel import StraightLine

Work = Callable[[CancelToken], object]


@dataclass
class Attempt:
    """One piece of work in a thread of its own."""

    work: Work
    token: CancelToken = field(default_factory=CancelToken)
    used_seconds: float = 0.0
    cancelled: bool = False

    def run(self) -> None:
        """Notes how much processor time it took until its end."""
        try:
            self.work(self.token)
        except Cancelled:
            self.cancelled = True
        self.used_seconds = time.thread_time()


def burnt_ms(work: Work, begun_seconds: float) -> float | None:
    """Processor time after the cancellation, which comes when `begun_seconds` are used; None: it was done before."""
    attempt = Attempt(work)
    thread = threading.Thread(target=attempt.run)
    thread.start()
    assert thread.ident is not None
    clock = time.pthread_getcpuclockid(thread.ident)
    used = 0.0
    while used < begun_seconds and thread.is_alive():
        time.sleep(0.0005)
        try:
            used = time.clock_gettime(clock)
        except OSError:  # its clock went with it
            break
    attempt.token.cancel()
    thread.join()
    return (attempt.used_seconds - used) * 1e3 if attempt.cancelled else None


def cases() -> dict[str, tuple[Work, float]]:
    """By name: the work, and the seconds over which its cancellations are spread."""
    market = snapshot("city-1000x5000")
    ports = Ports(travel=StraightLine(), build=this_build())
    crowd = replace(Policy(), bundling=BundlingPolicy(max_orders=6, neighbours=40))
    effort = Effort(1_000, 6, Rung.NATIVE, 10_000_000, Rung.NATIVE)
    problem = neighbours_packing()
    solver = PACKING_SOLVERS[Rung.NATIVE]
    return {
        "decide, 1000 x 5000": (lambda token: decide(market, Policy(), budget=Budget(cancel=token), ports=ports), 0.5),
        "decide, a million candidates": (
            lambda token: decide(market, crowd, budget=Budget(effort=effort, cancel=token), ports=ports),
            2.0,
        ),
        "packing, 100,000 columns": (
            lambda token: solver.solve(problem, max_iterations=10_000_000, cancel=token),
            1.0,
        ),
    }


def main() -> int:
    """0: all work that was cancelled said so."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine.cancel")
    parser.add_argument("--tries", type=int, default=40)
    tries: int = parser.parse_args().tries
    for key, value in facts().items():
        print(f"{key + ':':<11}{value}")
    print(f"{'processor ms after a cancellation':<36}{'p50':>8}{'p90':>8}{'max':>8}{'tries':>8}")
    for name, (work, seconds) in cases().items():
        found = [burnt_ms(work, seconds * (k + 0.5) / tries) for k in range(tries)]
        burnt = [ms for ms in found if ms is not None]
        assert burnt, f"{name}: all was done before it could be cancelled"
        p50, p90, most = np.quantile(burnt, [0.5, 0.9, 1.0])
        print(f"{name:<36}{p50:>8.2f}{p90:>8.2f}{most:>8.2f}{len(burnt):>8}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
