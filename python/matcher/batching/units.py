"""Units: every open order alone, and the bundles of orders of one store that are worth a try."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.domain import BundlingPolicy, CancelToken, Snapshot, Travel
from matcher.kernels import batch

I32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Units:
    """Unit u is made of the orders order[ptr[u]:ptr[u+1]]; single orders come first, ascending."""

    ptr: I32
    order: I32

    singles: int
    """How many units are single orders: units 0 to singles - 1."""

    def __len__(self) -> int:
        return len(self.ptr) - 1


def open_orders(snapshot: Snapshot) -> I32:
    """Indices of the orders that no route mentions, ascending."""
    return np.flatnonzero(snapshot.orders.courier < 0).astype(np.int32)


def propose_units(
    snapshot: Snapshot, travel: Travel, policy: BundlingPolicy, max_orders: int, cancel: CancelToken | None = None
) -> Units:
    """All open orders, then bundles of up to `max_orders` of them. Raises Cancelled."""
    singles = open_orders(snapshot)
    if max_orders < 2 or not len(snapshot.couriers) or len(singles) < 2:
        return Units(np.arange(len(singles) + 1, dtype=np.int32), singles, len(singles))
    found = batch.propose_bundles(
        snapshot.locations,
        snapshot.orders,
        travel,
        open_orders=singles,
        max_orders=max_orders,
        ready_spread_ms=policy.ready_spread_ms,
        neighbours=policy.neighbours,
        max_bundles=policy.max_bundles,
        cancel=cancel,
    )
    return Units(found.unit_ptr, found.unit_order, len(singles))
