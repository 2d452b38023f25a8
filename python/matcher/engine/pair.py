"""One courier and a few orders, priced by themselves, also under limits that are wider than the real ones.

The kernel's answer for a courier does not depend on the other couriers, so a market of one courier, its route and the
orders in question has the same candidates at a fraction of the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from matcher.assignment import Candidates
from matcher.assignment.quantities import quantity_weights
from matcher.batching import Units
from matcher.domain import (
    NEVER_MS,
    Additions,
    Couriers,
    Locations,
    MatrixTravel,
    Orders,
    PairChange,
    PairChangeKind,
    Policy,
    Routes,
    Snapshot,
    Travel,
)
from matcher.kernels import insertion

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
T = TypeVar("T", Orders, Couriers)

Wider = Mapping[PairChangeKind, int]
"""By how much limits are widened; those not named stay."""
_AS_THEY_ARE: Wider = {}
_MOST_MS = 1 << 40
_INT32_MAX = (1 << 31) - 1

LIMITS = (
    PairChangeKind.SKILLS,
    PairChangeKind.CAPACITY,
    PairChangeKind.SHIFT_END,
    PairChangeKind.ROUTE_LIMITS,
    PairChangeKind.ROUTE_STOPS,
    PairChangeKind.FRESHNESS,
    PairChangeKind.PICKUP_BY,
    PairChangeKind.DROPOFF_BY,
)
"""Hard limits of a pair. Where one of several may give way, it is the later: an order's own times before a courier."""


@dataclass(frozen=True, slots=True)
class _Market:
    """What the insertion kernel asks of a market."""

    locations: Locations
    orders: Orders
    couriers: Couriers
    routes: Routes


