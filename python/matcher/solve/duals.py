"""Duals for a matching that came without: the certificate of solvers that keep theirs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.kernels import MUST_MATCH

IntArray = NDArray[np.int64]


def column_duals(
    ptr: IntArray,
    col: NDArray[np.int32],
    cost: IntArray,
    n_cols: int,
    unassigned: IntArray,
    matching: NDArray[np.int32],
) -> IntArray:
    """Column duals (m,) that prove `matching` optimal, if it is; otherwise merely feasible ones.

    A column's price must outbid every row left out (price of row - cost) and carry over what the row that holds it
    would have to pay elsewhere: p[k] >= p[j] + c[i, j] - c[i, k] for row i at column j. The least such prices are
    longest paths (Bellman-Ford); no column of an optimal matching needs more than m rounds, and a free column keeps
    price zero.
    """
    row = np.repeat(np.arange(len(ptr) - 1, dtype=np.int64), np.diff(ptr))
    held = matching[row]
    mine = held == col
    cost_held = np.zeros(len(ptr) - 1, np.int64)
    cost_held[row[mine]] = cost[mine]
    prices = np.zeros(n_cols, np.int64)
    out = held < 0
    worth = unassigned[row[out]] - cost[out]
    np.maximum.at(prices, col[out], np.where(unassigned[row[out]] == MUST_MATCH, 0, worth))
    move = np.flatnonzero(~out & ~mine)
    margin = cost_held[row[move]] - cost[move]
    for _ in range(n_cols + 1):
        raised = prices.copy()
        np.maximum.at(raised, col[move], prices[held[move]] + margin)
        if np.array_equal(raised, prices):
            return -prices
        prices = raised
    return np.zeros(n_cols, np.int64)  # prices rise for ever: a cheaper matching exists


def row_duals(ptr: IntArray, col: NDArray[np.int32], cost: IntArray, unassigned: IntArray, v: IntArray) -> IntArray:
    """The largest feasible row duals (n,) for column duals (m,); 0 for a row without any choice."""
    row = np.repeat(np.arange(len(ptr) - 1, dtype=np.int64), np.diff(ptr))
    u = unassigned.copy()
    np.minimum.at(u, row, cost - v[col])
    return np.where(u == MUST_MATCH, 0, u)
