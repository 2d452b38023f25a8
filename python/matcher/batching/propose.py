"""Batches as proposals to people and other services: best first, with savings, sequence and reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from matcher.batching.units import open_orders
from matcher.domain import (
    NEVER_MS,
    BundlingPolicy,
    CancelToken,
    MatrixTravel,
    Orders,
    Snapshot,
    Travel,
    UnbatchedReason,
)
from matcher.kernels import batch

I32 = npt.NDArray[np.int32]
_UNLIMITED = 1 << 30


@dataclass(frozen=True, slots=True)
class Proposal:
    """One batch, in indices of the snapshot."""

    orders: tuple[int, ...]
    """In drop-off order."""
    saving_ms: int
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Proposals:
    """Batches by saving less delay, largest first; then fewer and lower orders."""

    batches: tuple[Proposal, ...]
    unbatched: tuple[tuple[int, UnbatchedReason], ...]
    """Open orders in no batch, ascending."""
    dropped: int


def propose_batches(
    snapshot: Snapshot,
    travel: Travel,
    policy: BundlingPolicy,
    default_speed_mph: int,
    max_orders: int,
    most: int,
    cancel: CancelToken | None = None,
) -> Proposals:
    """Batches of 2 to `max_orders` open orders, `most` at most.

    Trips take what they take courier 0; without couriers `travel` is completed with `default_speed_mph`, or with the
    first profile of a matrix.
    """
    travel, orders = _for_someone(travel, default_speed_mph), open_orders(snapshot)
    found = _bundles(snapshot, snapshot.orders, travel, policy, orders, max_orders, most, cancel)
    batches = []
    for unit in range(len(orders), len(found.unit_ptr) - 1):
        members = found.sequence[found.unit_ptr[unit] : found.unit_ptr[unit + 1]].tolist()
        batches.append(Proposal(tuple(members), int(found.saving_ms[unit]), int(found.delay_ms[unit])))
    # The kernel lists them by size and then by orders: a stable sort keeps that among equals.
    batches.sort(key=lambda proposal: proposal.delay_ms - proposal.saving_ms)
    return Proposals(tuple(batches), _reasons(snapshot, travel, policy, orders, max_orders, found), found.dropped)


def _for_someone(travel: Travel, speed_mph: int) -> Travel:
    if isinstance(travel, MatrixTravel):
        return travel if len(travel.profile) else replace(travel, profile=np.zeros(1, dtype=np.int32))
    return travel if len(travel.speed_mph) else replace(travel, speed_mph=np.array([speed_mph], dtype=np.int32))


def _bundles(
    snapshot: Snapshot,
    columns: Orders,
    travel: Travel,
    policy: BundlingPolicy,
    orders: I32,
    max_orders: int,
    most: int,
    cancel: CancelToken | None = None,
) -> batch.Bundles:
    return batch.propose_bundles(
        snapshot.locations,
        columns,
        travel,
        open_orders=orders,
        max_orders=max_orders,
        ready_spread_ms=policy.ready_spread_ms,
        neighbours=min(policy.neighbours, batch.MAX_BUNDLE_NEIGHBOURS),
        max_bundles=most,
        cancel=cancel,
    )


def _in_bundles(found: batch.Bundles, orders: I32) -> npt.NDArray[np.bool_]:
    """(orders,) which are in some bundle."""
    return np.isin(orders, found.unit_order[found.unit_ptr[len(orders)] :])


def _reasons(
    snapshot: Snapshot,
    travel: Travel,
    policy: BundlingPolicy,
    orders: I32,
    max_orders: int,
    found: batch.Bundles,
) -> tuple[tuple[int, UnbatchedReason], ...]:
    columns = snapshot.orders
    left = orders[~_in_bundles(found, orders)]
    if not len(left):
        return ()
    alone, apart = _without_partners(columns, orders, policy.ready_spread_ms)
    dropped: set[int] = set()
    if found.dropped:
        unlimited = _bundles(snapshot, columns, travel, policy, orders, max_orders, _UNLIMITED)
        dropped = set(orders[_in_bundles(unlimited, orders)].tolist())
    lasting: set[int] = set()
    if bool((columns.freshness_ms[orders] < NEVER_MS).any()):
        keeping = replace(columns, freshness_ms=np.full_like(columns.freshness_ms, NEVER_MS))
        unlimited = _bundles(snapshot, keeping, travel, policy, orders, max_orders, _UNLIMITED)
        lasting = set(orders[_in_bundles(unlimited, orders)].tolist())

    def reason(order: int) -> UnbatchedReason:
        if columns.store[order] < 0:
            return UnbatchedReason.NO_STORE
        if order in alone:
            return UnbatchedReason.ALONE
        if order in apart:
            return UnbatchedReason.READY_APART
        if order in dropped:
            return UnbatchedReason.BEYOND_LIMIT
        return UnbatchedReason.FRESHNESS if order in lasting else UnbatchedReason.SAVES_NOTHING

    return tuple((order, reason(order)) for order in left.tolist())


def _without_partners(columns: Orders, orders: I32, spread_ms: int) -> tuple[set[int], set[int]]:
    """Orders with nobody at their store and place, and those with nobody ready within the spread."""
    ready = np.maximum(columns.ready_ms[orders], 0)
    store, place = columns.store[orders], columns.pickup_loc[orders]
    at = np.lexsort((ready, place, store))
    together = (np.diff(store[at]) == 0) & (np.diff(place[at]) == 0)
    near = together & (np.diff(ready[at]) <= spread_ms)

    def with_neighbour(linked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        either: npt.NDArray[np.bool_] = np.append(linked, False) | np.append(False, linked)
        return either

    sorted_orders = orders[at]
    alone = sorted_orders[~with_neighbour(together)]
    apart = sorted_orders[with_neighbour(together) & ~with_neighbour(near)]
    return set(alone.tolist()), set(apart.tolist())
