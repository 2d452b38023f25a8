"""A fleet under way: routes kept up to date change by change, and the exactly cheapest insertions into them.

Times are whole milliseconds relative to a clock of the caller's choice (within two years of it). Places are (x, y)
metres on a plane, (x, y, z) on a sphere, or rows of a travel matrix. All answers are exact and deterministic; calls
from several threads take turns.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.domain import NEVER_MS, StopKind
from matcher.kernels import routing as native
from matcher.kernels.insertion import QUANTITIES, REJECTIONS, Market, market_tables

NEVER = int(NEVER_MS)
Place = Sequence[float] | int


@dataclass(frozen=True, slots=True)
class Order:
    """One order; the fields mean what the columns of `matcher.domain.Orders` mean. Limits default to none."""

    pickup: Place
    dropoff: Place
    placed_ms: int = 0
    ready_ms: int = 0
    promised_by_ms: int = NEVER
    dropoff_not_before_ms: int = 0
    pickup_by_ms: int = NEVER
    dropoff_by_ms: int = NEVER
    freshness_ms: int = NEVER
    size: int = 0
    skills: int = 0
    """Bit set."""
    pickup_access_ms: int = 0
    pickup_leave_ms: int = 0
    dropoff_access_ms: int = 0
    dropoff_leave_ms: int = 0


@dataclass(frozen=True, slots=True)
class Insertion:
    """One way to serve an order."""

    courier: int
    pickup_pos: int
    """Index in the present route before which the pick-up goes."""
    dropoff_pos: int
    """Index in the present route before which the drop-off goes; >= pickup_pos."""
    cost: int
    """Additional: sum of weights × delta, in micros × milliseconds per second."""
    delta_ms: Mapping[str, int]
    """By which each of QUANTITIES grows."""
    pickup_at_ms: int
    dropoff_at_ms: int
    finish_ms: int


@dataclass(frozen=True, slots=True)
class Route:
    """The stops that a courier still makes."""

    stops: tuple[tuple[StopKind, int], ...]
    """(kind, handle of the order)."""
    at_ms: tuple[int, ...]
    """Hand-over of every stop."""
    quantities_ms: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PlannedRoute:
    """A route with all its times."""

    stops: tuple[tuple[StopKind, int], ...]
    """(kind, handle of the order); -1 is the new order."""
    arrive_ms: tuple[int, ...]
    at_ms: tuple[int, ...]
    """Hand-over of every stop."""
    depart_ms: tuple[int, ...]
    depart_by_ms: int
    """Latest first departure that changes no time of the first visit."""


@dataclass(frozen=True, slots=True)
class Improved:
    """What `Fleet.improve` has done."""

    iterations: int
    improvements: int
    """Times that a better plan than all before was found."""
    cost: int
    """Of all routes now, in the unit of `Insertion.cost`."""
    left_out: tuple[int, ...]
    """Handles of orders in no route."""


@dataclass(frozen=True, slots=True)
class _Rows:
    xyz: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int32]
    values: npt.NDArray[np.int64]


def _position(place: Place) -> tuple[float, float, float, int]:
    if isinstance(place, int):
        return 0.0, 0.0, 0.0, place
    x, y, *rest = place
    return float(x), float(y), float(rest[0]) if rest else 0.0, -1


def _rows(orders: Sequence[Order]) -> _Rows:
    xyz, rows, values = [], [], []
    for o in orders:
        *a, from_row = _position(o.pickup)
        *b, to_row = _position(o.dropoff)
        xyz.append((*a, *b))
        rows.append((from_row, to_row))
        skills = o.skills - (1 << 64) if o.skills >> 63 else o.skills
        values.append(
            (
                o.placed_ms,
                o.ready_ms,
                o.promised_by_ms,
                o.dropoff_not_before_ms,
                o.pickup_by_ms,
                o.dropoff_by_ms,
                o.freshness_ms,
                o.size,
                skills,
                o.pickup_access_ms,
                o.pickup_leave_ms,
                o.dropoff_access_ms,
                o.dropoff_leave_ms,
                0,
            )
        )
    n = len(orders)
    return _Rows(
        np.array(xyz, np.float64).reshape(n, 6),
        np.array(rows, np.int32).reshape(n, 2),
        np.array(values, np.int64).reshape(n, 14),
    )


def _travel_only() -> Mapping[str, int]:
    return {"travel": 1_000}


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """How travel times and costs are made; see `matcher.domain.MetricTravel` and `matcher.domain.CostPolicy`."""

    radius_m: float = 0.0
    """0: a plane."""
    road_factor: float = 1.0
    quantum_ms: int = 1
    matrix_ms: npt.NDArray[np.int32] | None = None
    """(profiles, places, places): travel times from a table; places are its rows then."""
    weights: Mapping[str, int] = field(default_factory=_travel_only)
    """Micros per second, by names of QUANTITIES; those not named weigh nothing."""
    share_dropoff_service: bool = False
    severe_after_ms: int = 0
    max_route_stops: int = 64
    last_in_first_out: bool = False
    """An order picked up later is dropped off sooner, as from a truck with one door at its back. Routes that are not so
    are refused, and insertions that would make them so are not looked at."""


class Fleet:
    """Couriers and their routes. Couriers and orders are known by handles, small integers."""

    def __init__(self, options: FleetOptions | None = None) -> None:
        o = options or FleetOptions()
        unknown = set(o.weights) - set(QUANTITIES)
        if unknown:
            raise ValueError(f"weights name unknown quantities {sorted(unknown)}; known are {', '.join(QUANTITIES)}")
        self._native = native.NativeFleet(
            radius_m=o.radius_m,
            factor=o.road_factor,
            quantum_ms=o.quantum_ms,
            matrix_ms=o.matrix_ms,
            weights=np.array([o.weights.get(name, 0) for name in QUANTITIES], np.int64),
            share_dropoff_service=o.share_dropoff_service,
            severe_after_ms=o.severe_after_ms,
            max_route_stops=o.max_route_stops,
            last_in_first_out=o.last_in_first_out,
        )

    def add_courier(
        self,
        place: Place,
        *,
        free_ms: int = 0,
        shift_end_ms: int = NEVER,
        capacity: int = 1,
        skills: int = 0,
        speed_mph: int = 25_000,
        profile: int = 0,
    ) -> int:
        """A courier without stops; returns its handle. speed_mph: metres per hour."""
        return self._native.add_courier(*_position(place), free_ms, shift_end_ms, capacity, skills, speed_mph, profile)

    def update_courier(
        self,
        courier: int,
        place: Place,
        *,
        free_ms: int = 0,
        shift_end_ms: int = NEVER,
        capacity: int = 1,
        skills: int = 0,
        speed_mph: int = 25_000,
        profile: int = 0,
    ) -> None:
        """Replace everything about a courier but its route."""
        self._native.update_courier(
            courier, *_position(place), free_ms, shift_end_ms, capacity, skills, speed_mph, profile
        )

    def remove_courier(self, courier: int) -> None:
        """A courier is gone; the orders of its route are in none afterwards. Its handle is used again."""
        self._native.remove_courier(courier)

    def load(self, market: Market, travel: Any) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Add the couriers of a market (e.g. a Snapshot), their routes and the orders in these, from columns.

        Returns the handles of orders and couriers by their row; -1 for an order that no route mentions. Travel times
        stay those of this fleet; of `travel` only each courier's speed or profile is read.
        """
        return self._native.load(**market_tables(market, travel))

    def add_order(self, order: Order) -> int:
        """An order in no route yet; returns its handle."""
        r = _rows([order])
        return self._native.add_order(r.xyz, r.rows, r.values)

    def insert(self, order: int, at: Insertion) -> None:
        """Put an order where `cheapest_insertions` said. Positions refer to the route as it is now."""
        self._native.insert(order, at.courier, at.pickup_pos, at.dropoff_pos)

    def remove_order(self, order: int) -> None:
        """Forget an order, and take its stops out of its route."""
        self._native.remove_order(order)

    def set_route(self, courier: int, stops: Sequence[tuple[StopKind, int]], locked: int = 0) -> None:
        """Replace a route by (kind, order) stops. An order with only a drop-off is on board since its ready_ms.

        locked: first stops that can be neither changed nor preceded.
        """
        kinds = np.array([kind for kind, _ in stops], np.int8)
        self._native.set_route(courier, np.array([order for _, order in stops], np.int32), kinds, locked)

    def serve_visit(self, courier: int) -> int:
        """The first visit of a route is done as scheduled; returns the number of stops that it had (0: none left)."""
        return self._native.serve_visit(courier)

    def move(self, courier: int, place: Place, free_ms: int) -> None:
        """The courier is elsewhere, or free later, than was planned."""
        self._native.move(courier, *_position(place), free_ms)

    def advance(self, now_ms: int) -> None:
        """Time has passed and nothing was heard: couriers who were free before can start from their place then."""
        self._native.advance(now_ms)

    def improve(
        self,
        orders: Mapping[int, Order],
        prices: Mapping[int, int],
        *,
        time_limit: float | None = None,
        max_iterations: int | None = None,
        seed: int = 0,
        hot: float = 0.1,
        cold: float = 0.001,
    ) -> Improved:
        """Move orders to where they cost less and give open ones to couriers, in a budget of seconds or iterations.

        orders: by handle, those that may move: open ones, and planned ones without a locked stop. prices: of leaving
        each out, in the unit of `Insertion.cost`. hot, cold: temperatures of the annealing, as shares of the mean cost
        of an order. The fleet is left at the best routes found. Deterministic for a seed and max_iterations as long as
        no time_limit ends it. Raises ValueError for an order that cannot move. Method: matcher/fleet_improve.h.
        """
        if time_limit is None and max_iterations is None:
            raise ValueError("improve needs a time_limit, max_iterations, or both")
        r = _rows(list(orders.values()))
        found = self._native.improve(
            xyz=r.xyz,
            rows=r.rows,
            values=r.values,
            handles=np.array(list(orders), np.int32),
            prices=np.array([prices[handle] for handle in orders], np.int64),
            max_iterations=-1 if max_iterations is None else max_iterations,
            time_limit=-1.0 if time_limit is None else max(0.0, time_limit),
            seed=seed,
            hot=hot,
            cold=cold,
        )
        return Improved(found["iterations"], found["improvements"], found["cost"], tuple(found["open"].tolist()))

    def preview(self, order: Order, at: Insertion) -> PlannedRoute:
        """The route that `insert` would make, with its times. Does not change the fleet."""
        return self._preview(_rows([order]), at)

    def _preview(self, r: _Rows, at: Insertion) -> PlannedRoute:
        handles, kinds, arrive, event, depart, depart_by = self._native.preview(
            r.xyz, r.rows, r.values, at.courier, at.pickup_pos, at.dropoff_pos
        )
        return PlannedRoute(
            tuple((StopKind(k), o) for k, o in zip(kinds.tolist(), handles.tolist(), strict=True)),
            tuple(arrive.tolist()),
            tuple(event.tolist()),
            tuple(depart.tolist()),
            depart_by,
        )

    def route(self, courier: int) -> Route:
        """The present route, its times and what it is measured by."""
        order, kind, at_ms, quantities = self._native.route(courier)
        return Route(
            tuple((StopKind(k), o) for k, o in zip(kind.tolist(), order.tolist(), strict=True)),
            tuple(at_ms.tolist()),
            dict(zip(QUANTITIES, quantities.tolist(), strict=True)),
        )

    def cheapest_insertions(self, order: Order, k: int = 1) -> list[Insertion]:
        """The k couriers who serve the order at the least additional cost, each at its cheapest position, best first.

        Exact over all couriers and positions. Ties: lower courier, lower pickup_pos, lower dropoff_pos. Fewer than k
        when fewer can serve it; `refusals` says why. Does not change the fleet.
        """
        return self.cheapest_insertions_many([order], k)[0]

    def cheapest_insertions_many(self, orders: Sequence[Order], k: int = 1) -> list[list[Insertion]]:
        """`cheapest_insertions` for each of many orders, each on its own, in one call without the GIL."""
        return self._cheapest(_rows(orders), k)

    def cheapest_routes(self, orders: Sequence[Order], k: int = 1) -> list[list[tuple[Insertion, PlannedRoute]]]:
        """`cheapest_insertions_many`, each with the route that it would make."""
        r = _rows(orders)
        single = [_Rows(r.xyz[i : i + 1], r.rows[i : i + 1], r.values[i : i + 1]) for i in range(len(orders))]
        found = self._cheapest(r, k)
        return [[(at, self._preview(own, at)) for at in ways] for own, ways in zip(single, found, strict=True)]

    def _cheapest(self, r: _Rows, k: int) -> list[list[Insertion]]:
        found = self._native.cheapest(r.xyz, r.rows, r.values, k)
        position, value, delta = found["position"].tolist(), found["value"].tolist(), found["delta"].tolist()
        every = [
            Insertion(c, i, j, cost, dict(zip(QUANTITIES, d, strict=True)), picked, dropped, finish)
            for (c, i, j), (cost, picked, dropped, finish), d in zip(position, value, delta, strict=True)
        ]
        ptr = found["ptr"].tolist()
        return [every[begin:end] for begin, end in itertools.pairwise(ptr)]

    def refusals(self, order: Order) -> dict[str, int]:
        """Couriers that cannot take the order, counted by the reason of REJECTIONS that stops each of them."""
        r = _rows([order])
        return dict(zip(REJECTIONS, self._native.refusals(r.xyz, r.rows, r.values)[0].tolist(), strict=True))
