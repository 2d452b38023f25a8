"""Moves as a part of the decision: only where asked for, only of idle couriers, verified, and the same in replay."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.markets import MINUTE, NOW, PORTS, a_courier, an_order, plane, random_demand, random_market

import matcher
from matcher import wire
from matcher.domain import Commitment, Degradation, HoldingPolicy, MoveReason, Policy, PositioningPolicy, RouteStop
from matcher.domain.enums import StopKind
from matcher.domain.rows import DemandPoint
from matcher.ports import Budget
from matcher.positioning import NewPlace
from matcher.verify import check_moves

STAY = Policy(holding=HoldingPolicy(Commitment.LATEST_DEPARTURE))
MOVE = replace(STAY, positioning=PositioningPolicy(max_moves=3))
ONE_IS_ENOUGH = replace(MOVE, positioning=replace(MOVE.positioning, busy_permille=0))
EAST = DemandPoint(0.0, 3000.0, 5)
HERE = DemandPoint(0.0, 0.0, 5)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6))
def test_moves_are_of_idle_couriers_and_change_nothing_else(seed: int) -> None:
    """The orders are decided on first; who has none of them, and no route, may be moved."""
    snapshot = plane(*random_market(seed), random_demand(seed))
    decision, without = (matcher.decide(snapshot, policy, ports=PORTS) for policy in (MOVE, STAY))
    assert without.moves == ()
    assert (decision.plans, decision.outcomes, decision.cost_terms) == (
        without.plans,
        without.outcomes,
        without.cost_terms,
    )
    index = {name: k for k, name in enumerate(snapshot.couriers.ids)}
    planned = {plan.courier_id for plan in decision.plans} | {o.courier_id for o in decision.outcomes}
    points = {
        (float(snapshot.locations.latitude[k]), float(snapshot.locations.longitude[k])): int(k)
        for k in snapshot.demand.loc
    }
    assert not planned & {move.courier_id for move in decision.moves}
    found = [(index[m.courier_id], points[m.latitude, m.longitude], m.arrive_at_ms - NOW) for m in decision.moves]
    travel = PORTS.travel.travel(snapshot, MOVE.travel)
    busy = {index[name] for name in planned if name}
    assert check_moves(snapshot, travel, MOVE, found, busy) == ()
    assert wire.decode_decision(wire.encode_decision(decision)) == decision
    assert matcher.decide(snapshot, MOVE, budget=Budget(effort=decision.effort), ports=PORTS) == decision


def test_an_idle_courier_goes_where_orders_are_expected() -> None:
    """Two stand where one is enough; the one with a plan is not the one who goes."""
    couriers = [a_courier("ana"), a_courier("bo"), a_courier("cy", shift_end_at_ms=NOW + 5 * MINUTE)]
    (move,) = matcher.decide(plane([], couriers, [EAST, HERE]), ONE_IS_ENOUGH, ports=PORTS).moves
    assert (move.courier_id, move.longitude, move.reason) == ("ana", 3000.0, MoveReason.EXPECTED_DEMAND)
    assert move.saved_ms > 0
    held = [an_order("o", ready_at_ms=NOW + 30 * MINUTE)]
    (outcome,) = matcher.decide(plane(held, couriers, [EAST, HERE]), ONE_IS_ENOUGH, ports=PORTS).outcomes
    (move,) = matcher.decide(plane(held, couriers, [EAST, HERE]), ONE_IS_ENOUGH, ports=PORTS).moves
    assert outcome.courier_id == "ana"
    assert move.courier_id == "bo", "ana's plan is held, cy's shift is nearly over"


def test_verification_knows_moves() -> None:
    """Each rule broken in turn."""
    busy = a_courier("bo", route=(RouteStop(StopKind.DROPOFF, "r"),))
    couriers = [a_courier("ana"), busy, a_courier("cy", shift_end_at_ms=NOW + 1)]
    snapshot = plane([an_order("r", dropoff_longitude=70.0)], couriers, [EAST])
    travel = PORTS.travel.travel(snapshot, MOVE.travel)
    place = int(snapshot.demand.loc[0])
    due = matcher.decide(plane([], couriers[:1], [EAST]), MOVE, ports=PORTS).moves[0].arrive_at_ms - NOW
    good = (0, place, due)
    home = int(snapshot.couriers.loc[0])
    assert check_moves(snapshot, travel, MOVE, [good], set()) == ()
    for moves, planned, fault in (
        ([good], {0}, "not idle"),
        ([(1, place, due)], set(), "not idle"),
        ([good, good], set(), "twice"),
        ([(0, home, 0)], set(), "no demand"),
        ([(0, place, due - 1)], set(), "arrives at"),
        ([(2, place, due)], set(), "after its shift"),
    ):
        assert any(fault in found for found in check_moves(snapshot, travel, MOVE, moves, planned)), fault
    assert "the policy has 0" in check_moves(snapshot, travel, STAY, [good], set())[0]


def test_moves_that_do_not_hold_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The orders' plans stand; that something failed is said."""
    wrong = [NewPlace(courier=0, loc=0, arrive_ms=1, saved_ms=1)]
    monkeypatch.setattr(sys.modules["matcher.engine.decide"], "new_places", lambda *_: wrong)
    decision = matcher.decide(plane([], [a_courier("ana")], [EAST]), MOVE, ports=PORTS)
    assert decision.moves == ()
    assert Degradation.VERIFICATION_FAILED in decision.degradations
