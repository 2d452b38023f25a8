"""Couriers of a simulated market: how each carries out its plans, and what a snapshot shows of it.

Plans are carried out exactly as planned, but where kitchens keep other times than decisions were told: there a courier
waits for what is not ready, until its shift ends, and everything after it is later (`as_it_happens`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from matcher.domain.decision import CourierMove, CourierPlan, PlannedStop
from matcher.domain.enums import SpatialFrame, StopKind
from matcher.domain.rows import Courier, Order, RouteStop
from matcher.simulation.kitchens import Kitchens
from matcher.simulation.market import Shift
from matcher.simulation.outcome import Relocation, Visit
from matcher.simulation.place import Place, between, stop_place


class PlanError(ValueError):
    """A decision asks a courier for what it cannot do; says which courier and why."""


class SimulatedCourier(Protocol):
    """One courier while the market runs."""

    visits: list[Visit]

    def advance(self, now_ms: int) -> None:
        """Make every stop due up to and including `now_ms`."""
        ...

    def free_at_ms(self, now_ms: int) -> int:
        """When the courier could set off with a new plan, at the earliest."""
        ...

    def may_take(self, plan: CourierPlan, now_ms: int) -> bool:
        """Whether the plan can be given to the courier now, where couriers must not be given plans while busy."""
        ...

    def row(self, now_ms: int) -> Courier | None:
        """The courier as a snapshot at `now_ms` shows it; None when no longer available."""
        ...

    def order_rows(self, now_ms: int) -> list[Order]:
        """The orders that `row` mentions, as the snapshot shows them."""
        ...

    def commit(self, plan: CourierPlan, now_ms: int) -> None:
        """Take over `plan`; PlanError when it cannot be carried out."""
        ...

    def relocate(self, move: CourierMove, now_ms: int) -> None:
        """Drive to another place without an order; PlanError when that cannot be done."""
        ...

    def give_up(self, now_ms: int) -> GivenUp | None:
        """What the courier will not pick up after all, and drives that led to no pick-up, told once."""
        ...

    def finish(self) -> None:
        """Make all stops still to be made."""
        ...


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Orders that were not ready when the courier at their store left, or may leave: open again."""

    order_ids: tuple[str, ...]
    drives: tuple[Relocation, ...]
    """To stores, in vain."""


def stop_groups(stops: Sequence[PlannedStop], orders: Mapping[str, Order]) -> list[list[PlannedStop]]:
    """Stops that are one physical stop: consecutive, of one kind, at one place and with one hand-over time."""
    groups: list[list[PlannedStop]] = []
    for stop in stops:
        last = groups[-1][-1] if groups else None
        if (
            last is not None
            and last.kind == stop.kind
            and last.at_ms == stop.at_ms
            and stop_place(orders[last.order_id], last.kind) == stop_place(orders[stop.order_id], stop.kind)
        ):
            groups[-1].append(stop)
        else:
            groups.append([stop])
    return groups


DAY_MS = 86_400_000


def as_it_happens(
    groups: Sequence[Sequence[PlannedStop]],
    orders: Mapping[str, Order],
    set_off_at_ms: int,
    not_before_ms: int = 0,
) -> list[list[PlannedStop]]:
    """The stops with their true times: legs and services take what was planned, pick-ups wait for what is not ready.

    An order that is ready before its estimate gains nothing beyond what the courier's arrival permits. No hand-over is
    before `not_before_ms`, when the plan was made.
    """
    happened: list[list[PlannedStop]] = []
    planned_ms = actual_ms = set_off_at_ms
    for group in groups:
        kind = group[0].kind
        rows = [orders[stop.order_id] for stop in group]
        arrive_ms = actual_ms + group[0].arrive_at_ms - planned_ms
        if kind is StopKind.PICKUP:
            access_ms = max(row.pickup_access_ms for row in rows)
            earliest_ms = max(row.ready_at_ms or 0 for row in rows)
        else:
            access_ms = max(row.dropoff_access_ms for row in rows)
            earliest_ms = max(row.dropoff_not_before_ms or 0 for row in rows)
        at_ms = max(arrive_ms + access_ms, earliest_ms, not_before_ms)
        planned_ms = max(stop.depart_at_ms for stop in group)
        actual_ms = at_ms + planned_ms - group[0].at_ms
        happened.append(
            [
                replace(stop, arrive_at_ms=arrive_ms, at_ms=at_ms, depart_at_ms=at_ms + stop.depart_at_ms - stop.at_ms)
                for stop in group
            ]
        )
    return happened


