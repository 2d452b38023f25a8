"""Pickup-and-delivery problems with time windows, and their solutions, checked from first principles."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
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
    """What keeps a request out of a plan; the further down, the nearer it is to being served."""

    VEHICLE_TYPE = "vehicle_type"
    """No vehicle of a type that may serve it."""
    CAPACITY = "capacity"
    """It is larger than a vehicle."""
    TIME_WINDOW = "time_window"
    """A vehicle of its own would be late."""
    MAX_RIDE = "max_ride"
    """Even driven straight to its delivery it is on board for too long."""
    PRIZE = "prize"
    """It may be left out, and serving it costs more than its prize."""
    VEHICLES = "vehicles"
    """It could be served by one more vehicle; no place was found in the routes of those there are."""


@dataclass(frozen=True, slots=True)
class Unserved:
    """One request that no route serves."""

    request: int
    reason: UnservedReason
    relaxation: float
    """The least change that serves it: units of capacity, time by which a window or the ride is missed, one vehicle, or
    by what a vehicle of its own costs more than the prize."""


@dataclass(frozen=True, slots=True)
class VehicleType:
    """Vehicles that are alike. `start` and `end` are nodes of no request; `end` None: a route ends at its last stop.

    capacity: one value for each dimension of load. earliest, latest: the shift, from leaving the start to being at the
    end; None: the windows of those nodes. fixed_cost: of each vehicle used, in the unit of distance; it
    counts for objective "cost".
    """

    count: int
    capacity: tuple[int, ...]
    start: int = 0
    end: int | None = 0
    earliest: float | None = None
    latest: float | None = None
    fixed_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Problem:
    """Node 0 is the depot, where every route starts and ends unless `types` say otherwise. Times and distances share
    one unit.

    distance: (nodes, nodes) float64. duration: likewise, or None when travel takes as long as it is far.
    ready, due: (nodes,) window in which service starts; of the depot: when vehicles leave first and return last.
    demand: (nodes,) int32, of a delivery the negative of its pick-up. pickup, delivery: (requests,) int32 nodes.

    Optional: types: the fleet, instead of `vehicles` and `capacity`. more_demand: (nodes, further dimensions of load)
    int32. allowed: (requests, types) bool, whether such a vehicle may serve it. max_ride: (requests,) float64, longest
    time from the end of service at pick-up to its start at delivery; vehicles wait where that helps. prize: (requests,)
    float64, what leaving it out costs, in the unit of distance; infinite: it must be served.
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
    types: tuple[VehicleType, ...] = ()
    more_demand: I32 | None = None
    allowed: npt.NDArray[np.bool_] | None = None
    max_ride: F64 | None = None
    prize: F64 | None = None

    @property
    def fleet(self) -> tuple[VehicleType, ...]:
        """The vehicle types, shifts filled in; one type when the problem names none."""
        named = self.types or (VehicleType(self.vehicles, (self.capacity,)),)
        last = float(np.max(self.due)) + float(np.max(self.service, initial=0.0))
        return tuple(
            VehicleType(
                t.count,
                t.capacity,
                t.start,
                t.end,
                float(self.ready[t.start]) if t.earliest is None else t.earliest,
                (last if t.end is None else float(self.due[t.end])) if t.latest is None else t.latest,
                t.fixed_cost,
            )
            for t in named
        )

    def loads(self, node: int) -> tuple[int, ...]:
        """Change of the load at a node, in every dimension."""
        more = () if self.more_demand is None else tuple(int(q) for q in self.more_demand[node])
        return (int(self.demand[node]), *more)

    @property
    def travel(self) -> F64:
        """(nodes, nodes) travel times."""
        return self.distance if self.duration is None else self.duration

    def why_unserved(self, request: int) -> Unserved:
        """The constraint that keeps a request out, and the least relaxation that would serve it alone.

        Of several vehicle types, the one that comes nearest to serving it counts.
        """
        reasons = [
            self._why_not(request, number, vehicle)
            for number, vehicle in enumerate(self.fleet)
            if vehicle.count > 0 or len(self.fleet) == 1
        ]
        order = list(UnservedReason)
        return max(
            reasons,
            key=lambda why: (order.index(why.reason), -why.relaxation),
            default=Unserved(request, UnservedReason.VEHICLES, 1.0),
        )

    def _why_not(self, request: int, number: int, vehicle: VehicleType) -> Unserved:
        p, d = int(self.pickup[request]), int(self.delivery[request])
        if self.allowed is not None and not self.allowed[request, number]:
            return Unserved(request, UnservedReason.VEHICLE_TYPE, 1.0)
        over = max(load - room for load, room in zip(self.loads(p), vehicle.capacity, strict=True))
        if over > 0:
            return Unserved(request, UnservedReason.CAPACITY, float(over))
        assert vehicle.earliest is not None
        assert vehicle.latest is not None
        travel = self.travel
        start = max(float(self.ready[p]), vehicle.earliest + float(travel[vehicle.start, p]))
        late = max(0.0, float(start - self.due[p]))
        drop = max(float(self.ready[d]), start + float(self.service[p] + travel[p, d]))
        back = 0.0 if vehicle.end is None else float(travel[d, vehicle.end])
        late = max(late, float(drop - self.due[d]), float(drop + self.service[d] + back - vehicle.latest))
        if late > GRACE:
            return Unserved(request, UnservedReason.TIME_WINDOW, late)
        if self.max_ride is not None:
            # The pick-up may wait for the delivery to open, until its own window closes.
            ride = max(float(travel[p, d]), float(self.ready[d] - self.due[p] - self.service[p]))
            if ride - float(self.max_ride[request]) > GRACE:
                return Unserved(request, UnservedReason.MAX_RIDE, ride - float(self.max_ride[request]))
        if self.prize is not None and np.isfinite(self.prize[request]):
            way = float(self.distance[vehicle.start, p] + self.distance[p, d])
            way += 0.0 if vehicle.end is None else float(self.distance[d, vehicle.end])
            return Unserved(
                request, UnservedReason.PRIZE, max(0.0, way + vehicle.fixed_cost - float(self.prize[request]))
            )
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
    """A plan. `routes` are lists of nodes, starts and ends left out; `types` of each; empty: all alike."""

    problem: Problem
    routes: list[list[int]]
    unserved: list[Unserved]
    iterations: int
    history: list[Progress]
    types: list[int] = field(default_factory=list)

    def vehicle_type(self, route: int) -> VehicleType:
        """What drives a route."""
        return self.problem.fleet[self.types[route] if self.types else 0]

    @property
    def cost(self) -> float:
        """Distance, fixed costs of the vehicles used, and prizes of what is left out: objective "cost"."""
        fixed = sum(self.vehicle_type(route).fixed_cost for route in range(len(self.routes)))
        prize = self.problem.prize
        lost = 0.0 if prize is None else sum(float(prize[u.request]) for u in self.unserved)
        return self.distance + fixed + lost

    @property
    def vehicles(self) -> int:
        """Routes that go anywhere."""
        return len(self.routes)

    @property
    def distance(self) -> float:
        """Sum over all legs, recomputed from the routes."""
        total = 0.0
        for number, route in enumerate(self.routes):
            vehicle = self.vehicle_type(number)
            way = (vehicle.start, *route, *(() if vehicle.end is None else (vehicle.end,)))
            total += sum(float(self.problem.distance[a, b]) for a, b in itertools.pairwise(way))
        return total

    def check(self) -> None:
        """Raise InvalidPlanError at the first rule that the plan breaks. Shares no code with the search."""
        problem = self.problem
        fleet = problem.fleet
        types = self.types or [0] * len(self.routes)
        if len(types) != len(self.routes):
            raise InvalidPlanError(f"{len(self.routes)} routes, but {len(types)} vehicle types")
        for number, vehicle in enumerate(fleet):
            if types.count(number) > vehicle.count:
                of = f" of type {number}" if len(fleet) > 1 else ""
                raise InvalidPlanError(f"{types.count(number)} routes{of}, but {vehicle.count} vehicles")
        served: dict[int, int] = {}
        for number, route in enumerate(self.routes):
            _check_route(problem, number, route, types[number])
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


