"""Cost terms that a policy asks for: what each of them makes of who is sent, to the micro."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
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
from matcher.assignment.candidates import find_candidates
from matcher.assignment.optional_terms import OPTIONAL_TERMS
from matcher.assignment.terms import PayTerm
from matcher.batching import Units
from matcher.domain import MOST_PAY, CostPolicy, Decision, HoldingPolicy, Policy, Snapshot, StopKind
from matcher.domain.rows import Courier, Order

PLAIN = Policy(holding=HoldingPolicy())
NAMES = tuple(term.name for term in OPTIONAL_TERMS)
UNIT = 1_000_000


def priced(**costs: int) -> Policy:
    """The default policy with other costs."""
    return replace(PLAIN, costs=replace(PLAIN.costs, **costs))


def decided(snapshot: Snapshot, policy: Policy) -> Decision:
    """The decision under test ports."""
    return matcher.decide(snapshot, policy, ports=PORTS)


def sent(orders: list[Order], couriers: list[Courier], policy: Policy) -> list[str]:
    """Who is sent."""
    return [plan.courier_id for plan in decided(plane(orders, couriers), policy).plans]


def cost(name: str, orders: list[Order], couriers: list[Courier], policy: Policy) -> int:
    """One term of the decision's cost."""
    return dict(decided(plane(orders, couriers), policy).cost_terms)[name]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_without_a_weight_nothing_changes(seed: int) -> None:
    """What is known of acceptance, shifts and announcements changes no decision until a policy prices it."""
    orders, couriers = random_market(seed)
    before = decided(plane(orders, couriers, random_demand(seed)), PLAIN)
    rich = plane(*with_dealings(orders, couriers, seed), random_demand(seed))
    after = decided(rich, priced(earnings_floor_per_hour=10**9, reoffer_ms=10**6))
    assert (after.plans, after.outcomes, after.cost_terms) == (before.plans, before.outcomes, before.cost_terms)
    assert not set(NAMES) & set(dict(after.cost_terms))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(NAMES), st.integers(1, 40), st.integers(2, 50))
def test_a_larger_weight_buys_less_of_what_it_prices(seed: int, name: str, weight: int, times: int) -> None:
    """Between proven optima of one market what a weight prices never grows with it; if it did, the sign would be wrong.

    Weights are whole thousandths, so that no division rounds.
    """
    scale = {"fairness": 1000, "earnings_floor": 1000}.get(name, 10_000)
    floor = {"pickup_delay": 10**8, "earnings_floor_per_hour": 20 * UNIT, "reoffer_ms": 0}
    snapshot = plane(*with_dealings(*random_market(seed), seed))
    small, large = weight * scale, weight * scale * times
    less = decided(snapshot, priced(**{**floor, name: small}))
    more = decided(snapshot, priced(**{**floor, name: large}))
    assume(less.gap == 0 and more.gap == 0)
    # acceptance is a thousandth of its weight a permille: compare before that rounding, with one micro a plan of slack.
    assert dict(more.cost_terms)[name] // times <= dict(less.cost_terms)[name] + len(more.plans) + len(less.plans)


def test_freshness_counts_time_on_board() -> None:
    """A kilometre takes 188 s by default. Waiting for readiness is not aboard, waiting at the door is."""
    order = an_order("o", ready_at_ms=NOW + 10 * MINUTE, pickup_leave_ms=MINUTE, dropoff_access_ms=2 * MINUTE)
    assert cost("freshness", [order], [a_courier("c")], priced(freshness=300)) == 300 * (188 + 60 + 120)


def test_freshness_counts_what_a_new_stop_keeps_on_board_longer() -> None:
    """Goods on board of a courier who turns off for another order get older, and that is in the price too."""
    aboard = an_order("aboard", dropoff_longitude=5000.0, picked_up_at_ms=NOW - MINUTE, store_id="")
    new = an_order("new", pickup_longitude=4000.0, dropoff_longitude=4500.0, pickup_leave_ms=MINUTE, store_id="")
    courier = a_courier("c", route=(matcher.domain.RouteStop(StopKind.DROPOFF, "aboard"),))
    snapshot = plane([aboard, new], [courier])
    decision = decided(snapshot, priced(freshness=1000))
    (plan,) = decision.plans
    at = {(stop.kind, stop.order_id): stop.at_ms for stop in plan.stops}
    own = at[StopKind.DROPOFF, "new"] - at[StopKind.PICKUP, "new"]
    alone = decided(plane([aboard], [courier]), PLAIN)
    assert alone.plans == ()
    longer = at[StopKind.DROPOFF, "aboard"] - (NOW + 936_000)  # 5 km at once: 935.4 s, rounded up to a second
    assert dict(decision.cost_terms)["freshness"] == own + longer


