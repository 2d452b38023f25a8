"""A courier who refused an order is not given it again: not alone, not in a bundle, and the reasons say so."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.markets import PORTS, a_courier, an_order, plane, random_market

import matcher
from matcher.domain import CandidatePolicy, OrderStatus, PairChangeKind, PairVerdict, Policy, StopKind, WaitReason
from matcher.verify import check_plans

POLICY = Policy()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_no_plan_gives_an_order_to_who_refused_it(seed: int) -> None:
    """Whatever the market and the refusals; and refusals of couriers who are not there change nothing."""
    random = Random(seed)
    orders, couriers = random_market(seed)
    refusing = {order.id: [c.id for c in couriers if random.random() < 0.4] for order in orders}
    refused = [replace(order, refused_courier_ids=(*refusing[order.id], "gone")) for order in orders]
    decision = matcher.decide(plane(refused, couriers), POLICY, ports=PORTS)
    for plan in decision.plans:
        assert all(plan.courier_id not in refusing[order_id] for order_id in plan.new_order_ids)
    nobody = [replace(order, refused_courier_ids=("gone",)) for order in orders]
    plain = plane(orders, couriers)
    assert plane(nobody, couriers).digest == plain.digest
    if any(refusing.values()):
        assert plane(refused, couriers).digest != plain.digest


def test_refusals_do_not_use_up_the_nearest_couriers() -> None:
    """Two near couriers refused: the third is looked at even where the policy looks at two; when all have refused, that
    is the reason."""
    couriers = [a_courier("ana"), a_courier("bo", longitude=100.0), a_courier("cy", longitude=900.0)]
    two = replace(POLICY, candidates=CandidatePolicy(nearest_couriers=2, max_pairs=0))
    market = plane([an_order("o", refused_courier_ids=("ana", "bo"))], couriers)
    (outcome,) = matcher.decide(market, two, ports=PORTS).outcomes
    assert (outcome.status, outcome.courier_id) == (OrderStatus.ASSIGNED, "cy")
    everyone = plane([an_order("o", refused_courier_ids=("ana", "bo", "cy"))], couriers)
    (outcome,) = matcher.decide(everyone, two, ports=PORTS).outcomes
    assert (outcome.status, outcome.reason) == (OrderStatus.WAITING, WaitReason.REFUSED)


def test_verification_knows_refusals() -> None:
    """A solver's slip must not send an order to who refused it."""
    market = plane([an_order("o", refused_courier_ids=("ana",))], [a_courier("ana"), a_courier("bo")])
    travel = PORTS.travel.travel(market, POLICY.travel)
    stops = [(StopKind.PICKUP, 0), (StopKind.DROPOFF, 0)]
    assert not check_plans(market, travel, POLICY, {1: stops}).faults
    (fault,) = check_plans(market, travel, POLICY, {0: stops}).faults
    assert "refused" in fault


def test_a_refusal_is_what_an_explanation_names() -> None:
    """Ana could do it and said no: that, and the price of her doing it all the same."""
    market = plane([an_order("o", refused_courier_ids=("ana",))], [a_courier("ana"), a_courier("bo", longitude=500.0)])
    found = matcher.explain(market, POLICY, "o", "ana", ports=PORTS)
    assert (found.verdict, found.holder_id) == (PairVerdict.INFEASIBLE, "bo")
    assert found.changes[0].kind is PairChangeKind.REFUSAL
    assert found.price_micros < 0, "ana stands nearer"


def test_refusals_come_sorted_and_once() -> None:
    """Listing order and repetitions have no meaning, as everywhere in a snapshot."""
    couriers = [a_courier("ana"), a_courier("bo")]
    one = plane(
        [an_order("b", refused_courier_ids=("bo", "ana", "bo")), an_order("a", refused_courier_ids=("bo",))], couriers
    )
    assert one.refusals.order.tolist() == [0, 1, 1]
    assert one.refusals.courier.tolist() == [1, 0, 1]
    assert one.refusals.order.dtype == np.int32
