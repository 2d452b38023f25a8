"""From verified routes to a Decision: what is committed, what is held, what waits and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from matcher.assignment import Candidates
from matcher.domain import (
    NEVER_MS,
    Commitment,
    CourierPlan,
    HoldingPolicy,
    OrderOutcome,
    OrderStatus,
    PlannedStop,
    Snapshot,
    WaitReason,
)
from matcher.engine.routes import NewRoute

REJECTIONS = (
    WaitReason.OUT_OF_REACH,
    WaitReason.SKILLS,
    WaitReason.CAPACITY,
    WaitReason.SHIFT_END,
    WaitReason.TIME_WINDOW,
    WaitReason.FRESHNESS,
    WaitReason.NO_FEASIBLE_COURIER,
    WaitReason.REFUSED,
)
"""Meaning of the columns of Candidates.rejected; a full route is no reason that a caller could name better."""


def is_held(route: NewRoute, holding: HoldingPolicy) -> bool:
    """Whether the next decision still comes in time to send the courier to this pick-up."""
    if holding.commitment is Commitment.IMMEDIATE:
        return False
    return route.leave_for_pickup_by - holding.slack_ms >= holding.cycle_ms


def courier_plan(snapshot: Snapshot, route: NewRoute) -> CourierPlan:
    """The plan of one courier, in ids and Unix milliseconds."""
    clock, ids = snapshot.at_unix_ms, snapshot.orders.ids
    stops = tuple(
        PlannedStop(kind, ids[order], clock + arrive, clock + at, clock + depart)
        for (kind, order), arrive, at, depart in zip(route.stops, route.arrive, route.at, route.depart, strict=True)
    )
    return CourierPlan(
        courier_id=snapshot.couriers.ids[route.courier],
        stops=stops,
        new_order_ids=tuple(ids[order] for order in route.new_orders),
        depart_by_ms=clock + route.depart_by,
    )


def wait_reasons(
    snapshot: Snapshot, candidates: Candidates, cost: npt.NDArray[np.int64], wait: npt.NDArray[np.int64]
) -> list[WaitReason]:
    """Why each open order would wait, were it left out; single orders are the first units, in the same order."""
    if not len(snapshot.couriers):
        return [WaitReason.NO_COURIERS] * len(wait)
    cheapest = np.full(len(wait), NEVER_MS, dtype=np.int64)
    single = candidates.unit < len(wait)
    np.minimum.at(cheapest, candidates.unit[single], cost[single])
    reasons = []
    for unit in range(len(wait)):
        if cheapest[unit] < NEVER_MS:
            cheaper = cheapest[unit] >= wait[unit]
            reasons.append(WaitReason.WAITING_IS_CHEAPER if cheaper else WaitReason.COURIERS_BETTER_USED)
            continue
        causes = np.flatnonzero(candidates.rejected[unit])
        # Couriers out of reach say little when nearer ones were refused for a cause of their own.
        if len(causes) > 1 and causes[0] == 0:
            causes = causes[1:]
        reasons.append(REJECTIONS[causes[0]] if len(causes) == 1 else WaitReason.NO_FEASIBLE_COURIER)
    return reasons


def zone_reasons(
    reasons: Sequence[WaitReason], full: npt.NDArray[np.bool_], shut_out: npt.NDArray[np.bool_]
) -> list[WaitReason]:
    """The same where zones are capped. full, shut_out: (open orders,) whether a zone of the order is full by now;
    whether nobody who could take the order may go there."""
    return [
        WaitReason.ZONE_FULL if shut or (cap and reason is WaitReason.COURIERS_BETTER_USED) else reason
        for reason, cap, shut in zip(reasons, full.tolist(), shut_out.tolist(), strict=True)
    ]


def outcomes(
    snapshot: Snapshot,
    orders: npt.NDArray[np.int32],
    wait: npt.NDArray[np.int64],
    reasons: Sequence[WaitReason],
    committed: Sequence[NewRoute],
    held: Sequence[NewRoute],
) -> tuple[OrderOutcome, ...]:
    """One outcome per open order, ascending by id."""
    clock, ids, couriers = snapshot.at_unix_ms, snapshot.orders.ids, snapshot.couriers.ids
    planned = {
        order: (route, assigned)
        for routes, assigned in ((committed, True), (held, False))
        for route in routes
        for order in route.new_orders
    }
    result = []
    for position, (order, price) in enumerate(zip(orders.tolist(), wait.tolist(), strict=True)):
        if order not in planned:
            result.append(OrderOutcome(ids[order], OrderStatus.WAITING, reasons[position], "", 0, 0, price))
            continue
        route, assigned = planned[order]
        dropoff_at = next(
            at for (kind, other), at in zip(route.stops, route.at, strict=True) if other == order and kind == 2
        )
        result.append(
            OrderOutcome(
                order_id=ids[order],
                status=OrderStatus.ASSIGNED if assigned else OrderStatus.WAITING,
                reason=None if assigned else WaitReason.HELD_UNTIL_DEPARTURE,
                courier_id=couriers[route.courier],
                hold_until_ms=0 if assigned else clock + route.leave_for_pickup_by,
                dropoff_at_ms=clock + dropoff_at,
                waiting_micros=price,
            )
        )
    return tuple(result)
