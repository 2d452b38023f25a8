"""Kitchens: what decisions are told of when an order will be ready. The true time once it has come, never before."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from statistics import NormalDist, fmean
from typing import Protocol

from matcher.domain.rows import Order
from matcher.simulation.noise import Noise

_NORMAL = NormalDist()
_SHAPE = 4.2
"""Of the log-logistic distribution that preparation times are taken to have around their store's mean: ninety per cent
lie between 0.43 and 1.76 times the mean. The same for all stores and days."""
EARLY, MIDDLE, LATE = 0.1, 0.5, 0.9
"""Quantiles that an order's three ready times stand for."""


class Kitchens(Protocol):
    """What is known of orders being prepared."""

    def shown(self, order: Order, now_ms: int) -> Order:
        """The order as a decision at `now_ms` sees it."""
        ...


class PunctualKitchens:
    """Orders are ready when it is said."""

    def shown(self, order: Order, now_ms: int) -> Order:
        """As it is."""
        return order


class EstimatedKitchens:
    """One estimate for each order, wrong by a log-normal factor that is right in the mean."""

    def __init__(self, noise: Noise) -> None:
        self._noise = noise

    def shown(self, order: Order, now_ms: int) -> Order:
        """Ready when it is, else when it is estimated to be; an estimate that has passed becomes now."""
        ready_ms, placed_ms = order.ready_at_ms, order.placed_at_ms
        if ready_ms is None or placed_ms is None or ready_ms <= now_ms:
            return order
        spread, quantum_ms = self._noise.ready, self._noise.quantum_ms
        error = math.exp(spread * _NORMAL.inv_cdf(self._noise.uniform("ready", order.id)) - spread**2 / 2)
        quanta = round((ready_ms - placed_ms) * error / quantum_ms)
        return replace(order, ready_at_ms=_within(order, max(now_ms, placed_ms + quanta * quantum_ms)))


class MeanKitchens:
    """Each store's mean preparation time is known, and of an order only whether it is ready.

    An order that is not is shown with the quantiles of its ready time, given that it has not come yet.
    """

    def __init__(self, orders: Iterable[Order], quantum_ms: int) -> None:
        """The means are those of `orders`; those without both times have no part in it."""
        times: defaultdict[str, list[int]] = defaultdict(list)
        for order in orders:
            if order.ready_at_ms is not None and order.placed_at_ms is not None:
                times[order.store_id].append(order.ready_at_ms - order.placed_at_ms)
        self._mean_ms = {store: max(fmean(spans), float(quantum_ms)) for store, spans in times.items()}
        self._quantum_ms = quantum_ms

    def shown(self, order: Order, now_ms: int) -> Order:
        """Ready when it is; else early, in the middle and late, each at least a quantum from now."""
        ready_ms, placed_ms = order.ready_at_ms, order.placed_at_ms
        if ready_ms is None or placed_ms is None or ready_ms <= now_ms:
            return order
        early, middle, late = (
            _within(order, max(now_ms + self._quantum_ms, placed_ms + self._rounded(span)))
            for span in _quantiles(self._mean_ms[order.store_id], now_ms - placed_ms)
        )
        return replace(order, ready_early_at_ms=early, ready_at_ms=middle, ready_late_at_ms=late)

    def _rounded(self, span_ms: float) -> int:
        return round(span_ms / self._quantum_ms) * self._quantum_ms


def kitchens_of(noise: Noise, orders: Iterable[Order]) -> Kitchens:
    """What the noise lets decisions know of these orders."""
    if noise.store_mean:
        return MeanKitchens(orders, noise.quantum_ms)
    return EstimatedKitchens(noise) if noise.ready else PunctualKitchens()


def _quantiles(mean_ms: float, elapsed_ms: int) -> tuple[float, ...]:
    """Preparation times, given that `elapsed_ms` are not enough.

    With F(t) = 1 / (1 + (t / scale)^-shape) the quantile q beyond elapsed is where F reaches F(e) + q (1 - F(e)).
    """
    angle = math.pi / _SHAPE
    scale_ms = mean_ms * math.sin(angle) / angle
    going_on = 1.0 / (1.0 + (max(0, elapsed_ms) / scale_ms) ** _SHAPE)
    return tuple(
        scale_ms * (1.0 / (going_on * (1.0 - quantile)) - 1.0) ** (1.0 / _SHAPE) for quantile in (EARLY, MIDDLE, LATE)
    )


def _within(order: Order, at_ms: int) -> int:
    """Not beyond the order's hard limits: an estimate must not make it impossible."""
    return min(limit for limit in (order.pickup_by_ms, order.dropoff_by_ms, at_ms) if limit is not None)
