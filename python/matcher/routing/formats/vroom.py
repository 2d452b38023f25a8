"""VROOM's JSON input: jobs and shipments with their own matrix.

Vehicles may differ in start, end (none: an open route), capacity in any number of dimensions, skills, hours, breaks and
fixed cost. A job is a request of which one end is no step: what it delivers is loaded where vehicles start, what it
picks up is unloaded where they end, which must then be one place for all. What else VROOM knows (priorities, setup
times, speed factors, limits on tasks, travel and distance, jobs that deliver and pick up) is refused by its path, for
it would change the plan.
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
from matcher.routing.formats.vroom_answer import NodeKind, VroomNames
from matcher.routing.problem import Break, Problem, VehicleType

_VEHICLE = {"id", "profile", "description", "start", "start_index", "end", "end_index", "capacity", "skills",
            "time_window", "breaks", "costs"}  # fmt: skip
_SHIPMENT = {"amount", "skills", "pickup", "delivery", "description"}
_JOB = {"id", "location", "location_index", "service", "delivery", "pickup", "skills", "time_windows", "description"}
_STEP = {"id", "location", "location_index", "service", "time_windows", "description"}
_BREAK = {"id", "time_windows", "service", "description"}
_FOREVER = float(1 << 36)
_NEVER = float(1 << 37)
"""Travel time of a leg that may not be driven: longer than any window is open."""
_ROOM = 1 << 30
"""Of a vehicle without capacity, when shipments have no amounts either."""


@dataclass(slots=True)
class _Nodes:
    """Nodes as they are read: node 0 is the first vehicle's start, shipments follow, other depots come last."""

    location: list[int]
    ids: list[int]
    spans: list[tuple[tuple[float, float], ...]]
    service: list[float]
    loads: list[list[int]]
    kinds: list[NodeKind]

    def add(
        self,
        kind: NodeKind,
        location: int,
        number: int = 0,
        spans: tuple[tuple[float, float], ...] = ((0.0, _FOREVER),),
        service: float = 0.0,
        load: Sequence[int] = (0,),
    ) -> None:
        """One node more."""
        self.kinds.append(kind)
        self.location.append(location)
        self.ids.append(number)
        self.spans.append(spans)
        self.service.append(service)
        self.loads.append(list(load))


def parse(tree: Mapping[str, Any], name: str) -> tuple[Problem, VroomNames]:
    """The problem in a tree of JSON. Raises UnreadableFile with the path of what is wrong or not supported."""
    if tree.get("vehicle_steps"):
        raise UnreadableFile("vehicle_steps: routes are not taken as given")
    vehicles, shipments, jobs = _list(tree, "vehicles"), _list(tree, "shipments"), _list(tree, "jobs")
    if not vehicles:
        raise UnreadableFile("vehicles: at least one is required")
    for number, vehicle in enumerate(vehicles):
        _known(vehicle, _VEHICLE, f"vehicles[{number}]")
        if vehicle.get("profile", "car") != vehicles[0].get("profile", "car"):
            raise UnreadableFile(f"vehicles[{number}].profile: differs from that of vehicles[0]; one matrix is used")
    durations, costs = _matrices(tree, vehicles[0].get("profile", "car"))
    dimensions = max(len(vehicle.get("capacity", ())) for vehicle in vehicles)
    start = _integer(vehicles[0].get("start_index"), "vehicles[0].start_index")
    nodes = _Nodes([], [], [], [], [], [])
    nodes.add(NodeKind.DEPOT, start, load=[0] * max(1, dimensions))
    for number, shipment in enumerate(shipments):
        _add_shipment(nodes, shipment, f"shipments[{number}]", dimensions)
    for number, job in enumerate(jobs):
        _add_job(nodes, job, f"jobs[{number}]", dimensions, vehicles)
    types, vehicle_ids, break_ids, skills = _types(nodes, vehicles, dimensions)
    outside = [place for place in nodes.location if not 0 <= place < len(durations)]
    if outside:
        raise UnreadableFile(f"location_index {outside[0]} is not a row of the matrix ({len(durations)} rows)")
    rows, loads = np.array(nodes.location), np.array(nodes.loads, dtype=np.int32)
    requests = len(shipments) + len(jobs)
    distance, duration = costs[np.ix_(rows, rows)], durations[np.ix_(rows, rows)]
    _keep_ends_apart(nodes.kinds, distance, duration, opened=vehicles[0].get("end_index") is None)
    problem = Problem(
        name=name,
        distance=np.ascontiguousarray(distance),
        duration=np.ascontiguousarray(duration),
        ready=np.array([spans[0][0] for spans in nodes.spans]),
        due=np.array([spans[-1][1] for spans in nodes.spans]),
        service=np.array(nodes.service),
        demand=np.ascontiguousarray(loads[:, 0]),
        pickup=np.arange(1, 2 * requests, 2, dtype=np.int32),
        delivery=np.arange(2, 2 * requests + 1, 2, dtype=np.int32),
        vehicles=len(vehicles),
        capacity=0,
        types=types,
        more_demand=np.ascontiguousarray(loads[:, 1:]) if dimensions > 1 else None,
        allowed=_allowed({"shipments": shipments, "jobs": jobs}, skills),
        windows={node: spans for node, spans in enumerate(nodes.spans) if len(spans) > 1} or None,
    )
    names = VroomNames(vehicle_ids, break_ids, tuple(nodes.ids), tuple(nodes.location), dimensions, tuple(nodes.kinds))
    return problem, names


