"""Cost terms: each turns candidates into micros.

A term sees columns, never objects: it returns one int64 per candidate. The first six are the quantities that the
insertion kernel minimises over positions, so that "cheapest position" and "cheapest courier" mean the same; the others
depend on unit and courier alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from matcher.assignment.candidates import Candidates
from matcher.assignment.quantities import QUANTITY_NAMES
from matcher.domain import MOST_PAY, CostPolicy, Snapshot, StopKind, Travel
from matcher.kernels.standing import standing_ms

I64 = npt.NDArray[np.int64]


class CostTerm(Protocol):
    """One part of a candidate's cost."""

    @property
    def name(self) -> str:
        """Name in the cost split of a decision, and of the weight in CostPolicy; with weight 0 it is not asked."""
        ...

    def micros(self, snapshot: Snapshot, travel: Travel, candidates: Candidates, costs: CostPolicy) -> I64:
        """(candidates,) int64 micros; negative where a courier's route becomes cheaper."""
        ...


@dataclass(frozen=True, slots=True)
class QuantityTerm:
    """Weight in micros per second × a quantity in milliseconds, rounded down to whole micros."""

    name: str
    index: int

    def micros(self, snapshot: Snapshot, travel: Travel, candidates: Candidates, costs: CostPolicy) -> I64:
        weight = np.int64(getattr(costs, self.name))
        result: I64 = (candidates.quantities[:, self.index] * weight) // 1000
        return result


@dataclass(frozen=True, slots=True)
class StandingTerm:
    """Weight in micros per second × how much farther from the expected demand the courier's route will end."""

    name: str = "standing"

    def micros(self, snapshot: Snapshot, travel: Travel, candidates: Candidates, costs: CostPolicy) -> I64:
        routes, courier = snapshot.routes, candidates.courier
        length = np.diff(routes.ptr)
        ends = snapshot.couriers.loc.copy()
        busy = np.flatnonzero(length)
        ends[busy] = _stop_locations(snapshot)[routes.ptr[busy + 1] - 1]
        last = np.count_nonzero(candidates.sequence >= 0, axis=1) - 1
        dropped = candidates.sequence[np.arange(len(candidates)), last]
        moves = candidates.dropoff_pos == length[courier]
        place = np.where(moves, snapshot.orders.dropoff_loc[dropped], ends[courier]).astype(np.int32)
        everybody = np.arange(len(snapshot.couriers), dtype=np.int32)
        after = standing_ms(snapshot.locations, travel, snapshot.demand, courier=courier, loc=place)
        before = standing_ms(snapshot.locations, travel, snapshot.demand, courier=everybody, loc=ends)
        result: I64 = (after - before[courier]) * np.int64(costs.standing) // 1000
        return result


@dataclass(frozen=True, slots=True)
class PayTerm:
    """Weight in thousandths × the pay that is expected to come on top of the courier's guarantee.

    Whether an order is paid on top is known only when the shift ends. With what was earned and guaranteed so far, an
    order counts in full for a courier who is ahead by the order's pay or more, not at all for one who is behind by
    that, and in proportion between. ValueError for a weight above MOST_PAY.
    """

    name: str = "pay"

    def micros(self, snapshot: Snapshot, travel: Travel, candidates: Candidates, costs: CostPolicy) -> I64:
        if costs.pay > MOST_PAY:
            raise ValueError(f"costs.pay: must be at most {MOST_PAY:,}, is {costs.pay:,}: the term would leave 64 bits")
        couriers, orders = snapshot.couriers, snapshot.orders
        ahead = (couriers.earned_micros - couriers.guaranteed_micros)[candidates.courier]
        total = np.zeros(len(candidates), dtype=np.int64)
        for member in candidates.sequence.T:
            pay = np.where(member >= 0, orders.pay_micros[member], 0)
            total += np.clip((pay + ahead) // 2, 0, pay)
        result: I64 = total * np.int64(costs.pay) // 1000
        return result


def _stop_locations(snapshot: Snapshot) -> npt.NDArray[np.int32]:
    """Where each stop of the routes in progress is."""
    routes, orders = snapshot.routes, snapshot.orders
    pickups = routes.stop_kind == StopKind.PICKUP
    places: npt.NDArray[np.int32] = np.where(
        pickups, orders.pickup_loc[routes.stop_order], orders.dropoff_loc[routes.stop_order]
    ).astype(np.int32)
    return places


QUANTITY_TERMS: tuple[CostTerm, ...] = tuple(QuantityTerm(name, index) for index, name in enumerate(QUANTITY_NAMES))
TERMS: tuple[CostTerm, ...] = (*QUANTITY_TERMS, StandingTerm(), PayTerm())
"""The terms of every decision, in the order of the cost split. Those of optional_terms.py follow where they have a
weight."""
