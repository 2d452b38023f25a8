"""Kernels of joint batching: bundles of orders worth trying, and set packing over (courier, bundle) columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.domain.cancel import Cancelled, CancelToken, flag_of
from matcher.kernels import _native

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

UNKNOWN_PRICE = int(np.iinfo(np.int64).min)
"""Stands for "no price known" in a warm start's order prices."""

DEFAULT_PACKING_ITERATIONS = 100_000
"""About 0.15 s of one core."""

_NONE = np.empty(0, dtype=np.int64)
_CANCELLED = 4


class PackingStatus(IntEnum):
    """How far a solve went."""

    OPTIMAL = 0
    """lower_bound == total."""
    STOPPED = 1
    """The work is used up; packing, bounds and prices hold."""
    OVERFLOW = 2
    """(orders + couriers + 1) × the largest magnitude reaches 2^62; nothing was solved."""


@dataclass(frozen=True, slots=True)
class PackingResult:
    """A packing and its certificate; empty when status is OVERFLOW."""

    status: PackingStatus
    chosen: I32
    """Column indices, ascending."""
    total: int
    """Cost of the chosen columns plus the wait of every order in none."""
    lower_bound: int
    """No packing costs less; at least price_bound."""
    price_bound: int
    """sum(order_price) - sum(courier_price): the part of the bound that the prices alone prove."""
    order_price: I64
    """(n_orders,) at most `wait`; negative where a column's cost is."""
    courier_price: I64
    """(n_couriers,) >= 0."""
    iterations: int
    """Work done: thousands of visits to a column's member."""


def solve_packing(
    n_orders: int,
    n_couriers: int,
    courier: I32,
    ptr: I32,
    order: I32,
    cost: I64,
    wait: I64,
    *,
    max_iterations: int = DEFAULT_PACKING_ITERATIONS,
    order_price: I64 | None = None,
    courier_price: I64 | None = None,
    cancel: CancelToken | None = None,
) -> PackingResult:
    """Choose columns, each courier and order in at most one, at the least cost; an order left out costs its wait.

    courier, cost: (columns,) int32 and int64. ptr: (columns + 1,) int32; column k has the orders
    order[ptr[k]:ptr[k+1]], distinct, at least one. wait: (n_orders,) int64, not negative. Costs may be negative.

    max_iterations: limit on the work, in thousands of visits to a column's member. order_price, courier_price: prices
    of an earlier solve to start from (UNKNOWN_PRICE where an order has none); any values are safe. cancel: raised from
    another thread, ends the work with Cancelled.

    The prices prove the bound: ``cost[k] - order_price[members of k].sum() + courier_price[courier[k]] >= 0`` for all
    columns and ``order_price <= wait``.

    Raises TypeError for other dtypes or layouts, ValueError for arrays that contradict each other. Deterministic; the
    lowest index wins among equal columns. See cpp/include/matcher/set_packing.h for the method and papers.
    """
    status, chosen, total, lower_bound, price_bound, order_prices, courier_prices, iterations = _native.solve_packing(
        n_orders,
        n_couriers,
        courier,
        ptr,
        order,
        cost,
        wait,
        max_iterations,
        _NONE if order_price is None else order_price,
        _NONE if courier_price is None else courier_price,
        flag_of(cancel),
    )
    if status == _CANCELLED:
        raise Cancelled("packing was cancelled")
    return PackingResult(
        status=PackingStatus(status),
        chosen=chosen,
        total=total,
        lower_bound=lower_bound,
        price_bound=price_bound,
        order_price=order_prices,
        courier_price=courier_prices,
        iterations=iterations,
    )


MAX_BUNDLE_ORDERS = 6
"""Largest bundle."""

MAX_BUNDLE_NEIGHBOURS = 64
"""Most partners an order is tried with."""

NO_SIZE_LIMIT = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Bundles:
    """Units to plan: every open order alone, ascending, then bundles by number of orders and lexicographically."""

    unit_ptr: I32
    """(units + 1,) unit u has the orders unit_order[unit_ptr[u]:unit_ptr[u + 1]]."""
    unit_order: I32
    """Orders of the units, ascending within a unit."""
    sequence: I32
    """The same orders as they are dropped off at the least delay."""
    saving_ms: I64
    """(units,) courier time: out-and-back trips alone less the one tour. 0 for a single order."""
    delay_ms: I64
    """(units,) customers' time: drop-offs later than alone, plus the lateness that adds. 0 for a single order."""
    dropped: int
    """Bundles found beyond max_bundles: those with the least saving - delay."""


def propose_bundles(
    locations: Any,
    orders: Any,
    travel: Any,
    *,
    open_orders: I32 | None = None,
    max_orders: int = 3,
    ready_spread_ms: int = 600_000,
    neighbours: int = 6,
    max_bundles: int = 100_000,
    max_size: int = NO_SIZE_LIMIT,
    cancel: CancelToken | None = None,
) -> Bundles:
    """Bundles of 2 to max_orders open orders of one store and pick-up place, on one way and ready together.

    locations: columns x, y, z (float64 metres) and radius_m. orders: columns store (-1: never bundled), pickup_loc,
    dropoff_loc, size (int32), ready_ms, promised_by_ms, freshness_ms (int64 ms since now); `Snapshot.locations` and
    `Snapshot.orders` fit. travel: a MetricTravel or MatrixTravel, of which courier 0's speed or profile is used.

    open_orders: ascending int32 indices of the orders to plan; None: all. ready_spread_ms: largest difference of ready
    times, those before now counted as now. neighbours: partners each order is tried with, at most
    MAX_BUNDLE_NEIGHBOURS. max_size: of the orders of a bundle together. cancel: raised from another thread, ends the
    work with Cancelled.

    Raises TypeError for other dtypes, KeyError for a missing column, ValueError naming the entry at fault.
    Deterministic; ties go to the lower orders. See cpp/include/matcher/bundles.h for the method and papers.
    """
    if open_orders is None:
        open_orders = np.arange(len(orders.store), dtype=np.int32)
    of_travel = ("matrix_ms", "profile") if hasattr(travel, "matrix_ms") else ("factor", "quantum_ms", "speed_mph")
    found = _native.propose_bundles(
        locations=_columns(locations, ("x", "y", "z", "radius_m")),
        travel=_columns(travel, of_travel),
        orders=_columns(orders, _BUNDLE_COLUMNS),
        open=open_orders,
        max_orders=max_orders,
        ready_spread_ms=ready_spread_ms,
        neighbours=neighbours,
        max_bundles=max_bundles,
        max_size=max_size,
        cancel=flag_of(cancel),
    )
    if found is None:
        raise Cancelled("bundling was cancelled")
    return Bundles(*found)


_BUNDLE_COLUMNS = ("store", "pickup_loc", "dropoff_loc", "ready_ms", "promised_by_ms", "freshness_ms", "size")


def _columns(table: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(table, name) for name in names}
