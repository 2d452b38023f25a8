"""The last rung: take the column that saves most, again and again. Pure numpy, so it works where nothing else does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.domain import CancelToken
from matcher.solve.packing import I32, PackingProblem, PackingSolution, PackingStatus, WarmStart
from matcher.solve.packing_prices import Certificate, certificate, gains, sums_are_exact


@dataclass(frozen=True, slots=True)
class GreedyPackingSolver:
    """Columns by their saving against waiting, largest first, ties by index; one iteration is one column looked at."""

    name: str = "greedy"

    def solve(
        self,
        problem: PackingProblem,
        *,
        max_iterations: int | None = None,
        warm_start: WarmStart | None = None,
        cancel: CancelToken | None = None,
    ) -> PackingSolution:
        """See PackingSolver.solve. The bound is valid but weak; a warm start's prices count where they prove more."""
        if not sums_are_exact(problem):
            return overflow()
        gain = gains(problem)
        by_gain = np.argsort(-gain, kind="stable")
        by_gain = by_gain[gain[by_gain] > 0][:max_iterations]
        free_order = np.ones(problem.n_orders, dtype=bool)
        free_courier = np.ones(problem.n_couriers, dtype=bool)
        taken: list[int] = []
        room = None if problem.caps is None else problem.caps.left.copy()
        for column in by_gain.tolist():
            if cancel is not None:
                cancel.check()
            members = problem.members(column)
            if problem.caps is not None and (problem.caps.use[column] > room).any():
                continue
            if free_courier[problem.courier[column]] and free_order[members].all():
                if problem.caps is not None:
                    room -= problem.caps.use[column]
                free_courier[problem.courier[column]] = False
                free_order[members] = False
                taken.append(column)
        chosen: I32 = np.array(sorted(taken), dtype=np.int32)
        best = best_certificate(problem, warm_start)
        total = problem.total(chosen)
        return PackingSolution(
            status=PackingStatus.OPTIMAL if best.bound == total else PackingStatus.STOPPED,
            chosen=chosen,
            total=total,
            lower_bound=best.bound,
            price_bound=best.bound,
            order_price=best.order_price,
            courier_price=best.courier_price,
            iterations=len(by_gain),
        )


def best_certificate(problem: PackingProblem, warm_start: WarmStart | None) -> Certificate:
    """The best of: couriers pay all; orders pay all, sharing a column's gain evenly; the warm start's prices."""
    share = np.zeros(problem.n_orders, dtype=np.int64)
    size = np.diff(problem.ptr).astype(np.int64)
    gain = np.maximum(gains(problem), 0)
    np.maximum.at(share, problem.order, np.repeat(-(-gain // np.maximum(size, 1)), size))
    found = [certificate(problem, problem.wait), certificate(problem, problem.wait - share)]
    if warm_start is not None and warm_start.order_price is not None:
        most = np.abs(problem.wait).max(initial=0) + gain.max(initial=0)
        found.append(certificate(problem, np.clip(warm_start.order_price, -most, most)))
    return max(found, key=lambda each: each.bound)


def overflow() -> PackingSolution:
    """The answer to costs that are too large for exact sums."""
    return PackingSolution(
        status=PackingStatus.OVERFLOW,
        chosen=np.empty(0, dtype=np.int32),
        total=0,
        lower_bound=0,
        price_bound=None,
        order_price=None,
        courier_price=None,
        iterations=0,
    )
