"""Problems and plans as files: Li & Lim, Sartori & Buriol, VROOM's JSON in and out, and our own JSON.

Whatever cannot be read is refused by place: file, line and column of a text, the path of a JSON value.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from matcher.routing.problem import Problem, Solution, read_li_lim, read_sartori_buriol

FORMAT = "matcher.problem/1"
_FIELDS = ("distance", "ready", "due", "service", "demand", "pickup", "delivery", "vehicles", "capacity")
_VEHICLE = {"id", "profile", "description", "start", "start_index", "end", "end_index", "capacity", "skills",
            "time_window"}  # fmt: skip
_SHIPMENT = {"amount", "skills", "pickup", "delivery", "description"}
_STEP = {"id", "location", "location_index", "service", "time_windows", "description"}
_FOREVER = float(1 << 36)


class UnreadableFile(ValueError):  # noqa: N818 - what the file is
    """The sentence begins with the place: "file:line:column", or "file: path.of[0].value"."""


@dataclass(frozen=True, slots=True)
class VroomNames:
    """What a VROOM problem calls the nodes of the Problem made of it."""

    vehicle_ids: tuple[int, ...]
    step_ids: tuple[int, ...]
    """By node; 0 for the depot."""
    location: tuple[int, ...]
    """Row of the matrix, by node."""


@dataclass(frozen=True, slots=True)
class ProblemFile:
    """A problem with what is needed to answer in the format that it came in."""

    problem: Problem
    vroom: VroomNames | None = None


def read_problem(path: str | Path) -> ProblemFile:
    """The problem in a file of any of the formats, by its content. Raises OSError and UnreadableFile."""
    path = Path(path)
    data = path.read_bytes()
    try:
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise UnreadableFile(f"{path}: is no text: {error}") from None
    if text.lstrip().startswith("{"):
        return _read_json(path, text)
    if re.search(r"^NODES\s*$", text, re.MULTILINE):
        _check_numbers(path, text, after={"NODES", "EDGES"}, until={"EOF", "EDGES"})
        reader = read_sartori_buriol
    else:
        _check_numbers(path, text, after=None, until=set())
        _check_widths(path, text)
        reader = read_li_lim
    try:
        return ProblemFile(reader(path))
    except ValueError as error:
        raise UnreadableFile(str(error)) from None


def problem_to_json(problem: Problem) -> str:
    """Our own format: every field of a Problem by name."""
    values: dict[str, Any] = {"format": FORMAT, "name": problem.name}
    for name in (*_FIELDS, "duration"):
        value = getattr(problem, name)
        if value is not None:
            values[name] = value.tolist() if isinstance(value, np.ndarray) else value
    return json.dumps(values)


def solution_to_json(solution: Solution) -> str:
    """Our own format: routes as lists of nodes, and why requests are unserved."""
    return json.dumps(
        {
            "format": "matcher.solution/1",
            "name": solution.problem.name,
            "vehicles": solution.vehicles,
            "distance": solution.distance,
            "iterations": solution.iterations,
            "routes": solution.routes,
            "unserved": [
                {"request": u.request, "reason": u.reason.value, "relaxation": u.relaxation} for u in solution.unserved
            ],
        }
    )


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


def _check_numbers(path: Path, text: str, *, after: set[str] | None, until: set[str]) -> None:
    """Every word of the tables is a number. `after`, `until`: lines that begin and end tables (None: all is one)."""
    inside = after is None
    for number, line in enumerate(text.splitlines(), start=1):
        word = line.strip()
        if word in until:
            inside = False
        if after is not None and word in after:
            inside = True
            continue
        if not inside:
            continue
        for found in re.finditer(r"\S+", line):
            try:
                float(found.group())
            except ValueError:
                place = f"{path}:{number}:{found.start() + 1}"
                raise UnreadableFile(f"{place}: {found.group()!r} is not a number") from None


def _check_widths(path: Path, text: str) -> None:
    """Li & Lim: vehicles and capacity, then nine numbers a line."""
    rows = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(rows) < 2:
        raise UnreadableFile(f"{path}:1:1: is no problem: at least two lines are needed")
    for position, (number, line) in enumerate(rows):
        least = 9 if position else 2
        if len(line.split()) < least:
            place = f"{path}:{number}:{len(line.rstrip()) + 1}"
            raise UnreadableFile(f"{place}: the line ends after {len(line.split())} numbers; {least} are needed")


def _read_json(path: Path, text: str) -> ProblemFile:
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from None
    try:
        if "format" in tree:
            return ProblemFile(_own(tree))
        return _vroom(tree, path.name.split(".")[0])
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from None


def _own(tree: Mapping[str, Any]) -> Problem:
    if tree["format"] != FORMAT:
        raise UnreadableFile(f"format: must be {FORMAT!r}, is {tree['format']!r}")
    unknown = sorted(set(tree) - {*_FIELDS, "format", "name", "duration"})
    if unknown:
        raise UnreadableFile(f"{unknown[0]}: unknown field")
    values: dict[str, Any] = {}
    for name in (*_FIELDS, "duration"):
        if name not in tree:
            if name == "duration":
                continue
            raise UnreadableFile(f"{name}: is required")
        if name in ("vehicles", "capacity"):
            values[name] = _integer(tree[name], name)
            continue
        kind = np.int32 if name in ("demand", "pickup", "delivery") else np.float64
        try:
            values[name] = np.array(tree[name], dtype=kind)
        except (ValueError, TypeError, OverflowError) as error:
            raise UnreadableFile(f"{name}: is no array of numbers: {error}") from None
    return Problem(name=str(tree.get("name", "")), **values)


def _vroom(tree: Mapping[str, Any], name: str) -> ProblemFile:
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
    return ProblemFile(problem, names)


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
