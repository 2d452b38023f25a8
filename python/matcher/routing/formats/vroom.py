"""VROOM's JSON: problems of shipments, and plans as VROOM writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from matcher.routing.formats.text import UnreadableFile
from matcher.routing.problem import Problem, Solution

_VEHICLE = {"id", "profile", "description", "start", "start_index", "end", "end_index", "capacity", "skills",
            "time_window"}  # fmt: skip
_SHIPMENT = {"amount", "skills", "pickup", "delivery", "description"}
_STEP = {"id", "location", "location_index", "service", "time_windows", "description"}
_FOREVER = float(1 << 36)


@dataclass(frozen=True, slots=True)
class VroomNames:
    """What a VROOM problem calls the nodes of the Problem made of it."""

    vehicle_ids: tuple[int, ...]
    step_ids: tuple[int, ...]
    """By node; 0 for the depot."""
    location: tuple[int, ...]
    """Row of the matrix, by node."""


def solution_to_vroom(solution: Solution, names: VroomNames) -> str:
    """VROOM's output: routes with steps, arrivals and loads; vehicles in the order in which they were listed.

    A vehicle leaves as early as it may and waits where it is early; VROOM leaves later.
    """
    problem = solution.problem
    pickups = {int(node) for node in problem.pickup}
    routes = [_vroom_route(problem, names, number, route, pickups) for number, route in enumerate(solution.routes)]
    unassigned = [
        {"id": names.step_ids[node], "location_index": names.location[node], "type": kind}
        for u in solution.unserved
        for node, kind in ((int(problem.pickup[u.request]), "pickup"), (int(problem.delivery[u.request]), "delivery"))
    ]
    totals = {key: sum(route[key] for route in routes) for key in ("cost", "service", "duration", "waiting_time")}
    summary = {**totals, "routes": len(routes), "unassigned": len(unassigned)}
    return json.dumps({"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes})


def _vroom_route(
    problem: Problem, names: VroomNames, number: int, route: Sequence[int], pickups: set[int]
) -> dict[str, Any]:
    travel = problem.travel
    clock, load, driven, waited, at = float(problem.ready[0]), 0, 0.0, 0.0, 0
    steps: list[dict[str, Any]] = []

    def step(kind: str, node: int, waiting: float) -> None:
        named = {} if node == 0 else {"id": names.step_ids[node]}
        steps.append(
            {
                "type": kind,
                **named,
                "location_index": names.location[node],
                "arrival": _whole(clock),
                "duration": _whole(driven),
                "service": _whole(float(problem.service[node])) if node else 0,
                "waiting_time": _whole(waiting),
                "load": [load],
            }
        )

    step("start", 0, 0.0)
    for node in route:
        driven += float(travel[at, node])
        clock += float(travel[at, node])
        waiting = max(0.0, float(problem.ready[node]) - clock)
        load += int(problem.demand[node])
        step("pickup" if node in pickups else "delivery", node, waiting)
        clock += waiting + float(problem.service[node])
        waited += waiting
        at = node
    driven += float(travel[at, 0])
    clock += float(travel[at, 0])
    step("end", 0, 0.0)
    legs = zip([0, *route], [*route, 0], strict=True)
    return {
        "vehicle": names.vehicle_ids[number],
        "cost": _whole(float(sum(problem.distance[a, b] for a, b in legs))),
        "service": _whole(float(sum(problem.service[node] for node in route))),
        "duration": _whole(driven),
        "waiting_time": _whole(waited),
        "steps": steps,
    }


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value


def parse(tree: Mapping[str, Any], name: str) -> tuple[Problem, VroomNames]:
    """Shipments for vehicles that are alike, start and end at one place, and have their matrix with them."""
    for key in ("jobs", "vehicle_steps"):
        if tree.get(key):
            raise UnreadableFile(f"{key}: only shipments can be planned")
    vehicles, shipments = _list(tree, "vehicles"), tree.get("shipments") or []
    if not vehicles:
        raise UnreadableFile("vehicles: at least one is required")
    first = vehicles[0]
    for number, vehicle in enumerate(vehicles):
        _known(vehicle, _VEHICLE, f"vehicles[{number}]")
        for key in sorted(_VEHICLE - {"id", "description"}):
            if vehicle.get(key) != first.get(key):
                raise UnreadableFile(f"vehicles[{number}].{key}: differs from that of vehicles[0]; they must be alike")
    depot = _integer(first.get("start_index"), "vehicles[0].start_index")
    if first.get("end_index") != depot:
        raise UnreadableFile("vehicles[0].end_index: must be start_index")
    matrices = tree.get("matrices", {}).get(first.get("profile", "car"))
    if not isinstance(matrices, Mapping) or "durations" not in matrices:
        raise UnreadableFile(f"matrices.{first.get('profile', 'car')}.durations: is required; no router is asked")
    durations = _matrix(matrices["durations"], "durations")
    costs = _matrix(matrices["costs"], "costs") if "costs" in matrices else durations
    nodes, windows, service, demand, ids = [depot], [_window(first.get("time_window"), "vehicles[0]")], [0.0], [0], [0]
    skills = set(first.get("skills", []))
    for number, shipment in enumerate(shipments):
        at = f"shipments[{number}]"
        _known(shipment, _SHIPMENT, at)
        if set(shipment.get("skills", [])) - skills:
            raise UnreadableFile(f"{at}.skills: no vehicle has all of them")
        amount = _single(shipment.get("amount", [0]), f"{at}.amount")
        for key, sign in (("pickup", 1), ("delivery", -1)):
            step, where = shipment.get(key), f"{at}.{key}"
            if not isinstance(step, Mapping):
                raise UnreadableFile(f"{where}: is required")
            _known(step, _STEP, where)
            nodes.append(_integer(step.get("location_index"), f"{where}.location_index"))
            ids.append(_integer(step.get("id"), f"{where}.id"))
            given = step.get("time_windows", [None])
            if len(given) != 1:
                raise UnreadableFile(f"{where}.time_windows: exactly one window can be kept, not {len(given)}")
            windows.append(_window(given[0], where))
            service.append(float(_integer(step.get("service", 0), f"{where}.service")))
            demand.append(sign * amount)
    outside = [node for node in nodes if not 0 <= node < len(durations)]
    if outside:
        raise UnreadableFile(f"location_index {outside[0]} is not a row of the matrix ({len(durations)} rows)")
    rows = np.array(nodes)
    ready, due = (np.array([window[end] for window in windows]) for end in (0, 1))
    count = len(shipments)
    problem = Problem(
        name=name,
        distance=np.ascontiguousarray(costs[np.ix_(rows, rows)]),
        duration=np.ascontiguousarray(durations[np.ix_(rows, rows)]),
        ready=ready,
        due=due,
        service=np.array(service),
        demand=np.array(demand, dtype=np.int32),
        pickup=np.arange(1, 2 * count, 2, dtype=np.int32),
        delivery=np.arange(2, 2 * count + 1, 2, dtype=np.int32),
        vehicles=len(vehicles),
        capacity=_single(first.get("capacity", [(1 << 30)]), "vehicles[0].capacity"),
    )
    names = VroomNames(
        tuple(_integer(vehicle.get("id"), f"vehicles[{n}].id") for n, vehicle in enumerate(vehicles)),
        tuple(ids),
        tuple(nodes),
    )
    return problem, names


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


def _single(value: Any, where: str) -> int:
    if not isinstance(value, list) or len(value) != 1:
        raise UnreadableFile(f"{where}: must be a list of one integer: loads have one dimension")
    return _integer(value[0], f"{where}[0]")


def _window(value: Any, where: str) -> tuple[float, float]:
    if value is None:
        return 0.0, _FOREVER
    if not isinstance(value, list) or len(value) != 2:
        raise UnreadableFile(f"{where}: a time window is a list of two integers, not {value!r}")
    begin, end = (_integer(item, where) for item in value)
    if begin > end:
        raise UnreadableFile(f"{where}: the window [{begin}, {end}] ends before it begins")
    return float(begin), float(end)


def _matrix(value: Any, where: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        cells = np.array(value, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise UnreadableFile(f"matrices: {where}: is no table of numbers: {error}") from None
    if cells.ndim != 2 or cells.shape[0] != cells.shape[1] or not len(cells):
        raise UnreadableFile(f"matrices: {where}: must be square, is {cells.shape}")
    return cells
