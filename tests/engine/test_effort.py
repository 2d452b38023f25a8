"""The grant of work: less time never means more work, and what is given up is always named."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matcher.domain import Degradation, Effort, Policy, Rung
from matcher.engine.effort import MIN_NEAREST, Grant, grant_work, regrant
from matcher.ports import Budget

POLICY = Policy()


def granted(seconds: float, orders: int = 200, couriers: int = 1000) -> Grant:
    """The grant for a market with so much time left."""
    return grant_work(POLICY, Budget(seconds_left=lambda: seconds), orders, couriers)


@given(st.floats(-1, 10), st.floats(0, 10), st.integers(0, 5000), st.integers(0, 20000))
def test_more_time_never_grants_less(seconds: float, more: float, orders: int, couriers: int) -> None:
    """Monotone in every dimension, so a longer deadline cannot make the answer worse for want of work."""
    short, long = granted(seconds, orders, couriers), granted(seconds + more, orders, couriers)
    assert short.nearest_couriers <= long.nearest_couriers
    assert short.max_bundle_orders <= long.max_bundle_orders
    assert set(short.rungs) <= set(long.rungs)
    assert short.nearest_couriers >= MIN_NEAREST
    assert all(limit >= 1 for limit in short.iterations.values())


def test_ample_time_grants_what_the_policy_asks_for() -> None:
    """Without pressure nothing is given up."""
    full = grant_work(POLICY, Budget(), 200, 1000)
    assert granted(60.0) == full
    assert full.degradations == ()


def test_no_time_leaves_the_last_rung() -> None:
    """Too late already: the least work, by the last rung, with both sacrifices named."""
    grant = granted(0.0)
    assert grant.rungs == (Rung.GREEDY,)
    assert grant.degradations == (Degradation.FEWER_CANDIDATES, Degradation.NO_BUNDLING)


def test_forced_rung_is_the_only_one() -> None:
    """A caller who forces a rung gets that rung or an error."""
    assert grant_work(POLICY, Budget(forced_rung=Rung.ORTOOLS), 1, 1).rungs == (Rung.ORTOOLS,)


def test_an_effort_is_done_exactly() -> None:
    """Replay: neither policy nor clock has a say, and rungs that failed are tried again in their order."""
    effort = Effort(100, 1, Rung.ORTOOLS, 7, Rung.NATIVE)
    grant = grant_work(POLICY, Budget(effort=effort), 1, 1)
    assert (grant.nearest_couriers, grant.max_bundle_orders, grant.iterations[Rung.ORTOOLS]) == (100, 1, 7)
    assert grant.rungs == (Rung.NATIVE, Rung.ORTOOLS)


def test_a_slow_start_leaves_less_for_the_solver() -> None:
    """The clock is asked again before the solve: what the stages before it overran is taken from the solver."""
    left = [10.0, 0.02, 0.0]
    budget = Budget(seconds_left=lambda: left.pop(0))
    grant = grant_work(POLICY, budget, 50, 100)
    shorter = regrant(grant, budget, 50)
    assert shorter.iterations[Rung.NATIVE] < grant.iterations[Rung.NATIVE]
    assert shorter.nearest_couriers == grant.nearest_couriers
    assert regrant(grant, budget, 50).rungs == (Rung.GREEDY,)


def test_a_pinned_effort_asks_no_clock() -> None:
    """Replay never looks at the time."""
    effort = Effort(5, 1, Rung.NATIVE, 7, Rung.NATIVE)
    budget = Budget(effort=effort, seconds_left=lambda: 0.0)
    grant = grant_work(POLICY, budget, 1, 1)
    assert regrant(grant, budget, 1) == grant
