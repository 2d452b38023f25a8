"""What a problem may ask for beyond the native kernel: whether it makes sense, and how travel bins are bounded."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from matcher.routing.problem import Problem
from matcher.routing.timing import Clock


def check_beyond(problem: Problem, objective: str) -> None:
    """Raise ValueError naming the field that makes no sense. The kernel checks the other fields."""
    _check_windows(problem)
    _check_late_cost(problem, objective)
    _check_bins(problem)
    _check_vehicles(problem)
    under_way = [number for number, vehicle in enumerate(problem.types) if vehicle.locked or vehicle.on_board]
    if under_way:
        ends = _ends(problem)
        for number in under_way:
            _check_locks(problem, number, ends)


def kernel_part(problem: Problem) -> Problem:
    """The problem without what the kernel does not know; travel is the longest over all bins."""
    return dataclasses.replace(
        problem,
        types=tuple(dataclasses.replace(t, breaks=(), locked=(), on_board=()) for t in problem.types),
        duration=problem.travel if problem.bins is not None else problem.duration,
        windows=None,
        late_cost=None,
        bins=None,
        bin_duration=None,
    )


def without_bins(problem: Problem) -> Problem:
    """The same with travel times that hold at whatever time a leg can begin: of the bins that its node's window meets.

    A plan that is feasible there is feasible under the bins: who arrives early waits.
    """
    if problem.bins is None or problem.bin_duration is None:
        return problem
    longest = np.empty_like(problem.bin_duration[0])
    begins = [-np.inf, *problem.bins[1:].tolist(), np.inf]
    for node in range(len(problem.ready)):
        first = float(problem.ready[node] + problem.service[node])
        last = float(problem.hard_due(node) + problem.service[node])
        # A vehicle leaves when its shift begins: later never makes it arrive earlier.
        shifts = [t.earliest for t in problem.fleet if t.start == node and t.earliest is not None]
        first, last = min([first, *shifts]), max([last, *shifts])
        met = [k for k in range(len(problem.bins)) if begins[k] <= last and begins[k + 1] >= first]
        longest[node] = problem.bin_duration[met, node].max(axis=0)
    return dataclasses.replace(problem, duration=longest, bins=None, bin_duration=None)


def _check_windows(problem: Problem) -> None:
    for node, spans in (problem.windows or {}).items():
        if not 0 <= node < len(problem.ready):
            raise ValueError(f"windows of node {node}, which does not exist")
        if not spans:
            raise ValueError(f"windows of node {node} are none at all")
        ends = [value for span in spans for value in span]
        if any(not later >= earlier for earlier, later in itertools.pairwise(ends)):
            raise ValueError(f"windows of node {node} are not ascending and disjoint")
        if ends[0] != problem.ready[node] or ends[-1] != problem.due[node]:
            raise ValueError(f"windows of node {node} do not reach from its ready to its due")


def _check_late_cost(problem: Problem, objective: str) -> None:
    if problem.late_cost is None:
        return
    if objective != "cost":
        raise ValueError(f'late_cost is a cost, and objective is "{objective}": it needs "cost"')
    if problem.late_cost.shape != problem.due.shape:
        raise ValueError("late_cost is not (nodes)")
    bad = np.flatnonzero(~(problem.late_cost >= 0.0))
    if len(bad):
        raise ValueError(f"late_cost {bad[0]} is negative or not a number")


def _check_bins(problem: Problem) -> None:
    if problem.bins is None and problem.bin_duration is None:
        return
    if problem.bins is None or problem.bin_duration is None or not len(problem.bins):
        raise ValueError("bins and bin_duration belong together, and there must be one at least")
    n = len(problem.ready)
    if problem.bin_duration.shape != (len(problem.bins), n, n):
        raise ValueError("bin_duration is not (bins, nodes, nodes)")
    if problem.duration is not None:
        raise ValueError("duration and bin_duration are both given")
    if not np.all(np.diff(problem.bins) > 0) or not np.all(np.isfinite(problem.bins)):
        raise ValueError("bins do not ascend")
    if not np.all(np.isfinite(problem.bin_duration)) or np.any(problem.bin_duration < 0):
        raise ValueError("bin_duration is negative or not finite")
    if any(t.breaks for t in problem.types):
        raise ValueError("bins and breaks: how long a leg takes that a break interrupts is not defined by bins")


def _check_vehicles(problem: Problem) -> None:
    carried: dict[int, int] = {}
    locked: dict[int, int] = {}
    for number, vehicle in enumerate(problem.types):
        if (vehicle.locked or vehicle.on_board) and vehicle.count != 1:
            raise ValueError(f"types {number} is under way: its count must be 1, is {vehicle.count}")
        for load in vehicle.on_board:
            if not 0 <= load.request < len(problem.pickup):
                raise ValueError(f"types {number} has request {load.request} on board, which does not exist")
            if load.request in carried:
                raise ValueError(f"request {load.request} is on board of types {carried[load.request]} and {number}")
            carried[load.request] = number
        for node in vehicle.locked:
            if node in locked:
                raise ValueError(f"node {node} is locked to types {locked[node]} and {number}")
            locked[node] = number
        spans = [(rule.earliest, rule.latest + rule.duration) for rule in vehicle.breaks]
        if any(rule.duration < 0 or rule.latest < rule.earliest for rule in vehicle.breaks):
            raise ValueError(f"types {number} has a break of negative duration, or that ends before it begins")
        if any(begin < end for (_, end), (begin, _) in itertools.pairwise(spans)):
            raise ValueError(f"types {number} has breaks that could overlap, or that are not ascending")


@dataclasses.dataclass(frozen=True, slots=True)
class _Ends:
    """By node: its request; of a delivery, the pick-up; by request: who carries it."""

    request_of: dict[int, int]
    pickup_of: dict[int, int]
    aboard: dict[int, int]


def _ends(problem: Problem) -> _Ends:
    pairs = list(zip(problem.pickup.tolist(), problem.delivery.tolist(), strict=True))
    request_of = {node: request for request, pair in enumerate(pairs) for node in pair}
    return _Ends(request_of, {d: p for p, d in pairs}, problem.aboard)


def _check_locks(problem: Problem, number: int, ends: _Ends) -> None:
    """Locked stops can be made by their vehicle, in time."""
    vehicle, request_of, pickup_of = problem.types[number], ends.request_of, ends.pickup_of
    carried = {load.request for load in vehicle.on_board}
    load = [0] * len(vehicle.capacity)
    for request in carried:
        load = [have + more for have, more in zip(load, problem.loads(int(problem.pickup[request])), strict=True)]
    if any(have > room for have, room in zip(load, vehicle.capacity, strict=True)):
        raise ValueError(f"types {number} has {load} on board and room for {list(vehicle.capacity)}")
    for stop, node in enumerate(vehicle.locked):
        where = f"types {number}, locked stop {stop} (node {node})"
        if node not in request_of:
            raise ValueError(f"{where}: not a node of a request")
        request = request_of[node]
        if request in ends.aboard and (request not in carried or node not in pickup_of):
            raise ValueError(f"{where}: request {request} is on board already, and of types {ends.aboard[request]}")
        if problem.allowed is not None and request not in carried and not problem.allowed[request, number]:
            raise ValueError(f"{where}: request {request} may not travel with vehicle type {number}")
        if node in pickup_of and request not in carried and pickup_of[node] not in vehicle.locked[:stop]:
            raise ValueError(f"{where}: delivers what is neither on board nor picked up before")
        load = [have + change for have, change in zip(load, problem.loads(node), strict=True)]
        if any(have > room for have, room in zip(load, vehicle.capacity, strict=True)):
            raise ValueError(f"{where}: load {load} exceeds capacity {list(vehicle.capacity)}")
    for stop in range(len(vehicle.locked)) if vehicle.locked else ():
        if Clock(problem).run(number, vehicle.locked[: stop + 1]) is None:
            raise ValueError(f"types {number}, locked stop {stop}: cannot be made in time")
