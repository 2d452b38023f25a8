"""Earnings in a simulated market: how evenly they fall, and what policies make of that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.markets import PORTS
from tests.simulation.days import day

import matcher
from matcher.app.policies import built_in_policies
from matcher.domain import CostPolicy, Decision, OrderStatus, Policy, Snapshot
from matcher.simulation import Cycle
from matcher.simulation.equality import gini
from matcher.simulation.mdrp.day import run_day
from matcher.simulation.mdrp.evaluation import Metrics, summarize

MDRP = built_in_policies()["mdrp"]


class _Engine:
    """The engine under test ports."""

    def __init__(self, **costs: int) -> None:
        self._policy: Policy = replace(MDRP, costs=replace(MDRP.costs, **costs))

    def decide(self, snapshot: Snapshot) -> Decision:
        """One decision."""
        return matcher.decide(snapshot, self._policy, ports=PORTS)


def figures(**costs: int) -> Metrics:
    """What came of the seeded day."""
    instance = day()
    solution, _ = run_day(instance, _Engine(**costs))
    return summarize(instance, solution, decision_ms=[], gaps=[], strict_violations=0)


def test_gini_by_hand() -> None:
    """Equal: 0; one of four has all: 3/4; 1, 2, 3: mean difference 8/9 by twice the mean 2."""
    assert gini(np.array([5.0, 5.0])) == 0.0
    assert gini(np.array([0.0, 0.0, 9.0, 0.0])) == pytest.approx(0.75)
    assert gini(np.array([3.0, 1.0, 2.0])) == pytest.approx(8 / 9 / 4)
    assert gini(np.zeros(3)) is None
    assert gini(np.empty(0)) is None


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any))
def test_gini_is_the_mean_difference(values: list[int]) -> None:
    """By its definition, over all pairs; scaling everyone's earnings does not change it."""
    earned = np.array(values, dtype=np.float64)
    mean_difference = float(np.abs(earned[:, None] - earned[None, :]).mean())
    assert gini(earned) == pytest.approx(mean_difference / (2 * earned.mean()), abs=1e-12)
    assert gini(3 * earned) == pytest.approx(gini(earned), abs=1e-12)


def test_a_price_on_fairness_evens_earnings_out() -> None:
    """On the seeded day: a smaller Gini coefficient, and nobody's order is lost for it."""
    plain, fair = figures(), figures(fairness=2000)
    assert plain.earnings_gini is not None
    assert fair.earnings_gini is not None
    assert fair.earnings_gini < plain.earnings_gini
    assert fair.delivered == plain.delivered


def test_a_price_on_the_floor_lifts_the_worst_off() -> None:
    """Nine in ten couriers earn at least as much as before, and more orders go to those below 15 an hour."""
    plain, lifted = figures(), figures(earnings_floor=3000, earnings_floor_per_hour=25_000_000)
    assert plain.earnings_per_hour_p10 is not None
    assert lifted.earnings_per_hour_p10 is not None
    assert lifted.earnings_per_hour_p10 > plain.earnings_per_hour_p10


def _changes(cycles: list[Cycle]) -> int:
    """How often an order held for one courier was planned for another at the next decision."""
    changed, before = 0, {}
    for cycle in cycles:
        names = {**dict.fromkeys(cycle.snapshot.orders.ids, "")}
        for order, courier in zip(cycle.snapshot.orders.ids, cycle.snapshot.orders.announced.tolist(), strict=True):
            names[order] = cycle.snapshot.couriers.ids[courier] if courier >= 0 else ""
        assert {order: name for order, name in names.items() if name} == {
            order: name for order, name in before.items() if name in cycle.snapshot.couriers.ids
        }
        changed += sum(
            bool(o.courier_id) and names[o.order_id] not in ("", o.courier_id) for o in cycle.decision.outcomes
        )
        before = {
            o.order_id: o.courier_id
            for o in cycle.decision.outcomes
            if o.courier_id and o.status is OrderStatus.WAITING
        }
    return changed


def test_held_orders_are_announced_and_a_price_on_changes_keeps_them() -> None:
    """What a decision holds for a courier the next snapshot says; with a price, fewer orders change hands."""
    seen: dict[int, int] = {}
    for sticky in (0, CostPolicy().click_to_door * 3600):
        cycles: list[Cycle] = []
        run_day(day(), _Engine(sticky=sticky), cycles.append)
        seen[sticky] = _changes(cycles)
    assert seen[0] > 0
    assert seen[max(seen)] < seen[0]
