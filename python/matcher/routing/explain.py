"""Why a request is left out of a plan: every place in it is tried with each limit given way, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from matcher.routing.places import length, may_carry, overload, places
from matcher.routing.problem import GRACE, Problem
from matcher.routing.timing import Clock, Give

if TYPE_CHECKING:
    from matcher.routing.solution import Solution

_FREE = float("inf")
_HALVINGS = 40


class Limit(StrEnum):
    """What may have to give way."""

    TIME_WINDOW = "time_window"
    """The ends of the windows on one route, its own and those of the other stops."""
    SHIFT = "shift"
    """The end of one vehicle's shift."""
    MAX_RIDE = "max_ride"
    """The times on board on one route."""
    CAPACITY = "capacity"
    """One vehicle's room, in the dimension that is shortest."""
    VEHICLE_TYPE = "vehicle_type"
    """What a vehicle of this type may serve."""
    VEHICLES = "vehicles"
    """The number of vehicles of a type."""
    PRIZE = "prize"
    """The prize, which is less than serving the request costs."""
    SEARCH = "search"
    """Nothing: it fits as it is, and the search ended before it was put there."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One limit, and the least by which it must give way for the request to enter the plan as it stands."""

    limit: Limit
    amount: float
    """Time, units of load, vehicles, or distance."""
    vehicle_type: int
    route: int
    """Which route would take the request; -1: a vehicle that has none."""
    stops: tuple[int, ...]
    """That route with the request in it."""


class Unserved:
    """One request that a plan leaves out. Why is worked out when it is first asked for, and kept.

    Against the plan: other requests stay where they are. A window gives way at its last end, and all windows of a route
    by as much. Costs O(places x stops): about a tenth of a second at 1,000 tasks.
    """

    def __init__(self, plan: Solution, clock: Clock, request: int) -> None:
        self._plan, self._clock = plan, clock
        self.request = request

    def __repr__(self) -> str:
        """The request alone: why may take long."""
        return f"Unserved({self.request})"

    @cached_property
    def _found(self) -> _Found:
        return _explain(self._plan, self._clock, self.request)

    @property
    def relaxations(self) -> tuple[Relaxation, ...]:
        """Limits each of which alone would be enough to give way: the binding ones, at their least; one of a kind."""
        return self._found.alone

    @property
    def together(self) -> tuple[Relaxation, ...]:
        """When none is enough by itself: the fewest that are together, at one place."""
        return self._found.together

    @property
    def binding(self) -> tuple[Limit, ...]:
        """What keeps it out."""
        return tuple(item.limit for item in self.relaxations or self.together)


@dataclass(frozen=True, slots=True)
class _Found:
    alone: tuple[Relaxation, ...]
    together: tuple[Relaxation, ...]


def why_unserved(plan: Solution) -> list[Unserved]:
    """For every request that a plan leaves out, in its order."""
    clock = Clock(plan.problem)
    return [Unserved(plan, clock, request) for request in plan.left_out]


@dataclass(frozen=True, slots=True)
class _Place:
    """One way to serve a request, and all that is against it."""

    route: int
    of_type: int
    stops: tuple[int, ...]
    added: float
    against: dict[Limit, float]

    def relaxation(self, limit: Limit) -> Relaxation:
        return Relaxation(limit, self.against[limit], self.of_type, self.route, self.stops)


def _explain(plan: Solution, clock: Clock, request: int) -> _Found:
    best: dict[Limit, Relaxation] = {}
    fewest: tuple[tuple[float, ...], _Place] | None = None
    cheapest: _Place | None = None
    for place in _places(plan, clock, request):
        if not place.against:
            cheapest = place if cheapest is None or place.added < cheapest.added else cheapest
            continue
        if len(place.against) == 1:
            (limit,) = place.against
            if limit not in best or place.against[limit] < best[limit].amount:
                best[limit] = place.relaxation(limit)
        else:
            key = (float(len(place.against)), sum(place.against.values()))
            if fewest is None or key < fewest[0]:
                fewest = key, place
    if cheapest is not None:
        return _Found((_fitting(plan.problem, request, cheapest),), ())
    if best:
        return _Found(tuple(best[limit] for limit in Limit if limit in best), ())
    if fewest is None:
        return _Found((), ())
    together = fewest[1]
    return _Found((), tuple(together.relaxation(limit) for limit in Limit if limit in together.against))


def _fitting(problem: Problem, request: int, place: _Place) -> Relaxation:
    """It fits: its prize is too small, or the search ended too early."""
    prize = np.inf if problem.prize is None else float(problem.prize[request])
    if np.isfinite(prize) and place.added >= prize:
        return Relaxation(Limit.PRIZE, place.added - prize, place.of_type, place.route, place.stops)
    return Relaxation(Limit.SEARCH, 0.0, place.of_type, place.route, place.stops)