def test_freshness_undoes_a_bundle_that_keeps_food_on_board() -> None:
    """East and north travel together while only driving counts, apart once time on board does."""
    orders = [an_order("east", dropoff_longitude=3000.0), an_order("north", dropoff_latitude=3000.0)]
    orders[1] = replace(orders[1], dropoff_longitude=0.0)
    couriers = [a_courier("a"), a_courier("b", latitude=-2000.0)]
    driving = {"click_to_door": 0, "lateness": 0, "severe_lateness": 0, "pickup_delay": 0}
    assert sent(orders, couriers, priced(**driving)) == ["a"]
    assert sent(orders, couriers, priced(**driving, freshness=1000)) == ["a", "b"]


def test_a_doubtful_offer_costs_the_delay_of_the_next_one() -> None:
    """Who takes every second offer: half of the refusal's price, and of two minutes more of what waiting costs."""
    order = an_order("o", ready_at_ms=NOW, promised_by_ms=NOW + MINUTE)
    doubtful = [a_courier("c", acceptance_permille=500)]
    policy = priced(acceptance=400_000, reoffer_ms=2 * MINUTE)
    # Two minutes of click-to-door, one of them late, and two of a ready order's waiting.
    waiting = 120 * policy.costs.click_to_door + 60 * policy.costs.lateness + 120 * policy.costs.pickup_delay
    assert cost("acceptance", [order], doubtful, policy) == (400_000 + waiting) // 2
    for certain in (0, 1000):
        assert cost("acceptance", [order], [a_courier("c", acceptance_permille=certain)], policy) == 0


def test_a_surer_courier_is_worth_some_way() -> None:
    """Nearer and doubtful against farther and sure: the refusal's price decides."""
    couriers = [a_courier("near", acceptance_permille=300), a_courier("sure", longitude=-900.0)]
    assert sent([an_order("o")], couriers, PLAIN) == ["near"]
    assert sent([an_order("o")], couriers, priced(acceptance=5 * UNIT)) == ["sure"]


def test_fair_pay_goes_to_who_is_behind_the_mean_for_the_time_worked() -> None:
    """The mean is 20 an hour. "new" has earned less in all but more an hour than "old", who is sent."""
    couriers = [
        a_courier("new", on_shift_ms=60 * MINUTE, earned_micros=30 * UNIT),
        a_courier("old", on_shift_ms=180 * MINUTE, earned_micros=50 * UNIT, longitude=-300.0),
    ]
    order = an_order("o", courier_pay_micros=4 * UNIT)
    assert sent([order], couriers, PLAIN) == ["new"]
    assert sent([order], couriers, priced(fairness=1000)) == ["old"]
    # "old" is 10 short: all of the pay brings it nearer. "new" is 10 ahead.
    assert cost("fairness", [order], couriers, priced(fairness=500)) == -2 * UNIT
    assert cost("fairness", [replace(order, refused_courier_ids=("old",))], couriers, priced(fairness=10)) == 40_000


def test_pay_beyond_the_mean_counts_against_fairness_again() -> None:
    """10 short and paid 14: ten nearer, four past it."""
    couriers = [
        a_courier("c", on_shift_ms=60 * MINUTE, earned_micros=10 * UNIT),
        a_courier("d", on_shift_ms=60 * MINUTE, earned_micros=30 * UNIT, longitude=-2000.0),
    ]
    order = an_order("o", courier_pay_micros=14 * UNIT)
    assert cost("fairness", [order], couriers, priced(fairness=1000)) == -6 * UNIT


