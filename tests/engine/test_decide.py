"""What anyone may rely on from `decide`, whatever the market."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.markets import (
    MINUTE,
    NOW,
    PORTS,
    a_courier,
    an_order,
    plane,
    random_demand,
    random_market,
    with_dealings,
)

import matcher
from matcher.domain import (
    BundlingPolicy,
    CancelToken,
    Commitment,
    CostPolicy,
    Decision,
    Degradation,
    DemandPoint,
    HoldingPolicy,
    OrderStatus,
    Policy,
    Rung,
    Snapshot,
    StopKind,
    WaitReason,
)
from matcher.engine import VerificationError
from matcher.engine.rungs import PACKING_SOLVERS
from matcher.ports import Budget
from matcher.solve.packing import PackingProblem, PackingSolution, WarmStart
from matcher.verify import check_plans

AT_ONCE = Policy(holding=HoldingPolicy(commitment=Commitment.IMMEDIATE))
EVERY_TERM = Policy(
    holding=HoldingPolicy(commitment=Commitment.IMMEDIATE),
    costs=CostPolicy(
        standing=400,
        pay=30,
        scarce_courier_time=200,
        freshness=700,
        acceptance=2_000_000,
        fairness=50,
        earnings_floor=80,
        earnings_floor_per_hour=14_000_000,
        sticky=1_500_000,
    ),
)
HOLDING = Policy(holding=HoldingPolicy(commitment=Commitment.LATEST_DEPARTURE))


def decided(snapshot: Snapshot, policy: Policy = AT_ONCE, budget: Budget | None = None) -> Decision:
    """The decision under test ports."""
    return matcher.decide(snapshot, policy, budget=budget, ports=PORTS)


def plans_as_routes(snapshot: Snapshot, decision: Decision) -> dict[int, list[tuple[StopKind, int]]]:
    """The plans of a decision in indices of its snapshot."""
    order = {name: index for index, name in enumerate(snapshot.orders.ids)}
    courier = {name: index for index, name in enumerate(snapshot.couriers.ids)}
    return {
        courier[plan.courier_id]: [(stop.kind, order[stop.order_id]) for stop in plan.stops] for plan in decision.plans
    }


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(list(Rung)))
def test_plans_are_feasible_and_complete_on_every_rung(seed: int, rung: Rung) -> None:
    """Every open order has one outcome, every plan keeps every hard limit, the split adds up and the bound holds."""
    snapshot = plane(*with_dealings(*random_market(seed), seed), random_demand(seed))
    decision = decided(snapshot, EVERY_TERM, Budget(forced_rung=rung))
    assert decision.rung is rung
    open_ids = [name for name, who in zip(snapshot.orders.ids, snapshot.orders.courier, strict=True) if who < 0]
    assert [outcome.order_id for outcome in decision.outcomes] == open_ids
    travel = PORTS.travel.travel(snapshot, EVERY_TERM.travel)
    check = check_plans(snapshot, travel, EVERY_TERM, plans_as_routes(snapshot, decision))
    assert check.faults == ()
    given_out = [name for plan in decision.plans for name in plan.new_order_ids]
    assigned = [outcome.order_id for outcome in decision.outcomes if outcome.status is OrderStatus.ASSIGNED]
    assert sorted(given_out) == sorted(assigned)
    assert sum(micros for _, micros in decision.cost_terms) == decision.total_cost_micros
    assert decision.lower_bound_micros <= decision.total_cost_micros
    for outcome in decision.outcomes:
        assert (outcome.reason is None) == (outcome.status is OrderStatus.ASSIGNED)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_listing_order_never_matters(seed: int, shuffle: int) -> None:
    """A caller's list order is an accident; the decision must not show it."""
    orders, couriers = random_market(seed)
    first = decided(plane(orders, couriers), HOLDING)
    random = Random(shuffle)
    random.shuffle(orders)
    random.shuffle(couriers)
    assert decided(plane(orders, couriers), HOLDING) == first


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_no_rung_beats_a_proven_optimum(seed: int) -> None:
    """Native and OR-Tools agree where both prove their answer; greedy never costs less than the bound."""
    snapshot = plane(*random_market(seed))
    native = decided(snapshot, budget=Budget(forced_rung=Rung.NATIVE))
    exact = decided(snapshot, budget=Budget(forced_rung=Rung.ORTOOLS))
    greedy = decided(snapshot, budget=Budget(forced_rung=Rung.GREEDY))
    assert native.lower_bound_micros <= exact.total_cost_micros
    assert native.lower_bound_micros <= greedy.total_cost_micros
    assert exact.total_cost_micros <= native.total_cost_micros
    assert native.total_cost_micros <= greedy.total_cost_micros


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 0.02))
def test_recorded_effort_gives_the_same_decision(seed: int, seconds: float) -> None:
    """Replay: whatever the clock made of the first decision, its effort pins the second."""
    snapshot = plane(*random_market(seed))
    first = decided(snapshot, HOLDING, Budget(seconds_left=lambda: seconds))
    assert decided(snapshot, HOLDING, Budget(effort=first.effort)) == first


