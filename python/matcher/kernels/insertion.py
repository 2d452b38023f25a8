"""Schedules of courier routes, and the cheapest feasible insertion of orders and bundles into them.

Typed facade over the C++ kernels `matcher/schedule.h` and `matcher/insertion.h`, which state the method. Arrays in,
arrays out; the GIL is released meanwhile. A market is any object with the columns below, e.g. a
`matcher.domain.Snapshot`; nothing is cast, so a column of another dtype is a TypeError that names it.

All times are int64 milliseconds since the snapshot's clock; `NEVER_MS` (1 << 50) stands for "no limit".
Same input, same output: there is no randomness, and all ties are broken by lowest index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from matcher.domain.cancel import Cancelled, CancelToken, flag_of
from matcher.kernels import _native

I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]

QUANTITIES = ("click_to_door", "lateness", "severe_lateness", "pickup_delay", "travel", "courier_time")
"""What a route is measured by, in ms, in the order of every quantity axis. For a route: sums over drop-offs of (event -
placed), max(0, event - promised_by) and max(0, event - promised_by - severe_after); the sum over pick-ups of (event -
ready); the sum of travel times; last departure minus `depart_by_ms`."""

REJECTIONS = ("OUT_OF_REACH", "SKILLS", "CAPACITY", "SHIFT_END", "TIME_WINDOW", "FRESHNESS", "ROUTE_FULL")
"""Why a courier is no candidate, in the order of the `rejected` axis. The names are those of domain.WaitReason, but for
ROUTE_FULL: the route would exceed its longest length."""

VIOLATIONS = {"CAPACITY": 1, "SKILLS": 2, "SHIFT_END": 4, "TIME_WINDOW": 8, "FRESHNESS": 16, "ORDER": 32}
"""Bits of `RouteSchedule.violations`. ORDER: drop-off before pick-up, a stop twice, a pick-up without drop-off."""

MAX_UNIT_ORDERS = 6
"""Largest bundle."""

_LOCATION_COLUMNS = ("x", "y", "z", "radius_m")
_ORDER_COLUMNS = (
    "pickup_loc",
    "dropoff_loc",
    "placed_ms",
    "ready_ms",
    "promised_by_ms",
    "dropoff_not_before_ms",
    "pickup_by_ms",
    "dropoff_by_ms",
    "freshness_ms",
    "size",
    "skills",
    "pickup_access_ms",
    "pickup_leave_ms",
    "dropoff_access_ms",
    "dropoff_leave_ms",
)
_COURIER_COLUMNS = ("loc", "free_ms", "shift_end_ms", "capacity", "skills")
_ROUTE_COLUMNS = ("ptr", "stop_order", "stop_kind", "locked")


class Market(Protocol):
    """Tables of columns; `matcher.domain.Snapshot` is one. See there for the meaning of every column.

    locations: x, y, z (float64), radius_m. orders, couriers, routes: the columns of the tables of the same name.
    """

    @property
    def locations(self) -> Any: ...
    @property
    def orders(self) -> Any: ...
    @property
    def couriers(self) -> Any: ...
    @property
    def routes(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class RouteSchedule:
    """Times and quantities of routes."""

    arrive_ms: I64
    """(stops,) arrival at the place."""
    at_ms: I64
    """(stops,) the hand-over; pick-ups made together share it."""
    depart_ms: I64
    """(stops,) driving off."""
    quantities: I64
    """(couriers, 6) see QUANTITIES."""
    depart_by_ms: I64
    """(couriers,) latest first departure that changes no time of the first visit; free_ms for an empty route."""
    violations: I32
    """(couriers,) bits of VIOLATIONS; 0 for a feasible route."""


@dataclass(frozen=True, slots=True)
class InsertionCandidates:
    """Couriers who can serve units, each at its cheapest. Candidate axis: unit after unit, couriers ascending."""

    ptr: I32
    """(units + 1,) unit u has the candidates ptr[u]:ptr[u + 1]."""
    courier: I32
    """(candidates,)"""
    delta: I64
    """(candidates, 6) QUANTITIES of the new route minus those of the present one."""
    pickup_pos: I32
    """(candidates,) index in the present route before which the pick-ups go."""
    dropoff_pos: I32
    """(candidates,) index in the present route before which the drop-offs go; >= pickup_pos."""
    sequence: I32
    """(candidates, largest unit) orders in drop-off order, padded with -1."""
    pickup_at_ms: I64
    """(candidates,) hand-over at the pick-up."""
    finish_ms: I64
    """(candidates,) last departure of the new route."""
    depart_by_ms: I64
    """(candidates,) as RouteSchedule.depart_by_ms, of the new route."""
    rejected: I32
    """(units, 7) couriers that are no candidate, by REJECTIONS."""
    pruned: I32
    """(units,) couriers that were eligible but not among the nearest."""


def evaluate_routes(
    market: Market,
    travel: Any,
    *,
    ptr: I32 | None = None,
    stop_order: I32 | None = None,
    stop_kind: I8 | None = None,
    share_dropoff_service: bool = False,
    severe_after_ms: int = 0,
) -> RouteSchedule:
    """Schedule routes and measure them.

    travel: an object with factor, quantum_ms, speed_mph, or with matrix_ms, profile (`matcher.domain.Travel`).
    ptr, stop_order, stop_kind: routes to schedule instead of market.routes; all three or none.

    Raises TypeError for a wrong dtype and ValueError for a wrong shape, index or sign, naming column and row.
    """
    given = (ptr, stop_order, stop_kind)
    if any(column is None for column in given) and any(column is not None for column in given):
        raise ValueError("ptr, stop_order and stop_kind are given together or not at all")
    routes = _columns(market.routes, _ROUTE_COLUMNS)
    if ptr is not None:
        locked = np.zeros(max(0, len(ptr) - 1), dtype=np.int32)
        routes = {"ptr": ptr, "stop_order": stop_order, "stop_kind": stop_kind, "locked": locked}
    return RouteSchedule(
        **_native.evaluate_routes(
            locations=_columns(market.locations, _LOCATION_COLUMNS),
            travel=_travel(travel),
            orders=_columns(market.orders, _ORDER_COLUMNS),
            couriers=_columns(market.couriers, _COURIER_COLUMNS),
            routes=routes,
            share_dropoff_service=share_dropoff_service,
            severe_after_ms=severe_after_ms,
        )
    )


def insertion_candidates(
    market: Market,
    travel: Any,
    *,
    unit_ptr: I32,
    unit_order: I32,
    nearest: int,
    reach_ms: int,
    max_route_stops: int,
    weights: I64,
    detours: bool = True,
    share_dropoff_service: bool = False,
    severe_after_ms: int = 0,
    cancel: CancelToken | None = None,
) -> InsertionCandidates:
    """For every unit, the cheapest feasible insertion into the route of each of its nearest couriers.

    unit_ptr (units + 1,), unit_order: unit u has the orders unit_order[unit_ptr[u]:unit_ptr[u + 1]], 1 to 6 of them,
    with one pick-up place and in no route. nearest: couriers evaluated exactly per unit, those with the earliest
    possible arrival at the pick-up. reach_ms: latest such arrival. weights: (6,) int64 micros per second, >= 0; what is
    minimised is their product with QUANTITIES.

    Pick-ups go together before the present stop `pickup_pos`, drop-offs as one block before `dropoff_pos` in their best
    sequence; over all of these the answer is exact. Without `detours` pick-ups only join those that a present route
    makes at their place, or follow its end. Ties: lower pickup_pos, lower dropoff_pos, smaller sequence.

    cancel: raised from another thread, ends the work with Cancelled.

    Raises TypeError for a wrong dtype and ValueError for a wrong shape, index or sign, naming column and row.
    """
    found = _native.insertion_candidates(
        locations=_columns(market.locations, _LOCATION_COLUMNS),
        travel=_travel(travel),
        orders=_columns(market.orders, _ORDER_COLUMNS),
        couriers=_columns(market.couriers, _COURIER_COLUMNS),
        routes=_columns(market.routes, _ROUTE_COLUMNS),
        share_dropoff_service=share_dropoff_service,
        severe_after_ms=severe_after_ms,
        unit_ptr=unit_ptr,
        unit_order=unit_order,
        nearest=nearest,
        reach_ms=reach_ms,
        max_route_stops=max_route_stops,
        detours=detours,
        weights=weights,
        cancel=flag_of(cancel),
    )
    if found is None:
        raise Cancelled("insertion was cancelled")
    return InsertionCandidates(**found)


def market_tables(market: Market, travel: Any) -> dict[str, dict[str, Any]]:
    """The columns that native routing reads, by the name of their table; what `NativeFleet.load` takes."""
    return {
        "locations": _columns(market.locations, _LOCATION_COLUMNS),
        "travel": _travel(travel),
        "orders": _columns(market.orders, _ORDER_COLUMNS),
        "couriers": _columns(market.couriers, _COURIER_COLUMNS),
        "routes": _columns(market.routes, _ROUTE_COLUMNS),
    }


def _columns(table: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(table, name) for name in names}


def _travel(travel: Any) -> dict[str, Any]:
    if hasattr(travel, "matrix_ms"):
        return _columns(travel, ("matrix_ms", "profile"))
    return _columns(travel, ("factor", "quantum_ms", "speed_mph"))
