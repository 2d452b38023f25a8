"""Kernels of joint batching: weighted set packing over (courier, bundle) columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from matcher.kernels import _native

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

UNKNOWN_PRICE = int(np.iinfo(np.int64).min)
"""Stands for "no price known" in a warm start's order prices."""

DEFAULT_PACKING_ITERATIONS = 100_000
"""About 0.15 s of one core."""

_NONE = np.empty(0, dtype=np.int64)


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
) -> PackingResult:
    """Choose columns, each courier and order in at most one, at the least cost; an order left out costs its wait.

    courier, cost: (columns,) int32 and int64. ptr: (columns + 1,) int32; column k has the orders
    order[ptr[k]:ptr[k+1]], distinct, at least one. wait: (n_orders,) int64, not negative. Costs may be negative.

    max_iterations: limit on the work, in thousands of visits to a column's member. order_price, courier_price: prices
    of an earlier solve to start from (UNKNOWN_PRICE where an order has none); any values are safe.

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
    )
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