def test_couriers_of_unknown_time_on_shift_are_left_aside() -> None:
    """They count neither in the mean nor as ahead or behind."""
    couriers = [a_courier("unknown", earned_micros=900 * UNIT)]
    order = an_order("o", courier_pay_micros=4 * UNIT)
    policy = priced(fairness=1000, earnings_floor=1000, earnings_floor_per_hour=50 * UNIT)
    terms = dict(decided(plane([order], couriers), policy).cost_terms)
    assert (terms["fairness"], terms["earnings_floor"]) == (0, 0)


@pytest.mark.parametrize(("earned", "raised"), [(0, 4), (13, 4), (14, 4), (17, 1), (18, 0), (40, 0)])
def test_the_floor_counts_only_what_is_missing(earned: int, raised: int) -> None:
    """12 an hour for an hour and a half: pay counts up to 18."""
    courier = a_courier("c", on_shift_ms=90 * MINUTE, earned_micros=earned * UNIT)
    order = an_order("o", courier_pay_micros=4 * UNIT)
    policy = priced(earnings_floor=250, earnings_floor_per_hour=12 * UNIT)
    assert cost("earnings_floor", [order], [courier], policy) == -raised * UNIT // 4


def test_who_is_below_the_floor_goes_first() -> None:
    """The order goes to the courier for whom it closes the gap, though another is nearer."""
    couriers = [
        a_courier("near", on_shift_ms=60 * MINUTE, earned_micros=30 * UNIT),
        a_courier("poor", on_shift_ms=60 * MINUTE, earned_micros=5 * UNIT, longitude=-600.0),
    ]
    order = an_order("o", courier_pay_micros=4 * UNIT)
    assert sent([order], couriers, PLAIN) == ["near"]
    assert sent([order], couriers, priced(earnings_floor=1000, earnings_floor_per_hour=15 * UNIT)) == ["poor"]


def test_an_announced_plan_is_kept_up_to_its_price() -> None:
    """Another courier is nearer. The way to the announced one is worth less than a change, or more."""
    couriers = [a_courier("near"), a_courier("told", longitude=-700.0)]
    order = an_order("o", announced_courier_id="told")
    assert sent([order], couriers, PLAIN) == ["near"]
    assert sent([order], couriers, priced(sticky=2 * UNIT)) == ["told"]
    far = [couriers[0], a_courier("told", longitude=-20_000.0)]
    assert sent([order], far, priced(sticky=2 * UNIT)) == ["near"]
    assert cost("sticky", [order], far, priced(sticky=2 * UNIT)) == 2 * UNIT
    assert cost("sticky", [replace(order, announced_courier_id="gone")], far, priced(sticky=2 * UNIT)) == 0


def test_extreme_markets_do_not_leave_64_bits() -> None:
    """The largest earnings, pay and weights that are let in: a decision, verified, and no wrap-around."""
    couriers = [
        a_courier("rich", on_shift_ms=1000, earned_micros=10**12, acceptance_permille=1),
        a_courier("poor", on_shift_ms=86_400_000, earned_micros=0, acceptance_permille=1),
    ]
    orders = [an_order(f"o{k}", courier_pay_micros=10**12, announced_courier_id="rich") for k in range(3)]
    largest = CostPolicy(fairness=10**6, earnings_floor=10**6, earnings_floor_per_hour=10**12)
    decision = decided(plane(orders, couriers), replace(PLAIN, costs=largest))
    assert sum(micros for _, micros in decision.cost_terms) == decision.total_cost_micros


def test_pay_stays_within_64_bits_or_is_refused() -> None:
    """The dearest orders at the largest weight are added up exactly; beyond it nothing is decided."""
    most = 10**12
    rows = [an_order(f"o{k}", courier_pay_micros=most) for k in range(6)]
    ahead = a_courier("c", capacity=6, earned_micros=most)
    snapshot = plane(rows, [ahead])
    travel = PORTS.travel.travel(snapshot, PLAIN.travel)
    units = Units(np.array([0, 6], dtype=np.int32), np.arange(6, dtype=np.int32), 0)
    candidates = find_candidates(snapshot, travel, units, PLAIN, 1)
    micros = PayTerm().micros(snapshot, travel, candidates, CostPolicy(pay=MOST_PAY))
    assert micros.tolist() == [6 * most * MOST_PAY // 1000]
    with pytest.raises(ValueError, match=r"costs\.pay: must be at most 1,000,000, is 1,000,001"):
        decided(snapshot, priced(pay=MOST_PAY + 1))
