"""`explain`: why a decision did, or did not, give an order to a courier.

It makes the decision again, prices the pair exactly, also beyond the candidates that were looked at, and solves once
more under the opposite demand. The difference of the two solves is the price of the pair: not an estimate from dual
prices, which only bound it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from opentelemetry import trace

from matcher.assignment import Candidates, Columns, ZoneCaps, score
from matcher.assignment.quantities import quantity_weights
from matcher.domain import (
    Decision,
    ErrorReason,
    Explanation,
    InvalidRequest,
    Move,
    PairChange,
    PairChangeKind,
    PairVerdict,
    Policy,
    Rung,
    Snapshot,
    Violation,
)
from matcher.engine.decide import Answer, compose, solve_posed
from matcher.engine.insist import Demanded, insisted, joined, ruled_out, with_order
from matcher.engine.pair import PairMarket, least
from matcher.engine.pose import Posed, packing_problem, pose
from matcher.engine.rungs import PACKING_SOLVERS
from matcher.engine.spans import step
from matcher.kernels import insertion
from matcher.ports import Budget, Ports
from matcher.solve.packing import PackingProblem, PackingSolver

I32 = npt.NDArray[np.int32]
_tracer = trace.get_tracer("matcher.engine")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question, in indices."""

    order: int
    """In the snapshot."""
    position: int
    """Among the open orders."""
    courier: int


def explain(
    snapshot: Snapshot,
    policy: Policy,
    order_id: str,
    courier_id: str,
    *,
    budget: Budget | None = None,
    ports: Ports,
    solvers: Mapping[Rung, PackingSolver] = PACKING_SOLVERS,
) -> Explanation:
    """Explain what the decision on these arguments makes of an order and a courier.

    Give the budget the effort of a past decision, and it is that decision which is explained. Deterministic for equal
    arguments. Raises InvalidRequest for ids that the snapshot does not have, VerificationError as `decide` does.
    """
    order, courier = _index(snapshot, order_id, courier_id)
    posed = pose(snapshot, policy, budget or Budget(), ports)
    answer = solve_posed(posed, solvers)
    decision = compose(policy, ports, posed, answer)
    holder = int(snapshot.orders.courier[order])
    if holder >= 0:
        return _not_open(decision, order_id, courier_id, snapshot.couriers.ids[holder])
    asked = _Asked(order, int(np.searchsorted(posed.orders, order)), courier)
    with step(_tracer, "explain"):
        return _explained(posed.snapshot, posed, answer, decision, asked, solvers[answer.rung])


def _index(snapshot: Snapshot, order_id: str, courier_id: str) -> tuple[int, int]:
    wrong = []
    for field, name, ids in (
        ("order_id", order_id, snapshot.orders.ids),
        ("courier_id", courier_id, snapshot.couriers.ids),
    ):
        if name not in ids:
            what = field.removesuffix("_id")
            wrong.append(Violation(field, f"the snapshot has no {what} {name!r}", ErrorReason.UNKNOWN_REFERENCE))
    if wrong:
        raise InvalidRequest(wrong)
    return snapshot.orders.ids.index(order_id), snapshot.couriers.ids.index(courier_id)


def _explained(
    snapshot: Snapshot, posed: Posed, answer: Answer, decision: Decision, asked: _Asked, solver: PackingSolver
) -> Explanation:
    problem, iterations = posed.problem, posed.grant.iterations[answer.rung]
    carried = with_order(problem, asked.position)
    pair = carried & (problem.courier == asked.courier)
    holders = problem.courier[answer.solution.chosen[carried[answer.solution.chosen]]]
    chosen = bool(len(holders)) and int(holders[0]) == asked.courier
    single, priced, verdict, changes = _priced(snapshot, posed, asked, pair, chosen)
    problem = joined(problem, packing_problem(snapshot, posed.orders, priced, problem.wait, posed.zones))
    demand = ruled_out if chosen else insisted
    turned = demand(problem, answer.solution, asked.position, asked.courier, solver, iterations)
    price = turned.total - answer.solution.total
    if price > 0:
        changes = (*changes, PairChange(PairChangeKind.COST, price))
    cost = int(single.cost[0])
    return Explanation(
        decision_id=decision.decision_id,
        order_id=snapshot.orders.ids[asked.order],
        courier_id=snapshot.couriers.ids[asked.courier],
        verdict=verdict,
        holder_id=snapshot.couriers.ids[int(holders[0])] if len(holders) else "",
        cost_terms=tuple(zip(single.term_names, single.term_micros[0].tolist(), strict=True)),
        cost_micros=cost,
        waiting_micros=int(problem.wait[asked.position]),
        price_micros=price,
        price_low_micros=min(price, turned.lower_bound - answer.solution.total),
        reduced_cost_micros=_reduced_cost(answer, asked, cost),
        moves=_moves(snapshot, posed.orders, problem, answer.solution.chosen, turned),
        changes=changes,
    )