def _check_route(problem: Problem, number: int, route: Sequence[int], of_type: int) -> None:
    travel = problem.travel
    vehicle = problem.fleet[of_type]
    assert vehicle.earliest is not None
    assert vehicle.latest is not None
    pickup_of = dict(zip(problem.delivery.tolist(), problem.pickup.tolist(), strict=True))
    request_of = {int(p): request for request, p in enumerate(problem.pickup)}
    clock, last, load = vehicle.earliest, vehicle.start, [0] * len(vehicle.capacity)
    visited: set[int] = set()
    for position, node in enumerate(route):
        where = f"route {number}, stop {position} (node {node})"
        if node not in pickup_of and node not in request_of:
            raise InvalidPlanError(f"{where}: not a node of a request")
        if node in visited:
            raise InvalidPlanError(f"{where}: visited twice")
        visited.add(node)
        if node in pickup_of and pickup_of[node] not in visited:
            raise InvalidPlanError(f"{where}: delivers what was not picked up before")
        request = request_of[pickup_of.get(node, node)]
        if problem.allowed is not None and not problem.allowed[request, of_type]:
            raise InvalidPlanError(f"{where}: request {request} may not travel with vehicle type {of_type}")
        clock = max(float(problem.ready[node]), clock + float(travel[last, node]))
        if clock > float(problem.due[node]) + GRACE:
            raise InvalidPlanError(f"{where}: service starts {clock - float(problem.due[node]):.6f} too late")
        clock += float(problem.service[node])
        load = [have + change for have, change in zip(load, problem.loads(node), strict=True)]
        for have, room in zip(load, vehicle.capacity, strict=True):
            if have > room:
                raise InvalidPlanError(f"{where}: load {have} exceeds capacity {room}")
        last = node
    back = clock if vehicle.end is None else clock + float(travel[last, vehicle.end])
    if route and back > vehicle.latest + GRACE:
        raise InvalidPlanError(f"route {number}: back at the depot {back - vehicle.latest:.6f} too late")
    if problem.max_ride is not None:
        _check_rides(problem, number, route, vehicle)


