"""A market that runs by its events and asks for a decision every cycle.

Orders appear when they are placed, couriers come and go with their shifts and carry out the plans they are given. A
decision sees one Snapshot and nothing that happens later. There is no clock here: time is the market's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from matcher.domain.builder import build_snapshot
from matcher.domain.decision import CourierPlan, Decision
from matcher.domain.enums import OrderStatus, StopKind
from matcher.domain.rows import Order
from matcher.domain.snapshot import Snapshot
from matcher.simulation.additions import AddingCourier
from matcher.simulation.couriers import GivenUp, LiveCourier, LockedCourier, PlanError, SimulatedCourier
from matcher.simulation.kitchens import kitchens_of
from matcher.simulation.market import Diversion, Market, Rules, Shift
from matcher.simulation.noise import Noise
from matcher.simulation.outcome import CommittedPlan, Cycle, Outcome, Relocation


class Decider(Protocol):
    """Whoever decides: the engine in this process, a server, or a rule of thumb to compare with."""

    def decide(self, snapshot: Snapshot) -> Decision:
        """What becomes of the snapshot's open orders."""
        ...


class World:
    """One market, run once from its first cycle to its last."""

    def __init__(self, market: Market, rules: Rules, noise: Noise | None = None) -> None:
        """ValueError when an order has no `placed_at_ms`, ids repeat, or live routes are to meet late kitchens."""
        if noise is not None and noise.late_kitchens and rules.diversion is Diversion.LIVE_ROUTE:
            raise ValueError("late kitchens need couriers who keep to a plan: not Diversion.LIVE_ROUTE")
        self._noise = noise or Noise()
        self._kitchens = kitchens_of(self._noise, market.orders)
        self._refused: dict[str, tuple[str, ...]] = {}
        self._refusals = 0
        self._announced: dict[str, str] = {}
        """Open orders held for a courier by the last decision, and for whom."""
        if rules.cycle_ms <= 0:
            raise ValueError(f"rules.cycle_ms must be positive, not {rules.cycle_ms}")
        self._market = market
        self._rules = rules
        self._orders = {order.id: order for order in market.orders}
        if len(self._orders) != len(market.orders):
            raise ValueError("two orders of the market have the same id")
        self._placements = sorted((_placed_at_ms(order), order.id) for order in market.orders)
        self._paying = any(order.courier_pay_micros for order in market.orders)
        self._shifts = {shift.courier.id: shift for shift in market.shifts}
        if len(self._shifts) != len(market.shifts):
            raise ValueError("two couriers of the market have the same id")
        self._couriers: dict[str, SimulatedCourier] = {
            id_: self._courier(shift) for id_, shift in sorted(self._shifts.items())
        }
        self._coming = sorted(self._shifts, key=lambda id_: (-self._shifts[id_].on_at_ms, id_))
        """Couriers not seen yet, those who come next last."""
        self._present: dict[str, SimulatedCourier] = {}
        """Couriers whose shift has begun, or is about to, and who have not left for good."""
        self._open: set[str] = set()
        self._placed = 0
        self._commitments: list[CommittedPlan] = []
        self._relocations: list[Relocation] = []
        self._committed = 0
        self._cycles = 0

    def run(self, decider: Decider, on_cycle: Callable[[Cycle], None] | None = None) -> Outcome:
        """Run to the end: until no order is open or to come, or no shift is left in which one could be picked up.

        `on_cycle` sees every decision after it has been applied. Raises PlanError when a decision is impossible in
        this market: that is a defect of the decider, never a matter of luck.
        """
        now_ms: int | None = self._rules.start_at_ms
        last_pickup_ms = max((shift.off_at_ms for shift in self._shifts.values()), default=self._rules.start_at_ms - 1)
        while now_ms is not None and now_ms <= last_pickup_ms:
            self._place_orders(now_ms)
            if self._open or self._rules.prepositioning or self._noise.late_kitchens:
                self._welcome(now_ms)
                self._advance(now_ms)
            if self._open or self._rules.prepositioning:
                snapshot = self._snapshot(now_ms)
                decision = decider.decide(snapshot)
                self._cycles += 1
                self._apply(decision, now_ms)
                if on_cycle is not None:
                    on_cycle(Cycle(now_ms, snapshot, decision, self._placed, self._committed))
            now_ms = self._next_cycle(now_ms)
        return self._outcome()

    def _advance(self, now_ms: int) -> None:
        """Couriers make what stops are due, and give up what they wait for in vain, or what others may take."""
        for courier in self._present.values():
            courier.advance(now_ms)
            self._take_back(courier.give_up(now_ms))

    def _take_back(self, given_up: GivenUp | None) -> None:
        if given_up is not None:
            self._open.update(given_up.order_ids)
            self._committed -= len(given_up.order_ids)
            self._relocations += given_up.drives

    def _courier(self, shift: Shift) -> SimulatedCourier:
        late = self._kitchens if self._noise.late_kitchens else None
        if self._rules.diversion is Diversion.LOCKED_PLAN:
            return LockedCourier(shift, self._orders, late=late, paying=self._paying)
        if self._rules.diversion is Diversion.ADDED_ORDERS:
            exchanging = late is not None and self._rules.prepositioning
            return AddingCourier(shift, self._orders, late=late, exchanging=exchanging, paying=self._paying)
        return LiveCourier(shift, self._orders, self._market.frame, paying=self._paying)

    def _welcome(self, now_ms: int) -> None:
        """Couriers whose shift begins by now are present."""
        latest_ms = now_ms + self._rules.coming_shifts_ms
        while self._coming and self._shifts[self._coming[-1]].on_at_ms <= latest_ms:
            id_ = self._coming.pop()
            self._present[id_] = self._couriers[id_]

    def _place_orders(self, now_ms: int) -> None:
        while self._placed < len(self._placements) and self._placements[self._placed][0] <= now_ms:
            self._open.add(self._placements[self._placed][1])
            self._placed += 1

    def _next_cycle(self, now_ms: int) -> int | None:
        """The next cycle that asks for a decision; None when no order is open or to come, or may come back."""
        next_ms = now_ms + self._rules.cycle_ms
        if self._open or self._noise.late_kitchens:
            return next_ms
        if self._rules.prepositioning and self._placed < len(self._placements):
            return next_ms
        if self._placed == len(self._placements):
            return None
        idle_ms = max(0, self._placements[self._placed][0] - next_ms)
        return next_ms + -(-idle_ms // self._rules.cycle_ms) * self._rules.cycle_ms

    def _snapshot(self, now_ms: int) -> Snapshot:
        couriers = []
        orders = [self._shown(id_, now_ms) for id_ in sorted(self._open)]
        gone = []
        for id_, courier in self._present.items():
            row = courier.row(now_ms)
            if row is not None:
                couriers.append(row)
                orders += courier.order_rows(now_ms)
            elif now_ms > self._shifts[id_].off_at_ms:
                gone.append(id_)
        for id_ in gone:
            del self._present[id_]
        return build_snapshot(
            self._market.market_id,
            now_ms,
            orders,
            couriers,
            expected_demand=self._market.expected_demand,
            frame=self._market.frame,
        )

    def _shown(self, order_id: str, now_ms: int) -> Order:
        """An open order as a decision may know it."""
        order = self._kitchens.shown(self._orders[order_id], now_ms)
        if order_id in self._announced:
            order = replace(order, announced_courier_id=self._announced[order_id])
        if order_id not in self._refused:
            return order
        return replace(order, refused_courier_ids=(*order.refused_courier_ids, *self._refused[order_id]))

    def _apply(self, decision: Decision, now_ms: int) -> None:
        assigned = {o.order_id: o.courier_id for o in decision.outcomes if o.status is OrderStatus.ASSIGNED}
        planned = {order_id: plan.courier_id for plan in decision.plans for order_id in plan.new_order_ids}
        if assigned != planned or not assigned.keys() <= self._open:
            odd = {order_id for order_id, _ in assigned.items() ^ planned.items()} | (assigned.keys() - self._open)
            raise PlanError(f"decision {decision.decision_id}: outcomes, plans and open orders disagree on {min(odd)}")
        self._announced = {
            o.order_id: o.courier_id for o in decision.outcomes if o.courier_id and o.status is OrderStatus.WAITING
        }
        for plan in decision.plans:
            courier = self._couriers.get(plan.courier_id)
            if courier is None:
                raise PlanError(f"decision {decision.decision_id}: there is no courier {plan.courier_id}")
            if self._rules.only_free_couriers and not courier.may_take(plan, now_ms):
                continue
            refused = [order_id for order_id in plan.new_order_ids if self._noise.refuses(plan.courier_id, order_id)]
            if refused:
                for order_id in refused:
                    self._refused[order_id] = (*self._refused.get(order_id, ()), plan.courier_id)
                self._refusals += 1
                continue
            courier.commit(plan, now_ms)
            self._commitments.append(CommittedPlan(now_ms, plan.courier_id, _drop_sequence(plan)))
            self._committed += len(plan.new_order_ids)
            self._open.difference_update(plan.new_order_ids)

        if self._rules.prepositioning:
            self._relocate(decision, now_ms)

    def _relocate(self, decision: Decision, now_ms: int) -> None:
        for move in decision.moves:
            courier = self._couriers.get(move.courier_id)
            if courier is None:
                raise PlanError(f"decision {decision.decision_id}: there is no courier {move.courier_id}")
            courier.relocate(move, now_ms)
            self._relocations.append(
                Relocation(move.courier_id, now_ms, move.arrive_at_ms, move.latitude, move.longitude)
            )

    def _outcome(self) -> Outcome:
        for id_, courier in self._couriers.items():
            courier.finish()
            self._take_back(courier.give_up(self._shifts[id_].off_at_ms + 1))
        visits = tuple(visit for courier in self._couriers.values() for visit in courier.visits)
        unplaced = {id_ for _, id_ in self._placements[self._placed :]}
        return Outcome(
            visits=visits,
            commitments=tuple(self._commitments),
            undelivered=tuple(sorted(self._open | unplaced)),
            cycles=self._cycles,
            refusals=self._refusals,
            end_at_ms=max((visit.depart_at_ms for visit in visits), default=self._rules.start_at_ms),
            relocations=tuple(sorted(self._relocations, key=lambda move: (move.set_off_at_ms, move.courier_id))),
        )


def _placed_at_ms(order: Order) -> int:
    if order.placed_at_ms is None:
        raise ValueError(f"order {order.id} of the market has no placed_at_ms")
    return order.placed_at_ms


def _drop_sequence(plan: CourierPlan) -> tuple[str, ...]:
    new = set(plan.new_order_ids)
    return tuple(stop.order_id for stop in plan.stops if stop.kind is StopKind.DROPOFF and stop.order_id in new)