def check_times(plan: CourierPlan, orders: Mapping[str, Order], start_ms: int) -> None:
    """Refuse stops of unknown orders, and times that run backwards."""
    unknown = [stop.order_id for stop in plan.stops if stop.order_id not in orders]
    if unknown:
        raise PlanError(f"courier {plan.courier_id}: there is no order {unknown[0]}")
    clock_ms = start_ms
    for group in stop_groups(plan.stops, orders):
        for stop in group:
            if not clock_ms <= stop.arrive_at_ms <= stop.at_ms <= stop.depart_at_ms:
                raise PlanError(
                    f"courier {plan.courier_id}, {stop.kind.name.lower()} of order {stop.order_id}: setting off at "
                    f"{clock_ms}, arrival at {stop.arrive_at_ms}, hand-over at {stop.at_ms} and departure at "
                    f"{stop.depart_at_ms} are out of order"
                )
        clock_ms = max(stop.depart_at_ms for stop in group)


def check_pairs(plan: CourierPlan, on_board: set[str], planned: set[str]) -> None:
    """Every order on board is dropped off once, every planned and every new one picked up and dropped off once."""
    expected = [(StopKind.DROPOFF, o) for o in on_board]
    for order_id in (*planned, *plan.new_order_ids):
        expected += [(StopKind.PICKUP, order_id), (StopKind.DROPOFF, order_id)]
    found = [(stop.kind, stop.order_id) for stop in plan.stops]
    if sorted(expected) != sorted(found):
        raise PlanError(f"courier {plan.courier_id}: the plan's stops are not those of its orders")
    carried = set(on_board)
    for kind, order_id in found:
        if kind is StopKind.PICKUP:
            carried.add(order_id)
        elif order_id not in carried:
            raise PlanError(f"courier {plan.courier_id}: order {order_id} is dropped off before it is picked up")


def check_idle(courier: SimulatedCourier, move: CourierMove, now_ms: int, shift: Shift) -> None:
    """Refuse a move of a courier with something to do, or into the past, or beyond the shift."""
    row = courier.row(now_ms)
    if row is None or row.route or courier.free_at_ms(now_ms) > now_ms:
        raise PlanError(f"courier {move.courier_id}: told to move while not idle")
    if not now_ms <= move.arrive_at_ms <= shift.off_at_ms:
        raise PlanError(f"courier {move.courier_id}: told to arrive at {move.arrive_at_ms}, which it cannot")


class Earnings:
    """What a courier has earned, and what its shift guarantees."""

    def __init__(self, shift: Shift, orders: Mapping[str, Order], *, paying: bool = True) -> None:
        """`paying`: whether the market pays by the order; if neither it nor the shift does, rows say nothing."""
        self.shows = paying or shift.guaranteed_per_hour_micros > 0
        self._shift = shift
        self._orders = orders
        self._earned_micros = 0

    def add(self, plan: CourierPlan) -> None:
        """The new orders of a plan."""
        self._earned_micros += sum(self._orders[order_id].courier_pay_micros for order_id in plan.new_order_ids)

    def take_back(self, order_ids: Sequence[str]) -> None:
        """Orders that were not picked up after all."""
        self._earned_micros -= sum(self._orders[order_id].courier_pay_micros for order_id in order_ids)

    def shown(self, row: Courier, now_ms: int) -> Courier:
        """The row with both, and the time on shift."""
        if not self.shows:
            return row
        hours_ms = max(0, min(now_ms, self._shift.off_at_ms) - self._shift.on_at_ms)
        guaranteed = hours_ms * self._shift.guaranteed_per_hour_micros // 3_600_000
        return replace(
            row,
            earned_micros=self._earned_micros,
            guaranteed_micros=guaranteed,
            on_shift_ms=min(hours_ms, DAY_MS),
        )


