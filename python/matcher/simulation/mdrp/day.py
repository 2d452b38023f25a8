"""A day of the Meal Delivery Routing Problem as a market, and what happened in the market as a day's solution.

A decision every minute; an assignment is made to a courier who is free, and the courier sets off at once. Without
assignment updates it is final then; with them it may gain orders of the same restaurant until the pick-up, and what it
has stays (the two-stage additive commitment of Reyes et al., 2018). With prepositioning idle couriers drive to where a
decision tells them to wait, and are free again when they are there. Which orders are assigned now and which are held is
the policy's decision alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matcher.domain.enums import SpatialFrame, StopKind
from matcher.domain.rows import Courier, DemandPoint, Order
from matcher.simulation.market import Diversion, Market, Rules, Shift
from matcher.simulation.mdrp.checks import NO_POWERS, OperatingMode
from matcher.simulation.mdrp.instance import Instance
from matcher.simulation.mdrp.solution import Assignment, DeliveredOrder, Move, Solution
from matcher.simulation.noise import Noise
from matcher.simulation.outcome import Cycle, Outcome, Relocation, Visit
from matcher.simulation.world import Decider, World

MINUTE_MS = 60_000
BUSINESS_START_MS = 1_514_764_800_000
"""Minute 0 of every day, Unix ms (2018-01-01T00:00Z); any fixed whole minute would do."""
COMING_SHIFTS_MS = 90 * MINUTE_MS
"""Shifts are known in advance; those that start later than this play no part in a decision."""


def day_market(instance: Instance) -> Market:
    """The day as a market: a plane, no limit to what a courier carries, one store per restaurant, all alike."""
    rules = instance.parameters
    restaurant = {
        id_: (x, y)
        for id_, x, y in zip(
            instance.restaurants.ids, instance.restaurants.x.tolist(), instance.restaurants.y.tolist(), strict=True
        )
    }
    listed = instance.orders
    orders = tuple(
        Order(
            id=id_,
            pickup_longitude=restaurant[store][0],
            pickup_latitude=restaurant[store][1],
            dropoff_longitude=x,
            dropoff_latitude=y,
            placed_at_ms=_at_ms(placement),
            ready_at_ms=_at_ms(ready),
            promised_by_ms=_at_ms(placement + rules.target_click_to_door),
            size=1,
            store_id=store,
            pickup_access_ms=rules.pickup_service // 2 * MINUTE_MS,
            pickup_leave_ms=rules.pickup_service // 2 * MINUTE_MS,
            dropoff_access_ms=rules.dropoff_service // 2 * MINUTE_MS,
            dropoff_leave_ms=rules.dropoff_service // 2 * MINUTE_MS,
            courier_pay_micros=_micros(rules.pay_per_order),
        )
        for id_, x, y, placement, store, ready in zip(
            listed.ids,
            listed.x.tolist(),
            listed.y.tolist(),
            listed.placement.tolist(),
            listed.restaurant,
            listed.ready.tolist(),
            strict=True,
        )
    )
    couriers = instance.couriers
    shifts = tuple(
        Shift(
            Courier(
                id=id_,
                longitude=x,
                latitude=y,
                capacity=max(1, len(listed.ids)),
                speed_meters_per_hour=rules.meters_per_minute * 60,
            ),
            _at_ms(on),
            _at_ms(off),
            _micros(rules.guaranteed_pay_per_hour),
        )
        for id_, x, y, on, off in zip(
            couriers.ids,
            couriers.x.tolist(),
            couriers.y.tolist(),
            couriers.on.tolist(),
            couriers.off.tolist(),
            strict=True,
        )
    )
    # Restaurants are known in advance, how busy each will be is not.
    demand = tuple(DemandPoint(latitude=y, longitude=x) for x, y in restaurant.values())
    return Market(instance.name, SpatialFrame.PLANE_METERS, orders, shifts, demand)


def day_rules(mode: OperatingMode = NO_POWERS) -> Rules:
    """How the day is run; see the module's text."""
    return Rules(
        start_at_ms=BUSINESS_START_MS,
        cycle_ms=MINUTE_MS,
        diversion=Diversion.ADDED_ORDERS if mode.assignment_updates else Diversion.LOCKED_PLAN,
        only_free_couriers=True,
        prepositioning=mode.prepositioning,
        coming_shifts_ms=COMING_SHIFTS_MS,
    )


