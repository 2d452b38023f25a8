"""VROOM's JSON: problems of shipments with their own matrix, and plans as VROOM writes them.

Vehicles may differ in start, end (none: an open route), capacity in any number of dimensions, skills, hours, breaks and
fixed cost. What else VROOM knows (jobs, priorities, setup times, speed factors, limits on tasks, travel and distance)
is refused by its path, for it would change the plan.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.routing.formats.text import UnreadableFile
from matcher.routing.problem import Break, Problem, Timetable, VehicleType
from matcher.routing.repair import all_timetables
from matcher.routing.solution import Solution

_VEHICLE = {"id", "profile", "description", "start", "start_index", "end", "end_index", "capacity", "skills",
            "time_window", "breaks", "costs"}  # fmt: skip
_SHIPMENT = {"amount", "skills", "pickup", "delivery", "description"}
_STEP = {"id", "location", "location_index", "service", "time_windows", "description"}
_BREAK = {"id", "time_windows", "service", "description"}
_FOREVER = float(1 << 36)
_ROOM = 1 << 30
"""Of a vehicle without capacity, when shipments have no amounts either."""


@dataclass(frozen=True, slots=True)
class VroomNames:
    """What a VROOM problem calls the parts of the Problem made of it."""

    vehicle_ids: tuple[tuple[int, ...], ...]
    """By vehicle type."""
    break_ids: tuple[tuple[int, ...], ...]
    """By vehicle type."""
    step_ids: tuple[int, ...]
    """By node; 0 for places of no shipment."""
    location: tuple[int, ...]
    """Row of the matrix, by node."""
    dimensions: int
    """Of load, as written; 0: none."""


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
        {"id": names.step_ids[node], "location_index": names.location[node], "type": kind}
        for request in solution.left_out
        for node, kind in ((int(problem.pickup[request]), "pickup"), (int(problem.delivery[request]), "delivery"))
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
        pickups = {int(node) for node in problem.pickup}
        assert kind.earliest is not None
        clock, at, waited = kind.earliest, kind.start, 0.0
        breaks = list(zip(table.breaks, kind.breaks, self._names.break_ids[self._of_type], strict=True))
        self._step("start", at, clock, 0.0)
        for node, start in zip(self._stops, table.starts, strict=True):
            clock = self._pause(breaks, clock, start)
            leg = float(problem.travel[at, node])
            self._driven += leg
            arrive = min(start, clock + leg)
            self._load = [have + more for have, more in zip(self._load, problem.loads(node), strict=True)]
            self._step("pickup" if node in pickups else "delivery", node, arrive, start - arrive)
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


@dataclass(slots=True)
class _Nodes:
    """Nodes as they are read: node 0 is the first vehicle's start, shipments follow, other depots come last."""

    location: list[int]
    ids: list[int]
    spans: list[tuple[tuple[float, float], ...]]
    service: list[float]
    loads: list[list[int]]

    def add(
        self, location: int, number: int, spans: tuple[tuple[float, float], ...], service: float, load: list[int]
    ) -> None:
        """One node more."""
        self.location.append(location)
        self.ids.append(number)
        self.spans.append(spans)
        self.service.append(service)
        self.loads.append(load)


def parse(tree: Mapping[str, Any], name: str) -> tuple[Problem, VroomNames]:
    """The problem in a tree of JSON. Raises UnreadableFile with the path of what is wrong or not supported."""
    for key in ("jobs", "vehicle_steps"):
        if tree.get(key):
            raise UnreadableFile(f"{key}: only shipments can be planned")
    vehicles, shipments = _list(tree, "vehicles"), tree.get("shipments") or []
    if not vehicles:
        raise UnreadableFile("vehicles: at least one is required")
    for number, vehicle in enumerate(vehicles):
        _known(vehicle, _VEHICLE, f"vehicles[{number}]")
        if vehicle.get("profile", "car") != vehicles[0].get("profile", "car"):
            raise UnreadableFile(f"vehicles[{number}].profile: differs from that of vehicles[0]; one matrix is used")
    durations, costs = _matrices(tree, vehicles[0].get("profile", "car"))
    dimensions = max(len(vehicle.get("capacity", ())) for vehicle in vehicles)
    start = _integer(vehicles[0].get("start_index"), "vehicles[0].start_index")
    nodes = _Nodes([], [], [], [], [])
    nodes.add(start, 0, ((0.0, _FOREVER),), 0.0, [0] * max(1, dimensions))
    for number, shipment in enumerate(shipments):
        _add_shipment(nodes, shipment, f"shipments[{number}]", dimensions)
    types, vehicle_ids, break_ids, skills = _types(nodes, vehicles, dimensions)
    outside = [place for place in nodes.location if not 0 <= place < len(durations)]
    if outside:
        raise UnreadableFile(f"location_index {outside[0]} is not a row of the matrix ({len(durations)} rows)")
    rows, loads = np.array(nodes.location), np.array(nodes.loads, dtype=np.int32)
    problem = Problem(
        name=name,
        distance=np.ascontiguousarray(costs[np.ix_(rows, rows)]),
        duration=np.ascontiguousarray(durations[np.ix_(rows, rows)]),
        ready=np.array([spans[0][0] for spans in nodes.spans]),
        due=np.array([spans[-1][1] for spans in nodes.spans]),
        service=np.array(nodes.service),
        demand=np.ascontiguousarray(loads[:, 0]),
        pickup=np.arange(1, 2 * len(shipments), 2, dtype=np.int32),
        delivery=np.arange(2, 2 * len(shipments) + 1, 2, dtype=np.int32),
        vehicles=len(vehicles),
        capacity=0,
        types=types,
        more_demand=np.ascontiguousarray(loads[:, 1:]) if dimensions > 1 else None,
        allowed=_allowed(shipments, skills),
        windows={node: spans for node, spans in enumerate(nodes.spans) if len(spans) > 1} or None,
    )
    return problem, VroomNames(vehicle_ids, break_ids, tuple(nodes.ids), tuple(nodes.location), dimensions)


