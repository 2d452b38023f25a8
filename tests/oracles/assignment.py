"""Slow, obvious answers to the assignment problem, for comparison with kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any


def cheapest_total(costs: Sequence[Sequence[Any]], prices: Sequence[Any] | None, n_cols: int) -> Fraction | None:
    """Least total by dynamic programming over sets of columns, in exact fractions; None: no complete matching.

    costs: rows of numbers, math.inf forbids. prices: one a row (math.inf: must be matched), or None: as many pairs as
    the smaller side has.
    """
    if prices is None and len(costs) > n_cols:
        turned = [[row[j] for row in costs] for j in range(n_cols)]
        return cheapest_total(turned, None, len(costs))

    @cache
    def best(i: int, taken: int) -> Fraction | None:
        if i == len(costs):
            return Fraction(0)
        choices = []
        price = math.inf if prices is None else prices[i]
        if not math.isinf(price):
            rest = best(i + 1, taken)
            if rest is not None:
                choices.append(Fraction(price) + rest)
        for j in range(n_cols):
            if not taken >> j & 1 and not math.isinf(costs[i][j]):
                rest = best(i + 1, taken | 1 << j)
                if rest is not None:
                    choices.append(Fraction(costs[i][j]) + rest)
        return min(choices, default=None)

    return best(0, 0)


def matching_total(
    costs: Sequence[Sequence[Any]], prices: Sequence[Any] | None, col_for_row: Sequence[int]
) -> Fraction:
    """Exact total of a matching."""
    total = Fraction(0)
    for i, j in enumerate(col_for_row):
        if j >= 0:
            total += Fraction(costs[i][j])
        elif prices is not None:
            total += Fraction(prices[i])
    return total
