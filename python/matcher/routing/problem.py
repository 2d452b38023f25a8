"""Pickup-and-delivery problems with time windows, and their solutions, checked from first principles."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

GRACE = 1e-6
"""Two sums of the same doubles may differ by their order of addition; windows are kept to within this."""


class InvalidPlanError(ValueError):
    """A solution breaks the problem's rules; the sentence says which rule, where and by how much."""


class UnservedReason(StrEnum):
    """What keeps a request out of a plan."""

    CAPACITY = "capacity"
    """It is larger than a vehicle."""
    TIME_WINDOW = "time_window"
    """A vehicle of its own would be late."""
    VEHICLES = "vehicles"
    """It could be served by one more vehicle; no place was found in the routes of those there are."""


@dataclass(frozen=True, slots=True)
class Unserved:
    """One request that no route serves."""

    request: int
    reason: UnservedReason
    relaxation: float
    """The least change that serves it: units of capacity, time by which a window is missed, or one vehicle."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Node 0 is the depot, where every route starts and ends. Times and distances share one unit.

    distance: (nodes, nodes) float64. duration: likewise, or None when travel takes as long as it is far.
    ready, due: (nodes,) window in which service starts; of the depot: when vehicles leave first and return last.
    demand: (nodes,) int32, of a delivery the negative of its pick-up. pickup, delivery: (requests,) int32 nodes.
    """

    name: str
    distance: F64
    ready: F64
    due: F64
    service: F64
    demand: I32
    pickup: I32
    delivery: I32
    vehicles: int
    capacity: int
    duration: F64 | None = None

    @property
    def travel(self) -> F64:
        """(nodes, nodes) travel times."""
        return self.distance if self.duration is None else self.duration

    def why_unserved(self, request: int) -> Unserved:
        """The constraint that keeps a request out, and the least relaxation that would serve it alone."""
        p, d = int(self.pickup[request]), int(self.delivery[request])
        over = int(self.demand[p]) - self.capacity
        if over > 0:
            return Unserved(request, UnservedReason.CAPACITY, float(over))
        travel = self.travel
        start = max(self.ready[p], self.ready[0] + travel[0, p])
        late = max(0.0, float(start - self.due[p]))
        drop = max(self.ready[d], start + self.service[p] + travel[p, d])
        late = max(late, float(drop - self.due[d]), float(drop + self.service[d] + travel[d, 0] - self.due[0]))
        if late > GRACE:
            return Unserved(request, UnservedReason.TIME_WINDOW, late)
        return Unserved(request, UnservedReason.VEHICLES, 1.0)


@dataclass(frozen=True, slots=True)
class Progress:
    """A better plan was found."""

    iteration: int
    fraction: float
    """Of the budget, when it was found."""
    unserved: int
    vehicles: int
    distance: float


@dataclass(frozen=True, slots=True)
class Solution:
    """A plan. `routes` are lists of nodes, the depot left out."""

    problem: Problem
    routes: list[list[int]]
    unserved: list[Unserved]
    iterations: int
    history: list[Progress]

    @property
    def vehicles(self) -> int:
        """Routes that go anywhere."""
        return len(self.routes)

    @property
    def distance(self) -> float:
        """Sum over all legs, recomputed from the routes."""
        legs = ((0, *route, 0) for route in self.routes)
        return float(sum(self.problem.distance[a, b] for leg in legs for a, b in itertools.pairwise(leg)))

    def check(self) -> None:
        """Raise InvalidPlanError at the first rule that the plan breaks. Shares no code with the search."""
        problem = self.problem
        if len(self.routes) > problem.vehicles:
            raise InvalidPlanError(f"{len(self.routes)} routes, but {problem.vehicles} vehicles")
        served: dict[int, int] = {}
        for number, route in enumerate(self.routes):
            _check_route(problem, number, route)
            for node in route:
                if node in served:
                    raise InvalidPlanError(f"node {node} is visited by routes {served[node]} and {number}")
                served[node] = number
        missing = {u.request for u in self.unserved}
        for request, (p, d) in enumerate(zip(problem.pickup.tolist(), problem.delivery.tolist(), strict=True)):
            if served.get(p) != served.get(d):
                raise InvalidPlanError(
                    f"request {request} is split: {served.get(p)} picks up, {served.get(d)} delivers"
                )
            if (p not in served) != (request in missing):
                raise InvalidPlanError(f"request {request} is neither served nor reported as unserved, or it is both")