def _add_shipment(nodes: _Nodes, shipment: Any, at: str, dimensions: int) -> None:
    _known(shipment, _SHIPMENT, at)
    amount = _integers(shipment.get("amount", [0] * dimensions), f"{at}.amount")
    if len(amount) != dimensions:
        raise UnreadableFile(f"{at}.amount: has {len(amount)} dimensions, vehicles have {dimensions}")
    if any(units < 0 for units in amount):
        raise UnreadableFile(f"{at}.amount: is negative")
    for key, sign in (("pickup", 1), ("delivery", -1)):
        step, where = shipment.get(key), f"{at}.{key}"
        if not isinstance(step, Mapping):
            raise UnreadableFile(f"{where}: is required")
        _known(step, _STEP, where)
        nodes.add(
            _integer(step.get("location_index"), f"{where}.location_index"),
            _integer(step.get("id"), f"{where}.id"),
            _windows(step.get("time_windows"), where),
            float(_integer(step.get("service", 0), f"{where}.service")),
            [sign * units for units in amount] or [0],
        )


def _types(
    nodes: _Nodes, vehicles: Sequence[Mapping[str, Any]], dimensions: int
) -> tuple[tuple[VehicleType, ...], tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...], list[set[Any]]]:
    """Vehicle types in the order of their first vehicles; ids of vehicles and of breaks, and skills, by type."""
    depots = {nodes.location[0]: 0}
    found: dict[str, tuple[VehicleType, list[int], tuple[int, ...], set[Any]]] = {}
    for number, vehicle in enumerate(vehicles):
        at = f"vehicles[{number}]"
        own = _integer(vehicle.get("id"), f"{at}.id")
        key = json.dumps({k: v for k, v in vehicle.items() if k not in ("id", "description")}, sort_keys=True)
        if key in found:
            kind, ids, breaks, skills = found[key]
            found[key] = replace(kind, count=kind.count + 1), [*ids, own], breaks, skills
            continue
        ends: dict[str, int | None] = {"start_index": None, "end_index": None}
        for end in ends:
            if end == "end_index" and vehicle.get(end) is None:
                continue
            place = _integer(vehicle.get(end), f"{at}.{end}")
            if place not in depots:
                depots[place] = len(nodes.location)
                nodes.add(place, 0, ((0.0, _FOREVER),), 0.0, [0] * max(1, dimensions))
            ends[end] = depots[place]
        capacity = _integers(vehicle.get("capacity", [_ROOM] * dimensions), f"{at}.capacity")
        if len(capacity) != dimensions:
            raise UnreadableFile(f"{at}.capacity: has {len(capacity)} dimensions, others have {dimensions}")
        begin, until = _window(vehicle.get("time_window"), at)
        assert ends["start_index"] is not None
        pauses = [_break(item, f"{at}.breaks[{k}]") for k, item in enumerate(_list(vehicle, "breaks"))]
        kind = VehicleType(
            count=1,
            capacity=tuple(capacity) or (_ROOM,),
            start=ends["start_index"],
            end=ends["end_index"],
            earliest=begin,
            latest=until,
            fixed_cost=_fixed_cost(vehicle.get("costs", {}), f"{at}.costs"),
            breaks=tuple(rule for rule, _ in pauses),
        )
        found[key] = kind, [own], tuple(ident for _, ident in pauses), set(vehicle.get("skills", []))
    kinds = list(found.values())
    return (
        tuple(kind for kind, _, _, _ in kinds),
        tuple(tuple(ids) for _, ids, _, _ in kinds),
        tuple(breaks for _, _, breaks, _ in kinds),
        [skills for _, _, _, skills in kinds],
    )


