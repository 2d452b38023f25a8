"""Idle couriers told where to wait, after the orders have been decided on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matcher.domain import CourierMove, MoveReason, Policy, Snapshot, Travel
from matcher.engine.routes import NewRoute
from matcher.kernels import insertion
from matcher.positioning import CourierEnds, NewPlace, propose_moves


def new_places(snapshot: Snapshot, travel: Travel, policy: Policy, routes: Sequence[NewRoute]) -> list[NewPlace]:
    """Where couriers without a route or a plan, held ones included, should wait; none unless the policy asks for it."""
    if not policy.positioning.max_moves or not len(snapshot.demand) or not len(snapshot.couriers):
        return []
    return propose_moves(snapshot, travel, policy.positioning, _ends(snapshot, travel, policy, routes))


def courier_moves(snapshot: Snapshot, places: Sequence[NewPlace]) -> tuple[CourierMove, ...]:
    """The same in ids, coordinates and Unix milliseconds."""
    locations = snapshot.locations
    return tuple(
        CourierMove(
            courier_id=snapshot.couriers.ids[place.courier],
            latitude=float(locations.latitude[place.loc]),
            longitude=float(locations.longitude[place.loc]),
            arrive_at_ms=snapshot.at_unix_ms + place.arrive_ms,
            reason=MoveReason.EXPECTED_DEMAND,
            saved_ms=place.saved_ms,
        )
        for place in places
    )


def _ends(snapshot: Snapshot, travel: Travel, policy: Policy, routes: Sequence[NewRoute]) -> CourierEnds:
    couriers, orders, present = snapshot.couriers, snapshot.orders, snapshot.routes
    loc, free_ms = couriers.loc.copy(), couriers.free_ms.copy()
    busy = np.flatnonzero(np.diff(present.ptr))
    if len(busy):
        schedule = insertion.evaluate_routes(
            snapshot, travel, share_dropoff_service=policy.bundling.share_dropoff_service
        )
        last = present.ptr[busy + 1] - 1
        loc[busy] = orders.dropoff_loc[present.stop_order[last]]  # whatever is picked up is dropped off later
        free_ms[busy] = schedule.depart_ms[last]
    idle = (couriers.free_ms <= 0) & (couriers.shift_end_ms >= policy.positioning.least_shift_ms)
    idle[busy] = False
    for route in routes:
        _, dropped = route.stops[-1]
        loc[route.courier] = orders.dropoff_loc[dropped]
        free_ms[route.courier] = route.depart[-1]
        idle[route.courier] = False
    counted = (free_ms <= policy.positioning.horizon_ms) & (couriers.shift_end_ms >= free_ms)
    return CourierEnds(loc, free_ms, idle, counted)
