"""Optimality from duals: the bound that order prices and courier prices prove, recomputed column by column."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


def packing_bound(
    ptr: I32, member: I32, courier: I32, cost: I64, wait: I64, order_price: I64, courier_price: I64
) -> int | None:
    """Lower bound proven by the prices, or None when they prove nothing.

    Every column must cost at least the prices of its members less the price of its courier, no order may be dearer
    than its waiting and no courier's price negative. Then, by LP duality, no packing costs less than the order prices
    less the courier prices. Exact: int64 with a check of the magnitudes that could overflow.

    ptr (columns + 1,), member: orders of each column; courier, cost (columns,); wait, order_price (orders,);
    courier_price (couriers,).
    """
    limit = np.int64(1) << np.int64(52)
    for values in (cost, wait, order_price, courier_price):
        if len(values) and bool(np.any(np.abs(values) > limit)):
            return None
    if bool(np.any(order_price > wait)) or bool(np.any(courier_price < 0)):
        return None
    if len(cost):
        members = np.add.reduceat(order_price[member], ptr[:-1])
        if bool(np.any(cost - members + courier_price[courier] < 0)):
            return None
    bound: int = sum(order_price.tolist()) - sum(courier_price.tolist())
    return bound