def _check_route(problem: Problem, number: int, route: Sequence[int]) -> None:
    travel = problem.travel
    pickup_of = dict(zip(problem.delivery.tolist(), problem.pickup.tolist(), strict=True))
    clock, last, load = float(problem.ready[0]), 0, 0
    visited: set[int] = set()
    for position, node in enumerate(route):
        where = f"route {number}, stop {position} (node {node})"
        if node not in pickup_of and node not in problem.pickup:
            raise InvalidPlanError(f"{where}: not a node of a request")
        if node in visited:
            raise InvalidPlanError(f"{where}: visited twice")
        visited.add(node)
        if node in pickup_of and pickup_of[node] not in visited:
            raise InvalidPlanError(f"{where}: delivers what was not picked up before")
        clock = max(float(problem.ready[node]), clock + float(travel[last, node]))
        if clock > float(problem.due[node]) + GRACE:
            raise InvalidPlanError(f"{where}: service starts {clock - float(problem.due[node]):.6f} too late")
        clock += float(problem.service[node])
        load += int(problem.demand[node])
        if load > problem.capacity:
            raise InvalidPlanError(f"{where}: load {load} exceeds capacity {problem.capacity}")
        last = node
    back = clock + float(travel[last, 0])
    if back > float(problem.due[0]) + GRACE:
        raise InvalidPlanError(f"route {number}: back at the depot {back - float(problem.due[0]):.6f} too late")


def _read_text(path: str | Path) -> list[str]:
    path = Path(path)
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()


def read_li_lim(path: str | Path) -> Problem:
    """A problem in the format of Li & Lim (2003): Euclidean, travel time equals distance.

    Raises ValueError naming the line that cannot be read.
    """
    lines = [line.split() for line in _read_text(path) if line.strip()]
    try:
        vehicles, capacity = int(lines[0][0]), int(lines[0][1])
        table = np.array([[float(value) for value in line[:9]] for line in lines[1:]])
        assert table.ndim == 2
        assert table.shape[1] == 9
    except (ValueError, IndexError, AssertionError) as error:
        raise ValueError(f"{path} is not in the format of Li & Lim: {error or 'a line has not nine numbers'}") from None
    xy = table[:, 1:3]
    distance = np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1])
    return _paired(Path(path).name.split(".")[0], table[:, 3:9], distance, vehicles, capacity)


def read_sartori_buriol(path: str | Path) -> Problem:
    """A problem in the format of Sartori & Buriol (2020): a full matrix of travel minutes, no limit on vehicles.

    Raises ValueError naming what cannot be read.
    """
    lines = _read_text(path)
    try:
        head = dict(line.split(": ", 1) for line in lines[: lines.index("NODES")] if ": " in line)
        n = int(head["SIZE"])
        at = lines.index("NODES") + 1
        table = np.array([[float(value) for value in line.split()] for line in lines[at : at + n]])
        edges = lines.index("EDGES") + 1
        distance = np.array([[float(value) for value in line.split()] for line in lines[edges : edges + n]])
        assert table.shape == (n, 9)
        assert distance.shape == (n, n)
    except (ValueError, KeyError, AssertionError) as error:
        raise ValueError(f"{path} is not in the format of Sartori & Buriol: {error or 'a table is cut off'}") from None
    # Columns: id, latitude, longitude, demand, ready, due, service, pick-up, delivery.
    return _paired(head["NAME"], table[:, 3:9], distance, n // 2, int(head["CAPACITY"]))


def _paired(name: str, table: F64, distance: F64, vehicles: int, capacity: int) -> Problem:
    """table columns: demand, ready, due, service, pick-up of a delivery, delivery of a pick-up."""
    pickup = np.flatnonzero(table[:, 5] > 0)
    return Problem(
        name=name,
        distance=np.ascontiguousarray(distance),
        ready=np.ascontiguousarray(table[:, 1]),
        due=np.ascontiguousarray(table[:, 2]),
        service=np.ascontiguousarray(table[:, 3]),
        demand=table[:, 0].astype(np.int32),
        pickup=pickup.astype(np.int32),
        delivery=table[pickup, 5].astype(np.int32),
        vehicles=vehicles,
        capacity=capacity,
    )