def _break(value: Any, where: str) -> tuple[Break, int]:
    _known(value, _BREAK, where)
    spans = _list(value, "time_windows")
    if len(spans) != 1:
        raise UnreadableFile(f"{where}.time_windows: exactly one window can be kept, not {len(spans)}")
    begin, end = _window(spans[0], where)
    service = float(_integer(value.get("service", 0), f"{where}.service"))
    return Break(begin, end, service), _integer(value.get("id"), f"{where}.id")


def _fixed_cost(value: Any, where: str) -> float:
    _known(value, {"fixed", "per_hour"}, where)
    if value.get("per_hour", 3600) != 3600:
        raise UnreadableFile(f"{where}.per_hour: only 3600, VROOM's default, is supported")
    return float(_integer(value.get("fixed", 0), f"{where}.fixed"))


def _allowed(shipments: Sequence[Mapping[str, Any]], skills: Sequence[set[Any]]) -> npt.NDArray[np.bool_] | None:
    """(shipments, types); None when everybody may do everything."""
    table = np.array(
        [[set(shipment.get("skills", [])) <= own for own in skills] for shipment in shipments], dtype=np.bool_
    ).reshape(len(shipments), len(skills))
    for number, row in enumerate(table):
        if not row.any():
            raise UnreadableFile(f"shipments[{number}].skills: no vehicle has all of them")
    return None if table.all() else table


def _matrices(tree: Mapping[str, Any], profile: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Durations, and costs, which are the durations unless they are given."""
    given = tree.get("matrices")
    matrices = given.get(profile) if isinstance(given, Mapping) else None
    if not isinstance(matrices, Mapping) or "durations" not in matrices:
        raise UnreadableFile(f"matrices.{profile}.durations: is required; no router is asked")
    durations = _matrix(matrices["durations"], "durations")
    costs = _matrix(matrices["costs"], "costs") if "costs" in matrices else durations
    if costs.shape != durations.shape:
        raise UnreadableFile(f"matrices.{profile}.costs: has {len(costs)} rows, durations {len(durations)}")
    return durations, costs


def _list(tree: Mapping[str, Any], key: str) -> list[Any]:
    value = tree.get(key, [])
    if not isinstance(value, list):
        raise UnreadableFile(f"{key}: must be a list")
    return value


def _known(value: Any, keys: set[str], where: str) -> None:
    if not isinstance(value, Mapping):
        raise UnreadableFile(f"{where}: must be an object")
    for key in value:
        if key not in keys:
            raise UnreadableFile(f"{where}.{key}: is not supported")


def _integer(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableFile(f"{where}: must be an integer, is {value!r}")
    return value


def _integers(value: Any, where: str) -> list[int]:
    if not isinstance(value, list):
        raise UnreadableFile(f"{where}: must be a list of integers")
    return [_integer(item, f"{where}[{k}]") for k, item in enumerate(value)]


def _windows(value: Any, where: str) -> tuple[tuple[float, float], ...]:
    """Ascending; none given: always."""
    if value is None or value == []:
        return ((0.0, _FOREVER),)
    if not isinstance(value, list):
        raise UnreadableFile(f"{where}.time_windows: must be a list")
    spans = tuple(sorted(_window(item, where) for item in value))
    for (_, end), (begin, _) in itertools.pairwise(spans):
        if begin <= end:
            raise UnreadableFile(f"{where}.time_windows: two of them overlap at {begin:g}")
    return spans


def _window(value: Any, where: str) -> tuple[float, float]:
    if value is None:
        return 0.0, _FOREVER
    if not isinstance(value, list) or len(value) != 2:
        raise UnreadableFile(f"{where}: a time window is a list of two integers, not {value!r}")
    begin, end = (_integer(item, where) for item in value)
    if begin > end:
        raise UnreadableFile(f"{where}: the window [{begin}, {end}] ends before it begins")
    return float(begin), float(end)


def _matrix(value: Any, where: str) -> npt.NDArray[np.float64]:
    try:
        cells = np.array(value, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise UnreadableFile(f"matrices: {where}: is no table of numbers: {error}") from None
    if cells.ndim != 2 or cells.shape[0] != cells.shape[1] or not len(cells):
        raise UnreadableFile(f"matrices: {where}: must be square, is {cells.shape}")
    return cells
