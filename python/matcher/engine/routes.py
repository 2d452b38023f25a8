"""From chosen columns to new routes and their times."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Latest departure for the new pick-up: until then the order need not be committed."""


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
        slack = max(0, at[first] - access - arrive[first])
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
                leave_for_pickup_by=left + slack,
            )
        )
    return result