class LockedCourier:
    """Carries out each plan whole; a snapshot shows it where and when its last plan ends."""

    def __init__(
        self, shift: Shift, orders: Mapping[str, Order], *, late: Kitchens | None = None, paying: bool = True
    ) -> None:
        """`late`: what is known of kitchens that may be late; else plans go as planned."""
        self.visits: list[Visit] = []
        self._shift = shift
        self._orders = orders
        self._late = late
        self._earnings = Earnings(shift, orders, paying=paying)
        self._place = Place(shift.courier.latitude, shift.courier.longitude)
        self._free_at_ms = shift.on_at_ms
        self._plan: list[list[PlannedStop]] = []
        """The last plan's stops as planned, and when the courier set off with it; with late kitchens only."""
        self._set_off_at_ms = shift.on_at_ms
        self._given_up: GivenUp | None = None

    def advance(self, now_ms: int) -> None:
        """Stops are made at `commit`."""

    def free_at_ms(self, now_ms: int) -> int:
        """End of the last plan."""
        return max(now_ms, self._free_at_ms)

    def may_take(self, plan: CourierPlan, now_ms: int) -> bool:
        """Only when free."""
        return self.free_at_ms(now_ms) <= now_ms

    def row(self, now_ms: int) -> Courier | None:
        """Where the last plan ends, without a route; when, by what is known now of the kitchens."""
        free_at_ms = self.free_at_ms(now_ms)
        if free_at_ms > now_ms and self._late is not None and self._plan:
            known = {
                stop.order_id: self._late.shown(self._orders[stop.order_id], now_ms)
                for group in self._plan
                for stop in group
            }
            expected = as_it_happens(self._plan, known, self._set_off_at_ms)
            free_at_ms = max(now_ms, *(stop.depart_at_ms for stop in expected[-1]))
        if free_at_ms > self._shift.off_at_ms:
            return None
        row = replace(
            self._shift.courier,
            latitude=self._place.latitude,
            longitude=self._place.longitude,
            free_at_ms=free_at_ms,
            shift_end_at_ms=self._shift.off_at_ms,
            route=(),
            locked_stops=0,
        )
        return self._earnings.shown(row, now_ms)

    def order_rows(self, now_ms: int) -> list[Order]:
        """None: the row has no route."""
        return []

    def commit(self, plan: CourierPlan, now_ms: int) -> None:
        """Carry out the whole plan."""
        set_off_at_ms = self.free_at_ms(now_ms)
        check_times(plan, self._orders, set_off_at_ms)
        check_pairs(plan, set(), set())
        self._earnings.add(plan)
        groups = stop_groups(plan.stops, self._orders)
        if self._late is not None:
            self._plan, self._set_off_at_ms = groups, set_off_at_ms
            groups = as_it_happens(groups, self._orders, set_off_at_ms)
            if groups[0][0].at_ms > self._shift.off_at_ms:
                drive = drive_in_vain(plan.courier_id, set_off_at_ms, groups[0][0], self._orders)
                self._given_up = GivenUp(plan.new_order_ids, (drive,))
        for group in groups:
            if self._given_up is None:
                self.visits += [visit_of(plan.courier_id, stop, set_off_at_ms) for stop in group]
            set_off_at_ms = max(stop.depart_at_ms for stop in group)
            self._place = stop_place(self._orders[group[0].order_id], group[0].kind)
        self._free_at_ms = set_off_at_ms

    def relocate(self, move: CourierMove, now_ms: int) -> None:
        """Drive there at once; PlanError when not idle, or gone by then."""
        check_idle(self, move, now_ms, self._shift)
        self._place = Place(move.latitude, move.longitude)
        self._free_at_ms = move.arrive_at_ms
        self._plan = []

    def give_up(self, now_ms: int) -> GivenUp | None:
        """The plan whose first pick-up would have been after the shift; its orders were not earned with."""
        if self._given_up is None or now_ms <= self._shift.off_at_ms:
            return None
        given_up, self._given_up = self._given_up, None
        self._earnings.take_back(given_up.order_ids)
        return given_up

    def finish(self) -> None:
        """Nothing is left to be made."""


