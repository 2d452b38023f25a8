"""Trucks, docks and stacks as they are: plans are carried out, and what has happened is written down.

A truck that drives to a factory is not diverted, but what it does there may be planned until it arrives. There it waits
for a dock in the order of arrival, docks, unloads, loads, and drives on or stands. Everything within a decision's
period follows from the plan, so that the world needs no randomness.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from matcher.simulation.couriers import PlanError
from matcher.simulation.dpdp.instance import DECISION_S, DOCKING_S, Instance, Unit

_ARRIVAL, _DEPARTURE = 0, 1
"""Of what happens at one second, arrivals come first."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One call at a factory: what is unloaded there, in this order, and then loaded, in this order. Units by number."""

    factory: int
    unload: tuple[int, ...] = ()
    load: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Truck:
    """One truck at the time of a decision."""

    factory: int
    """Where it stands or serves, or, under way, where it drives to."""
    free_s: int
    """When it can drive on from there; under way: when it arrives."""
    heading: Visit | None
    """Under way: what was last planned for the factory it drives to; only that may change."""
    stack: tuple[int, ...]
    """Units on board when it is free (under way: now), the last one loaded last."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known at a decision: nothing of orders created later."""

    now_s: int
    trucks: tuple[Truck, ...]
    open: Mapping[int, Unit]
    """By number: created, and loaded by no truck."""
    aboard: Mapping[int, Unit]
    """By number: on some truck's stack."""


class Dispatcher(Protocol):
    """Plans all trucks anew at every decision."""

    def plan(self, moment: Moment) -> Sequence[Sequence[Visit]]:
        """For each truck the visits that it makes from now on, the one it drives to first."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """A visit as it was made. The log of a day is a list of these."""

    truck: int
    visit: Visit
    left_s: int
    """When the truck set off from where it was before."""
    arrive_s: int
    dock_s: int
    """When a dock was free for it."""
    leave_s: int


class DayNeverEndsError(RuntimeError):
    """Orders stay undelivered long after the last one is due: the dispatcher leaves them out."""


@dataclass(slots=True)
class _State:
    factory: int
    free_s: int = 0
    heading: Visit | None = None
    left_s: int = 0
    stack: list[int] = field(default_factory=list)
    plan: list[Visit] = field(default_factory=list)


class DpdpWorld:
    """One day, to be run once."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._trucks = [_State(factory) for factory in instance.starts]
        self._dock_free = [[0] * int(docks) for docks in instance.network.docks]
        self._loaded: set[int] = set()
        self._delivered: set[int] = set()
        self._events: list[tuple[int, ...]] = []
        self.calls: list[Call] = []

    def run(self, dispatcher: Dispatcher, on_decision: Callable[[Moment], object] | None = None) -> list[Call]:
        """The day until all is delivered. Raises PlanError for a plan that cannot be, and DayNeverEndsError."""
        units = self._instance.units
        last = max((unit.due_s for unit in units), default=0) + 10 * 24 * 3600
        now = 0
        while len(self._delivered) < len(units):
            if now > last:
                missing = min(set(range(len(units))) - self._delivered)
                order = self._instance.order_ids[units[missing].order]
                raise DayNeverEndsError(f"order {order} is not delivered ten days after all are due")
            moment = self._moment(now)
            self._take(dispatcher.plan(moment), moment)
            if on_decision is not None:
                on_decision(moment)
            now += DECISION_S
            self._advance(now)
        return self.calls

    def _moment(self, now: int) -> Moment:
        units = self._instance.units
        trucks = tuple(
            Truck(state.factory, max(now, state.free_s), state.heading, tuple(state.stack)) for state in self._trucks
        )
        known = {k: unit for k, unit in enumerate(units) if unit.created_s <= now}
        return Moment(
            now_s=now,
            trucks=trucks,
            open={k: unit for k, unit in known.items() if k not in self._loaded},
            aboard={k: units[k] for truck in trucks for k in truck.stack},
        )

    def _take(self, plans: Sequence[Sequence[Visit]], moment: Moment) -> None:
        if len(plans) != len(self._trucks):
            raise PlanError(f"{len(plans)} plans for {len(self._trucks)} trucks")
        taken: set[int] = set()
        for number, (state, plan) in enumerate(zip(self._trucks, plans, strict=True)):
            where = f"truck {self._instance.vehicle_ids[number]} at {moment.now_s} s"
            if state.heading is not None and (not plan or plan[0].factory != state.factory):
                raise PlanError(f"{where}: drives to a factory that its plan does not begin with")
            for visit in plan:
                if not taken.isdisjoint(visit.load) or not moment.open.keys() >= set(visit.load):
                    raise PlanError(f"{where}: loads what is not open, or planned twice")
                taken |= set(visit.load)
            self._check_stack(state.stack, plan, where)
            rest = list(plan)
            if state.heading is not None:
                state.heading = rest.pop(0)
            state.plan = rest
            if state.heading is None and rest:
                heapq.heappush(self._events, (max(moment.now_s, state.free_s), _DEPARTURE, number))

    def _check_stack(self, stack: Sequence[int], plan: Sequence[Visit], where: str) -> None:
        units, held = self._instance.units, list(stack)
        for visit in plan:
            for unit in visit.unload:
                if not held or held.pop() != unit or units[unit].delivery != visit.factory:
                    raise PlanError(f"{where}: unloads unit {unit}, which is not on top or not for that factory")
            for unit in visit.load:
                if units[unit].pickup != visit.factory:
                    raise PlanError(f"{where}: loads unit {unit} at the wrong factory")
                held.append(unit)
            if sum(units[unit].quarters for unit in held) > self._instance.capacity:
                raise PlanError(f"{where}: carries more than it holds")

    def _advance(self, until: int) -> None:
        """All arrivals up to then, and departures before it: who leaves at the time of a decision may be told anew."""
        while self._events and self._events[0] < (until, _DEPARTURE):
            at, kind, number = heapq.heappop(self._events)
            (self._depart if kind == _DEPARTURE else self._arrive)(number, at)
        self._events = [event for event in self._events if event[1] == _ARRIVAL]
        heapq.heapify(self._events)

    def _depart(self, number: int, at: int) -> None:
        state = self._trucks[number]
        visit = state.plan.pop(0)
        arrive = at + int(self._instance.network.drive_s[state.factory, visit.factory])
        state.factory, state.heading, state.left_s, state.free_s = visit.factory, visit, at, arrive
        heapq.heappush(self._events, (arrive, _ARRIVAL, number))

    def _arrive(self, number: int, at: int) -> None:
        state, units = self._trucks[number], self._instance.units
        visit = state.heading
        assert visit is not None
        docks = self._dock_free[state.factory]
        dock = max(at, heapq.heappop(docks))
        service = sum(units[k].unload_s for k in visit.unload) + sum(units[k].load_s for k in visit.load)
        leave = dock + DOCKING_S + service
        heapq.heappush(docks, leave)
        del state.stack[len(state.stack) - len(visit.unload) :]
        state.stack += visit.load
        self._loaded |= set(visit.load)
        self._delivered |= set(visit.unload)
        self.calls.append(Call(number, visit, state.left_s, at, dock, leave))
        state.heading, state.free_s = None, leave
        if state.plan:
            heapq.heappush(self._events, (leave, _DEPARTURE, number))
