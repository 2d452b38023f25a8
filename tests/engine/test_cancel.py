"""Cancelling: kernels and decisions stop almost at once, answer nothing, and burn no more of the processor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from bench.instances import snapshot

from matcher.app.build import this_build
from matcher.domain import BundlingPolicy, Cancelled, CancelToken, Effort, Policy, Rung
from matcher.engine import decide
from matcher.engine.rungs import PACKING_SOLVERS
from matcher.ports import Budget, Ports
from matcher.solve.packing import PackingProblem
from matcher.travel import StraightLine

AT_ONCE_SECONDS = 0.002
Work = Callable[[CancelToken], object]


def burnt_after_cancelling(work: Work, begun_seconds: float) -> float:
    """Processor time that `work` still takes on its thread when it is cancelled after so much of it.

    Processor time, because other processes may have the clock's.
    """
    token, ended, outcome = CancelToken(), threading.Event(), list[str]()

    def run() -> None:
        try:
            work(token)
            outcome.append("an answer")
        except Cancelled:
            outcome.append(str(time.thread_time()))
        ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert thread.ident is not None
    clock = time.pthread_getcpuclockid(thread.ident)
    while time.clock_gettime(clock) < begun_seconds and not ended.is_set():
        time.sleep(0.001)
    assert not ended.is_set(), f"the work was done before it could be cancelled: {outcome}"
    before = time.clock_gettime(clock)
    token.cancel()
    thread.join(60)
    assert outcome, "the work did not end"
    assert outcome != ["an answer"]
    return float(outcome[0]) - before


def least_burnt(work: Work, begun_seconds: float, tries: int = 3) -> float:
    """Of a few tries: this thread itself may lose the processor between reading the clock and cancelling."""
    return min(burnt_after_cancelling(work, begun_seconds) for _ in range(tries))


def large_packing(orders: int = 4_000, couriers: int = 4_000, columns: int = 100_000) -> PackingProblem:
    """Columns of one to three neighbouring orders, as a large market's cycle has them."""
    rng = np.random.default_rng(5)
    size = rng.integers(1, 4, columns)
    ptr = np.concatenate([[0], np.cumsum(size)])
    first = np.repeat(rng.integers(0, orders, columns), size)
    order = (first + np.arange(ptr[-1]) - np.repeat(ptr[:-1], size)) % orders
    return PackingProblem.from_lists(
        n_orders=orders,
        n_couriers=couriers,
        courier=rng.integers(0, couriers, columns),
        ptr=ptr,
        order=order,
        cost=size * 20_000_000 - rng.integers(1, 10_000_000, columns) * (size + 1),
        wait=np.full(orders, 20_000_000),
    )


@pytest.mark.parametrize("begun_ms", [5, 15, 40, 80, 200, 500])
def test_packing_stops_within_two_milliseconds(begun_ms: int) -> None:
    """Wherever it is: sorting, pricing, diving, local search or proof."""
    problem = large_packing()
    solver = PACKING_SOLVERS[Rung.NATIVE]
    spent = least_burnt(lambda token: solver.solve(problem, max_iterations=10_000_000, cancel=token), begun_ms / 1e3)
    assert spent <= AT_ONCE_SECONDS


def test_candidates_and_bundles_stop_almost_at_once() -> None:
    """The whole decision, stopped in its kernels before the solver: a twentieth of what it has taken so far frees its
    arrays, too."""
    market = snapshot("city-1000x5000")
    ports = Ports(travel=StraightLine(), build=this_build())
    everything = replace(Policy(), bundling=BundlingPolicy(max_orders=6, neighbours=40))
    effort = Effort(1_000, 6, Rung.NATIVE, 10_000_000, Rung.NATIVE)

    def work(token: CancelToken) -> object:
        return decide(market, everything, budget=Budget(effort=effort, cancel=token), ports=ports)

    for begun_seconds in (0.15, 0.4):
        assert least_burnt(work, begun_seconds) <= begun_seconds / 20


def test_the_exact_rung_stops_too() -> None:
    """OR-Tools is told by its own means; it looks less often than our kernels."""
    problem = large_packing(300, 300, 6_000)
    solver = PACKING_SOLVERS[Rung.ORTOOLS]
    spent = least_burnt(lambda token: solver.solve(problem, max_iterations=60_000, cancel=token), 0.3, tries=1)
    assert spent < 1.0


def test_what_was_cancelled_before_is_not_begun() -> None:
    """No rung, no stage; and a token that nobody raises changes nothing."""
    market = snapshot("scarce-60x15")
    ports = Ports(travel=StraightLine(), build=this_build())
    token = CancelToken()
    plain = decide(market, Policy(), ports=ports)
    assert decide(market, Policy(), budget=Budget(cancel=token), ports=ports) == plain
    token.cancel()
    with pytest.raises(Cancelled):
        decide(market, Policy(), budget=Budget(cancel=token), ports=ports)
    for rung in Rung:
        with pytest.raises(Cancelled):
            PACKING_SOLVERS[rung].solve(large_packing(20, 10, 60), cancel=token)
