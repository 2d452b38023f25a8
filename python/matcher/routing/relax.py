"""The least by which one limit must give way for an order to enter the routes of a market as they stand.

Exact: every courier and place is tried by the fleet kernel, each limit by itself, until a millisecond or unit less
would not do. Orders are looked at one by one: each alone against the same routes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from matcher.domain import OrderRelaxation, Policy, RelaxedLimit, Routes, Snapshot, Travel
from matcher.routing.fleet import NEVER, Fleet, Insertion, Order
from matcher.routing.live import fleet_options

_AT_ONCE = 16
"""Orders that are asked about in one call."""
_MOST_PAIRS = 200_000
"""Orders times couriers; more would take seconds."""
_LONGEST_ROUTE = 64
"""Of the fleet kernel."""

Found = tuple[OrderRelaxation, ...]


class _TimeOver(Exception):  # noqa: N818 - not an error
    """The caller wants no more."""


def relaxations(
    snapshot: Snapshot,
    travel: Travel,
    policy: Policy,
    routes: Routes,
    orders: Sequence[Order],
    unserved_micros: int,
    time_over: Callable[[], bool],
) -> list[Found | None]:
    """For each of the orders, which are in none of the routes: what would serve it, each by itself.

    None: not worked out, because time was over or couriers times orders are more than 200,000. Empty: no single limit
    is enough. Deterministic unless time_over says so.
    """
    found: list[Found | None] = [None] * len(orders)
    couriers = len(snapshot.couriers)
    if not couriers:
        return [()] * len(orders)
    try:
        among = _Routes(snapshot, travel, policy, routes, unserved_micros, time_over)
        for first in range(0, min(len(orders), max(1, _MOST_PAIRS // couriers)), _AT_ONCE):
            several = orders[first : first + _AT_ONCE]
            found[first : first + len(several)] = among.explain(several)
    except _TimeOver:
        pass
    return found


class _Routes:
    """The routes, and the same with one limit fewer: made when first asked for."""

    def __init__(
        self,
        snapshot: Snapshot,
        travel: Travel,
        policy: Policy,
        routes: Routes,
        unserved_micros: int,
        time_over: Callable[[], bool],
    ) -> None:
        self._snapshot, self._travel, self._routes = snapshot, travel, routes
        self._options = fleet_options(snapshot, travel, policy)
        self._price = unserved_micros
        self._time_over = time_over
        self._now = self._fleet()
        self._alone: Fleet | None = None

    def _fleet(self, *, later_ms: int = 0, routes: Routes | None = None, longest: int | None = None) -> Fleet:
        """A fleet whose handles are the snapshot's rows of couriers; shifts end later by so much."""
        if self._time_over():
            raise _TimeOver
        options = self._options if longest is None else dataclasses.replace(self._options, max_route_stops=longest)
        ends = self._snapshot.couriers.shift_end_ms
        ends = np.where(ends == NEVER, ends, np.minimum(ends + later_ms, NEVER))
        market = dataclasses.replace(
            self._snapshot,
            couriers=dataclasses.replace(self._snapshot.couriers, shift_end_ms=ends),
            routes=routes or self._routes,
        )
        fleet = Fleet(options)
        fleet.load(market, self._travel)
        return fleet

    def explain(self, orders: Sequence[Order]) -> list[Found]:
        """Of a few orders."""
        ways = self._ask(self._now, orders)
        alone: dict[int, Found] = {k: (self._affordable(way[0]),) for k, way in enumerate(ways) if way}
        left = [k for k in range(len(orders)) if k not in alone]
        several = [orders[k] for k in left]
        kinds = (
            self._windows,
            self._freshness,
            self._shifts,
            self._capacity,
            self._skills,
            self._stops,
            self._couriers,
        )
        tried = [kind(several) for kind in kinds] if left else []
        for position, k in enumerate(left):
            alone[k] = tuple(one for kind in tried if (one := kind[position]) is not None)
        return [alone[k] for k in range(len(orders))]

    def _ask(self, fleet: Fleet, orders: Sequence[Order], k: int = 1) -> list[list[Insertion]]:
        if self._time_over():
            raise _TimeOver
        return fleet.cheapest_insertions_many(orders, k) if orders else []

    def _relaxation(self, limit: RelaxedLimit, amount: int, courier: int) -> OrderRelaxation:
        return OrderRelaxation(limit, amount, self._snapshot.couriers.ids[courier])

    def _affordable(self, way: Insertion) -> OrderRelaxation:
        """It fits: its price is too low, or the search ended too early."""
        short = way.cost // 1000 + 1 - self._price  # an order enters a route for less than its price
        if self._price and short > 0:
            return self._relaxation(RelaxedLimit.UNSERVED_PRICE, short, way.courier)
        return self._relaxation(RelaxedLimit.SEARCH, 0, way.courier)

    def _least(
        self,
        limit: RelaxedLimit,
        orders: Sequence[Order],
        eased: Callable[[Order, int], Order],
        most: Sequence[int],
    ) -> list[OrderRelaxation | None]:
        """By halving, all orders at a time. `most`: an amount that is enough, 0 where none is."""
        low, high = [0] * len(orders), list(most)
        courier = [-1] * len(orders)
        while open_ := [k for k, (a, b) in enumerate(zip(low, high, strict=True)) if a + 1 < b]:
            middle = {k: (low[k] + high[k]) // 2 for k in open_}
            ways = self._ask(self._now, [eased(orders[k], middle[k]) for k in open_])
            for k, way in zip(open_, ways, strict=True):
                (high if way else low)[k] = middle[k]
        enough = [k for k, amount in enumerate(high) if amount > 0]
        for k, way in zip(enough, self._ask(self._now, [eased(orders[k], high[k]) for k in enough]), strict=True):
            courier[k] = way[0].courier
        return [
            self._relaxation(limit, amount, taker) if taker >= 0 else None
            for amount, taker in zip(high, courier, strict=True)
        ]

    def _windows(self, orders: Sequence[Order]) -> list[OrderRelaxation | None]:
        """Both of an order's own limits, by as much."""
        free = self._ask(self._now, [_later(order, NEVER) for order in orders])
        most = [
            max(way[0].pickup_at_ms - order.pickup_by_ms, way[0].dropoff_at_ms - order.dropoff_by_ms) if way else 0
            for order, way in zip(orders, free, strict=True)
        ]
        return self._least(RelaxedLimit.TIME_WINDOW, orders, _later, most)

    def _freshness(self, orders: Sequence[Order]) -> list[OrderRelaxation | None]:
        free = self._ask(self._now, [_fresher(order, NEVER) for order in orders])
        most = [
            way[0].dropoff_at_ms - way[0].pickup_at_ms - order.freshness_ms if way else 0
            for order, way in zip(orders, free, strict=True)
        ]
        return self._least(RelaxedLimit.FRESHNESS, orders, _fresher, most)

    def _capacity(self, orders: Sequence[Order]) -> list[OrderRelaxation | None]:
        """So much more room is as much as an order that is so much smaller."""
        free = self._ask(self._now, [_smaller(order, order.size) for order in orders])
        most = [order.size if way else 0 for order, way in zip(orders, free, strict=True)]
        return self._least(RelaxedLimit.CAPACITY, orders, _smaller, most)

    def _skills(self, orders: Sequence[Order]) -> list[OrderRelaxation | None]:
        """The fewest that the order would have to do without."""
        have = self._snapshot.couriers.skills.tolist()
        bare = [dataclasses.replace(order, skills=0) for order in orders]
        found: list[OrderRelaxation | None] = []
        for order, one in zip(orders, bare, strict=True):
            ways = self._ask(self._now, [one], len(have))[0] if order.skills else []
            lacks = [((order.skills & ~have[way.courier]).bit_count(), way.courier) for way in ways]
            found.append(self._relaxation(RelaxedLimit.SKILLS, *min(lacks)) if lacks else None)
        return found

    def _shifts(self, orders: Sequence[Order]) -> list[OrderRelaxation | None]:
        """Later ends of shifts need a fleet of their own for every amount, so orders are halved one by one."""
        if (self._snapshot.couriers.shift_end_ms == NEVER).all():
            return [None] * len(orders)
        found: list[OrderRelaxation | None] = []
        for order, way in zip(orders, self._ask(self._fleet(later_ms=NEVER), orders), strict=True):
            if not way:
                found.append(None)
                continue
            low = 0
            high = max(1, way[0].finish_ms - int(self._snapshot.couriers.shift_end_ms.min()))
            while low + 1 < high:
                middle = (low + high) // 2
                if ways := self._ask(self._fleet(later_ms=middle), [order])[0]:
                    high, way = middle, ways
                else:
                    low = middle
            found.append(self._relaxation(RelaxedLimit.SHIFT_END, high, way[0].courier))
        return found

    def _stops(self, orders: Sequence[Order]) -> list[OrderRelaxation | None]:
        """The policy's longest route: where the order fits otherwise, two stops more than the courier has."""
        limit = self._options.max_route_stops
        lengths = np.diff(self._routes.ptr).tolist()
        if max(lengths) + 2 <= limit:
            return [None] * len(orders)
        longer = self._fleet(longest=_LONGEST_ROUTE)
        found: list[OrderRelaxation | None] = []
        for order in orders:
            ways = self._ask(longer, [order], len(lengths))[0]
            over = [(lengths[way.courier] + 2 - limit, way.courier) for way in ways]
            found.append(self._relaxation(RelaxedLimit.ROUTE_STOPS, *min(over)) if over else None)
        return found

    def _couriers(self, orders: Sequence[Order]) -> list[OrderRelaxation | None]:
        """One more courier such as one of those there are, with an empty route."""
        if self._alone is None:
            nothing = Routes(
                np.zeros_like(self._routes.ptr),
                self._routes.stop_order[:0],
                self._routes.stop_kind[:0],
                np.zeros_like(self._routes.locked),
            )
            self._alone = self._fleet(routes=nothing)
        ways = self._ask(self._alone, orders)
        return [self._relaxation(RelaxedLimit.COURIERS, 1, way[0].courier) if way else None for way in ways]


def _later(order: Order, ms: int) -> Order:
    return dataclasses.replace(
        order,
        pickup_by_ms=min(order.pickup_by_ms + ms, NEVER),
        dropoff_by_ms=min(order.dropoff_by_ms + ms, NEVER),
    )


def _fresher(order: Order, ms: int) -> Order:
    return dataclasses.replace(order, freshness_ms=min(order.freshness_ms + ms, NEVER))


def _smaller(order: Order, units: int) -> Order:
    return dataclasses.replace(order, size=order.size - units)
