"""In which order a courier best makes the stops that it has: exact, in microseconds, for every route of a market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.kernels import routing as native
from matcher.kernels.insertion import QUANTITIES, Market, market_tables

MAX_FREE_STOPS = 16
"""Stops of one route that are not locked."""


@dataclass(frozen=True, slots=True)
class BestSequence:
    """The routes of a market, each in its best sequence."""

    stop_order: npt.NDArray[np.int32]
    """(stops,) as `market.routes.stop_order`, with the same `ptr`; routes without a feasible sequence as they were."""
    stop_kind: npt.NDArray[np.int8]
    """(stops,) likewise."""
    feasible: npt.NDArray[np.bool_]
    """(couriers,) whether some sequence keeps every limit. Limits of locked stops do not count."""
    cost: npt.NDArray[np.int64]
    """(couriers,) of the sequence, micros × milliseconds per second; 0 where there is none."""
    nodes: npt.NDArray[np.int64]
    """(couriers,) beginnings of sequences that were looked at."""


def best_sequence(
    market: Market,
    travel: Any,
    *,
    weights: Mapping[str, int],
    share_dropoff_service: bool = False,
    severe_after_ms: int = 0,
    more_size: npt.NDArray[np.int32] | None = None,
    more_capacity: npt.NDArray[np.int32] | None = None,
) -> BestSequence:
    """For every courier of a market, the cheapest feasible sequence of the stops of its present route.

    A route is read as a set of stops: its `locked` first ones stay where they are, up to 16 others are put in order,
    pick-ups before their drop-offs; a drop-off alone is an order on board since its ready_ms. Windows, ride limits,
    capacity and shared visits are those of `matcher.kernels.insertion.evaluate_routes`, and so is the cost:
    the sum of weights (micros per second by QUANTITIES, 0 to 10^6) × quantities. The route ends where its last stop is.

    market, travel: as for evaluate_routes. more_size (orders, d), more_capacity (couriers, d), int32, d <= 4: further
    dimensions of load. Ties: the present sequence, when nothing is cheaper; the same answer on every machine.

    Raises TypeError for a wrong dtype and ValueError for a wrong shape, index or sign, an unknown quantity, an
    incomplete route, or more stops than that, naming column and row.
    """
    unknown = set(weights) - set(QUANTITIES)
    if unknown:
        raise ValueError(f"weights name unknown quantities: {', '.join(sorted(unknown))}")
    if (more_size is None) != (more_capacity is None):
        raise ValueError("more_size and more_capacity are given together or not at all")
    tables = market_tables(market, travel)
    none_by_order = np.zeros((len(market.orders.size), 0), np.int32)
    none_by_courier = np.zeros((len(market.couriers.loc), 0), np.int32)
    found = native.best_sequences(
        **tables,
        share_dropoff_service=share_dropoff_service,
        severe_after_ms=severe_after_ms,
        weights=np.array([weights.get(name, 0) for name in QUANTITIES], np.int64),
        more_size=none_by_order if more_size is None else more_size,
        more_capacity=none_by_courier if more_capacity is None else more_capacity,
    )
    return BestSequence(**{**found, "feasible": found["feasible"].astype(np.bool_)})
