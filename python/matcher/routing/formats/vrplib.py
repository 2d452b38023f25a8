"""VRPLIB (TSPLIB95 with the sections that vehicle routing has added): CVRP and VRPTW from one depot.

Euclidean weights of type EUC_2D, CEIL_2D and FLOOR_2D are rounded as TSPLIB95 says; EXACT_2D is not rounded. Unlike
readers that pass over what they do not know, sections that would change the plan are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from matcher.routing.formats.pairs import deliveries, euclidean
from matcher.routing.formats.text import Line, UnreadableFile, Word, lines
from matcher.routing.problem import Problem
from matcher.routing.solution import Solution

F64 = npt.NDArray[np.float64]
_IGNORED = {"NAME", "COMMENT", "TYPE", "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE"}
_KNOWN = {"DIMENSION", "CAPACITY", "VEHICLES", "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT", "SERVICE_TIME"}
_SECTIONS = {"NODE_COORD_SECTION": 3, "DEMAND_SECTION": 2, "TIME_WINDOW_SECTION": 3, "SERVICE_TIME_SECTION": 2}
_ROUNDING: dict[str, Callable[[F64], F64]] = {
    "EUC_2D": lambda d: np.floor(d + 0.5),
    "CEIL_2D": np.ceil,
    "FLOOR_2D": np.floor,
    "EXACT_2D": lambda d: d,
}


@dataclass(slots=True)
class _File:
    """What stands in it, by name."""

    path: Path
    head: dict[str, Line] = field(default_factory=dict)
    sections: dict[str, list[Line]] = field(default_factory=dict)
    headings: dict[str, Line] = field(default_factory=dict)

    def value(self, name: str) -> Word | None:
        """The last word of a line of the head."""
        return self.head[name].words[-1] if name in self.head else None

    def required(self, name: str) -> Word:
        """The same, of a line that must be there."""
        word = self.value(name)
        if word is None:
            raise UnreadableFile(f"{self.path}: names no {name}")
        return word

    def by_node(self, name: str, n: int) -> F64 | None:
        """(n, values) of a section with one line a node; None when the file has none."""
        if name not in self.sections:
            return None
        rows = self.sections[name]
        if len(rows) != n:
            raise self.headings[name].fault(f"{name} has {len(rows)} lines, and DIMENSION is {n}")
        width = _SECTIONS[name]
        values = np.zeros((n, width - 1))
        seen: set[int] = set()
        for line in rows:
            found = line.numbers(width)
            node = line.words[0].whole(1, n) - 1
            if node in seen:
                raise line.words[0].fault(f"node {node + 1} has a line before")
            seen.add(node)
            values[node] = found[1:width]
        return values


def parse(path: Path, text: str) -> Problem:
    """The problem in a text. Raises UnreadableFile."""
    file = _split(path, text)
    n = file.required("DIMENSION").whole(1, 1 << 16)
    _check_depot(file)
    xy = file.by_node("NODE_COORD_SECTION", n)
    distance = _distance(file, xy, n)
    demand = file.by_node("DEMAND_SECTION", n)
    if demand is None:
        raise UnreadableFile(f"{path}: has no DEMAND_SECTION")
    for line in file.sections["DEMAND_SECTION"]:
        line.words[1].whole(0)
    if demand[0, 0]:
        raise file.headings["DEMAND_SECTION"].fault("the depot, node 1, has a demand")
    given = file.by_node("TIME_WINDOW_SECTION", n)
    service = file.by_node("SERVICE_TIME_SECTION", n)
    seconds = np.zeros(n) if service is None else service[:, 0]
    if service is None and "SERVICE_TIME" in file.head:
        seconds[1:] = file.required("SERVICE_TIME").number()
    if np.any(seconds < 0):
        raise UnreadableFile(f"{path}: service takes a negative time")
    vehicles = file.value("VEHICLES")
    return deliveries(
        file.required("NAME").text if "NAME" in file.head else path.name.split(".")[0],
        distance=distance,
        duration=None,
        demand=[int(value) for value in demand[:, 0]],
        windows=_windows(file, given, distance, seconds),
        service=seconds,
        vehicles=n - 1 if vehicles is None else vehicles.whole(0),
        capacity=file.required("CAPACITY").whole(0),
        xy=xy,
    )


def solution_to_vrplib(solution: Solution) -> str:
    """Routes by customer, the depot being node 0 as all solutions of VRPLIB have it, and their distance."""
    pickups = set(solution.problem.pickup.tolist())
    routes = [[node for node in route if node not in pickups] for route in solution.routes]
    named = [f"Route #{number}: {' '.join(map(str, route))}" for number, route in enumerate(routes, start=1)]
    return "\n".join([*named, f"Cost {solution.distance:.12g}"])


def _split(path: Path, text: str) -> _File:
    file = _File(path)
    at: str | None = None
    for line in lines(path, text):
        name = line.words[0].text.rstrip(":")
        if name == "EOF":
            break
        if name.endswith("_SECTION"):
            if name not in (*_SECTIONS, "EDGE_WEIGHT_SECTION", "DEPOT_SECTION"):
                raise line.fault(f"{name} is not supported")
            at = name
            file.sections[at], file.headings[at] = [], line
        elif at is not None:
            file.sections[at].append(line)
        elif name in _IGNORED | _KNOWN:
            if len(line.words) < 2 or line.words[-1].text == ":":
                raise line.fault(f"{name} has no value")
            file.head[name] = line
        else:
            raise line.fault(f"{name} is not supported")
    return file


def _check_depot(file: _File) -> None:
    rows = file.sections.get("DEPOT_SECTION", [])
    depots = [word for line in rows for word in line.words if word.text != "-1"]
    if len(depots) > 1 or (depots and depots[0].whole() != 1):
        raise depots[-1].fault("the one depot must be node 1")


def _distance(file: _File, xy: F64 | None, n: int) -> F64:
    kind = file.required("EDGE_WEIGHT_TYPE")
    if kind.text in _ROUNDING:
        if xy is None:
            raise kind.fault(f"{kind.text} needs a NODE_COORD_SECTION")
        return _ROUNDING[kind.text](euclidean(xy))
    if kind.text != "EXPLICIT":
        raise kind.fault(f"{kind.text!r} is not supported: one of {', '.join(_ROUNDING)}, EXPLICIT")
    if "EDGE_WEIGHT_SECTION" not in file.sections:
        raise kind.fault("EXPLICIT needs an EDGE_WEIGHT_SECTION")
    words = [word for line in file.sections["EDGE_WEIGHT_SECTION"] for word in line.words]
    shape = file.required("EDGE_WEIGHT_FORMAT")
    cells = _cells(shape, n)
    if len(words) != len(cells):
        heading = file.headings["EDGE_WEIGHT_SECTION"]
        raise heading.fault(f"EDGE_WEIGHT_SECTION has {len(words)} numbers; {len(cells)} are needed")
    distance = np.zeros((n, n))
    for (a, b), word in zip(cells, words, strict=True):
        value = word.number()
        if value < 0:
            raise word.fault("a negative weight")
        distance[a, b] = value
        if shape.text != "FULL_MATRIX":
            distance[b, a] = value
    return distance


def _cells(shape: Word, n: int) -> list[tuple[int, int]]:
    """The order in which cells are written."""
    spans: dict[str, Callable[[int], range]] = {
        "FULL_MATRIX": lambda a: range(n),
        "LOWER_ROW": lambda a: range(a),
        "LOWER_DIAG_ROW": lambda a: range(a + 1),
        "UPPER_ROW": lambda a: range(a + 1, n),
        "UPPER_DIAG_ROW": lambda a: range(a, n),
    }
    # Columns of one triangle are rows of the other; weights are the same both ways.
    spans |= {"UPPER_COL": spans["LOWER_ROW"], "LOWER_COL": spans["UPPER_ROW"]}
    if shape.text not in spans:
        raise shape.fault(f"{shape.text!r} is not supported: one of {', '.join(spans)}")
    return [(a, b) for a in range(n) for b in spans[shape.text](a)]


def _windows(file: _File, given: F64 | None, distance: F64, service: F64) -> F64:
    """Of the file; without any, a span that no route can exceed."""
    n = len(service)
    if given is None:
        longest = float(distance.max(axis=1).sum() + service.sum()) + 1.0
        return np.column_stack([np.zeros(n), np.full(n, longest)])
    for line in file.sections["TIME_WINDOW_SECTION"]:
        if line.words[2].number() < line.words[1].number():
            raise line.words[1].fault("the window ends before it begins")
    return given
