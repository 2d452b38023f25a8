"""Markets nobody wishes for: each gets a decision within its time and bounded memory, and says what it lacks."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from tests.engine.markets import MINUTE, NOW, PORTS, a_courier, an_order, plane

import matcher
from matcher.domain import CandidatePolicy, Decision, Degradation, OrderStatus, Policy, Rung, Snapshot, WaitReason
from matcher.engine.pose import pose
from matcher.ports import Budget

SECONDS = 2.0


def in_time(snapshot: Snapshot, policy: Policy | None = None, seconds: float = SECONDS) -> Decision:
    """The decision within `seconds` of processor time: what else the machine does must not fail a test."""
    end = time.process_time() + seconds
    budget = Budget(seconds_left=lambda: end - time.process_time())
    decision = matcher.decide(snapshot, policy or Policy(), budget=budget, ports=PORTS)
    assert time.process_time() < end, "the decision came too late"
    assert decision == matcher.decide(snapshot, policy or Policy(), budget=Budget(effort=decision.effort), ports=PORTS)
    return decision


def crowd(count: int) -> Snapshot:
    """So many orders at one store, all about, and a tenth as many couriers."""
    rng = np.random.default_rng(7)
    doors = rng.integers(-4_000, 4_000, (count, 2)).astype(float).tolist()
    orders = [
        an_order(f"o{k:05d}", dropoff_longitude=x, dropoff_latitude=y, ready_at_ms=NOW + k % 20 * MINUTE)
        for k, (x, y) in enumerate(doors)
    ]
    couriers = [a_courier(f"c{k:04d}", longitude=float(k % 50) * 40, capacity=6) for k in range(count // 10)]
    return plane(orders, couriers)


def test_thousands_of_orders_at_one_store() -> None:
    """A stadium empties: every order has an outcome, couriers who were looked at are used, and what was given up for
    the deadline is said."""
    decision = in_time(crowd(2_000), seconds=4.0)
    assert len(decision.outcomes) == 2_000
    assert len(decision.plans) >= 0.95 * decision.effort.nearest_couriers
    assert len(decision.plans) >= 50
    assert decision.degradations


def test_columns_are_capped_by_value_and_the_cap_is_reported() -> None:
    """A bound on memory that is reached is said, takes the least valuable, and leaves each order its cheapest courier;
    the bound that the decision proves is then one over the columns weighed."""
    market = crowd(300)
    free = matcher.decide(market, Policy(), ports=PORTS)
    assert Degradation.COLUMNS_CAPPED not in free.degradations
    tight = replace(Policy(), candidates=CandidatePolicy(max_columns=2_000))
    everything = pose(market, Policy(), Budget(), PORTS).problem
    weighed = pose(market, tight, Budget(), PORTS).problem
    assert weighed.columns <= 2_000 + 300 < everything.columns
    saved = np.add.reduceat(everything.wait[everything.order], everything.ptr[:-1]) - everything.cost
    assert np.isin(np.sort(everything.cost[np.argsort(-saved, kind="stable")[:500]]), weighed.cost).all()
    capped = in_time(market, tight)
    assert Degradation.COLUMNS_CAPPED in capped.degradations
    assert len(capped.outcomes) == 300
    assert capped.total_cost_micros >= free.lower_bound_micros


def test_the_memory_of_a_decision_is_bounded_by_its_policy() -> None:
    """Numbers of the policy bound the columns, whatever the crowd: pairs do not grow with orders times couriers."""

    def peak(count: int) -> int:
        market = crowd(count)
        tracemalloc.start()
        pose(market, Policy(), Budget(), PORTS)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    policy = Policy()
    bytes_a_column = 400
    columns = policy.candidates.max_pairs + policy.bundling.max_bundles * policy.candidates.nearest_couriers
    assert peak(1_000) < columns * bytes_a_column
    assert peak(2_000) < columns * bytes_a_column


def test_no_couriers() -> None:
    """Nothing to give to anybody: said of every order, at once."""
    decision = in_time(plane([an_order(f"o{k}") for k in range(500)], []))
    assert {outcome.reason for outcome in decision.outcomes} == {WaitReason.NO_COURIERS}
    assert not decision.plans


def test_all_couriers_full() -> None:
    """Capacity is the reason, for each order."""
    full = [a_courier(f"c{k}", capacity=0) for k in range(100)]
    decision = in_time(plane([an_order(f"o{k}", size=1) for k in range(100)], full))
    assert {outcome.reason for outcome in decision.outcomes} == {WaitReason.CAPACITY}


def test_one_courier_able_to_take_everything() -> None:
    """The one gets a bundle as large as the policy permits; the rest wait because the courier is worth more there."""
    orders = [an_order(f"o{k:03d}", dropoff_longitude=1_000.0 + k) for k in range(400)]
    decision = in_time(plane(orders, [a_courier("ana", capacity=1_000_000)]))
    (plan,) = decision.plans
    assert len(plan.new_order_ids) == Policy().bundling.max_orders
    waiting = [outcome for outcome in decision.outcomes if outcome.status is OrderStatus.WAITING]
    assert {outcome.reason for outcome in waiting} == {WaitReason.COURIERS_BETTER_USED}


@pytest.mark.parametrize("ended_ms", [0, MINUTE])
def test_shifts_of_no_length(ended_ms: int) -> None:
    """Who may not pick up any more is no help, and the reason says so; at the very end of a shift a pick-up on the spot
    is still allowed."""
    couriers = [a_courier(f"c{k}", longitude=10.0 * (1 + k), shift_end_at_ms=NOW - ended_ms) for k in range(50)]
    decision = in_time(plane([an_order(f"o{k}") for k in range(50)], couriers))
    assert {outcome.reason for outcome in decision.outcomes} == {WaitReason.SHIFT_END}
    on_the_spot = [a_courier("ana", shift_end_at_ms=NOW - ended_ms)]
    (outcome,) = in_time(plane([an_order("o")], on_the_spot)).outcomes
    assert (outcome.status is OrderStatus.ASSIGNED) == (ended_ms == 0)


@pytest.mark.parametrize("rung", list(Rung))
def test_all_ties(rung: Rung) -> None:
    """Orders that differ in nothing but their ids, and couriers too: a decision in time on every rung, the same however
    the market is listed, and all orders served."""
    orders = [an_order(f"o{k:03d}", store_id="") for k in range(60)]
    couriers = [a_courier(f"c{k:03d}") for k in range(60)]
    end = time.process_time() + 10.0
    budget = Budget(forced_rung=rung, seconds_left=lambda: end - time.process_time())
    decision = matcher.decide(plane(orders, couriers), Policy(), budget=budget, ports=PORTS)
    assert time.process_time() < end
    assert all(outcome.status is OrderStatus.ASSIGNED for outcome in decision.outcomes)
    again = Budget(effort=decision.effort)
    assert matcher.decide(plane(orders[::-1], couriers[::-1]), Policy(), budget=again, ports=PORTS) == decision
