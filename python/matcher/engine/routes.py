"""From chosen columns to new routes and their times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.assignment import Candidates
from matcher.domain import Policy, Snapshot, StopKind, Travel
from matcher.kernels import insertion

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NewRoute:
    """The route of one courier after the decision, with times in ms since the snapshot."""

    courier: int
    column: int
    stops: tuple[tuple[StopKind, int], ...]
    new_orders: tuple[int, ...]
    """In drop-off order."""
    arrive: tuple[int, ...]
    at: tuple[int, ...]
    depart: tuple[int, ...]
    depart_by: int
    """Latest departure for the first stop."""
    leave_for_pickup_by: int
    """Latest departure for the new pick-up, or to take part in a pick-up of the present route before it is made: until
    then the order need not be committed."""


def splice(
    present: Sequence[tuple[StopKind, int]], sequence: Sequence[int], pickup_pos: int, dropoff_pos: int
) -> tuple[tuple[StopKind, int], ...]:
    """Insert the pick-ups of `sequence` before pickup_pos and its drop-offs before dropoff_pos of the present route."""
    return (
        *present[:pickup_pos],
        *((StopKind.PICKUP, order) for order in sequence),
        *present[pickup_pos:dropoff_pos],
        *((StopKind.DROPOFF, order) for order in sequence),
        *present[dropoff_pos:],
    )


def new_routes(
    snapshot: Snapshot, travel: Travel, candidates: Candidates, chosen: Sequence[int], policy: Policy
) -> list[NewRoute]:
    """Routes of the couriers that gain orders, ascending by courier."""
    stops_of: dict[int, tuple[tuple[StopKind, int], ...]] = {}
    column_of: dict[int, int] = {}
    routes = snapshot.routes
    for column in chosen:
        courier = int(candidates.courier[column])
        begin, end = int(routes.ptr[courier]), int(routes.ptr[courier + 1])
        present = [
            (StopKind(kind), order)
            for kind, order in zip(
                routes.stop_kind[begin:end].tolist(), routes.stop_order[begin:end].tolist(), strict=True
            )
        ]
        sequence = [order for order in candidates.sequence[column].tolist() if order >= 0]
        stops_of[courier] = splice(
            present, sequence, int(candidates.pickup_pos[column]), int(candidates.dropoff_pos[column])
        )
        column_of[courier] = column

    lengths = np.zeros(len(snapshot.couriers) + 1, dtype=np.int32)
    for courier, stops in stops_of.items():
        lengths[courier + 1] = len(stops)
    ptr = np.cumsum(lengths, dtype=np.int32)
    flat = [stop for courier in sorted(stops_of) for stop in stops_of[courier]]
    schedule = insertion.evaluate_routes(
        snapshot,
        travel,
        ptr=ptr,
        stop_order=np.array([order for _, order in flat], dtype=np.int32),
        stop_kind=np.array([kind for kind, _ in flat], dtype=np.int8),
        share_dropoff_service=policy.bundling.share_dropoff_service,
        severe_after_ms=policy.costs.severe_lateness_after_ms,
    )
    joined = _joined_pickups(snapshot, travel, candidates, column_of, policy)
    result = []
    for courier in sorted(stops_of):
        begin, end = int(ptr[courier]), int(ptr[courier + 1])
        stops, column = stops_of[courier], column_of[courier]
        arrive, at = schedule.arrive_ms[begin:end].tolist(), schedule.at_ms[begin:end].tolist()
        depart = schedule.depart_ms[begin:end].tolist()
        first = int(candidates.pickup_pos[column])
        new = {order for order in candidates.sequence[column].tolist() if order >= 0}
        access = int(max(snapshot.orders.pickup_access_ms[order] for order in new))
        left = depart[first - 1] if first else int(snapshot.couriers.free_ms[courier])
        # Where readiness is uncertain, couriers may have to be there before the time that is planned for.
        be_there = min(at[first], int(max(snapshot.orders.ready_early_ms[order] for order in new)))
        slack = max(0, be_there - access - arrive[first])
        leave_by = left + slack
        if courier in joined:
            leave_by = max(0, int(joined[courier]) - max(1, access))
        result.append(
            NewRoute(
                courier=courier,
                column=column,
                stops=stops,
                new_orders=tuple(order for kind, order in stops if kind == StopKind.DROPOFF and order in new),
                arrive=tuple(arrive),
                at=tuple(at),
                depart=tuple(depart),
                depart_by=int(schedule.depart_by_ms[courier]),
                leave_for_pickup_by=leave_by,
            )
        )
    return result


def _joined_pickups(
    snapshot: Snapshot, travel: Travel, candidates: Candidates, column_of: Mapping[int, int], policy: Policy
) -> dict[int, int]:
    """Couriers whose new orders join a pick-up of the present route → when that would have been made without them."""
    orders, routes = snapshot.orders, snapshot.routes
    stop_of: dict[int, int] = {}
    for courier, column in column_of.items():
        stop = int(routes.ptr[courier]) + int(candidates.pickup_pos[column]) - 1
        if stop < int(routes.ptr[courier]) or routes.stop_kind[stop] != StopKind.PICKUP:
            continue
        place = orders.pickup_loc[int(candidates.sequence[column, 0])]
        if orders.pickup_loc[int(routes.stop_order[stop])] == place:
            stop_of[courier] = stop
    if not stop_of:
        return {}
    present = insertion.evaluate_routes(snapshot, travel, share_dropoff_service=policy.bundling.share_dropoff_service)
    return {courier: int(present.at_ms[stop]) for courier, stop in stop_of.items()}
