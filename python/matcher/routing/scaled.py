"""A problem in the integers that OR-Tools counts in, so that what is feasible there is feasible in the problem."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from matcher.routing.places import may_carry
from matcher.routing.problem import Problem, VehicleType

I64 = npt.NDArray[np.int64]
_LARGEST = 1 << 54
_FINEST = 1_000_000
_FINEST_PRICED = 1_000
"""Where lateness has a price: a tick must cost enough cents to be told from another's price."""

_ROOM = 1 << 44
_ROOM_BETWEEN_WINDOWS = 1 << 24
"""Where a node has several windows: OR-Tools keeps a bit for each tick that a start of service could fall on."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A break of one vehicle, in ticks."""

    first: int
    last: int
    """When it begins."""
    duration: int


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle of a type; times in ticks."""

    of_type: int
    kind: VehicleType
    earliest: int
    latest: int
    fixed: int
    pauses: tuple[Pause, ...]
    held: tuple[int, ...]
    """On board when it leaves, in each dimension of load."""
    deliver_by: tuple[tuple[int, int], ...]
    """(request, latest start of service at its delivery) of what is on board and may not be there for ever."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """Travel and service are rounded up to ticks, windows and rides inwards, costs to the nearest.

    drop: by request, what leaving it out costs; of one that must be served more than any plan of those that are.
    possible: requests that the model holds; the others no vehicle can serve by itself.
    """

    ticks: int
    """Of a unit of time."""
    cents: int
    """Of a unit of distance."""
    cost: I64
    travel: I64
    service: I64
    windows: tuple[tuple[tuple[int, int], ...], ...]
    """By node, ascending: when service may start; where lateness is priced the last one ends with the horizon."""
    soft: tuple[tuple[int, int] | None, ...]
    """By node: due and the price of a tick after it."""
    ride: tuple[int | None, ...]
    """By request: longest time from start to start of service; service is rounded up on its own."""
    horizon: int
    vehicles: tuple[Vehicle, ...]
    drop: tuple[int, ...]
    possible: tuple[int, ...]
    able: tuple[tuple[int, ...], ...]
    """By request: the vehicles that may carry it."""


def scaled(problem: Problem, objective: str) -> Scaled:
    """Ticks are a power of ten, the finest that keeps every sum far from 64 bits; 1 when all numbers are whole."""
    problem = _from_zero(problem)
    fleet = problem.fleet
    latest = max((t.latest for t in fleet if t.latest is not None), default=0.0)
    shifts = np.array([end for t in fleet for end in (t.earliest, t.latest)], dtype=np.float64)
    times = [problem.ready, problem.due, problem.service, problem.travel, shifts]
    longest = max(1.0, latest, float(np.max(problem.travel, initial=0.0))) * 4
    room = _ROOM_BETWEEN_WINDOWS if problem.windows else _ROOM
    ticks = _scale(times, longest, room, _FINEST if problem.late_cost is None else _FINEST_PRICED)
    vehicles = _vehicles(problem, ticks)
    requests, legs = len(problem.pickup), len(problem.ready) + len(vehicles)
    reach = float(np.max(problem.distance, initial=0.0)) * legs
    fixed = max((t.fixed_cost for t in fleet), default=0.0) if objective == "cost" else 0.0
    finite = [] if problem.prize is None else problem.prize[np.isfinite(problem.prize)].tolist()
    lateness = 0.0 if problem.late_cost is None else _lateness_bound(problem, latest)
    whole = reach + fixed * len(vehicles) + sum(finite) + lateness + 1.0
    levels = (len(vehicles) + 2.0) if objective == "hierarchical" else 1.0
    prices = np.zeros(0) if problem.late_cost is None else problem.late_cost[np.isfinite(problem.late_cost)] / ticks
    costs = [problem.distance, np.array([fixed, *finite]), prices]
    cents = _scale(costs, whole * levels * (requests + 2.0), _LARGEST, _FINEST)
    if whole * levels * (requests + 2.0) * cents >= 1 << 62:
        raise ValueError("distances, prizes and fixed costs add up to more than 64 bits hold")
    per_vehicle = int(whole * cents) if objective == "hierarchical" else 0
    must = int(whole * levels * cents) + 1
    return Scaled(
        ticks=ticks,
        cents=cents,
        cost=np.rint(problem.distance * cents).astype(np.int64),
        travel=_up(problem.travel * ticks),
        service=_up(problem.service * ticks),
        windows=tuple(_windows(problem, node, ticks, _down(latest * ticks)) for node in range(len(problem.ready))),
        soft=tuple(_soft(problem, node, ticks, cents) for node in range(len(problem.ready))),
        ride=tuple(_ride(problem, request, ticks) for request in range(requests)),
        horizon=_down(latest * ticks),
        vehicles=tuple(
            Vehicle(
                of_type=of,
                kind=kind,
                earliest=begin,
                latest=end,
                fixed=per_vehicle + (round(kind.fixed_cost * cents) if objective == "cost" else 0),
                pauses=_pauses(kind, ticks),
                held=_held(problem, kind),
                deliver_by=_deliver_by(problem, kind, ticks),
            )
            for of, kind, begin, end in vehicles
        ),
        drop=tuple(
            must if problem.prize is None or not np.isfinite(problem.prize[r]) else round(problem.prize[r] * cents)
            for r in range(requests)
        ),
        possible=tuple(r for r in range(requests) if _possible(problem, r)),
        able=tuple(
            tuple(n for n, (of, *_) in enumerate(vehicles) if may_carry(problem, of, r)) for r in range(requests)
        ),
    )


def _from_zero(problem: Problem) -> Problem:
    """All times moved so that none is negative: OR-Tools' cannot be."""
    begin = min([float(np.min(problem.ready)), *(t.earliest for t in problem.fleet if t.earliest is not None)])
    if begin >= 0.0:
        return problem
    return replace(
        problem,
        ready=problem.ready - begin,
        due=problem.due - begin,
        windows={
            node: tuple((a - begin, b - begin) for a, b in spans) for node, spans in (problem.windows or {}).items()
        },
        types=tuple(
            replace(
                t,
                earliest=None if t.earliest is None else t.earliest - begin,
                latest=None if t.latest is None else t.latest - begin,
                breaks=tuple(replace(b, earliest=b.earliest - begin, latest=b.latest - begin) for b in t.breaks),
                on_board=tuple(replace(load, since=load.since - begin) for load in t.on_board),
            )
            for t in problem.types
        ),
    )