class LiveCourier:
    """Drives a route that later decisions may change, except for the stop being driven to or served."""

    def __init__(self, shift: Shift, orders: Mapping[str, Order], frame: SpatialFrame, *, paying: bool = True) -> None:
        self.visits: list[Visit] = []
        self._shift = shift
        self._orders = orders
        self._earnings = Earnings(shift, orders, paying=paying)
        self._idle: Courier | None = None
        """The row of the courier who waits where it is: the same cycle after cycle, and most of a large market."""
        self._frame = frame
        self._groups: list[list[PlannedStop]] = []
        self._picked_up_at_ms: dict[str, int] = {}
        """Orders on board."""
        self._set_off_at_ms = shift.on_at_ms
        """When the courier leaves, or left, for the next stop."""
        self._leg_from = Place(shift.courier.latitude, shift.courier.longitude)
        """A point of the way to the next stop, passed at `_leg_from_ms`."""
        self._leg_from_ms = shift.on_at_ms

    def advance(self, now_ms: int) -> None:
        """Make the stops whose hand-over is due."""
        if self._groups:
            self._idle = None
        while self._groups and self._groups[0][0].at_ms <= now_ms:
            group = self._groups.pop(0)
            for stop in group:
                self.visits.append(visit_of(self._shift.courier.id, stop, self._set_off_at_ms))
                if stop.kind is StopKind.PICKUP:
                    self._picked_up_at_ms[stop.order_id] = stop.at_ms
                else:
                    self._picked_up_at_ms.pop(stop.order_id)
            self._leg_from = stop_place(self._orders[group[0].order_id], group[0].kind)
            self._set_off_at_ms = self._leg_from_ms = max(stop.depart_at_ms for stop in group)

    def free_at_ms(self, now_ms: int) -> int:
        """When the courier can next set off from where the snapshot shows it."""
        return max(now_ms, self._set_off_at_ms)

    def may_take(self, plan: CourierPlan, now_ms: int) -> bool:
        """Only when free."""
        return self.free_at_ms(now_ms) <= now_ms

    def row(self, now_ms: int) -> Courier | None:
        """Where the courier is and what it still has to do."""
        free_at_ms = self.free_at_ms(now_ms)
        if not self._groups and free_at_ms > self._shift.off_at_ms:
            return None
        if not self._groups and free_at_ms == now_ms and not self._earnings.shows:
            self._idle = self._idle or replace(
                self._shift.courier,
                latitude=self._leg_from.latitude,
                longitude=self._leg_from.longitude,
                free_at_ms=None,
                shift_end_at_ms=self._shift.off_at_ms,
                route=(),
                locked_stops=0,
            )
            return self._idle
        place = self._position(now_ms)
        row = replace(
            self._shift.courier,
            latitude=place.latitude,
            longitude=place.longitude,
            free_at_ms=free_at_ms,
            shift_end_at_ms=self._shift.off_at_ms,
            route=tuple(RouteStop(stop.kind, stop.order_id) for group in self._groups for stop in group),
            locked_stops=self._locked(now_ms),
        )
        return self._earnings.shown(row, now_ms)

    def order_rows(self, now_ms: int) -> list[Order]:
        """Orders on board with their hand-over; at the stop being served, only the access time that is left."""
        if not self._groups:
            return []
        served = {}
        if self._locked(now_ms):
            served = {stop.order_id: stop for stop in self._groups[0] if stop.arrive_at_ms <= now_ms}
        rows = []
        for order_id in dict.fromkeys(stop.order_id for group in self._groups for stop in group):
            row = self._orders[order_id]
            if order_id in self._picked_up_at_ms:
                row = replace(row, picked_up_at_ms=self._picked_up_at_ms[order_id])
            if order_id in served:
                spent = now_ms - served[order_id].arrive_at_ms
                if served[order_id].kind is StopKind.PICKUP:
                    row = replace(row, pickup_access_ms=max(0, row.pickup_access_ms - spent))
                else:
                    row = replace(row, dropoff_access_ms=max(0, row.dropoff_access_ms - spent))
            rows.append(row)
        return rows

    def commit(self, plan: CourierPlan, now_ms: int) -> None:
        """Replace what is left of the route."""
        planned = {stop.order_id for group in self._groups for stop in group} - self._picked_up_at_ms.keys()
        check_times(plan, self._orders, self.free_at_ms(now_ms))
        check_pairs(plan, set(self._picked_up_at_ms), planned)
        locked = self._locked(now_ms)
        kept = self._groups[0] if locked else []
        if [(s.kind, s.order_id) for s in plan.stops[:locked]] != [(s.kind, s.order_id) for s in kept]:
            raise PlanError(f"courier {plan.courier_id}: the plan changes the stop that is being driven to or served")
        self._earnings.add(plan)
        stops = list(plan.stops)
        for k, stop in enumerate(kept):
            if stop.arrive_at_ms <= now_ms:
                stops[k] = replace(stops[k], arrive_at_ms=stop.arrive_at_ms)
        self._leg_from, self._leg_from_ms = self._position(now_ms), self.free_at_ms(now_ms)
        if not locked:
            self._set_off_at_ms = self._leg_from_ms
        self._groups = stop_groups(stops, self._orders)
        self._idle = None

    def relocate(self, move: CourierMove, now_ms: int) -> None:
        """Never: an idle courier on its way could be diverted, and no snapshot shows such a way."""
        raise PlanError(f"courier {move.courier_id}: couriers with live routes are not moved without an order")

    def give_up(self, now_ms: int) -> GivenUp | None:
        """Never: live routes do not meet late kitchens."""
        return None

    def finish(self) -> None:
        """Make all stops still to be made."""
        if self._groups:
            self.advance(self._groups[-1][-1].at_ms)

    def _locked(self, now_ms: int) -> int:
        """Stops of the physical stop that is being driven to or served."""
        return len(self._groups[0]) if self._groups and self._set_off_at_ms < now_ms else 0

    def _position(self, now_ms: int) -> Place:
        if not self._locked(now_ms):
            return self._leg_from
        head = self._groups[0][0]
        arrive_at_ms = min(stop.arrive_at_ms for stop in self._groups[0])
        target = stop_place(self._orders[head.order_id], head.kind)
        if now_ms >= arrive_at_ms:
            return target
        share = (now_ms - self._leg_from_ms) / (arrive_at_ms - self._leg_from_ms)
        return between(self._leg_from, target, share, self._frame)


def drive_in_vain(courier_id: str, set_off_at_ms: int, stop: PlannedStop, orders: Mapping[str, Order]) -> Relocation:
    """The way to a pick-up that was not made."""
    place = stop_place(orders[stop.order_id], StopKind.PICKUP)
    return Relocation(courier_id, set_off_at_ms, stop.arrive_at_ms, place.latitude, place.longitude)


def visit_of(courier_id: str, stop: PlannedStop, set_off_at_ms: int) -> Visit:
    return Visit(courier_id, stop.kind, stop.order_id, set_off_at_ms, stop.arrive_at_ms, stop.at_ms, stop.depart_at_ms)