def _places(plan: Solution, clock: Clock, request: int) -> Iterator[_Place]:
    """In every route, and in a route of its own for a vehicle of every type, idle or one more."""
    problem = plan.problem
    types = plan.types or [0] * len(plan.routes)
    for number, (of_type, route) in enumerate(zip(types, plan.routes, strict=True)):
        if request not in problem.aboard or problem.aboard[request] == of_type:
            run = clock.run(of_type, route)
            late = 0.0 if run is None else run.lateness_cost
            before = length(problem, of_type, route) + late
            yield from _in_route(problem, clock, (number, of_type), route, before, request, {})
    for of_type, kind in enumerate(problem.fleet):
        if problem.aboard.get(request, of_type) != of_type:
            continue
        idle = types.count(of_type) < kind.count
        if idle or not (kind.locked or kind.on_board):
            more = {} if idle else {Limit.VEHICLES: 1.0}
            before = -kind.fixed_cost if plan.objective == "cost" else 0.0
            yield from _in_route(problem, clock, (-1, of_type), kind.locked if idle else [], before, request, more)


def _in_route(
    problem: Problem,
    clock: Clock,
    vehicle: tuple[int, int],
    route: Sequence[int],
    before: float,
    request: int,
    more: dict[Limit, float],
) -> Iterator[_Place]:
    number, of_type = vehicle
    against = dict(more)
    if not may_carry(problem, of_type, request):
        against[Limit.VEHICLE_TYPE] = 1.0
    for stops in places(problem, of_type, route, request):
        over = max(overload(problem, of_type, stops))
        loads = against | ({Limit.CAPACITY: float(over)} if over > 0 else {})
        added = length(problem, of_type, stops) - before
        for times, late in _times(clock, of_type, stops):
            yield _Place(number, of_type, tuple(stops), added + late, loads | times)


def _times(clock: Clock, of_type: int, stops: Sequence[int]) -> Iterator[tuple[dict[Limit, float], float]]:
    """By how much windows and the shift are missed when rides are kept; how much longer rides do when they need not be.

    With each what lateness costs. The earliest timetable does not depend on where windows end, so one is enough for
    both of the first two.
    """
    run = clock.run(of_type, stops, Give(window=_FREE, shift=_FREE))
    if run is not None:
        missed = {Limit.TIME_WINDOW: run.late, Limit.SHIFT: run.overtime}
        found = {limit: amount for limit, amount in missed.items() if amount > GRACE}
        yield found, run.lateness_cost
        if not found:
            return
    if not clock.limits_rides:
        return
    free = clock.run(of_type, stops, Give(_FREE, _FREE, _FREE))
    if free is None:
        return
    missed = {Limit.TIME_WINDOW: free.late, Limit.SHIFT: free.overtime}
    found = {limit: amount for limit, amount in missed.items() if amount > GRACE}
    window, shift = found.get(Limit.TIME_WINDOW, 0.0), found.get(Limit.SHIFT, 0.0)
    longer = _least_ride(clock, of_type, stops, window, shift)
    if longer is not None:
        yield found | {Limit.MAX_RIDE: longer}, free.lateness_cost


def _least_ride(clock: Clock, of_type: int, stops: Sequence[int], window: float, shift: float) -> float | None:
    """Least time by which rides must be longer, windows and shift having given way by so much; by halving."""
    low, high = 0.0, 1.0
    while clock.run(of_type, stops, Give(window, shift, high)) is None:
        low, high = high, high * 4
        if high > 1e12:
            return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if clock.run(of_type, stops, Give(window, shift, middle)) is None:
            low = middle
        else:
            high = middle
    return high


def sentence(why: Unserved) -> str:
    """One line for people."""
    if not (why.relaxations or why.together):
        return f"request {why.request}: no vehicle could serve it whatever gave way by itself"
    if why.relaxations:
        return f"request {why.request}: served by " + ", or ".join(map(_clause, why.relaxations))
    return f"request {why.request}: served only by " + " and ".join(map(_clause, why.together)) + " together"


def _clause(item: Relaxation) -> str:
    where = f"route {item.route}" if item.route >= 0 else f"a vehicle of type {item.vehicle_type} of its own"
    return {
        Limit.TIME_WINDOW: f"windows that end {item.amount:g} later ({where})",
        Limit.SHIFT: f"a shift that ends {item.amount:g} later ({where})",
        Limit.MAX_RIDE: f"rides that may take {item.amount:g} longer ({where})",
        Limit.CAPACITY: f"{item.amount:g} more units of capacity ({where})",
        Limit.VEHICLE_TYPE: f"being allowed on vehicle type {item.vehicle_type} ({where})",
        Limit.VEHICLES: f"one more vehicle of type {item.vehicle_type}",
        Limit.PRIZE: f"a prize that is {item.amount:g} higher ({where})",
        Limit.SEARCH: f"a longer search: it fits ({where})",
    }[item.limit]
