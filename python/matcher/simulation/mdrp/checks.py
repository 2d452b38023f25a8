"""The strict checker: a day's solution against every rule, from its files alone.

It shares nothing with the engine, the world or the reference evaluator's re-implementation, and makes every check of
that evaluator besides those the evaluator leaves out. A solution is held to the operating mode it states:

- without prepositioning, couriers move only to carry out assignments;
- with it they may also drive to a restaurant while idle, within their shift, and are not free before they are there;
- without assignment updates, an assignment is final before the courier sets off for it;
- with them it is final before the pick-up, and the courier sets off for an order that is placed by then. The files keep
  the final assignment only: that it contains what was promised is the world's to see to.

In either, an assignment is given to a courier who is on shift and has finished the one before.

Where ready times are not known before they come, a courier's last drive may be to a restaurant without an assignment:
its shift ended before the order was ready. With both powers a courier who is at a restaurant and waits for the kitchen
may then be given other orders of that restaurant (an update), or none: it has come there as one who was sent to wait,
and is held to the rules for those. It may have set off for any order of the restaurant that was placed and not picked
up yet.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from matcher.simulation.mdrp.instance import Instance, Parameters, travel_minutes
from matcher.simulation.mdrp.solution import Assignment, DeliveredOrder, Move, Solution


class Rule(Enum):
    """What can be broken."""

    KNOWN_IDS = "only orders, couriers and places of the instance are named"
    ONE_ASSIGNMENT = "an order is in one assignment at most, once"
    SAME_FILES = "the files agree on every order's assignment, courier and times"
    INFORMATION = "nothing is assigned before it is placed"
    FINAL_BEFORE_DEPARTURE = "an assignment is made before the courier sets off for it"
    FINAL_BEFORE_PICKUP = "with assignment updates, an assignment is final before its pick-up"
    SETS_OFF_FOR_AN_ORDER = "a courier sets off for an order that has been placed"
    COURIER_FREE = "an assignment is given to a courier on shift who has finished the one before"
    ONE_RESTAURANT = "the orders of a bundle come from one restaurant"
    READY = "a pick-up is not before any of its orders is ready"
    PICKUP_SERVICE = "half the pick-up service passes before the hand-over, half after it"
    SHIFT_END = "no pick-up after the end of the shift"
    DROPOFF_SERVICE = "half the drop-off service passes before the drop-off, half after it"
    SEQUENCE = "drop-offs follow in the stated sequence, without a halt"
    CONTINUITY = "a move starts where the one before ended, the first at the courier's start"
    DEPARTURE = "no departure before the arrival, or before the shift starts"
    NOT_DIVERTED = "a prepositioned courier is given nothing before it has arrived"
    OWN_MOVES = "a courier moves only to carry out its assignments, or idle to a restaurant where that is the mode"


@dataclass(frozen=True, slots=True)
class RuleViolation:
    """One broken rule. `order` or `courier` is "" when the rule concerns none."""

    rule: Rule
    order: str
    courier: str
    minute: int
    detail: str

    def __str__(self) -> str:
        who = " ".join(part for part in (self.courier, self.order) if part)
        return f"minute {self.minute}, {who}: {self.rule.value} ({self.detail})"


@dataclass(frozen=True, slots=True)
class OperatingMode:
    """Which of the two optional powers were used, and whether kitchens kept other times than decisions were told."""

    prepositioning: bool = False
    assignment_updates: bool = False
    late_kitchens: bool = False

    @property
    def exchanges(self) -> bool:
        """Whether a courier who waits for a kitchen may be given other orders, or none."""
        return self.prepositioning and self.assignment_updates and self.late_kitchens

    def __str__(self) -> str:
        powers = [
            f"{'with' if used else 'without'} {name}"
            for name, used in (
                ("prepositioning", self.prepositioning),
                ("assignment updates", self.assignment_updates),
            )
        ]
        return ", ".join([*powers, *(["ready times not known before they come"] if self.late_kitchens else [])])


NO_POWERS = OperatingMode()


def check_solution(
    instance: Instance, solution: Solution, mode: OperatingMode = NO_POWERS
) -> tuple[RuleViolation, ...]:
    """Every violation, in order of time. Empty: the solution obeys all rules in the stated mode."""
    found = list(_unknown_ids(instance, solution))
    if not found:
        found = [*_orders(instance, solution), *_couriers(instance, solution, mode)]
    return tuple(sorted(found, key=lambda v: (v.minute, v.courier, v.order, v.rule.name, v.detail)))


def _unknown_ids(instance: Instance, solution: Solution) -> Iterator[RuleViolation]:
    orders, couriers = set(instance.orders.ids), set(instance.couriers.ids)
    places = instance.places()
    for a in solution.assignments:
        if a.courier not in couriers:
            yield RuleViolation(Rule.KNOWN_IDS, "", a.courier, a.time, "an assignment names this courier")
        for order in a.orders:
            if order not in orders:
                yield RuleViolation(Rule.KNOWN_IDS, order, "", a.time, "an assignment names this order")
    for row in solution.orders:
        if row.order not in orders or row.courier not in couriers:
            yield RuleViolation(Rule.KNOWN_IDS, row.order, row.courier, row.pickup, "a row of the orders")
    for move in solution.moves:
        if move.courier not in couriers:
            yield RuleViolation(Rule.KNOWN_IDS, "", move.courier, move.departure, "a move names this courier")
        for place in (move.origin, move.destination):
            if place not in places:
                yield RuleViolation(Rule.KNOWN_IDS, "", move.courier, move.departure, f"a move names the place {place}")


def _orders(instance: Instance, solution: Solution) -> Iterator[RuleViolation]:
    """What can be seen without following the couriers."""
    listed = instance.orders
    facts = {
        order: (int(placement), restaurant, int(ready))
        for order, placement, restaurant, ready in zip(
            listed.ids, listed.placement, listed.restaurant, listed.ready, strict=True
        )
    }
    assigned: dict[str, Assignment] = {}
    for a in solution.assignments:
        restaurant = facts[a.orders[0]][1]
        for order in a.orders:
            placement, own_restaurant, ready = facts[order]
            if order in assigned:
                detail = f"also in the assignment of minute {assigned[order].time} to {assigned[order].courier}"
                yield RuleViolation(Rule.ONE_ASSIGNMENT, order, a.courier, a.time, detail)
            assigned[order] = a
            if a.time < placement:
                yield RuleViolation(Rule.INFORMATION, order, a.courier, a.time, f"placed at {placement}")
            if own_restaurant != restaurant:
                detail = f"{order} is from {own_restaurant}, {a.orders[0]} from {restaurant}"
                yield RuleViolation(Rule.ONE_RESTAURANT, order, a.courier, a.pickup, detail)
            if a.pickup < ready:
                yield RuleViolation(Rule.READY, order, a.courier, a.pickup, f"ready at {ready}")
    rows: dict[str, DeliveredOrder] = {}
    for row in solution.orders:
        placement, _, ready = facts[row.order]
        its = assigned.get(row.order)
        if row.order in rows:
            yield RuleViolation(Rule.SAME_FILES, row.order, row.courier, row.pickup, "two rows in the orders")
        rows[row.order] = row
        if its is None:
            yield RuleViolation(Rule.SAME_FILES, row.order, row.courier, row.pickup, "delivered without an assignment")
        elif (row.courier, row.pickup) != (its.courier, its.pickup):
            detail = f"the assignment says {its.courier} at {its.pickup}, the orders {row.courier} at {row.pickup}"
            yield RuleViolation(Rule.SAME_FILES, row.order, row.courier, row.pickup, detail)
        if (row.placement, row.ready) != (placement, ready):
            detail = f"the instance has placement {placement} and ready {ready}, not {row.placement} and {row.ready}"
            yield RuleViolation(Rule.SAME_FILES, row.order, row.courier, row.pickup, detail)
    for order, a in assigned.items():
        if order not in rows:
            yield RuleViolation(Rule.SAME_FILES, order, a.courier, a.pickup, "assigned, but not among the delivered")


def _couriers(instance: Instance, solution: Solution, mode: OperatingMode) -> Iterator[RuleViolation]:
    moves: dict[str, list[Move]] = defaultdict(list)
    for move in solution.moves:
        moves[move.courier].append(move)
    assignments: dict[str, list[Assignment]] = defaultdict(list)
    for a in solution.assignments:
        assignments[a.courier].append(a)
    dropoffs = {row.order: row.dropoff for row in solution.orders}
    restaurants = dict(zip(instance.orders.ids, instance.orders.restaurant, strict=True))
    placements = dict(zip(instance.orders.ids, instance.orders.placement.tolist(), strict=True))
    there = _there(instance, solution)
    places = instance.places()
    shifts = zip(instance.couriers.ids, instance.couriers.on.tolist(), instance.couriers.off.tolist(), strict=True)
    for courier, on_time, off_time in shifts:
        own = sorted(assignments[courier], key=lambda a: (a.pickup, a.time))
        day = _CourierDay(
            mode=mode,
            rules=instance.parameters,
            places=places,
            restaurants=restaurants,
            placements=placements,
            there=there,
            waiting_places=frozenset(instance.restaurants.ids)
            if mode.prepositioning or mode.late_kitchens
            else frozenset(),
            dropoffs=dropoffs,
            courier=courier,
            on_time=on_time,
            off_time=off_time,
            moves=moves[courier],
        )
        yield from day.timeline()
        yield from day.follow(own)


def _there(instance: Instance, solution: Solution) -> dict[str, list[tuple[int, int]]]:
    """By restaurant: placement and pick-up of each of its orders; the end of time for those not picked up."""
    pickups = {row.order: row.pickup for row in solution.orders}
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    listed = instance.orders
    for order, placement, restaurant in zip(listed.ids, listed.placement.tolist(), listed.restaurant, strict=True):
        found[restaurant].append((placement, pickups.get(order, sys.maxsize)))
    return found


@dataclass(frozen=True, slots=True)
class _CourierDay:
    """One courier's moves, followed assignment by assignment."""

    mode: OperatingMode
    rules: Parameters
    places: dict[str, tuple[float, float]]
    restaurants: dict[str, str]
    """Of every order."""
    placements: dict[str, int]
    """Of every order."""
    there: dict[str, list[tuple[int, int]]]
    """By restaurant: from when to when each of its orders could be set off for."""
    waiting_places: frozenset[str]
    """Where an idle courier may be sent."""
    dropoffs: dict[str, int]
    """Of every delivered order."""
    courier: str
    on_time: int
    off_time: int
    moves: list[Move]

    def _violation(self, rule: Rule, minute: int, detail: str, order: str = "") -> RuleViolation:
        return RuleViolation(rule, order, self.courier, minute, detail)

    def _arrival(self, move: Move) -> int:
        start, end = self.places[move.origin], self.places[move.destination]
        return move.departure + travel_minutes(start, end, self.rules.meters_per_minute)

    def timeline(self) -> Iterator[RuleViolation]:
        """No jump in place or time."""
        place, clock = self.courier, self.on_time
        for move in self.moves:
            if move.origin != place:
                yield self._violation(Rule.CONTINUITY, move.departure, f"leaves {move.origin}, but is at {place}")
            if move.departure < clock:
                detail = f"leaves {move.origin} at {move.departure}, but is there, on shift, from {clock}"
                yield self._violation(Rule.DEPARTURE, move.departure, detail)
            place, clock = move.destination, self._arrival(move)

    def follow(self, assignments: list[Assignment]) -> Iterator[RuleViolation]:
        """Each assignment takes the next moves: to its restaurant, then from door to door."""
        free_at = self.on_time
        at = 0
        for a in assignments:
            if a.pickup > self.off_time:
                yield self._violation(Rule.SHIFT_END, a.pickup, f"the shift ends at {self.off_time}", a.orders[0])
            if a.time < free_at:
                detail = f"assigned at {a.time}, free from {free_at}"
                yield self._violation(Rule.COURIER_FREE, a.time, detail, a.orders[0])
            stops = [self.restaurants[a.orders[0]], *a.orders]
            waits = self._waits_before(at, stops)
            for move in self.moves[at : at + waits]:
                yield from self._waiting(move, free_at)
                free_at = self._arrival(move)
            if waits and a.time < free_at:
                detail = f"assigned at {a.time}, at {self.moves[at + waits - 1].destination} from {free_at}"
                yield self._violation(Rule.NOT_DIVERTED, a.time, detail, a.orders[0])
            at += waits
            own = self.moves[at : at + len(stops)]
            if [move.destination for move in own] != stops:
                driven = " ".join(move.destination for move in own) or "nowhere"
                detail = f"the assignment is {' '.join(stops)}, the courier drives {driven}"
                yield self._violation(Rule.OWN_MOVES, a.pickup, detail, a.orders[0])
                return
            at += len(stops)
            yield from self._pickup(a, own[0], free_at)
            yield from self._drop_offs(a, own)
            free_at = self.dropoffs.get(a.orders[-1], a.pickup) + self.rules.dropoff_service // 2
        for move in self.moves[at:]:
            in_vain = self.mode.late_kitchens and move is self.moves[-1]
            if move.destination in self.waiting_places and (self.mode.prepositioning or in_vain):
                yield from self._waiting(move, free_at)
                free_at = self._arrival(move)
                continue
            yield self._violation(Rule.OWN_MOVES, move.departure, f"drives to {move.destination} without an assignment")

    def _waits_before(self, at: int, stops: list[str]) -> int:
        """Moves to places of waiting before those that carry out an assignment with these stops."""
        waits = 0
        if not self.mode.prepositioning:
            return waits
        while at + waits < len(self.moves) and self.moves[at + waits].destination in self.waiting_places:
            own = self.moves[at + waits : at + waits + len(stops)]
            if [move.destination for move in own] == stops:
                return waits
            waits += 1
        return 0

    def _waiting(self, move: Move, free_at: int) -> Iterator[RuleViolation]:
        """A move without an assignment: idle, and on shift until it ends."""
        if move.departure < free_at:
            detail = f"sets off to {move.destination} at {move.departure}, free from {free_at}"
            yield self._violation(Rule.DROPOFF_SERVICE, move.departure, detail)
        if self._arrival(move) > self.off_time:
            detail = f"drives to {move.destination} until {self._arrival(move)}, the shift ends at {self.off_time}"
            yield self._violation(Rule.SHIFT_END, move.departure, detail)

    def _pickup(self, a: Assignment, approach: Move, free_at: int) -> Iterator[RuleViolation]:
        yield from self._decided(a, approach)
        if approach.departure < free_at:
            detail = f"sets off at {approach.departure}, free from {free_at}"
            yield self._violation(Rule.DROPOFF_SERVICE, approach.departure, detail, a.orders[0])
        earliest = self._arrival(approach) + self.rules.pickup_service // 2
        if a.pickup < earliest:
            detail = f"picks up at {a.pickup}, possible from {earliest}"
            yield self._violation(Rule.PICKUP_SERVICE, a.pickup, detail, a.orders[0])

    def _decided(self, a: Assignment, approach: Move) -> Iterator[RuleViolation]:
        """The assignment was made early enough for what its moves say."""
        if not self.mode.assignment_updates:
            if approach.departure < a.time:
                detail = f"sets off at {approach.departure}, assigned at {a.time}"
                yield self._violation(Rule.FINAL_BEFORE_DEPARTURE, approach.departure, detail, a.orders[0])
            return
        if a.pickup < a.time:
            detail = f"picks up at {a.pickup}, assigned at {a.time}"
            yield self._violation(Rule.FINAL_BEFORE_PICKUP, a.pickup, detail, a.orders[0])
        first = min(self.placements[order] for order in a.orders)
        spans = self.there[approach.destination] if self.mode.exchanges else []
        if approach.departure < first and not any(begin <= approach.departure <= end for begin, end in spans):
            detail = f"sets off at {approach.departure}, the first order of the bundle is placed at {first}"
            yield self._violation(Rule.SETS_OFF_FOR_AN_ORDER, approach.departure, detail, a.orders[0])

    def _drop_offs(self, a: Assignment, own: list[Move]) -> Iterator[RuleViolation]:
        leaves, service = a.pickup + self.rules.pickup_service // 2, Rule.PICKUP_SERVICE
        half = self.rules.dropoff_service // 2
        for order, move in zip(a.orders, own[1:], strict=True):
            if move.departure < leaves:
                yield self._violation(service, move.departure, f"leaves {move.origin} before {leaves}", order)
            elif move.departure > leaves:
                yield self._violation(Rule.SEQUENCE, move.departure, f"leaves {move.origin} after {leaves}", order)
            dropoff = self.dropoffs.get(order)
            if dropoff is None:
                continue
            due = self._arrival(move) + half
            if dropoff != due:
                detail = f"drop-off at {dropoff}, {half} after the arrival is {due}"
                yield self._violation(Rule.DROPOFF_SERVICE, dropoff, detail, order)
            leaves, service = dropoff + half, Rule.DROPOFF_SERVICE
