"""VROOM's JSON output: a plan's routes with steps, arrivals and loads."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from matcher.routing.problem import Break, Timetable
from matcher.routing.repair import all_timetables
from matcher.routing.solution import Solution


class NodeKind(Enum):
    """What a node of the Problem is to VROOM."""

    DEPOT = "depot"
    PICKUP = "pickup"
    DELIVERY = "delivery"
    JOB = "job"
    LOADING = "loading"
    """At the start, of what a job delivers; no step."""
    UNLOADING = "unloading"
    """At the end, of what a job picks up; no step."""
    SHADOW = "shadow"
    """Where a job is that moves nothing, just before it; no step."""


_SILENT = (NodeKind.LOADING, NodeKind.UNLOADING, NodeKind.SHADOW)


@dataclass(frozen=True, slots=True)
class VroomNames:
    """What a VROOM problem calls the parts of the Problem made of it."""

    vehicle_ids: tuple[tuple[int, ...], ...]
    """By vehicle type."""
    break_ids: tuple[tuple[int, ...], ...]
    """By vehicle type."""
    step_ids: tuple[int, ...]
    """By node; 0 for those that are no step."""
    location: tuple[int, ...]
    """Row of the matrix, by node."""
    dimensions: int
    """Of load, as written; 0: none."""
    kinds: tuple[NodeKind, ...]
    """By node."""


def solution_to_vroom(solution: Solution, names: VroomNames) -> str:
    """VROOM's output: routes with steps, arrivals and loads; of vehicles that are alike the first listed drive.

    A vehicle leaves as early as it may and waits where it is early; VROOM leaves later.
    """
    problem = solution.problem
    types = solution.types or [0] * len(solution.routes)
    tables = solution.timetables or all_timetables(problem, solution.routes, types)
    routes = [
        _Writer(solution, names, number).route(table, types[:number].count(types[number]))
        for number, table in enumerate(tables)
    ]
    unassigned = [
        {"id": names.step_ids[node], "location_index": names.location[node], "type": names.kinds[node].value}
        for request in solution.left_out
        for node in (int(problem.pickup[request]), int(problem.delivery[request]))
        if names.kinds[node] not in _SILENT
    ]
    totals = {key: sum(route[key] for route in routes) for key in ("cost", "service", "duration", "waiting_time")}
    summary = {**totals, "routes": len(routes), "unassigned": len(unassigned)}
    return json.dumps({"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes})


class _Writer:
    """One route's steps, clock and load."""

    def __init__(self, solution: Solution, names: VroomNames, number: int) -> None:
        self._problem, self._names = solution.problem, names
        self._of_type = solution.types[number] if solution.types else 0
        self._kind = solution.vehicle_type(number)
        self._stops = solution.routes[number]
        self._load = [0] * len(self._kind.capacity)
        self._driven = 0.0
        self._steps: list[dict[str, Any]] = []

    def route(self, table: Timetable, position: int) -> dict[str, Any]:
        """The route of the vehicle at a position among those of its type."""
        problem, kind = self._problem, self._kind
        for node in self._stops:
            if self._names.kinds[node] is NodeKind.LOADING:
                self._take(node)
        assert kind.earliest is not None
        clock, at, waited = kind.earliest, kind.start, 0.0
        breaks = list(zip(table.breaks, kind.breaks, self._names.break_ids[self._of_type], strict=True))
        self._step("start", at, clock, 0.0)
        for node, start in zip(self._stops, table.starts, strict=True):
            clock = self._pause(breaks, clock, start)
            leg = float(problem.travel[at, node])
            self._driven += leg
            arrive = min(start, clock + leg)
            if self._names.kinds[node] not in _SILENT:
                self._take(node)
                self._step(self._names.kinds[node].value, node, arrive, start - arrive)
                waited += start - arrive
            clock, at = start + float(problem.service[node]), node
        if kind.end is not None:
            leg = float(problem.travel[at, kind.end])
            clock = self._pause(breaks, clock, clock + leg) + leg
            self._driven += leg
            self._step("end", kind.end, clock, 0.0)
        way = [kind.start, *self._stops, *(() if kind.end is None else (kind.end,))]
        legs = itertools.pairwise(way)
        return {
            "vehicle": self._names.vehicle_ids[self._of_type][position],
            "cost": _whole(float(sum(problem.distance[a, b] for a, b in legs)) + kind.fixed_cost),
            "service": _whole(float(sum(problem.service[node] for node in self._stops))),
            "duration": _whole(self._driven),
            "waiting_time": _whole(waited),
            "steps": self._steps,
        }

    def _pause(self, breaks: list[tuple[float, Break, int]], clock: float, until: float) -> float:
        """Write the breaks that begin before a time; the clock moved on by what they take."""
        while breaks and breaks[0][0] < until:
            begin, rule, number = breaks.pop(0)
            named = {"type": "break", "id": number, "arrival": _whole(begin), "service": _whole(rule.duration)}
            self._steps.append(named | {"duration": _whole(self._driven), "waiting_time": 0, "load": self._loads()})
            clock += max(0.0, begin + rule.duration - max(clock, begin))
        return clock

    def _take(self, node: int) -> None:
        self._load = [have + more for have, more in zip(self._load, self._problem.loads(node), strict=True)]

    def _step(self, kind: str, node: int, arrive: float, waiting: float) -> None:
        named = {} if kind in ("start", "end") else {"id": self._names.step_ids[node]}
        self._steps.append(
            {
                "type": kind,
                **named,
                "location_index": self._names.location[node],
                "arrival": _whole(arrive),
                "duration": _whole(self._driven),
                "service": 0 if kind in ("start", "end") else _whole(float(self._problem.service[node])),
                "waiting_time": _whole(waiting),
                "load": self._loads(),
            }
        )

    def _loads(self) -> list[int]:
        return self._load[: self._names.dimensions]


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value