def _check_rides(problem: Problem, number: int, route: Sequence[int], vehicle: VehicleType) -> None:
    """Whether some schedule keeps windows and rides: longest paths over the differences that they demand."""
    assert problem.max_ride is not None
    assert vehicle.earliest is not None
    assert vehicle.latest is not None
    place = {node: position for position, node in enumerate(route)}
    travel, service = problem.travel, problem.service
    starts = [float(problem.ready[node]) for node in route]
    demands: list[tuple[int, int, float]] = []  # starts[b] >= starts[a] + gap
    for position, (a, b) in enumerate(itertools.pairwise(route)):
        demands.append((position, position + 1, float(service[a] + travel[a, b])))
    for p, d, limit in zip(problem.pickup.tolist(), problem.delivery.tolist(), problem.max_ride.tolist(), strict=True):
        if p in place and d in place and np.isfinite(limit):
            demands.append((place[d], place[p], -limit - float(service[p])))
    if route:
        starts[0] = max(starts[0], vehicle.earliest + float(travel[vehicle.start, route[0]]))
    for _ in range(len(route) + 1):
        moved = False
        for a, b, gap in demands:
            if starts[a] + gap > starts[b] + GRACE:
                starts[b], moved = starts[a] + gap, True
        if not moved:
            break
    else:
        raise InvalidPlanError(f"route {number}: no schedule keeps all limits on the time on board")
    for node, start in zip(route, starts, strict=True):
        if start > float(problem.due[node]) + GRACE:
            raise InvalidPlanError(f"route {number}, node {node}: limits on the time on board push it past its window")
    if route:
        back = starts[-1] + float(service[route[-1]])
        back += 0.0 if vehicle.end is None else float(travel[route[-1], vehicle.end])
        if back > vehicle.latest + GRACE:
            raise InvalidPlanError(f"route {number}: limits on the time on board push it past the end of the shift")


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
