"""Plans by `matcher.routing.Fleet`: new orders go where they cost least, then all that may still move is moved.

A fleet is made for each decision. Every stop is a place of its own, so that the times to load and to unload at one
factory add up; the way from one factory to another includes the wait to dock, the way between stops of one factory is
none. What a truck that is under way was told to do at the factory ahead is locked; more may be added to it there.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matcher.domain import StopKind
from matcher.routing import Fleet, FleetOptions, Order
from matcher.simulation.dpdp.evaluation import HOUR_LATE
from matcher.simulation.dpdp.instance import DOCKING_S, Network
from matcher.simulation.dpdp.world import Moment, Visit

_MOST_STOPS = 400
_HEAVIEST = 1_000_000
"""Of a fleet's weights."""
_MUST_SERVE = 1 << 58
"""What no lateness comes to: 80,000 hours of it."""
Stop = tuple[StopKind, int]
"""What is done, and with which unit."""


@dataclass(frozen=True, slots=True)
class DispatchOptions:
    """How a dispatcher plans."""

    iterations: int = 300
    """Of the search for better routes, at each decision."""
    hold_s: int = 3600
    """A truck drives on only when one of its deliveries would have less than this to spare: what waits can travel with
    what is ordered later. A day: trucks never wait."""
    seed: int = 0


class FleetDispatcher:
    """One day's plans."""

    def __init__(self, network: Network, capacity: int, options: DispatchOptions | None = None) -> None:
        self._network, self._capacity, self._options = network, capacity, options or DispatchOptions()
        self._routes: list[list[Stop]] = []
        self._decisions = 0

    def plan(self, moment: Moment) -> list[list[Visit]]:
        """The visits of every truck, those it should wait for left out."""
        self._decisions += 1
        routes = self._remaining(moment)
        planned = {unit for route in routes for _, unit in route}
        new = sorted((u for u in moment.open if u not in planned), key=lambda u: (moment.open[u].due_s, u))
        market = _Market(self._network, self._capacity, moment, routes)
        if new or any(routes):
            market.insert(new)
            market.improve(self._options.iterations, self._options.seed * 1_000_003 + self._decisions)
        self._routes = [market.route(truck) for truck in range(len(routes))]
        return [self._told(moment, market, truck) for truck in range(len(routes))]

    def _remaining(self, moment: Moment) -> list[list[Stop]]:
        """The routes of the last decision without what has been done."""
        if not self._routes:
            return [[] for _ in moment.trucks]
        return [
            [
                (kind, unit)
                for kind, unit in route
                if unit in moment.open or (kind == StopKind.DROPOFF and unit in moment.aboard)
            ]
            for route in self._routes
        ]

    def _told(self, moment: Moment, market: _Market, truck: int) -> list[Visit]:
        visits = _visits(moment, self._routes[truck])
        if visits and market.to_spare_s(truck) > self._options.hold_s:
            return visits[:1] if moment.trucks[truck].heading is not None else []
        return visits


class _Market:
    """A fleet at one decision."""

    def __init__(self, network: Network, capacity: int, moment: Moment, routes: Sequence[Sequence[Stop]]) -> None:
        self._moment = moment
        self._units = dict(moment.open) | dict(moment.aboard)
        self._row = {unit: len(moment.trucks) + 2 * k for k, unit in enumerate(self._units)}
        trucks = len(moment.trucks)
        travel = _km_per_second(network) / trucks / (HOUR_LATE / 3600)
        self._fleet = Fleet(
            FleetOptions(
                matrix_ms=self._travel(network),
                weights={"lateness": _HEAVIEST, "travel": max(1, round(_HEAVIEST * travel))},
                max_route_stops=_MOST_STOPS,
                last_in_first_out=True,
            )
        )
        self._orders = {unit: self._order(unit) for unit in self._units}
        self._handle = {unit: self._fleet.add_order(order) for unit, order in self._orders.items()}
        self._unit = {handle: unit for unit, handle in self._handle.items()}
        self._movable: set[int] = set(moment.open)
        for number, (truck, route) in enumerate(zip(moment.trucks, routes, strict=True)):
            self._fleet.add_courier(number, free_ms=truck.free_s * 1000, capacity=capacity)
            locked = 0 if truck.heading is None else len(truck.heading.unload) + len(truck.heading.load)
            self._fleet.set_route(number, [(kind, self._handle[unit]) for kind, unit in route], locked)
            self._movable -= {unit for _, unit in route[:locked]}

    def _travel(self, network: Network) -> np.ndarray[tuple[int, int, int], np.dtype[np.int32]]:
        trucks = [truck.factory for truck in self._moment.trucks]
        stops = [factory for unit in self._units.values() for factory in (unit.pickup, unit.delivery)]
        factory = np.array(trucks + stops, np.int64)
        seconds = network.drive_s[np.ix_(factory, factory)] + DOCKING_S
        seconds[len(trucks) :][factory[len(trucks) :, None] == factory[None, :]] = 0
        return (seconds * 1000).astype(np.int32)[None]

    def _order(self, number: int) -> Order:
        unit, row = self._units[number], self._row[number]
        return Order(
            pickup=row,
            dropoff=row + 1,
            promised_by_ms=unit.due_s * 1000,
            size=unit.quarters,
            pickup_leave_ms=unit.load_s * 1000,
            dropoff_access_ms=unit.unload_s * 1000,
        )

    def insert(self, units: Sequence[int]) -> None:
        """Each in turn where it costs least; those that fit nowhere stay open."""
        for unit in units:
            for best in self._fleet.cheapest_insertions(self._orders[unit]):
                self._fleet.insert(self._handle[unit], best)

    def improve(self, iterations: int, seed: int) -> None:
        """Move what may move."""
        orders = {self._handle[unit]: self._orders[unit] for unit in sorted(self._movable)}
        self._fleet.improve(orders, dict.fromkeys(orders, _MUST_SERVE), max_iterations=iterations, seed=seed)

    def route(self, truck: int) -> list[Stop]:
        """The stops of a truck."""
        return [(kind, self._unit[handle]) for kind, handle in self._fleet.route(truck).stops]

    def to_spare_s(self, truck: int) -> float:
        """By how much the delivery that is nearest to being late is early."""
        route = self._fleet.route(truck)
        spare = [
            self._units[self._unit[handle]].due_s - at / 1000
            for (kind, handle), at in zip(route.stops, route.at_ms, strict=True)
            if kind == StopKind.DROPOFF
        ]
        return min(spare, default=float("inf"))


def _km_per_second(network: Network) -> float:
    """Of the mean way: what a second on the road costs."""
    return float(network.km.sum() / max(1, int(network.drive_s.sum())))


def _visits(moment: Moment, route: Sequence[Stop]) -> list[Visit]:
    """Consecutive stops at one factory are one visit: last in, first out has unloading before loading there."""
    units = {**moment.open, **moment.aboard}

    def factory(stop: Stop) -> int:
        unit = units[stop[1]]
        return int(unit.pickup if stop[0] == StopKind.PICKUP else unit.delivery)

    visits = []
    for where, group in itertools.groupby(route, key=factory):
        stops = list(group)
        unload = tuple(unit for kind, unit in stops if kind == StopKind.DROPOFF)
        visits.append(Visit(where, unload, tuple(unit for kind, unit in stops if kind == StopKind.PICKUP)))
    return visits
