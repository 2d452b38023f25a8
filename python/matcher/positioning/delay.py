"""The pick-up delay that the next order is expected to have, given when couriers can be at the points of demand.

The next order falls at a point with the point's share of the expected demand and is carried by the courier who can be
there first, or, where that one is taken by then (with probability `busy`), by the next in line: the maximum expected
covering model of Daskin (1983), with minutes in the place of covered or not. How long an order needs to be ready is
taken to be uniform between nothing and twice its mean m, so a response of r delays the pick-up by r²/4m, from 2m on by
r - m.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]

RANKS = 8
"""Couriers in line for an order that are looked at."""
_MILLION = 1_000_000
_LONGEST_MS = np.int64(1) << np.int64(30)


def expected_delay(response_ms: I64, lead_ms: int) -> I64:
    """Pick-up delay in whole ms for each response time; lead_ms: the mean time until an order is ready, at least 1."""
    response = np.clip(response_ms, 0, _LONGEST_MS)  # its square fits int64
    early = response * response // (4 * lead_ms)
    result: I64 = np.where(response <= 2 * lead_ms, early, response - lead_ms)
    return result


def rank_shares(couriers: int, busy_permille: int) -> I64:
    """(ranks,) millionths: how often the first, second, ... in line carries the order; the last takes what is left."""
    shares, left = [], _MILLION
    for _ in range(min(couriers, RANKS)):
        share = left * (1000 - busy_permille) // 1000
        shares.append(share)
        left -= share
    if shares:
        shares[-1] += left
    return np.array(shares, dtype=np.int64)


def total_delay(in_line: I64, weight: I64, busy_permille: int) -> I64:
    """(...,) sum over points of weight × expected delay in ms.

    in_line: (..., couriers, points) delays, least first along the couriers. weight: (points,) positive, sum below 2^33.
    """
    shares = rank_shares(in_line.shape[-2], busy_permille)
    ranked = in_line[..., : len(shares), :]
    per_point = (ranked * shares[:, None]).sum(axis=-2) // _MILLION
    result: I64 = (per_point * weight).sum(axis=-1)
    return result
