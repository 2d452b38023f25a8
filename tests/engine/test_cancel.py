"""Cancelling: kernels and decisions end without an answer, wherever they are. `bench.engine.cancel` times it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from bench.instances import snapshot
from bench.instances.packing import neighbours_packing

from matcher.app.build import this_build
from matcher.domain import BundlingPolicy, Cancelled, CancelToken, Effort, Policy, Rung
from matcher.engine import decide
from matcher.engine.rungs import PACKING_SOLVERS
from matcher.ports import Budget, Ports
from matcher.travel import StraightLine

Work = Callable[[CancelToken], object]
UNENDING = Effort(1_000, 6, Rung.NATIVE, 10_000_000, Rung.NATIVE)
"""More than a minute of work on the markets here, unless it is cancelled."""


def ends_when_cancelled(work: Work, begun_seconds: float) -> None:
    """`work`, cancelled when its thread has used so much processor time, ends by Cancelled."""
    token, outcome = CancelToken(), list[str]()

    def run() -> None:
        try:
            work(token)
            outcome.append("an answer")
        except Cancelled:
            outcome.append("cancelled")

    thread = threading.Thread(target=run)
    thread.start()
    assert thread.ident is not None
    clock = time.pthread_getcpuclockid(thread.ident)
    while not outcome and time.clock_gettime(clock) < begun_seconds:
        time.sleep(0.001)
    assert not outcome, f"the work was done before it could be cancelled: {outcome}"
    token.cancel()
    thread.join(60)
    assert outcome == ["cancelled"]


@pytest.mark.parametrize("begun_ms", [5, 15, 40, 80, 200, 500])
def test_packing_ends_wherever_it_is(begun_ms: int) -> None:
    """Sorting, pricing, diving, local search or proof."""
    problem = neighbours_packing()
    solver = PACKING_SOLVERS[Rung.NATIVE]
    ends_when_cancelled(lambda token: solver.solve(problem, max_iterations=10_000_000, cancel=token), begun_ms / 1e3)


class CountedToken(CancelToken):
    """Is raised at the `last`-th look that Python takes at it, and counts the looks."""

    def __init__(self, last: int | None = None) -> None:
        super().__init__()
        self.looks, self.last = 0, last

    def check(self) -> None:
        """As the base class."""
        self.looks += 1
        if self.looks == self.last:
            self.cancel()
        super().check()


def test_a_decision_ends_at_the_first_look_after_its_cancellation() -> None:
    """Between candidates, scores, the choice of columns and the solver: nothing is begun once the token is raised."""
    market = snapshot("scarce-60x15")
    ports = Ports(travel=StraightLine(), build=this_build())
    few = replace(Policy(), candidates=replace(Policy().candidates, max_columns=100))
    counted = CountedToken()
    decide(market, few, budget=Budget(cancel=counted), ports=ports)
    assert counted.looks >= 12, "between stages, between terms, and between the steps that choose columns"
    for last in range(1, counted.looks + 1):
        token = CountedToken(last)
        with pytest.raises(Cancelled):
            decide(market, few, budget=Budget(cancel=token), ports=ports)
        assert token.looks == last


@pytest.mark.parametrize("begun_seconds", [0.15, 0.4, 1.0])
def test_candidates_and_bundles_end_wherever_they_are(begun_seconds: float) -> None:
    """The whole decision on a large market, in its kernels and between them."""
    market = snapshot("city-1000x5000")
    ports = Ports(travel=StraightLine(), build=this_build())
    everything = replace(Policy(), bundling=BundlingPolicy(max_orders=6, neighbours=40))
    ends_when_cancelled(
        lambda token: decide(market, everything, budget=Budget(effort=UNENDING, cancel=token), ports=ports),
        begun_seconds,
    )


def test_the_exact_rung_ends_too() -> None:
    """OR-Tools is told by its own means."""
    problem = neighbours_packing(300, 300, 6_000)
    solver = PACKING_SOLVERS[Rung.ORTOOLS]
    ends_when_cancelled(lambda token: solver.solve(problem, max_iterations=60_000, cancel=token), 0.3)


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
            PACKING_SOLVERS[rung].solve(neighbours_packing(20, 10, 60), cancel=token)
