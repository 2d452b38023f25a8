"""Vehicles under way, as a search that knows none of them takes them.

Locked stops are made as early as they can be: what is planned begins where and when the vehicle has made them. What it
carries by then is picked up there and then, at a node that no other vehicle, place or time can reach. A vehicle that
has locked stops and carries nothing serves a request without way or load, so that its route exists.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.routing.places import overload
from matcher.routing.problem import F64, I32, Problem, VehicleType
from matcher.routing.repair import put_in
from matcher.routing.rung import Listener, SolveTask
from matcher.routing.solution import Progress, Solution
from matcher.routing.timing import Clock, Give

_REHEARSED = 12
"""Requests by which the time for all timetables is estimated."""


def refusal(problem: Problem) -> str | None:
    """Why vehicles under way cannot be taken so, as a sentence: waiting before a locked pick-up could be needed."""
    if problem.max_ride is None:
        return None
    locked = {node for kind in problem.types for node in kind.locked}
    for request in sorted(_promised(problem)):
        if np.isfinite(problem.max_ride[request]) and int(problem.delivery[request]) not in locked:
            return f"a locked pick-up whose time on board is limited (request {request})"
    return None


@dataclass(frozen=True, slots=True)
class _Start:
    """Where and when a vehicle under way can be planned for, and since when it carries what."""

    node: int
    time: float
    aboard: dict[int, float]
    done: tuple[int, ...]
    """Requests that are delivered by then."""


class FreeVehicles:
    """A problem whose vehicles are under way, as one of vehicles that are free, and the way back.

    Raises ValueError for locked stops that cannot be made. O(nodes^2).
    """

    def __init__(self, task: SolveTask) -> None:
        self._task = task
        self._problem = problem = task.problem
        self._kinds = problem.fleet
        self._clock = Clock(problem)
        self._ends = {int(p): (r, True) for r, p in enumerate(problem.pickup)}
        self._ends |= {int(d): (r, False) for r, d in enumerate(problem.delivery)}
        starts = {t: self._start(t, kind) for t, kind in enumerate(self._kinds) if kind.locked or kind.on_board}
        gone = {request for start in starts.values() for request in start.done}
        self._stranded = {
            request: t for t, start in starts.items() for request in start.aboard if not self._can_deliver(t, request)
        }
        self._requests = [r for r in range(len(problem.pickup)) if r not in gone and r not in self._stranded]
        self._add_nodes(starts)
        self._pinned = self._pin(starts)
        self.task = self._task_of(starts)

    def _start(self, of_type: int, kind: VehicleType) -> _Start:
        problem = self._problem
        run = self._clock.run(of_type, kind.locked)
        if run is None:
            raise ValueError(f"types {of_type}: locked stops cannot be made in time")
        assert kind.earliest is not None
        node, time = kind.start, kind.earliest
        aboard, done = {load.request: load.since for load in kind.on_board}, []
        for node, begin in zip(kind.locked, run.table.starts, strict=True):
            request, picks_up = self._ends[node]
            time = begin + float(problem.service[node])
            if picks_up:
                aboard[request] = time
            else:
                del aboard[request]
                done.append(request)
        return _Start(node, time, aboard, tuple(done))

    def _can_deliver(self, of_type: int, request: int) -> bool:
        """Whether what is on board can be delivered in time, with nothing on the way."""
        route = (*self._kinds[of_type].locked, int(self._problem.delivery[request]))
        return self._clock.run(of_type, route) is not None

    def _add_nodes(self, starts: dict[int, _Start]) -> None:
        """A start for each vehicle with locked stops, and a request if need be. `_place`: where each node lies."""
        self._place = list(range(len(self._problem.ready)))
        self._origin: dict[int, int] = {}
        self._made: dict[int, tuple[int, int]] = {}
        for of_type, start in starts.items():
            self._origin[of_type] = start.node
            if self._kinds[of_type].locked:
                self._origin[of_type] = self._node_at(start.node)
                if all(request in self._stranded for request in start.aboard):
                    self._made[of_type] = self._node_at(start.node), self._node_at(start.node)

    def _node_at(self, node: int) -> int:
        self._place.append(node)
        return len(self._place) - 1

    def _pin(self, starts: dict[int, _Start]) -> dict[int, int]:
        """Vehicle type of each node that is visited as soon as its vehicle can be planned for."""
        pickup = self._problem.pickup
        own = {int(pickup[r]): t for t, start in starts.items() for r in start.aboard if r not in self._stranded}
        for node, of_type in own.items():
            self._place[node] = starts[of_type].node
        return own | {node: of_type for of_type, pair in self._made.items() for node in pair}

    def _task_of(self, starts: dict[int, _Start]) -> SolveTask:
        problem, task = self._problem, self._task
        place, made = np.array(self._place), list(self._made.values())
        ready, due, service = problem.ready[place], problem.due[place], problem.service[place]
        begins = [start.time for start in starts.values()]
        never = float(max(due.max(), *begins, *(t.latest for t in self._kinds if t.latest is not None)))
        never += 1.0 - float(min(ready.min(), *begins, *(t.earliest for t in self._kinds if t.earliest is not None)))
        distance = problem.distance[np.ix_(place, place)]
        durations = [rows[np.ix_(place, place)] for rows in _travel_rows(problem)]
        for duration, node in itertools.product(durations, self._pinned):
            duration[:, node] = never
        for node, of_type in self._pinned.items():
            ready[node] = due[node] = starts[of_type].time
            service[node] = 0.0
            company = [other for other, its in self._pinned.items() if its == of_type]
            for matrix in (distance, *durations):
                matrix[self._origin[of_type], node] = 0.0
                matrix[company, node] = 0.0
        changes = {
            "distance": distance,
            "duration": durations[0] if problem.bins is None else None,
            "bin_duration": None if problem.bins is None else np.stack(durations),
            "ready": ready,
            "due": due,
            "service": service,
            "demand": _with_rows(problem.demand, len(place)),
            "more_demand": None if problem.more_demand is None else _with_rows(problem.more_demand, len(place)),
            "pickup": np.array([*problem.pickup[self._requests], *(p for p, _ in made)], np.int32),
            "delivery": np.array([*problem.delivery[self._requests], *(d for _, d in made)], np.int32),
            "types": self._fleet(starts),
            "allowed": self._allowed(starts),
            "max_ride": self._rides(starts),
            "prize": self._prizes(starts),
            "late_cost": self._late_costs(),
            "windows": {n: spans for n, spans in (problem.windows or {}).items() if n not in self._pinned} or None,
            "xy": None,
        }
        return dataclasses.replace(
            task,
            problem=dataclasses.replace(problem, **changes),
            initial=tuple(tuple(self._there(route)) for route in task.initial),
            on_progress=self._listener(task.on_progress),
        )

    def _fleet(self, starts: dict[int, _Start]) -> tuple[VehicleType, ...]:
        """The vehicles from where they are free; what cannot be delivered takes its room for good."""
        fleet = list(self._kinds)
        for of_type, start in starts.items():
            room = np.array(fleet[of_type].capacity)
            for request in start.aboard:
                if request in self._stranded:
                    room -= self._problem.loads(int(self._problem.pickup[request]))
            fleet[of_type] = dataclasses.replace(
                fleet[of_type],
                start=self._origin[of_type],
                earliest=start.time,
                capacity=tuple(np.maximum(room, 0).tolist()),
                locked=(),
                on_board=(),
            )
        return tuple(fleet)

    def _allowed(self, starts: dict[int, _Start]) -> npt.NDArray[np.bool_]:
        kinds = len(self._kinds)
        own = self._problem.allowed
        rows = np.ones((len(self._requests), kinds), bool) if own is None else own[self._requests]
        rows = np.vstack([rows, np.zeros((len(self._made), kinds), bool)])
        for row, of_type in enumerate(self._made, start=len(self._requests)):
            rows[row, of_type] = True
        carried = {request: of_type for of_type, start in starts.items() for request in start.aboard}
        for row, request in enumerate(self._requests):
            if request in carried:
                rows[row] = np.arange(kinds) == carried[request]
        return rows

    def _rides(self, starts: dict[int, _Start]) -> F64 | None:
        """What is left of each limit when the vehicle can be planned for."""
        if self._problem.max_ride is None:
            return None
        rides = np.append(self._problem.max_ride[self._requests], np.full(len(self._made), np.inf))
        gone = {request: start.time - since for start in starts.values() for request, since in start.aboard.items()}
        for row, request in enumerate(self._requests):
            rides[row] = max(0.0, rides[row] - gone.get(request, 0.0))
        return rides

    def _prizes(self, starts: dict[int, _Start]) -> F64 | None:
        """What a locked stop picks up must be delivered."""
        if self._problem.prize is None:
            return None
        prizes = np.append(self._problem.prize[self._requests], np.full(len(self._made), np.inf))
        promised = _promised(self._problem)
        prizes[[row for row, request in enumerate(self._requests) if request in promised]] = np.inf
        return prizes

    def _late_costs(self) -> F64 | None:
        """Whoever is pinned is punctual."""
        if self._problem.late_cost is None:
            return None
        costs: F64 = self._problem.late_cost[np.array(self._place)]
        costs[list(self._pinned)] = np.inf
        return costs

    def _there(self, route: Sequence[int]) -> list[int]:
        """A route of the problem as one of the free vehicles."""
        for of_type, kind in enumerate(self._kinds):
            carried = {int(self._problem.delivery[load.request]) for load in kind.on_board}
            if not (kind.locked and tuple(route[: len(kind.locked)]) == kind.locked) and not carried.intersection(
                route
            ):
                continue
            rest = list(route[len(kind.locked) :])
            delivered = {int(p): int(d) for p, d in zip(self._problem.pickup, self._problem.delivery, strict=True)}
            first = [node for node, its in self._pinned.items() if its == of_type and delivered.get(node, -1) in rest]
            return [*first, *self._made.get(of_type, ()), *rest]
        return list(route)

    def _back(self, route: Sequence[int], of_type: int) -> list[int]:
        """A route of a free vehicle as one of the problem."""
        return [*self._kinds[of_type].locked, *(node for node in route if node not in self._pinned)]

    def _listener(self, tell: Listener | None) -> Listener | None:
        """Told of plans in which every vehicle under way is known by what it carries."""
        if tell is None:
            return None

        def told(step: Progress, routes: list[list[int]]) -> None:
            types = [next((self._pinned[node] for node in route if node in self._pinned), -1) for route in routes]
            if all(of_type in types for of_type, kind in enumerate(self._kinds) if kind.locked):
                own = [self._back(route, t) if t >= 0 else route for route, t in zip(routes, types, strict=True)]
                tell(self._step(step), [route for route in own if route])

        return told

    def _step(self, step: Progress) -> Progress:
        """With the locked stops' way, and what cannot be delivered."""
        ways = [(kind.start, *kind.locked) for kind in self._kinds]
        driven = sum(float(self._problem.distance[a, b]) for way in ways for a, b in itertools.pairwise(way))
        return dataclasses.replace(step, distance=step.distance + driven, unserved=step.unserved + len(self._stranded))

    def rehearse(self) -> int:
        """Works the times of some stops out, as `solution` does for all in the end; how many."""
        pairs = list(zip(self._problem.pickup.tolist(), self._problem.delivery.tolist(), strict=True))[:_REHEARSED]
        stops = [node for pair in pairs for node in pair]
        if self._kinds:
            self._clock.run(0, stops, Give(np.inf, np.inf, np.inf))
        return len(stops)

    def solution(self, found: Solution) -> Solution:
        """The plan of the free vehicles as one of the problem's own, with its timetables."""
        problem = self._problem
        pairs = [(t, self._back(route, t)) for t, route in zip(found.types, found.routes, strict=True)]
        driven = {t for t, _ in pairs}
        pairs += [(t, list(kind.locked)) for t, kind in enumerate(self._kinds) if kind.locked and t not in driven]
        pairs = [(t, kept) for t, route in pairs if (kept := self._lightened(t, route))]
        served = {node for _, route in pairs for node in route}
        runs = [self._clock.run(t, route) for t, route in pairs]
        plan = dataclasses.replace(
            found,
            problem=problem,
            routes=[route for _, route in pairs],
            types=[t for t, _ in pairs],
            timetables=[run.table for run in runs if run is not None],
            left_out=[r for r, d in enumerate(problem.delivery.tolist()) if d not in served],
            history=[self._step(step) for step in found.history],
        )
        return put_in(plan, plan.objective) if _promised(problem).intersection(plan.left_out) else plan

    def _lightened(self, of_type: int, route: list[int]) -> list[int]:
        """Without what has no room beside a load that the search found no time to deliver."""
        carried = {int(self._problem.delivery[load.request]) for load in self._kinds[of_type].on_board}
        if carried.issubset(route):
            return route
        first = len(self._kinds[of_type].locked)
        pickups = {int(p): int(d) for p, d in zip(self._problem.pickup, self._problem.delivery, strict=True)}
        while max(overload(self._problem, of_type, route)) > 0 or self._clock.run(of_type, route) is None:
            last = next((node for node in reversed(route[first:]) if node in pickups), route[-1])
            gone = {last, pickups.get(last, last)}
            route = [node for node in route if node not in gone]
        return route


def _promised(problem: Problem) -> set[int]:
    """Requests that a locked stop picks up: they must be delivered."""
    locked = {node for kind in problem.types for node in kind.locked}
    return {request for request, p in enumerate(problem.pickup.tolist()) if p in locked}


def _travel_rows(problem: Problem) -> list[F64]:
    """Travel times, of each bin where there are any."""
    return [problem.travel] if problem.bin_duration is None else list(problem.bin_duration)


def _with_rows(column: I32, rows: int) -> I32:
    """As many rows, those that it does not have zero."""
    return np.concatenate([column, np.zeros((rows - len(column), *column.shape[1:]), np.int32)])
