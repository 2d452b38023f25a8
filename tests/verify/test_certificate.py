"""The bound is proven or refused; a price that is off by one must not pass."""

from __future__ import annotations

import numpy as np

from matcher.verify import packing_bound

PTR = np.array([0, 1, 2, 4], dtype=np.int32)
MEMBER = np.array([0, 1, 0, 1], dtype=np.int32)
COURIER = np.array([0, 0, 0], dtype=np.int32)
COST = np.array([5, 7, 9], dtype=np.int64)
WAIT = np.array([20, 20], dtype=np.int64)


def bound(order_price: list[int], courier_price: list[int]) -> int | None:
    """Bound of the little problem above, optimum 9, under given prices."""
    return packing_bound(
        PTR,
        MEMBER,
        COURIER,
        COST,
        WAIT,
        np.array(order_price, dtype=np.int64),
        np.array(courier_price, dtype=np.int64),
    )


def test_tight_prices_prove_the_optimum() -> None:
    """Both orders at 20 and the courier at 31 leave every column at or above zero: 40 - 31 = 9."""
    assert bound([20, 20], [31]) == 9


def test_weaker_prices_prove_less() -> None:
    """Any feasible prices give a valid bound."""
    assert bound([4, 5], [0]) == 9
    assert bound([0, 0], [0]) == 0


def test_invalid_prices_prove_nothing() -> None:
    """A column below zero, an order above its waiting, a negative courier, an overflow: no bound at all."""
    assert bound([20, 20], [30]) is None
    assert bound([21, 19], [31]) is None
    assert bound([4, 4], [-1]) is None
    assert bound([4, 1 << 60], [0]) is None
    assert bound([4, -(1 << 60)], [0]) is None
