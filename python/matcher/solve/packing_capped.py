"""Packings under caps from a solver that knows none: prices on the caps, then repair.

A cap's price is added to the columns that use it, and raised while they are chosen too often. Each packing found so is
cut back to the caps and filled up again; the best one is kept. The bound is the largest of the Lagrangian ones, which
hold for every price; the prices returned are those without caps, which prove a weaker one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from matcher.domain import CancelToken
from matcher.solve.packing import (
    I32,
    I64,
    Caps,
    PackingProblem,
    PackingSolution,
    PackingSolver,
    PackingStatus,
    WarmStart,
)
from matcher.solve.packing_prices import gains, sums_are_exact


@dataclass(frozen=True, slots=True)
class CappedPackingSolver:
    """Solves problems without caps as `inner` does, and those with caps through it, sharing its iterations out."""

    inner: PackingSolver
    rounds: int = 8
    """Solves with prices on the caps, after one without."""

    @property
    def name(self) -> str:
        """That of the solver inside."""
        return self.inner.name

    def solve(
        self,
        problem: PackingProblem,
        *,
        max_iterations: int | None = None,
        warm_start: WarmStart | None = None,
        cancel: CancelToken | None = None,
    ) -> PackingSolution:
        """See PackingSolver.solve."""
        caps = problem.caps
        if caps is None:
            return self.inner.solve(problem, max_iterations=max_iterations, warm_start=warm_start, cancel=cancel)
        share = None if max_iterations is None else max(1, max_iterations // (self.rounds + 1))
        free = replace(problem, caps=None)
        first = self.inner.solve(free, max_iterations=share, warm_start=warm_start, cancel=cancel)
        if first.status is PackingStatus.OVERFLOW or caps.kept_by(first.chosen):
            return first
        gain = gains(problem)
        chosen = _repaired(problem, caps, gain, first.chosen)
        best, bound, spent = problem.total(chosen), first.lower_bound, first.iterations
        price = np.zeros(len(caps.left), dtype=np.int64)
        low, high = price.copy(), np.full(len(price), int(max(1, gain.max(initial=0))), dtype=np.int64)
        found = first.chosen
        for _ in range(self.rounds):
            if best == bound:
                break
            # Bisection of each price by itself, between one that is too low and one that is high enough.
            over = caps.use[found].sum(axis=0, dtype=np.int64) > caps.left
            low, high = np.where(over, price, low), np.where(over, np.maximum(high, price), price)
            price = np.where(over | (price > 0), (low + high) // 2, 0)
            priced = replace(free, cost=problem.cost + caps.use.astype(np.int64) @ price)
            if not sums_are_exact(priced):
                break
            warm = WarmStart(first.order_price, first.courier_price)
            answer = self.inner.solve(priced, max_iterations=share, warm_start=warm, cancel=cancel)
            spent += answer.iterations
            found = answer.chosen
            bound = max(bound, answer.lower_bound - int(price @ caps.left))
            repaired = _repaired(problem, caps, gain, found)
            if problem.total(repaired) < best:
                chosen, best = repaired, problem.total(repaired)
        bound = min(bound, best)
        return replace(
            first,
            status=PackingStatus.OPTIMAL if bound == best else PackingStatus.STOPPED,
            chosen=chosen,
            total=best,
            lower_bound=bound,
            iterations=spent,
        )


def _repaired(problem: PackingProblem, caps: Caps, gain: I64, chosen: I32) -> I32:
    """Of the columns chosen, those of most gain that keep the caps; then whatever else fits, most gain first."""
    room = caps.left.copy()
    free_order = np.ones(problem.n_orders, dtype=np.bool_)
    free_courier = np.ones(problem.n_couriers, dtype=np.bool_)
    taken: list[int] = []

    def take(columns: I32) -> None:
        for column in columns[np.argsort(-gain[columns], kind="stable")].tolist():
            members, courier = problem.members(column), problem.courier[column]
            fits = (caps.use[column] <= room).all() and free_courier[courier] and free_order[members].all()
            if fits:
                room[:] -= caps.use[column]
                free_order[members] = False
                free_courier[courier] = False
                taken.append(column)

    take(chosen)
    take(np.flatnonzero(gain > 0).astype(np.int32))
    return np.array(sorted(taken), dtype=np.int32)