def _add_shipment(nodes: _Nodes, shipment: Any, at: str, dimensions: int) -> None:
    _known(shipment, _SHIPMENT, at)
    amount = _amount(shipment.get("amount"), f"{at}.amount", dimensions)
    for key, sign in (("pickup", 1), ("delivery", -1)):
        step, where = shipment.get(key), f"{at}.{key}"
        if not isinstance(step, Mapping):
            raise UnreadableFile(f"{where}: is required")
        _known(step, _STEP, where)
        nodes.add(
            NodeKind(key),
            _integer(step.get("location_index"), f"{where}.location_index"),
            _integer(step.get("id"), f"{where}.id"),
            _windows(step.get("time_windows"), where),
            float(_integer(step.get("service", 0), f"{where}.service")),
            [sign * units for units in amount] or [0],
        )


def _amount(value: Any, where: str, dimensions: int) -> list[int]:
    amount = _integers([0] * dimensions if value is None else value, where)
    if len(amount) != dimensions:
        raise UnreadableFile(f"{where}: has {len(amount)} dimensions, vehicles have {dimensions}")
    if any(units < 0 for units in amount):
        raise UnreadableFile(f"{where}: is negative")
    return amount


def _add_job(nodes: _Nodes, job: Any, at: str, dimensions: int, vehicles: Sequence[Mapping[str, Any]]) -> None:
    """Its own node, and before or after it the end that is no step."""
    _known(job, _JOB, at)
    given = {key: _amount(job.get(key), f"{at}.{key}", dimensions) for key in ("delivery", "pickup")}
    if all(any(amount) for amount in given.values()):
        raise UnreadableFile(f"{at}: delivers and picks up; one of the two can be planned")
    place = _integer(job.get("location_index"), f"{at}.location_index")
    number, spans = _integer(job.get("id"), f"{at}.id"), _windows(job.get("time_windows"), at)
    service = float(_integer(job.get("service", 0), f"{at}.service"))

    def add_job(load: Sequence[int]) -> None:
        nodes.add(NodeKind.JOB, place, number, spans, service, load or [0])

    if any(given["pickup"]):
        end = _shared(vehicles, "end_index", f"{at}.pickup: is unloaded where the vehicle ends")
        add_job(given["pickup"])
        nodes.add(NodeKind.UNLOADING, place if end is None else end, load=[-units for units in given["pickup"]])
        return
    amount = given["delivery"]
    if any(amount):
        start = _shared(vehicles, "start_index", f"{at}.delivery: is loaded where the vehicle starts")
        nodes.add(NodeKind.LOADING, _integer(start, "vehicles[0].start_index"), load=amount)
    else:
        nodes.add(NodeKind.SHADOW, place, load=amount or [0])
    add_job([-units for units in amount])


def _shared(vehicles: Sequence[Mapping[str, Any]], key: str, sentence: str) -> Any:
    """The one place of all vehicles."""
    place = vehicles[0].get(key)
    for number, vehicle in enumerate(vehicles):
        if vehicle.get(key) != place:
            raise UnreadableFile(f"{sentence}, and vehicles[{number}].{key} is not that of vehicles[0]")
    return place


def _keep_ends_apart(
    kinds: Sequence[NodeKind], distance: npt.NDArray[np.float64], duration: npt.NDArray[np.float64], *, opened: bool
) -> None:
    """Loading comes first in a route, unloading last, and a shadow just before its job, whatever the matrix allows."""

    def of(*wanted: NodeKind) -> npt.NDArray[np.int64]:
        return np.array([node for node, kind in enumerate(kinds) if kind in wanted], np.int64)

    depots, loading, unloading = of(NodeKind.DEPOT), of(NodeKind.LOADING), of(NodeKind.UNLOADING)
    if len(loading):
        duration[:, loading] = _NEVER
        for table in (distance, duration):
            table[np.ix_(np.concatenate([depots, loading]), loading)] = 0.0
    if len(unloading):
        if opened:
            distance[:, unloading] = 0.0
            duration[:, unloading] = 0.0
            duration[unloading[:, None], loading] = _NEVER
        duration[unloading] = _NEVER
        for table in (distance, duration):
            table[np.ix_(unloading, np.concatenate([depots, unloading]))] = 0.0
    for shadow in of(NodeKind.SHADOW).tolist():
        duration[shadow] = _NEVER
        duration[shadow, [shadow, shadow + 1]] = 0.0
        distance[shadow, shadow + 1] = 0.0


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
                nodes.add(NodeKind.DEPOT, place, load=[0] * max(1, dimensions))
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


def _allowed(
    given: Mapping[str, Sequence[Mapping[str, Any]]], skills: Sequence[set[Any]]
) -> npt.NDArray[np.bool_] | None:
    """(requests, types), in the order in which they are given; None when everybody may do everything."""
    tasks = {f"{key}[{number}]": task for key, listed in given.items() for number, task in enumerate(listed)}
    table = np.array(
        [[set(task.get("skills", [])) <= own for own in skills] for task in tasks.values()], dtype=np.bool_
    ).reshape(len(tasks), len(skills))
    for path, row in zip(tasks, table, strict=True):
        if not row.any():
            raise UnreadableFile(f"{path}.skills: no vehicle has all of them")
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
    value = tree.get(key) or []
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