def test_little_time_steps_down_and_says_so() -> None:
    """A deadline that leaves nothing is honoured by a lower rung, with every sacrifice named."""
    orders = [an_order(f"o{index:03}", dropoff_longitude=100.0 * index) for index in range(60)]
    couriers = [a_courier(f"c{index:03}", longitude=50.0 * index) for index in range(60)]
    decision = decided(plane(orders, couriers), budget=Budget(seconds_left=lambda: 0.0))
    assert decision.rung is Rung.GREEDY
    assert set(decision.degradations) >= {
        Degradation.FEWER_CANDIDATES,
        Degradation.NO_BUNDLING,
        Degradation.LOWER_RUNG,
    }
    assert any(outcome.status is OrderStatus.ASSIGNED for outcome in decision.outcomes)


@pytest.mark.parametrize(
    ("order", "couriers", "reason"),
    [
        (an_order("o"), [], WaitReason.NO_COURIERS),
        (an_order("o"), [a_courier("c", free_at_ms=NOW + 300 * MINUTE)], WaitReason.OUT_OF_REACH),
        (an_order("o", required_skills=("cold",)), [a_courier("c")], WaitReason.SKILLS),
        (an_order("o", size=9), [a_courier("c")], WaitReason.CAPACITY),
        (an_order("o"), [a_courier("c", shift_end_at_ms=NOW - MINUTE)], WaitReason.SHIFT_END),
        (an_order("o", dropoff_by_ms=NOW + 1), [a_courier("c")], WaitReason.TIME_WINDOW),
        (an_order("o", freshness_limit_ms=1), [a_courier("c")], WaitReason.FRESHNESS),
        (
            an_order("o", required_skills=("cold",), size=9),
            [a_courier("a"), a_courier("b", skills=("cold",))],
            WaitReason.NO_FEASIBLE_COURIER,
        ),
    ],
    ids=lambda value: value.name if isinstance(value, WaitReason) else "",
)
def test_each_reason_for_waiting(order: object, couriers: list[object], reason: WaitReason) -> None:
    """One market per reason: on-call engineers read these."""
    decision = decided(plane([order], couriers))  # type: ignore[list-item,arg-type]
    (outcome,) = decision.outcomes
    assert (outcome.status, outcome.reason) == (OrderStatus.WAITING, reason)


def test_waiting_is_chosen_when_it_is_cheaper() -> None:
    """The price of waiting is a price: above it a courier is not sent."""
    thrifty = replace(AT_ONCE, waiting=replace(AT_ONCE.waiting, base_micros=0, per_second=0))
    (outcome,) = decided(plane([an_order("o")], [a_courier("c")]), thrifty).outcomes
    assert outcome.reason is WaitReason.WAITING_IS_CHEAPER


def test_what_an_order_has_cost_already_does_not_speak_against_delivering_it() -> None:
    """One courier, two orders alike but for their age. Most of the older one's cost is lateness that no plan can undo:
    that is in its price of waiting as well, to the micro, so the older goes first and not last."""
    old = an_order("z-old", placed_at_ms=NOW - 90 * MINUTE, promised_by_ms=NOW - 50 * MINUTE, store_id="")
    new = an_order("a-new", placed_at_ms=NOW, promised_by_ms=None, store_id="")
    snapshot = plane([old, new], [a_courier("c", capacity=1)])
    decision = decided(snapshot)
    assert [plan.new_order_ids for plan in decision.plans] == [("z-old",)]
    by_age = AT_ONCE.waiting.per_second * 90 * 60
    costs = AT_ONCE.costs
    sunk = 60 * (90 * costs.click_to_door + 50 * costs.lateness + 30 * costs.severe_lateness)
    waiting = {outcome.order_id: outcome.waiting_micros for outcome in decision.outcomes}
    assert waiting["z-old"] - waiting["a-new"] == by_age + sunk


def test_a_courier_better_used_elsewhere_is_named() -> None:
    """Two orders, one courier without room for both: the one left says the courier is worth more elsewhere."""
    unbundled = replace(AT_ONCE, bundling=BundlingPolicy(max_orders=1))
    orders = [an_order("a"), an_order("b", dropoff_longitude=3000.0)]
    decision = decided(plane(orders, [a_courier("c")]), unbundled)
    assert [outcome.reason for outcome in decision.outcomes] == [None, WaitReason.COURIERS_BETTER_USED]


