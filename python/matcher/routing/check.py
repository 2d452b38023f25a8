"""Plans held to the rules of their problem, from first principles; shares no code with the searches."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from matcher.routing.problem import GRACE, InvalidPlanError, Problem, Timetable, VehicleType


def check_plan(
    problem: Problem,
    routes: Sequence[Sequence[int]],
    types: Sequence[int],
    timetables: Sequence[Timetable],
    left_out: Sequence[int],
) -> None:
    """Raise InvalidPlanError at the first rule that a plan breaks. No types: all are alike; no timetables: early."""
    types = types or [0] * len(routes)
    _check_counts(problem, len(routes), types, timetables)
    served: dict[int, int] = {}
    for number, route in enumerate(routes):
        _check_stops(problem, number, route, types[number])
        if timetables:
            _check_timetable(problem, number, route, types[number], timetables[number])
        else:
            _check_times(problem, number, route, types[number])
        for node in route:
            if node in served:
                raise InvalidPlanError(f"node {node} is visited by routes {served[node]} and {number}")
            served[node] = number
    _check_promises(problem, routes, types)
    missing, aboard = set(left_out), problem.aboard
    for request, (p, d) in enumerate(zip(problem.pickup.tolist(), problem.delivery.tolist(), strict=True)):
        if request not in aboard and served.get(p) != served.get(d):
            raise InvalidPlanError(f"request {request} is split: {served.get(p)} picks up, {served.get(d)} delivers")
        if (d not in served) != (request in missing):
            raise InvalidPlanError(f"request {request} is neither served nor reported as unserved, or it is both")


def _check_counts(problem: Problem, routes: int, types: Sequence[int], timetables: Sequence[Timetable]) -> None:
    fleet = problem.fleet
    if len(types) != routes:
        raise InvalidPlanError(f"{routes} routes, but {len(types)} vehicle types")
    if timetables and len(timetables) != routes:
        raise InvalidPlanError(f"{routes} routes, but {len(timetables)} timetables")
    for number, vehicle in enumerate(fleet):
        if types.count(number) > vehicle.count:
            of = f" of type {number}" if len(fleet) > 1 else ""
            raise InvalidPlanError(f"{types.count(number)} routes{of}, but {vehicle.count} vehicles")


def _check_promises(problem: Problem, routes: Sequence[Sequence[int]], types: Sequence[int]) -> None:
    """Vehicles under way begin with their locked stops."""
    for number, vehicle in enumerate(problem.fleet):
        if not vehicle.locked:
            continue
        own = [route for route, of_type in zip(routes, types, strict=True) if of_type == number]
        if not own or tuple(own[0][: len(vehicle.locked)]) != vehicle.locked:
            raise InvalidPlanError(f"type {number}: the route does not begin with its locked stops")


def _check_stops(problem: Problem, number: int, route: Sequence[int], of_type: int) -> None:
    """Order, precedence, vehicle type and loads of a route."""
    vehicle = problem.fleet[of_type]
    pickup_of = dict(zip(problem.delivery.tolist(), problem.pickup.tolist(), strict=True))
    request_of = {int(p): request for request, p in enumerate(problem.pickup)}
    carried = {load.request for load in vehicle.on_board}
    anywhere = problem.aboard
    load = [0] * len(vehicle.capacity)
    for request in carried:
        load = [have + more for have, more in zip(load, problem.loads(int(problem.pickup[request])), strict=True)]
    _check_load(f"route {number} at its start", load, vehicle)
    visited: set[int] = set()
    for position, node in enumerate(route):
        where = f"route {number}, stop {position} (node {node})"
        if node not in pickup_of and node not in request_of:
            raise InvalidPlanError(f"{where}: not a node of a request")
        if node in visited:
            raise InvalidPlanError(f"{where}: visited twice")
        visited.add(node)
        request = request_of[pickup_of.get(node, node)]
        if request in anywhere and node == int(problem.pickup[request]):
            raise InvalidPlanError(f"{where}: picks up what is on board already")
        if request in anywhere and request not in carried:
            raise InvalidPlanError(f"{where}: delivers what another vehicle has on board")
        if node in pickup_of and pickup_of[node] not in visited and request not in carried:
            raise InvalidPlanError(f"{where}: delivers what was not picked up before")
        if problem.allowed is not None and not problem.allowed[request, of_type] and request not in carried:
            raise InvalidPlanError(f"{where}: request {request} may not travel with vehicle type {of_type}")
        load = [have + change for have, change in zip(load, problem.loads(node), strict=True)]
        _check_load(where, load, vehicle)


def _check_load(where: str, load: Sequence[int], vehicle: VehicleType) -> None:
    for have, room in zip(load, vehicle.capacity, strict=True):
        if have > room:
            raise InvalidPlanError(f"{where}: load {have} exceeds capacity {room}")


def _opens(problem: Problem, node: int, at: float) -> float:
    """When service can start at a node reached at a time, the last end aside."""
    at = max(float(problem.ready[node]), at)
    spans = () if problem.windows is None else problem.windows.get(node, ())
    for begin, end in spans:
        if at <= end + GRACE:
            return max(at, begin)
    return at


def _arrives(problem: Problem, a: int, b: int, leave: float) -> float:
    """Earliest arrival at b of who may leave a at a time, or later."""
    if problem.bins is None or problem.bin_duration is None:
        return leave + float(problem.travel[a, b])
    begins: list[float] = [float("-inf"), *problem.bins[1:].tolist(), float("inf")]
    return min(
        max(leave, begins[k]) + float(problem.bin_duration[k, a, b])
        for k in range(len(problem.bins))
        if leave < begins[k + 1]
    )


def _check_times(problem: Problem, number: int, route: Sequence[int], of_type: int) -> None:
    """A plan without timetables keeps its limits when it is driven as early as it can be, rides aside."""
    vehicle = problem.fleet[of_type]
    if problem.timetabled:
        raise InvalidPlanError(f"route {number}: has no timetable, and {problem.timetabled[0]} needs one")
    assert vehicle.earliest is not None
    assert vehicle.latest is not None
    clock, last = vehicle.earliest, vehicle.start
    for position, node in enumerate(route):
        where = f"route {number}, stop {position} (node {node})"
        clock = max(float(problem.ready[node]), clock + float(problem.travel[last, node]))
        if clock > float(problem.due[node]) + GRACE:
            raise InvalidPlanError(f"{where}: service starts {clock - float(problem.due[node]):.6f} too late")
        clock += float(problem.service[node])
        last = node
    back = clock if vehicle.end is None else clock + float(problem.travel[last, vehicle.end])
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


def _check_timetable(problem: Problem, number: int, route: Sequence[int], of_type: int, table: Timetable) -> None:
    """Every time that a plan states: windows, travel, shift, rides and breaks."""
    vehicle = problem.fleet[of_type]
    assert vehicle.earliest is not None
    assert vehicle.latest is not None
    if len(table.starts) != len(route) or len(table.breaks) != len(vehicle.breaks):
        raise InvalidPlanError(f"route {number}: the timetable has not one time for each stop and break")
    pauses = _check_breaks(number, vehicle, table)
    leave, last = vehicle.earliest, vehicle.start
    for position, (node, start) in enumerate(zip(route, table.starts, strict=True)):
        where = f"route {number}, stop {position} (node {node})"
        reach = _arrives(problem, last, node, leave)
        least = _held_up(reach, leave, start, pauses, driving=reach - leave)
        if start < least - GRACE:
            raise InvalidPlanError(f"{where}: service starts {least - start:.6f} before the vehicle can be there")
        if start > problem.hard_due(node) + GRACE:
            raise InvalidPlanError(f"{where}: service starts {start - problem.hard_due(node):.6f} too late")
        if abs(_opens(problem, node, start) - start) > GRACE:
            raise InvalidPlanError(f"{where}: service starts at {start:.6f}, in no window")
        leave, last = start + float(problem.service[node]), node
        for begin, end in pauses:
            if begin < leave - GRACE and end > start + GRACE:
                raise InvalidPlanError(f"{where}: a break from {begin:.6f} interrupts service")
    if route:
        back = leave if vehicle.end is None else _arrives(problem, last, vehicle.end, leave)
        if _back(back, leave, pauses) > vehicle.latest + GRACE:
            raise InvalidPlanError(f"route {number}: back at the depot {back - vehicle.latest:.6f} too late")
    _check_stated_rides(problem, number, route, vehicle, table)


def _check_breaks(number: int, vehicle: VehicleType, table: Timetable) -> list[tuple[float, float]]:
    pauses = []
    for rule, begin in zip(vehicle.breaks, table.breaks, strict=True):
        if not rule.earliest - GRACE <= begin <= rule.latest + GRACE:
            raise InvalidPlanError(f"route {number}: a break begins at {begin:.6f}, outside of its window")
        pauses.append((begin, begin + rule.duration))
    pauses.sort()
    for (_, end), (begin, _) in itertools.pairwise(pauses):
        if begin < end - GRACE:
            raise InvalidPlanError(f"route {number}: two breaks overlap at {begin:.6f}")
    return pauses


def _held_up(reach: float, leave: float, start: float, pauses: Sequence[tuple[float, float]], driving: float) -> float:
    """Earliest start of service when breaks that lie between leaving and the stated start interrupt the way.

    A break that began before the vehicle could leave delays it by what is left; at the depot that may be all of it.
    """
    taken = sum(end - max(begin, leave) for begin, end in pauses if end > leave + GRACE and end <= start + GRACE)
    return reach if not taken else leave + driving + taken


def _back(reach: float, leave: float, pauses: Sequence[tuple[float, float]]) -> float:
    """Arrival at the end when breaks that begin on the way back interrupt it."""
    for begin, end in pauses:
        if end > leave + GRACE and begin < reach - GRACE:
            reach += end - max(begin, leave)
    return reach


def _check_stated_rides(
    problem: Problem, number: int, route: Sequence[int], vehicle: VehicleType, table: Timetable
) -> None:
    if problem.max_ride is None:
        return
    at = dict(zip(route, table.starts, strict=True))
    since = {load.request: load.since for load in vehicle.on_board}
    for request, (p, d) in enumerate(zip(problem.pickup.tolist(), problem.delivery.tolist(), strict=True)):
        if d not in at:
            continue
        left = since[request] if request in since else at[p] + float(problem.service[p])
        ride = at[d] - left
        if np.isfinite(problem.max_ride[request]) and ride > problem.max_ride[request] + GRACE:
            over = ride - float(problem.max_ride[request])
            raise InvalidPlanError(f"route {number}: request {request} is on board {over:.6f} too long")
