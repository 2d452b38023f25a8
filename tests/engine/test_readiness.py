"""Uncertain ready times: plans are made for the quantile that the policy names, certain ones are left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.engine.markets import MINUTE, NOW, PORTS, a_courier, an_order, plane

import matcher
from matcher.domain import (
    Commitment,
    CostPolicy,
    HoldingPolicy,
    Order,
    Policy,
    ReadinessPolicy,
    StopKind,
    WaitReason,
)
from matcher.engine.load import planned_readiness, under_load

UNCERTAIN = {
    "ready_early_at_ms": NOW + 4 * MINUTE,
    "ready_at_ms": NOW + 12 * MINUTE,
    "ready_late_at_ms": NOW + 32 * MINUTE,
}


def _policy(courier_wait: int, scarce: int = 0) -> Policy:
    """Late pick-ups cost a thousand micros a second in all."""
    costs = CostPolicy(click_to_door=900, pickup_delay=100, courier_time=0, scarce_courier_time=scarce)
    return Policy(costs=costs, readiness=ReadinessPolicy(courier_wait))


def _pickup_minute(orders: list[Order], couriers: int, policy: Policy) -> float:
    snapshot = plane(orders, [a_courier(f"c{k}") for k in range(couriers)])
    decision = matcher.decide(snapshot, policy, ports=PORTS)
    assert decision.provenance.snapshot_digest == snapshot.digest.hex()
    (stop,) = [s for plan in decision.plans for s in plan.stops if (s.kind, s.order_id) == (StopKind.PICKUP, "o")]
    return (stop.at_ms - NOW) / MINUTE


@pytest.mark.parametrize(
    ("courier_wait", "minute"), [(0, 4), (111, 4), (250, 6), (429, 8), (1000, 12), (1500, 17), (9000, 32), (10**9, 32)]
)
def test_plans_are_made_for_the_newsvendors_quantile(courier_wait: int, minute: float) -> None:
    """w / (w + c), between the three given ones in proportion and not beyond them."""
    planned = _pickup_minute([an_order("o", **UNCERTAIN)], 1, _policy(courier_wait))
    assert planned == pytest.approx(minute, abs=0.03)


def test_nothing_to_lose_is_nothing_to_divide_by() -> None:
    """Without a price on either side the earliest of the three is as good as any."""
    policy = Policy(costs=CostPolicy(click_to_door=0, pickup_delay=0, courier_time=0), readiness=ReadinessPolicy(0))
    snapshot = plane([an_order("o", **UNCERTAIN)], [a_courier("c")])
    assert planned_readiness(snapshot, policy).orders.ready_ms.tolist() == [4 * MINUTE]


def test_the_quantile_rises_with_the_load() -> None:
    """A courier who waits at a kitchen is missed elsewhere, the more the more orders there are for it."""
    policy = _policy(0, scarce=2_000)
    planned = []
    for others in range(5):
        more = [an_order(f"x{k}", store_id="", ready_at_ms=NOW + MINUTE) for k in range(others)]
        snapshot = plane([an_order("o", **UNCERTAIN), *more], [a_courier("c1"), a_courier("c2")])
        at = snapshot.orders.ids.index("o")
        ready_ms = planned_readiness(snapshot, under_load(snapshot, policy)).orders.ready_ms
        planned.append(int(ready_ms[at]) / MINUTE)
    assert planned == sorted(planned)
    assert planned[:3] == [4, 4, 12]
    assert planned[-1] > 20


def test_waiting_is_priced_by_the_load() -> None:
    """What stands in the policy is for one order per courier: half of it for half an order, at most twice as much."""
    minutes = []
    for couriers, others in ((2, 0), (1, 0), (1, 1), (1, 3)):
        more = [an_order(f"x{k}", store_id="", ready_at_ms=NOW + MINUTE) for k in range(others)]
        snapshot = plane([an_order("o", **UNCERTAIN), *more], [a_courier(f"c{k}") for k in range(couriers)])
        at = snapshot.orders.ids.index("o")
        minutes.append(int(planned_readiness(snapshot, _policy(1000)).orders.ready_ms[at]) / MINUTE)
    assert minutes == pytest.approx([8.7, 12, 20.3, 20.3], abs=0.1)  # quantiles of 1/3, 1/2 and 2/3, twice


def test_couriers_leave_for_an_earlier_time_where_the_policy_says_so() -> None:
    """A minute away, ready at 4, 12 or 32: planned for 12; held until 11, or until 3."""
    holding = HoldingPolicy(Commitment.LATEST_DEPARTURE, cycle_ms=MINUTE)
    until = {}
    for permille in (1000, 900, 300, 100, 0):
        policy = replace(_policy(1000), holding=holding, readiness=ReadinessPolicy(1000, permille))
        away = a_courier("c", longitude=0.0, latitude=320.0)
        decision = matcher.decide(plane([an_order("o", **UNCERTAIN)], [away]), policy, ports=PORTS)
        (outcome,) = decision.outcomes
        assert outcome.reason is WaitReason.HELD_UNTIL_DEPARTURE
        until[permille] = (outcome.hold_until_ms - NOW) / MINUTE
    assert until[1000] == until[900] == pytest.approx(11, abs=0.1)
    assert until[300] == pytest.approx(7, abs=0.1)
    assert until[100] == until[0] == pytest.approx(3, abs=0.1)


def test_certain_ready_times_are_left_alone() -> None:
    """Nothing is copied, and the policy's quantile changes no decision."""
    snapshot = plane([an_order("o", ready_at_ms=NOW + 12 * MINUTE)], [a_courier("c")])
    assert planned_readiness(snapshot, _policy(9000)) is snapshot
    one, other = (matcher.decide(snapshot, _policy(q), ports=PORTS) for q in (0, 9000))
    assert (one.plans, one.outcomes, one.total_cost_micros) == (other.plans, other.outcomes, other.total_cost_micros)


def test_an_order_on_board_is_no_longer_uncertain() -> None:
    """What was said of the kitchen before does not matter once the order is handed over."""
    aboard = replace(an_order("o", **UNCERTAIN), picked_up_at_ms=NOW - MINUTE)
    route = (matcher.domain.RouteStop(StopKind.DROPOFF, "o"),)
    snapshot = plane([aboard], [a_courier("c", route=route)])
    assert planned_readiness(snapshot, _policy(9000)) is snapshot
    assert snapshot.orders.ready_ms.tolist() == [-MINUTE]