class PairMarket:
    """A courier with its route, and some open orders; indices in and out are those of the snapshot."""

    def __init__(self, snapshot: Snapshot, travel: Travel, policy: Policy, courier: int, orders: I32) -> None:
        """`orders`: open orders that will be asked about."""
        begin, end = int(snapshot.routes.ptr[courier]), int(snapshot.routes.ptr[courier + 1])
        stops = snapshot.routes.stop_order[begin:end]
        self._snapshot, self._policy, self._courier = snapshot, policy, courier
        self._rows = np.unique(np.concatenate([orders, stops]).astype(np.int32))  # ascending: ties fall as they do
        self._carried = np.isin(self._rows, stops)
        self._travel = _travel_of(travel, courier)
        self._market = _Market(
            snapshot.locations,
            _rows_of(snapshot.orders, self._rows),
            _rows_of(snapshot.couriers, np.array([courier])),
            Routes(
                ptr=np.array([0, end - begin], dtype=np.int32),
                stop_order=np.searchsorted(self._rows, stops).astype(np.int32),
                stop_kind=snapshot.routes.stop_kind[begin:end].copy(),
                locked=snapshot.routes.locked[courier : courier + 1].copy(),
            ),
        )

    def candidates(
        self, units: Sequence[I32], wider: Wider = _AS_THEY_ARE, reach_ms: int = int(NEVER_MS)
    ) -> Candidates:
        """The courier's cheapest feasible insertion of each unit, where there is one."""
        lengths = np.array([0, *(len(unit) for unit in units)])
        ptr = np.cumsum(lengths).astype(np.int32)
        order = np.concatenate([np.empty(0, dtype=np.int32), *units])
        found = insertion.insertion_candidates(
            self._widened(wider),
            self._travel,
            unit_ptr=ptr,
            unit_order=np.searchsorted(self._rows, order).astype(np.int32),
            nearest=1,
            reach_ms=reach_ms,
            max_route_stops=self._policy.candidates.max_route_stops + wider.get(PairChangeKind.ROUTE_STOPS, 0),
            detours=self._policy.holding.additions is Additions.ANYWHERE,
            share_dropoff_service=self._policy.bundling.share_dropoff_service,
            weights=quantity_weights(self._policy.costs),
            severe_after_ms=self._policy.costs.severe_lateness_after_ms,
        )
        return Candidates(
            units=Units(ptr, order, len(units)),
            unit=np.repeat(np.arange(len(units), dtype=np.int32), np.diff(found.ptr)),
            courier=np.full(len(found.courier), self._courier, dtype=np.int32),
            quantities=found.delta,
            pickup_pos=found.pickup_pos,
            dropoff_pos=found.dropoff_pos,
            sequence=np.where(found.sequence >= 0, self._rows[found.sequence], np.int32(-1)),
            rejected=found.rejected,
        )

    def changes(self, order: int) -> tuple[PairChange, ...]:
        """What would have to give way for the courier to take the order: none of it can be smaller alone."""
        unit = [np.array([order], dtype=np.int32)]
        missing = int(self._snapshot.orders.skills[order]) & ~int(self._snapshot.couriers.skills[self._courier])
        sizes = int(self._market.orders.size.astype(np.int64).sum())
        wider = dict.fromkeys(LIMITS, _MOST_MS)
        wider[PairChangeKind.SKILLS] = missing.bit_count()
        wider[PairChangeKind.CAPACITY] = sizes
        wider[PairChangeKind.ROUTE_STOPS] = len(self._market.routes.stop_order) + 2
        for kind in LIMITS[1:]:

            def fits(amount: int, kind: PairChangeKind = kind) -> bool:
                return len(self.candidates(unit, {**wider, kind: amount})) > 0

            wider[kind] = least(fits, wider[kind])
        names = tuple(name for bit, name in enumerate(self._snapshot.skills) if missing >> bit & 1)
        return tuple(
            PairChange(kind, wider[kind], names if kind is PairChangeKind.SKILLS else ())
            for kind in LIMITS
            if wider[kind]
        )

    def reach(self, order: int) -> int:
        """The least reach_ms with which the courier, who can take the order, is considered for it."""
        unit = [np.array([order], dtype=np.int32)]
        return least(lambda reach_ms: len(self.candidates(unit, reach_ms=reach_ms)) > 0, _MOST_MS)

    def _widened(self, wider: Wider) -> _Market:
        if not wider:
            return self._market
        orders, couriers, asked = self._market.orders, self._market.couriers, ~self._carried

        def later(times: I64, rows: npt.NDArray[np.bool_], *kinds: PairChangeKind) -> I64:
            amount = sum(wider.get(kind, 0) for kind in kinds)
            return np.where(rows & (times != NEVER_MS), times + amount, times)

        def own_and_carried(times: I64, kind: PairChangeKind) -> I64:
            return later(later(times, asked, kind), self._carried, PairChangeKind.ROUTE_LIMITS)

        skills = couriers.skills
        if wider.get(PairChangeKind.SKILLS):
            skills = skills | np.bitwise_or.reduce(orders.skills[asked])
        return replace(
            self._market,
            orders=replace(
                orders,
                pickup_by_ms=own_and_carried(orders.pickup_by_ms, PairChangeKind.PICKUP_BY),
                dropoff_by_ms=own_and_carried(orders.dropoff_by_ms, PairChangeKind.DROPOFF_BY),
                freshness_ms=own_and_carried(orders.freshness_ms, PairChangeKind.FRESHNESS),
            ),
            couriers=replace(
                couriers,
                skills=skills,
                capacity=np.minimum(
                    couriers.capacity.astype(np.int64) + wider.get(PairChangeKind.CAPACITY, 0), _INT32_MAX
                ).astype(np.int32),
                shift_end_ms=later(couriers.shift_end_ms, np.ones(1, dtype=np.bool_), PairChangeKind.SHIFT_END),
            ),
        )


def least(holds: Callable[[int], bool], most: int) -> int:
    """The least amount for which `holds`, which is monotone and true for `most`."""
    if most == 0 or holds(0):
        return 0
    low, high = 0, 1  # holds nowhere up to low
    while high < most and not holds(high):
        low, high = high, min(most, 2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _rows_of(table: T, rows: npt.NDArray[np.integer]) -> T:
    values: dict[str, Any] = {field.name: getattr(table, field.name)[rows] for field in fields(table)[1:]}
    values["ids"] = tuple(table.ids[row] for row in rows.tolist())
    return replace(table, **values)


def _travel_of(travel: Travel, courier: int) -> Travel:
    one = slice(courier, courier + 1)
    if isinstance(travel, MatrixTravel):
        return replace(travel, profile=travel.profile[one].copy())
    return replace(travel, speed_mph=travel.speed_mph[one].copy())
