"""Prices that prove a bound of a packing, completed exactly from order prices alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.solve.packing import I64, PackingProblem

_LARGEST_SUM = 1 << 62


def sums_are_exact(problem: PackingProblem) -> bool:
    """Whether (orders + couriers + 1) × the largest magnitude stays below 2^62, so that int64 sums are exact."""
    largest = max(
        1,
        int(problem.wait.max(initial=0)),
        max((abs(int(problem.cost[at])) for at in _extremes(problem.cost)), default=0),
    )
    terms = problem.n_orders + problem.n_couriers + 1
    longest = int(np.diff(problem.ptr).max(initial=0))
    return largest * max(terms, longest + 1) < _LARGEST_SUM and largest * (longest + 1) * terms < _LARGEST_SUM


def _extremes(values: I64) -> tuple[int, ...]:
    return (int(values.argmin()), int(values.argmax())) if len(values) else ()


def gains(problem: PackingProblem) -> I64:
    """(columns,) what a column saves against letting its orders wait. Needs `sums_are_exact`."""
    return _per_column(problem, problem.wait) - problem.cost


def _per_column(problem: PackingProblem, of_order: I64) -> I64:
    """Sum over the members of each column; columns are not empty."""
    if not problem.columns:
        return np.empty(0, dtype=np.int64)
    return np.add.reduceat(of_order[problem.order], problem.ptr[:-1])


@dataclass(frozen=True, slots=True)
class Certificate:
    """Prices under which no column is cheaper than its members' prices allow."""

    order_price: I64
    courier_price: I64

    @property
    def bound(self) -> int:
        """No packing costs less."""
        return int(self.order_price.sum()) - int(self.courier_price.sum())


def certificate(problem: PackingProblem, order_price: I64) -> Certificate:
    """The least courier prices that go with these order prices, first cut to `wait`. Needs `sums_are_exact`."""
    prices = np.minimum(order_price, problem.wait)
    courier_price = np.zeros(problem.n_couriers, dtype=np.int64)
    np.maximum.at(courier_price, problem.courier, _per_column(problem, prices) - problem.cost)
    return Certificate(order_price=prices, courier_price=courier_price)
