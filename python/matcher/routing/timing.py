"""When a given route does what: the earliest timetable under all limits, and by how much limits must give for one.

All rules but breaks are monotone: a later start at one stop never allows an earlier one elsewhere. The least times that
satisfy them are found by raising starts until nothing moves. Breaks are tried in every place, in their order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from matcher.routing.problem import GRACE, Problem, Timetable, VehicleType

_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Give:
    """By how much limits give way: of windows at their ends, of shifts, of times on board. Infinite: no limit."""

    window: float = 0.0
    shift: float = 0.0
    ride: float = 0.0


HARD = Give()


@dataclass(frozen=True, slots=True)
class Run:
    """A route's timetable, what it misses its limits by (0 where they hold), and what its lateness costs."""

    table: Timetable
    late: float
    overtime: float
    lateness_cost: float
    back: float
    """Arrival at the end."""


class Clock:
    """Times of routes of one problem. Deterministic; O(stops) a route, times the raises that limits on rides take."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._fleet = problem.fleet
        self._travel = np.ascontiguousarray(problem.travel).data
        """Its elements are Python's numbers, and there is no list of all of them."""
        self._ready: list[float] = problem.ready.tolist()
        self._due = [problem.hard_due(node) for node in range(len(problem.ready))]
        self._service: list[float] = problem.service.tolist()
        self._windows = problem.windows or {}
        self._bins = None if problem.bins is None else problem.bins.tolist()
        self._bin_duration = None if problem.bin_duration is None else np.ascontiguousarray(problem.bin_duration).data
        self._request = dict(zip(problem.delivery.tolist(), range(len(problem.pickup)), strict=True))
        self._pickup: list[int] = problem.pickup.tolist()
        self._rides: list[float] | None = None if problem.max_ride is None else problem.max_ride.tolist()

    @property
    def limits_rides(self) -> bool:
        """Whether the problem has limits on the time on board."""
        return self._rides is not None

    def run(self, of_type: int, route: Sequence[int], give: Give = HARD, *, soonest: bool = False) -> Run | None:
        """The least late timetable within limits that have given way; None when there is none.

        soonest: with breaks, of those that are on time the one that ends first, and not the first one found.
        """
        vehicle = self._fleet[of_type]
        best: Run | None = None
        for places in _break_places(len(vehicle.breaks), len(route)):
            found = self._earliest(vehicle, route, places, give)
            if found is not None and (best is None or _key(found) < _key(best)):
                best = found
            on_time = best is not None and best.late <= GRACE and best.overtime <= GRACE
            if on_time and not soonest and self._problem.late_cost is None:
                break
        return best

    def _earliest(self, vehicle: VehicleType, route: Sequence[int], places: Sequence[int], give: Give) -> Run | None:
        """Times for breaks at given places: -1 before leaving, k on the way to stop k, len(route)+1 after the end."""
        starts = [self._ready[node] for node in route]
        rides = self._ride_rules(route, give.ride)
        # Each round raises at least one start by passing a ride's demand on; more rounds than this only sums do.
        for _ in range(4 * len(route) + 8):
            walked = self._walk(vehicle, route, places, starts, give)
            if walked is None:
                return None
            raised = False
            for p, d, limit in rides:
                least = starts[d] - limit - self._service[route[p]]
                if starts[p] < least - GRACE / 4:
                    starts[p], raised = least, True
            if not raised:
                break
        else:
            return None
        back, pauses = walked
        late = max((start - self._due[node] for node, start in zip(route, starts, strict=True)), default=0.0)
        assert vehicle.latest is not None
        overtime = max(0.0, back - vehicle.latest) if route else 0.0
        if (
            late > give.window + GRACE
            or overtime > give.shift + GRACE
            or not self._aboard_in_time(vehicle, route, starts, give)
        ):
            return None
        return Run(Timetable(tuple(starts), tuple(pauses)), max(0.0, late), overtime, self._price(route, starts), back)

    def _walk(
        self, vehicle: VehicleType, route: Sequence[int], places: Sequence[int], starts: list[float], give: Give
    ) -> tuple[float, list[float]] | None:
        """Raise starts to what travel, windows and breaks demand; the arrival at the end, and the breaks."""
        assert vehicle.earliest is not None
        pauses: list[float] = []
        leave, at = vehicle.earliest, vehicle.start
        for rule in itertools.islice(vehicle.breaks, sum(place == -1 for place in places)):
            pauses.append(rule.earliest)
            leave = max(leave, rule.earliest + rule.duration)
        for stop, node in enumerate(route):
            held = self._held(vehicle, places, stop, leave, self._arrival(at, node, leave), pauses)
            if held is None:
                return None
            start = self._open(node, max(held, starts[stop]))
            if start > self._due[node] + give.window + GRACE:
                return None
            starts[stop] = start
            leave, at = start + self._service[node], node
        reach = leave if vehicle.end is None else self._arrival(at, vehicle.end, leave)
        back = self._held(vehicle, places, len(route), leave, reach, pauses)
        if back is None or self._held(vehicle, places, len(route) + 1, back, back, pauses) is None:
            return None
        return back, pauses

    @staticmethod
    def _held(
        vehicle: VehicleType, places: Sequence[int], leg: int, leave: float, reach: float, pauses: list[float]
    ) -> float | None:
        """Arrival when the breaks of a leg hold it up; None when one would begin too late."""
        clear = leave
        for number, place in enumerate(places):
            if place != leg:
                continue
            rule = vehicle.breaks[number]
            begin = max(clear, rule.earliest)
            if begin > rule.latest + GRACE:
                return None
            pauses.append(begin)
            clear = begin + rule.duration
            reach += rule.duration
        return max(reach, clear)

    def _arrival(self, a: int, b: int, leave: float) -> float:
        if self._bins is None or self._bin_duration is None:
            return leave + float(self._travel[a, b])
        best = _NEVER
        for number, begin in enumerate(self._bins):
            if number + 1 < len(self._bins) and leave >= self._bins[number + 1]:
                continue
            best = min(best, (max(leave, begin) if number else leave) + float(self._bin_duration[number, a, b]))
        return best

    def _open(self, node: int, at: float) -> float:
        for begin, end in self._windows.get(node, ()):
            if at <= end + GRACE:
                return max(begin, at)
        return at

    def _ride_rules(self, route: Sequence[int], give: float) -> list[tuple[int, int, float]]:
        if self._rides is None or give == _NEVER:
            return []
        place = {node: stop for stop, node in enumerate(route)}
        rules = []
        for node in route:
            request = self._request.get(node)
            if request is not None and np.isfinite(self._rides[request]) and self._pickup[request] in place:
                rules.append((place[self._pickup[request]], place[node], self._rides[request] + give))
        return rules

    def _aboard_in_time(self, vehicle: VehicleType, route: Sequence[int], starts: Sequence[float], give: Give) -> bool:
        if self._rides is None:
            return True
        place = {node: stop for stop, node in enumerate(route)}
        for load in vehicle.on_board:
            stop = place.get(int(self._problem.delivery[load.request]))
            if stop is not None and starts[stop] > load.since + self._rides[load.request] + give.ride + GRACE:
                return False
        return True

    def _price(self, route: Sequence[int], starts: Sequence[float]) -> float:
        price = self._problem.late_cost
        if price is None:
            return 0.0
        due = self._problem.due
        return sum(
            float(price[node]) * (start - float(due[node]))
            for node, start in zip(route, starts, strict=True)
            if start > due[node] + GRACE
        )


def _key(run: Run) -> tuple[float, float, float]:
    missed = max(run.late, run.overtime)
    return (missed if missed > GRACE else 0.0), run.lateness_cost, run.back


def _break_places(breaks: int, stops: int) -> Iterator[tuple[int, ...]]:
    return itertools.combinations_with_replacement(range(-1, stops + 2), breaks)