def _lateness_bound(problem: Problem, latest: float) -> float:
    assert problem.late_cost is not None
    price = np.where(np.isfinite(problem.late_cost), problem.late_cost, 0.0)
    return float(np.sum(price * np.maximum(0.0, latest - problem.due)))


def _vehicles(problem: Problem, ticks: int) -> list[tuple[int, VehicleType, int, int]]:
    """No more of a type than there are requests."""
    most = len(problem.pickup)
    found = []
    for number, kind in enumerate(problem.fleet):
        assert kind.earliest is not None
        assert kind.latest is not None
        begin, end = int(_up(np.array(kind.earliest * ticks))), _down(kind.latest * ticks)
        found += [(number, kind, begin, end)] * min(kind.count, most) if begin <= end else []
    return found


def _pauses(kind: VehicleType, ticks: int) -> tuple[Pause, ...]:
    return tuple(
        Pause(int(np.ceil(b.earliest * ticks)), int(np.floor(b.latest * ticks)), int(np.ceil(b.duration * ticks)))
        for b in kind.breaks
    )


def _held(problem: Problem, kind: VehicleType) -> tuple[int, ...]:
    held = [problem.loads(int(problem.pickup[item.request])) for item in kind.on_board]
    return tuple(sum(loads[dimension] for loads in held) for dimension in range(len(kind.capacity)))


def _deliver_by(problem: Problem, kind: VehicleType, ticks: int) -> tuple[tuple[int, int], ...]:
    if problem.max_ride is None:
        return ()
    ends = [(item.request, item.since + float(problem.max_ride[item.request])) for item in kind.on_board]
    return tuple((request, int(np.floor(end * ticks))) for request, end in ends if np.isfinite(end))


def _windows(problem: Problem, node: int, ticks: int, horizon: int) -> tuple[tuple[int, int], ...]:
    spans = (problem.windows or {}).get(node) or ((float(problem.ready[node]), float(problem.due[node])),)
    found = [(int(_up(np.array(begin * ticks))), min(horizon, _down(end * ticks))) for begin, end in spans]
    if np.isinf(problem.hard_due(node)):
        found[-1] = (found[-1][0], horizon)
    return tuple((begin, end) for begin, end in found if begin <= end)


def _soft(problem: Problem, node: int, ticks: int, cents: int) -> tuple[int, int] | None:
    if problem.late_cost is None or not np.isfinite(problem.late_cost[node]):
        return None
    price = round(float(problem.late_cost[node]) * cents / ticks)
    return (_down(float(problem.due[node]) * ticks), price) if price else None


def _ride(problem: Problem, request: int, ticks: int) -> int | None:
    if problem.max_ride is None or not np.isfinite(problem.max_ride[request]):
        return None
    return _down((float(problem.max_ride[request]) + float(problem.service[problem.pickup[request]])) * ticks)


def _possible(problem: Problem, request: int) -> bool:
    """Some vehicle that may carry it can, by load alone; times are the model's."""
    loads = problem.loads(int(problem.pickup[request]))
    return any(
        may_carry(problem, number, request) and all(q <= room for q, room in zip(loads, kind.capacity, strict=True))
        for number, kind in enumerate(problem.fleet)
        if kind.count > 0
    )


def _scale(columns: list[npt.NDArray[np.float64]], largest: float, room: int, finest: int) -> int:
    """The smallest power of ten that makes all numbers whole, no finer than there is room for."""
    scale = 1
    while True:
        if scale * 10 * largest >= room or scale >= finest:
            return scale
        if all(np.all(np.rint(column * scale) == column * scale) for column in columns):
            return scale
        scale *= 10


def _up(values: npt.NDArray[np.float64]) -> I64:
    return np.ceil(values - 1e-7).astype(np.int64)


def _down(value: float) -> int:
    return int(np.floor(value + 1e-7))