def run_day(
    instance: Instance,
    decider: Decider,
    on_cycle: Callable[[Cycle], None] | None = None,
    noise: Noise | None = None,
    mode: OperatingMode = NO_POWERS,
) -> tuple[Solution, Outcome]:
    """Run the day through `decider`. PlanError when a decision cannot be carried out."""
    outcome = World(day_market(instance), day_rules(mode), noise).run(decider, on_cycle)
    return day_solution(instance, outcome), outcome


@dataclass(slots=True)
class _Trip:
    """One assignment being put together from the stops made."""

    pickup: int
    orders: list[str]


def day_solution(instance: Instance, outcome: Outcome) -> Solution:
    """The outcome in the terms of the solution files, couriers and orders as listed in the instance."""
    row = {id_: k for k, id_ in enumerate(instance.orders.ids)}
    decided = {order: plan.at_ms for plan in outcome.commitments for order in plan.order_ids}
    visits: dict[str, list[Visit]] = {id_: [] for id_ in instance.couriers.ids}
    for visit in outcome.visits:
        visits[visit.courier_id].append(visit)
    assignments: list[Assignment] = []
    moves: list[Move] = []
    relocations: dict[str, list[Relocation]] = {id_: [] for id_ in instance.couriers.ids}
    for relocation in outcome.relocations:
        relocations[relocation.courier_id].append(relocation)
    for courier, stops in visits.items():
        moves += _moves(instance, courier, stops, relocations[courier])
        for trip in _trips(stops):
            time = max(_minute(decided[order]) for order in trip.orders)
            assignments.append(Assignment(time, trip.pickup, courier, tuple(trip.orders)))
    picked_up = {v.order_id: v for v in outcome.visits if v.kind is StopKind.PICKUP}
    dropped_off = {v.order_id: v for v in outcome.visits if v.kind is StopKind.DROPOFF}
    orders = tuple(
        DeliveredOrder(
            order=id_,
            placement=int(instance.orders.placement[row[id_]]),
            ready=int(instance.orders.ready[row[id_]]),
            pickup=_minute(picked_up[id_].at_ms),
            dropoff=_minute(dropped_off[id_].at_ms),
            courier=dropped_off[id_].courier_id,
        )
        for id_ in instance.orders.ids
        if id_ in dropped_off
    )
    return Solution(tuple(assignments), orders, tuple(moves))


def _trips(stops: list[Visit]) -> Iterator[_Trip]:
    """A trip: pick-ups, then the drop-offs up to the next pick-up."""
    trip: _Trip | None = None
    for stop in stops:
        if stop.kind is StopKind.DROPOFF and trip is not None:
            trip.orders.append(stop.order_id)
        elif trip is None or trip.orders:
            if trip is not None:
                yield trip
            trip = _Trip(_minute(stop.at_ms), [])
    if trip is not None:
        yield trip


def _moves(instance: Instance, courier: str, stops: list[Visit], relocations: list[Relocation]) -> Iterator[Move]:
    """One move per physical stop, where a pick-up of several orders is one, and one per drive without an order."""
    listed = instance.restaurants
    waits_at = {(x, y): id_ for id_, x, y in zip(listed.ids, listed.x.tolist(), listed.y.tolist(), strict=True)}
    restaurant = dict(zip(instance.orders.ids, instance.orders.restaurant, strict=True))
    place = courier
    before: Visit | None = None
    coming = iter([*relocations, None])
    relocation = next(coming)
    for stop in stops:
        while relocation is not None and relocation.set_off_at_ms < stop.set_off_at_ms:
            target = waits_at[relocation.longitude, relocation.latitude]
            yield Move(courier, _minute(relocation.set_off_at_ms), place, target)
            place, before, relocation = target, None, next(coming)
        if stop.kind is StopKind.PICKUP:
            target = restaurant[stop.order_id]
            if before is not None and before.kind is StopKind.PICKUP and (place, before.at_ms) == (target, stop.at_ms):
                continue
        else:
            target = stop.order_id
        yield Move(courier, _minute(stop.set_off_at_ms), place, target)
        place, before = target, stop
    while relocation is not None:
        target = waits_at[relocation.longitude, relocation.latitude]
        yield Move(courier, _minute(relocation.set_off_at_ms), place, target)
        place, relocation = target, next(coming)


def _micros(dollars: float) -> int:
    return round(dollars * 1e6)


def _at_ms(minute: int) -> int:
    return BUSINESS_START_MS + minute * MINUTE_MS


def _minute(at_ms: int) -> int:
    minute, rest = divmod(at_ms - BUSINESS_START_MS, MINUTE_MS)
    if rest:
        raise ValueError(f"{at_ms} is not a whole minute of the day")
    return minute