def test_the_courier_far_from_the_demand_is_sent_where_standing_has_a_price() -> None:
    """Two couriers at the same distance: the one whom the expected orders need less goes."""
    couriers = [a_courier("west", longitude=-1000.0), a_courier("east", longitude=1000.0)]
    order = an_order("o", dropoff_longitude=0.0, dropoff_latitude=500.0, ready_at_ms=NOW + 30 * MINUTE)
    priced = replace(AT_ONCE, costs=replace(AT_ONCE.costs, standing=300))
    for near, sent in ((1000.0, "west"), (-1000.0, "east")):
        snapshot = plane([order], couriers, [DemandPoint(longitude=near), DemandPoint(longitude=0.0)])
        decision = decided(snapshot, priced)
        assert [plan.courier_id for plan in decision.plans] == [sent]
        assert dict(decision.cost_terms)["standing"] < 0  # the one sent ends nearer than it stood
    plain = decided(plane([order], couriers, [DemandPoint(longitude=-1000.0)]))
    assert dict(plain.cost_terms)["standing"] == 0


def test_pay_prefers_the_courier_behind_the_guarantee() -> None:
    """Ahead of the guarantee by an order's pay it counts in full, behind by that not at all, on par by half."""
    order = an_order("o", courier_pay_micros=10_000_000)
    priced = replace(AT_ONCE, costs=replace(AT_ONCE.costs, pay=100))
    couriers = [
        a_courier("ahead", earned_micros=50_000_000, guaranteed_micros=30_000_000),
        a_courier("behind", earned_micros=20_000_000, guaranteed_micros=30_000_000),
    ]
    decision = decided(plane([order], couriers), priced)
    assert [plan.courier_id for plan in decision.plans] == ["behind"]
    for earned, micros in ((20, 0), (25, 250_000), (30, 500_000), (40, 1_000_000), (90, 1_000_000)):
        only = [a_courier("c", earned_micros=earned * 1_000_000, guaranteed_micros=30_000_000)]
        assert dict(decided(plane([order], only), priced).cost_terms)["pay"] == micros


def test_an_order_is_held_until_the_courier_must_leave() -> None:
    """Ready in 20 minutes, two minutes away: held with its courier and time, committed when the time has come."""
    order = an_order("o", pickup_longitude=800.0, ready_at_ms=NOW + 20 * MINUTE)
    (outcome,) = decided(plane([order], [a_courier("c")]), HOLDING).outcomes
    assert outcome.reason is WaitReason.HELD_UNTIL_DEPARTURE
    assert outcome.courier_id == "c"
    assert NOW + 15 * MINUTE < outcome.hold_until_ms < NOW + 20 * MINUTE
    due = an_order("o", pickup_longitude=800.0, ready_at_ms=NOW + 2 * MINUTE)
    decision = decided(plane([due], [a_courier("c")]), HOLDING)
    assert decision.outcomes[0].status is OrderStatus.ASSIGNED
    assert decision.plans[0].depart_by_ms < NOW + MINUTE


def test_a_failed_check_steps_down_and_is_reported() -> None:
    """A wrong answer of the native rung is never sent: the next rung answers, the decision says why, replay agrees."""

    @dataclass(frozen=True)
    class Liar:
        name: str = "liar"

        def solve(
            self,
            problem: PackingProblem,
            *,
            max_iterations: int | None = None,
            warm_start: WarmStart | None = None,
            cancel: CancelToken | None = None,
        ) -> PackingSolution:
            honest = PACKING_SOLVERS[Rung.NATIVE].solve(problem, max_iterations=max_iterations)
            return replace(honest, total=honest.total - 1)

    solvers = {**PACKING_SOLVERS, Rung.NATIVE: Liar()}
    snapshot = plane([an_order("o")], [a_courier("c")])
    decision = matcher.decide(snapshot, AT_ONCE, ports=PORTS, solvers=solvers)
    assert decision.rung is Rung.ORTOOLS
    assert Degradation.VERIFICATION_FAILED in decision.degradations
    pinned = Budget(effort=decision.effort)
    assert matcher.decide(snapshot, AT_ONCE, budget=pinned, ports=PORTS, solvers=solvers) == decision
    with pytest.raises(VerificationError, match="NATIVE: the total is not the sum"):
        matcher.decide(snapshot, AT_ONCE, budget=Budget(forced_rung=Rung.NATIVE), ports=PORTS, solvers=solvers)


def test_a_crowd_at_one_store_gets_couriers_beyond_the_nearest() -> None:
    """Orders of one place see the same nearest couriers; with only those most of the fleet would stand idle."""
    orders = [an_order(f"o{index:03}", dropoff_longitude=100.0 * index) for index in range(100)]
    couriers = [a_courier(f"c{index:03}", longitude=20.0 * index) for index in range(100)]
    decision = decided(plane(orders, couriers), replace(AT_ONCE, bundling=BundlingPolicy(max_orders=1)))
    assert len(decision.plans) == 100
    assert decision.degradations == ()


def test_empty_market() -> None:
    """Nothing to decide is a decision too."""
    decision = decided(plane([], []))
    assert decision.plans == ()
    assert decision.outcomes == ()
    assert decision.total_cost_micros == decision.lower_bound_micros == 0