def _priced(
    snapshot: Snapshot, posed: Posed, asked: _Asked, pair: npt.NDArray[np.bool_], chosen: bool
) -> tuple[Columns, Columns, PairVerdict, tuple[PairChange, ...]]:
    """The order alone with the courier; the columns of the pair that the decision did not have; what became of the
    pair and which limits stood in its way."""
    units = posed.columns.candidates.units
    unit_of = np.repeat(np.arange(len(units)), np.diff(units.ptr))
    with_it = unit_of[units.order == asked.order].tolist()
    members = {unit: units.order[units.ptr[unit] : units.ptr[unit + 1]] for unit in with_it}
    market = PairMarket(snapshot, posed.travel, posed.policy, asked.courier, np.concatenate(list(members.values())))
    itself = [members[asked.position]]  # units of one order come first, in the order of the open orders

    def columns(candidates: Candidates) -> Columns:
        return score(snapshot, posed.travel, candidates, posed.policy)

    single = columns(market.candidates(itself))
    refusals = set(snapshot.refusals.order[snapshot.refusals.courier == asked.courier].tolist())
    said_no = asked.order in refusals
    if said_no or not (len(single.candidates) or pair.any()):
        changes: tuple[PairChange, ...] = (PairChange(PairChangeKind.REFUSAL, 1),) if said_no else ()
        changes += market.changes(asked.order) if not len(single.candidates) else ()
        single = columns(market.candidates(itself, {change.kind: change.amount for change in changes}))
        return single, single, PairVerdict.INFEASIBLE, changes
    shut = () if pair.any() or posed.zones is None else _room_missing(posed.zones, single.candidates)
    if shut:
        return single, single, PairVerdict.INFEASIBLE, shut
    known = set(posed.columns.candidates.unit[pair].tolist())
    missing = [unit for unit, names in members.items() if unit not in known and refusals.isdisjoint(names.tolist())]
    extra = columns(market.candidates([members[unit] for unit in missing]))
    if not pair.any():
        return single, extra, PairVerdict.PRUNED, _unpruned(snapshot, posed, asked, market)
    if not len(single.candidates):  # only a bundle fits
        single = _row(posed.columns, int(np.flatnonzero(pair)[posed.columns.cost[pair].argmin()]))
    return single, extra, PairVerdict.CHOSEN if chosen else PairVerdict.LOST, ()


def _room_missing(zones: ZoneCaps, single: Candidates) -> tuple[PairChange, ...]:
    """What caps of zones lack for the order and the courier alone."""
    missing = (zones.use(single)[0] - zones.left).tolist()
    return tuple(
        PairChange(PairChangeKind.ZONE_ROOM, amount, (name,))
        for name, amount in zip(zones.names, missing, strict=True)
        if amount > 0
    )


def _row(columns: Columns, row: int) -> Columns:
    return replace(columns, term_micros=columns.term_micros[row : row + 1], cost=columns.cost[row : row + 1])


def _unpruned(snapshot: Snapshot, posed: Posed, asked: _Asked, market: PairMarket) -> tuple[PairChange, ...]:
    """How much wider the search would have had to be to see a courier who can take the order."""
    rules, changes = posed.policy.candidates, []
    nearest = posed.grant.nearest_couriers + int(np.bincount(snapshot.refusals.order).max(initial=0))
    reach_ms = max(rules.reach_ms, market.reach(asked.order))
    if reach_ms > rules.reach_ms:
        changes.append(PairChange(PairChangeKind.REACH, reach_ms - rules.reach_ms))

    def considered(more: int) -> bool:
        found = insertion.insertion_candidates(
            snapshot,
            posed.travel,
            unit_ptr=np.array([0, 1], dtype=np.int32),
            unit_order=np.array([asked.order], dtype=np.int32),
            nearest=nearest + more,
            reach_ms=reach_ms,
            max_route_stops=rules.max_route_stops,
            share_dropoff_service=posed.policy.bundling.share_dropoff_service,
            weights=quantity_weights(posed.policy.costs),
            severe_after_ms=posed.policy.costs.severe_lateness_after_ms,
        )
        return bool((found.courier == asked.courier).any())

    more = least(considered, max(0, len(snapshot.couriers) - nearest))
    if more:
        changes.append(PairChange(PairChangeKind.NEAREST_COURIERS, more))
    return tuple(changes)


def _reduced_cost(answer: Answer, asked: _Asked, cost: int) -> int | None:
    prices, rents = answer.solution.order_price, answer.solution.courier_price
    if prices is None or rents is None:
        return None
    return cost - int(prices[asked.position]) + int(rents[asked.courier])


def _moves(snapshot: Snapshot, orders: I32, problem: PackingProblem, before: I32, turned: Demanded) -> tuple[Move, ...]:
    """What orders change hands between two packings of one problem."""

    def carriers(chosen: I32) -> npt.NDArray[np.int32]:
        of_order = np.full(problem.n_orders, -1, dtype=np.int32)
        for column in chosen.tolist():
            of_order[problem.members(column)] = problem.courier[column]
        return of_order

    first, second = carriers(before), carriers(turned.chosen)
    name = (*snapshot.couriers.ids, "")  # index -1: nobody
    return tuple(
        Move(snapshot.orders.ids[int(orders[position])], name[first[position]], name[second[position]])
        for position in np.flatnonzero(first != second).tolist()
    )


def _not_open(decision: Decision, order_id: str, courier_id: str, holder_id: str) -> Explanation:
    return Explanation(
        decision_id=decision.decision_id,
        order_id=order_id,
        courier_id=courier_id,
        verdict=PairVerdict.NOT_OPEN,
        holder_id=holder_id,
        cost_terms=(),
        cost_micros=0,
        waiting_micros=0,
        price_micros=0,
        price_low_micros=0,
        reduced_cost_micros=None,
        moves=(),
        changes=(),
    )
