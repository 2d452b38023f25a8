"""A courier of a simulated market whose plan may gain orders until its pick-up is made, and then is final."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from matcher.domain.decision import CourierMove, CourierPlan, PlannedStop
from matcher.domain.enums import StopKind
from matcher.domain.rows import Courier, Order, RouteStop
from matcher.simulation.couriers import (
    Earnings,
    GivenUp,
    PlanError,
    as_it_happens,
    check_idle,
    check_pairs,
    check_times,
    drive_in_vain,
    stop_groups,
    visit_of,
)
from matcher.simulation.kitchens import Kitchens
from matcher.simulation.market import Shift
from matcher.simulation.outcome import Relocation, Visit
from matcher.simulation.place import Place, stop_place


class AddingCourier:
    """Sets off with a plan at once, takes more orders on the way to its first pick-up, then carries out what it has.

    Until the pick-up is made a snapshot shows the courier at its place, from the arrival on, with the plan as a route
    whose first pick-up is locked; afterwards where and when the plan ends. One that exchanges orders is shown without
    a route when all that keeps it from the pick-up is the kitchen. Every decision from then on says anew what it waits
    for, or where it goes instead; a pick-up at this place needs no second arrival.
    """

    def __init__(
        self,
        shift: Shift,
        orders: Mapping[str, Order],
        *,
        late: Kitchens | None = None,
        exchanging: bool = False,
        paying: bool = True,
    ) -> None:
        """`late`: what is known of kitchens that may be late; else plans go as planned. `exchanging` needs `late`."""
        self.visits: list[Visit] = []
        self._shift = shift
        self._orders = orders
        self._earnings = Earnings(shift, orders, paying=paying)
        self._place = Place(shift.courier.latitude, shift.courier.longitude)
        self._free_at_ms = shift.on_at_ms
        self._late = late
        self._exchanging = exchanging
        self._stops: list[PlannedStop] = []
        """Of a plan whose pick-up is still to be made."""
        self._set_off_at_ms = shift.on_at_ms
        self._arrive_at_ms = shift.on_at_ms
        self._planned_at_ms = shift.on_at_ms
        """When the plan was made, or last added to."""
        self._came_by: Relocation | None = None
        """The drive to the kitchen at which the courier stands, as long as no pick-up has come of it."""
        self._in_vain: list[Relocation] = []
        """Drives that no pick-up came of, not told yet."""

    def advance(self, now_ms: int) -> None:
        """Make the pick-up when it is due: the plan is final then, and carried out whole."""
        if not self._stops:
            return
        set_off_at_ms = self._set_off_at_ms
        groups = stop_groups(self._stops, self._orders)
        if self._late is not None:
            groups = as_it_happens(groups, self._orders, set_off_at_ms, self._planned_at_ms)
            now_ms = min(now_ms, self._shift.off_at_ms)
        if groups[0][0].at_ms > now_ms:
            return
        for group in groups:
            self.visits += [visit_of(self._shift.courier.id, stop, set_off_at_ms) for stop in group]
            set_off_at_ms = max(stop.depart_at_ms for stop in group)
            self._place = stop_place(self._orders[group[0].order_id], group[0].kind)
        self._free_at_ms = set_off_at_ms
        self._stops, self._came_by = [], None

    def free_at_ms(self, now_ms: int) -> int:
        """From the place where the snapshot shows the courier: the pick-up it drives to, or the end of its plan."""
        return max(now_ms, self._arrive_at_ms if self._stops else self._free_at_ms)

    def may_take(self, plan: CourierPlan, now_ms: int) -> bool:
        """When free, or when the plan has no pick-up but the one that the courier is driving to."""
        if not self._stops:
            return self._free_at_ms <= now_ms
        groups = stop_groups(plan.stops, self._orders)
        return all(stop.kind is StopKind.DROPOFF for group in groups[1:] for stop in group)

    def row(self, now_ms: int) -> Courier | None:
        """Where the courier can next set off from, and the plan that may still gain orders."""
        free_at_ms = self.free_at_ms(now_ms)
        if not self._stops and free_at_ms > self._shift.off_at_ms:
            return None
        place = self._place
        if self._stops:
            place = stop_place(self._orders[self._stops[0].order_id], StopKind.PICKUP)
        row = replace(
            self._shift.courier,
            latitude=place.latitude,
            longitude=place.longitude,
            free_at_ms=free_at_ms,
            shift_end_at_ms=self._shift.off_at_ms,
            route=tuple(RouteStop(stop.kind, stop.order_id) for stop in self._stops),
            locked_stops=self._locked(),
        )
        return self._earnings.shown(row, now_ms)

    def order_rows(self, now_ms: int) -> list[Order]:
        """Orders of the plan; once the courier is there, with the access time that is left."""
        spent_ms = max(0, now_ms - self._arrive_at_ms)
        served = {stop.order_id for stop in self._stops[: self._locked()]}
        rows = []
        for order_id in dict.fromkeys(stop.order_id for stop in self._stops):
            row = self._orders[order_id]
            if self._late is not None:
                row = self._late.shown(row, now_ms)
            if order_id in served:
                row = replace(row, pickup_access_ms=max(0, row.pickup_access_ms - spent_ms))
            rows.append(row)
        return rows

    def commit(self, plan: CourierPlan, now_ms: int) -> None:
        """Set off with the plan, or put it in the place of the one that it adds to."""
        promised = {stop.order_id for stop in self._stops}
        check_times(plan, self._orders, self.free_at_ms(now_ms))
        check_pairs(plan, set(), promised)
        locked = self._locked()
        if [(s.kind, s.order_id) for s in plan.stops[:locked]] != [(s.kind, s.order_id) for s in self._stops[:locked]]:
            raise PlanError(f"courier {plan.courier_id}: the plan changes the pick-up that was promised")
        if not self._stops:
            self._set_off(plan, now_ms)
        self._planned_at_ms = now_ms
        self._earnings.add(plan)
        first = stop_groups(plan.stops, self._orders)[0]
        self._stops = [*(replace(s, arrive_at_ms=self._arrive_at_ms) for s in first), *plan.stops[len(first) :]]

    def relocate(self, move: CourierMove, now_ms: int) -> None:
        """Drive there at once; PlanError when not idle, or gone by then."""
        check_idle(self, move, now_ms, self._shift)
        self._leave()
        self._place = Place(move.latitude, move.longitude)
        self._free_at_ms = move.arrive_at_ms

    def give_up(self, now_ms: int) -> GivenUp | None:
        """A pick-up that was not made when the shift ended, or that waits for nothing but the kitchen."""
        order_ids: tuple[str, ...] = ()
        gone = now_ms > self._shift.off_at_ms
        if self._late is not None and self._stops and (gone or (self._exchanging and self._stands(now_ms))):
            order_ids = tuple(dict.fromkeys(stop.order_id for stop in self._stops))
            self._earnings.take_back(order_ids)
            first = replace(self._stops[0], arrive_at_ms=self._arrive_at_ms)
            self._came_by = drive_in_vain(self._shift.courier.id, self._set_off_at_ms, first, self._orders)
            self._place, self._free_at_ms = stop_place(self._orders[first.order_id], first.kind), self._arrive_at_ms
            self._stops = []
        if gone:
            self._leave()
        if not order_ids and not self._in_vain:
            return None
        drives, self._in_vain = tuple(self._in_vain), []
        return GivenUp(order_ids, drives)

    def finish(self) -> None:
        """Make the pick-up still to be made, and what follows."""
        if self._stops:
            self.advance(self._stops[0].at_ms if self._late is None else self._shift.off_at_ms)

    def _set_off(self, plan: CourierPlan, now_ms: int) -> None:
        """For the plan's pick-up, unless the courier has come to this very place for one."""
        here = self._came_by
        if here is not None and self._place == stop_place(self._orders[plan.stops[0].order_id], StopKind.PICKUP):
            self._set_off_at_ms, self._arrive_at_ms = here.set_off_at_ms, here.arrive_at_ms
            return
        self._leave()
        self._set_off_at_ms, self._arrive_at_ms = self.free_at_ms(now_ms), plan.stops[0].arrive_at_ms

    def _leave(self) -> None:
        """The drive that led here was in vain."""
        if self._came_by is not None:
            self._in_vain.append(self._came_by)
            self._came_by = None

    def _stands(self, now_ms: int) -> bool:
        """Whether the courier has been at its pick-up for as long as the access takes."""
        at_pickup = (self._orders[stop.order_id] for stop in self._stops[: self._locked()])
        return now_ms >= self._arrive_at_ms + max(order.pickup_access_ms for order in at_pickup)

    def _locked(self) -> int:
        """Stops of the pick-up that is being driven to."""
        return len(stop_groups(self._stops, self._orders)[0]) if self._stops else 0
