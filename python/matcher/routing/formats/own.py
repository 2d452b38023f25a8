"""Our own JSON: every field of a Problem by name, and plans."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from matcher.routing.explain import Relaxation, Unserved
from matcher.routing.formats.text import UnreadableFile
from matcher.routing.problem import Break, OnBoard, Problem, VehicleType
from matcher.routing.solution import Solution

FORMAT = "matcher.problem/1"
_COUNTS = ("vehicles", "capacity")
_WHOLE = ("demand", "pickup", "delivery", "more_demand")
_REQUIRED = ("distance", "ready", "due", "service", "demand", "pickup", "delivery", *_COUNTS)
_INFINITE = ("prize", "max_ride", "late_cost")
"""Columns whose null is infinity, which JSON cannot say."""


def problem_to_json(problem: Problem) -> str:
    """Every field that is set. Infinite prizes, rides and prices of lateness are null."""
    values: dict[str, Any] = {"format": FORMAT}
    for item in dataclasses.fields(problem):
        value = getattr(problem, item.name)
        if value is None or (item.name == "types" and not value):
            continue
        if item.name == "types":
            values["types"] = [dataclasses.asdict(kind) for kind in value]
        elif item.name == "windows":
            values["windows"] = {str(node): [list(span) for span in spans] for node, spans in value.items()}
        elif item.name in _INFINITE:
            values[item.name] = [number if np.isfinite(number) else None for number in value.tolist()]
        else:
            values[item.name] = value.tolist() if isinstance(value, np.ndarray) else value
    return json.dumps(values)


def parse(tree: Mapping[str, Any]) -> Problem:
    """The problem in a tree of JSON. Raises UnreadableFile with the path of what is wrong."""
    if tree["format"] != FORMAT:
        raise UnreadableFile(f"format: must be {FORMAT!r}, is {tree['format']!r}")
    names = [item.name for item in dataclasses.fields(Problem)]
    unknown = sorted(set(tree) - {*names, "format"})
    if unknown:
        raise UnreadableFile(f"{unknown[0]}: unknown field")
    missing = [name for name in _REQUIRED if name not in tree]
    if missing:
        raise UnreadableFile(f"{missing[0]}: is required")
    values = {name: _read(name, tree[name]) for name in names if name in tree and tree[name] is not None}
    return Problem(**({"name": ""} | values))


def _read(name: str, value: Any) -> Any:
    if name == "name":
        return str(value)
    if name in _COUNTS:
        return _integer(value, name)
    if name == "types":
        return tuple(_vehicle(item, f"types[{number}]") for number, item in enumerate(_list(value, name)))
    if name == "windows":
        return _windows(value)
    kind: Any = np.int32 if name in _WHOLE else np.bool_ if name == "allowed" else np.float64
    if name in _INFINITE:
        value = [np.inf if item is None else item for item in _list(value, name)]
    try:
        return np.array(value, dtype=kind)
    except (ValueError, TypeError, OverflowError) as error:
        raise UnreadableFile(f"{name}: is no array of numbers: {error}") from None


def _windows(value: Any) -> dict[int, tuple[tuple[float, float], ...]]:
    if not isinstance(value, Mapping):
        raise UnreadableFile("windows: must be an object of windows by node")
    found = {}
    for node, spans in value.items():
        where = f"windows.{node}"
        if not node.isdigit():
            raise UnreadableFile(f"{where}: is no node")
        if any(not isinstance(span, list) or len(span) != 2 for span in _list(spans, where)):
            raise UnreadableFile(f"{where}: a window is a list of two numbers")
        found[int(node)] = tuple((_number(a, where), _number(b, where)) for a, b in spans)
    return found


def _vehicle(value: Any, where: str) -> VehicleType:
    reads: dict[str, Callable[[Any, str], Any]] = {
        "count": _integer,
        "capacity": _integers,
        "start": _integer,
        "end": lambda v, w: None if v is None else _integer(v, w),
        "earliest": lambda v, w: None if v is None else _number(v, w),
        "latest": lambda v, w: None if v is None else _number(v, w),
        "fixed_cost": _number,
        "breaks": lambda v, w: tuple(_object(Break, item, f"{w}[{k}]") for k, item in enumerate(_list(v, w))),
        "locked": _integers,
        "on_board": lambda v, w: tuple(_object(OnBoard, item, f"{w}[{k}]") for k, item in enumerate(_list(v, w))),
    }
    if not isinstance(value, Mapping):
        raise UnreadableFile(f"{where}: must be an object")
    for name in value:
        if name not in reads:
            raise UnreadableFile(f"{where}.{name}: unknown field")
    for name in ("count", "capacity"):
        if name not in value:
            raise UnreadableFile(f"{where}.{name}: is required")
    return VehicleType(**{name: reads[name](item, f"{where}.{name}") for name, item in value.items()})


def _object(kind: type[Any], value: Any, where: str) -> Any:
    """A break, or what is on board: all fields are numbers, and required."""
    names = [item.name for item in dataclasses.fields(kind)]
    if not isinstance(value, Mapping) or sorted(value) != sorted(names):
        raise UnreadableFile(f"{where}: must be an object of {', '.join(names)}")
    return kind(**{n: (_integer if n == "request" else _number)(value[n], f"{where}.{n}") for n in names})


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise UnreadableFile(f"{where}: must be a list")
    return value


def _integers(value: Any, where: str) -> tuple[int, ...]:
    return tuple(_integer(item, f"{where}[{k}]") for k, item in enumerate(_list(value, where)))


def _integer(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableFile(f"{where}: must be an integer, is {value!r}")
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UnreadableFile(f"{where}: must be a number, is {value!r}")
    return float(value)


def solution_to_json(solution: Solution, explained: int = 0) -> str:
    """Routes as lists of nodes, with their times where the plan states them; what is left out; who found it.

    explained: for how many of the requests left out it says why, which takes time.
    """
    times = [{"starts": list(table.starts), "breaks": list(table.breaks)} for table in solution.timetables]
    return json.dumps(
        {
            "format": "matcher.solution/1",
            "name": solution.problem.name,
            "solver": solution.solver,
            "proven": solution.proven,
            "vehicles": solution.vehicles,
            "distance": solution.distance,
            "cost": solution.cost,
            "iterations": solution.iterations,
            "routes": solution.routes,
            "types": solution.types,
            **({"timetables": times} if times else {}),
            "unserved": [
                _unserved(gone) if number < explained else {"request": gone.request}
                for number, gone in enumerate(solution.unserved)
            ],
        }
    )


def _unserved(gone: Unserved) -> dict[str, Any]:
    """`relaxations`: limits each of which would be enough to give way; `together`: or the fewest that are, at once."""
    return {
        "request": gone.request,
        "relaxations": [_relaxation(item) for item in gone.relaxations],
        "together": [_relaxation(item) for item in gone.together],
    }


def _relaxation(item: Relaxation) -> dict[str, Any]:
    return {
        "limit": item.limit.value,
        "amount": item.amount,
        "vehicle_type": item.vehicle_type,
        "route": item.route,
        "stops": list(item.stops),
    }
