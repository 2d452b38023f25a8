"""Load: how many orders compete for a courier, and what that makes a courier's time worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from matcher.domain import Additions, Policy, Snapshot


def orders_per_courier(snapshot: Snapshot, policy: Policy) -> float:
    """Open orders that are ready within the horizon, per courier that is free within it and still on shift then.

    A courier on a route counts where orders may enter it anywhere.
    """
    orders, couriers, horizon_ms = snapshot.orders, snapshot.couriers, policy.costs.load_horizon_ms
    demand = int(np.count_nonzero((orders.courier < 0) & (orders.ready_ms <= horizon_ms)))
    free = (couriers.free_ms <= horizon_ms) & (couriers.shift_end_ms >= couriers.free_ms)
    if policy.holding.additions is not Additions.ANYWHERE:
        free &= np.diff(snapshot.routes.ptr) == 0
    return demand / max(1, int(np.count_nonzero(free)))


_MOST_LOAD = 2.0
"""Orders per courier up to which the price of waiting at a kitchen grows."""


def under_load(snapshot: Snapshot, policy: Policy) -> Policy:
    """The policy with courier time priced for the present load."""
    costs = policy.costs
    if not costs.scarce_courier_time:
        return policy
    scarcity = min(costs.scarcity_limit, max(0.0, orders_per_courier(snapshot, policy) - 1.0))
    price = costs.courier_time + int(costs.scarce_courier_time * scarcity)
    return replace(policy, costs=replace(costs, courier_time=price))


def planned_readiness(snapshot: Snapshot, policy: Policy) -> Snapshot:
    """The snapshot with one ready time for each order: the quantile that is best to plan for.

    `policy`: with courier time priced for the present load; see ReadinessPolicy for the quantile. `ready_early_ms` is
    what couriers leave for, where that is earlier. Both are interpolated between the three given, and not beyond them.
    The digest stays that of what was asked.
    """
    orders = snapshot.orders
    early, middle, late = orders.ready_early_ms, orders.ready_ms, orders.ready_late_ms
    if not (early < late).any():
        return snapshot
    load = min(_MOST_LOAD, orders_per_courier(snapshot, policy))
    waiting = policy.costs.courier_time + int(policy.readiness.courier_wait * load)
    kept_waiting = policy.costs.click_to_door + policy.costs.pickup_delay

    def quantile(permille: int) -> npt.NDArray[np.int64]:
        beside = min(400, max(-400, permille - 500))
        between: npt.NDArray[np.int64] = middle + (middle - early if beside < 0 else late - middle) * beside // 400
        return between

    planned = 1000 * waiting // max(1, waiting + kept_waiting)
    ready, leave = quantile(planned), quantile(min(planned, policy.readiness.leave_permille))
    return replace(snapshot, orders=replace(orders, ready_ms=ready, ready_early_ms=leave, ready_late_ms=ready))
