"""Explanations hold: the price is that of deciding under the opposite demand, and the changes do turn the verdict."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.markets import PORTS, a_courier, an_order, plane, random_market
from tests.oracles.packing import cheapest_total

import matcher
from matcher.domain import (
    CandidatePolicy,
    Courier,
    Explanation,
    InvalidRequest,
    Order,
    PairChangeKind,
    PairVerdict,
    Policy,
    RouteStop,
    Rung,
    Snapshot,
    StopKind,
)
from matcher.engine.pose import pose
from matcher.ports import Budget
from matcher.solve.packing import PackingProblem

WIDE = Policy(candidates=CandidatePolicy(nearest_couriers=1_000, reach_ms=86_400_000))


def explained(snapshot: Snapshot, order: str, courier: str, policy: Policy = WIDE) -> Explanation:
    """The explanation under test ports."""
    return matcher.explain(snapshot, policy, order, courier, ports=PORTS)


def demanded_total(problem: PackingProblem, order: int, courier: int, *, chosen: bool, seen: PackingProblem) -> int:
    """Least total when the pair is insisted on (ruled out where it was chosen), by trying everything.

    `problem` has the columns of every courier; those that the decision did not look at, `seen`, count for the pair
    only.
    """
    looked_at = {
        (int(seen.courier[k]), tuple(seen.members(k).tolist()), int(seen.cost[k])) for k in range(seen.columns)
    }
    kept = []
    for column in range(problem.columns):
        members = problem.members(column).tolist()
        pair = order in members and problem.courier[column] == courier
        others = order not in members and problem.courier[column] != courier
        keep = not pair if chosen else pair or others
        known = (int(problem.courier[column]), tuple(members), int(problem.cost[column])) in looked_at
        if keep and (pair or known):
            kept.append(column)
    wait = problem.wait.copy()
    penalty = int(np.abs(problem.cost).sum() + wait.sum()) + 1
    if not chosen:
        wait[order] += penalty
    lengths = [len(problem.members(column)) for column in kept]
    return cheapest_total(
        PackingProblem.from_lists(
            n_orders=problem.n_orders,
            n_couriers=problem.n_couriers,
            courier=problem.courier[kept],
            ptr=np.concatenate([[0], np.cumsum(lengths)]),
            order=np.concatenate([problem.members(column) for column in kept]) if kept else [],
            cost=problem.cost[kept],
            wait=wait,
        )
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 1_000]))
def test_the_price_is_what_the_opposite_demand_costs(seed: int, nearest: int) -> None:
    """Brute force over all packings agrees on the price of every pair, looked at or pruned, and the verdicts are those
    of the decision."""
    snapshot = plane(*random_market(seed))
    policy = replace(WIDE, candidates=replace(WIDE.candidates, nearest_couriers=nearest, max_pairs=0))
    everything = pose(snapshot, WIDE, Budget(), PORTS).problem
    posed = pose(snapshot, policy, Budget(), PORTS)
    decision = matcher.decide(snapshot, policy, ports=PORTS)
    holder = {outcome.order_id: outcome.courier_id for outcome in decision.outcomes}
    feasible = {
        (int(order), int(everything.courier[column]))
        for column in range(everything.columns)
        for order in everything.members(column)
    }
    pairs = [(p, c) for p in range(len(posed.orders)) for c in range(len(snapshot.couriers))]
    for position, courier in Random(seed).sample(pairs, min(6, len(pairs))):
        order_id, courier_id = snapshot.orders.ids[int(posed.orders[position])], snapshot.couriers.ids[courier]
        found = explained(snapshot, order_id, courier_id, policy)
        assert found.decision_id == decision.decision_id
        assert found.holder_id == holder[order_id]
        assert (found.verdict is PairVerdict.CHOSEN) == (holder[order_id] == courier_id)
        assert (found.verdict is PairVerdict.INFEASIBLE) == ((position, courier) not in feasible)
        assert sum(micros for _, micros in found.cost_terms) == found.cost_micros
        assert found.price_low_micros <= found.price_micros
        if found.verdict is PairVerdict.INFEASIBLE:
            continue
        total = demanded_total(
            everything, position, courier, chosen=found.verdict is PairVerdict.CHOSEN, seen=posed.problem
        )
        assert found.price_micros == total - decision.total_cost_micros
        if found.reduced_cost_micros is not None and found.verdict is PairVerdict.LOST:
            assert decision.lower_bound_micros + found.reduced_cost_micros <= total or found.moves


def changed_rows(
    orders: list[Order], couriers: list[Courier], found: Explanation, less: PairChangeKind | None
) -> tuple[list[Order], list[Courier], Policy]:
    """The market with the changes made that the explanation asks for, that of kind `less` by one less."""
    policy = WIDE
    order = next(o for o in orders if o.id == found.order_id)
    courier = next(c for c in couriers if c.id == found.courier_id)
    carried = {stop.order_id for stop in courier.route}

    def later(time: int | None, amount: int) -> int | None:
        return None if time is None else time + amount

    rest = {o.id: o for o in orders}
    for change in found.changes:
        amount = change.amount - (change.kind is less)
        match change.kind:
            case PairChangeKind.SKILLS:
                courier = replace(courier, skills=(*courier.skills, *change.names[:amount]))
            case PairChangeKind.CAPACITY:
                courier = replace(courier, capacity=courier.capacity + amount)
            case PairChangeKind.SHIFT_END:
                courier = replace(courier, shift_end_at_ms=later(courier.shift_end_at_ms, amount))
            case PairChangeKind.PICKUP_BY:
                order = replace(order, pickup_by_ms=later(order.pickup_by_ms, amount))
            case PairChangeKind.DROPOFF_BY:
                order = replace(order, dropoff_by_ms=later(order.dropoff_by_ms, amount))
            case PairChangeKind.FRESHNESS:
                order = replace(order, freshness_limit_ms=later(order.freshness_limit_ms, amount))
            case PairChangeKind.ROUTE_LIMITS:
                for name in carried:
                    rest[name] = replace(
                        rest[name],
                        pickup_by_ms=later(rest[name].pickup_by_ms, amount),
                        dropoff_by_ms=later(rest[name].dropoff_by_ms, amount),
                        freshness_limit_ms=later(rest[name].freshness_limit_ms, amount),
                    )
            case PairChangeKind.ROUTE_STOPS:
                stops = policy.candidates.max_route_stops + amount
                policy = replace(policy, candidates=replace(policy.candidates, max_route_stops=stops))
            case _:
                assert change.kind is PairChangeKind.COST
    rest[order.id] = order
    return list(rest.values()), [courier if c.id == courier.id else c for c in couriers], policy


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_changes_make_an_infeasible_pair_feasible_and_no_less_does(seed: int) -> None:
    """What on-call tells the shop ("twelve minutes more on the shift") has to be true, and as small as it can be."""
    orders, couriers = random_market(seed)
    snapshot = plane(orders, couriers)
    open_ids = [snapshot.orders.ids[row] for row in np.flatnonzero(snapshot.orders.courier < 0)]
    pairs = [(o, c.id) for o in open_ids for c in couriers]
    for order_id, courier_id in Random(seed).sample(pairs, min(10, len(pairs))):
        found = explained(snapshot, order_id, courier_id)
        if found.verdict is not PairVerdict.INFEASIBLE:
            continue
        limits = [change for change in found.changes if change.kind is not PairChangeKind.COST]
        assert limits
        assert all(change.amount > 0 for change in found.changes)
        *rows, policy = changed_rows(orders, couriers, found, None)
        turned = explained(plane(*rows), order_id, courier_id, policy)
        assert turned.verdict is not PairVerdict.INFEASIBLE
        assert turned.cost_terms == found.cost_terms
        for change in limits:
            *rows, policy = changed_rows(orders, couriers, found, change.kind)
            still = explained(plane(*rows), order_id, courier_id, policy)
            assert still.verdict is PairVerdict.INFEASIBLE, change


def test_a_courier_who_was_not_among_the_nearest_is_priced_all_the_same() -> None:
    """ "Why not Bo?" must not be answered with "nobody looked": the price says what looking would have brought."""
    couriers = [a_courier("ana"), a_courier("bo", longitude=2_000.0), a_courier("cy", longitude=4_000.0)]
    market = plane([an_order("o")], couriers)
    narrow = replace(WIDE, candidates=replace(WIDE.candidates, nearest_couriers=1, max_pairs=0))
    found = explained(market, "o", "cy", narrow)
    assert found.verdict is PairVerdict.PRUNED
    assert found.holder_id == "ana"
    assert found.price_micros == explained(market, "o", "cy").price_micros > 0
    kinds = {change.kind: change.amount for change in found.changes}
    assert kinds == {PairChangeKind.NEAREST_COURIERS: 2, PairChangeKind.COST: found.price_micros}
    assert [(move.order_id, move.from_courier_id, move.to_courier_id) for move in found.moves] == [("o", "ana", "cy")]


def test_a_courier_out_of_reach_is_told_how_far() -> None:
    """The reach named is the one with which the courier is considered, to the millisecond."""
    market = plane([an_order("o")], [a_courier("far", longitude=50_000.0)])
    near = replace(WIDE, candidates=CandidatePolicy(nearest_couriers=4, reach_ms=60_000))
    found = explained(market, "o", "far", near)
    assert found.verdict is PairVerdict.PRUNED
    (reach,) = [change.amount for change in found.changes if change.kind is PairChangeKind.REACH]
    for longer, verdict in ((reach, PairVerdict.PRUNED), (reach - 1, PairVerdict.PRUNED)):
        wider = replace(near, candidates=replace(near.candidates, reach_ms=60_000 + longer))
        assert (explained(market, "o", "far", wider).verdict is verdict) == (longer == reach - 1)


def test_an_order_on_its_way_names_its_courier() -> None:
    """An order in a route is not up for decision; the answer says whose it is."""
    route = (RouteStop(StopKind.PICKUP, "r"), RouteStop(StopKind.DROPOFF, "r"))
    market = plane([an_order("r")], [a_courier("ana", route=route), a_courier("bo")])
    found = explained(market, "r", "bo")
    assert (found.verdict, found.holder_id, found.changes) == (PairVerdict.NOT_OPEN, "ana", ())


def test_unknown_ids_are_refused() -> None:
    """Both fields are named at once."""
    with pytest.raises(InvalidRequest) as refused:
        explained(plane([an_order("o")], [a_courier("ana")]), "x", "y")
    assert [violation.field for violation in refused.value.violations] == ["order_id", "courier_id"]


@pytest.mark.parametrize("rung", list(Rung))
def test_every_rung_explains_its_own_decisions(rung: Rung) -> None:
    """A decision made by a lower rung is explained as that rung's; without prices there is no reduced cost."""
    market = plane(*random_market(3))
    order_id = market.orders.ids[int(np.flatnonzero(market.orders.courier < 0)[0])]
    budget = Budget(forced_rung=rung)
    decision = matcher.decide(market, WIDE, budget=budget, ports=PORTS)
    for courier_id in market.couriers.ids:
        found = matcher.explain(market, WIDE, order_id, courier_id, budget=budget, ports=PORTS)
        assert found.decision_id == decision.decision_id
        pinned = matcher.explain(market, WIDE, order_id, courier_id, budget=Budget(effort=decision.effort), ports=PORTS)
        assert pinned == found


def test_insisting_may_move_a_whole_bundle() -> None:
    """The price is that of the best way to give the courier the order, here with the one that travels along: had the
    two to part, it would be that of a second tour."""
    orders = [an_order(f"o{k}", dropoff_longitude=3000.0 + 50 * k) for k in range(2)]
    market = plane(orders, [a_courier("ana"), a_courier("bo", longitude=-100.0)])
    found = explained(market, "o1", "bo")
    assert found.verdict is PairVerdict.LOST
    assert [(move.order_id, move.to_courier_id) for move in found.moves] == [("o0", "bo"), ("o1", "bo")]
    assert 0 < found.price_micros < found.cost_micros // 10
    assert explained(market, "o1", "ana").price_micros == found.price_micros
