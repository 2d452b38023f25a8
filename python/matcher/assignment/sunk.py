"""Sunk costs: what an order's waiting has cost already."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.domain import CostPolicy, Snapshot

I64 = npt.NDArray[np.int64]


def sunk_costs(snapshot: Snapshot, rows: npt.NDArray[np.integer], costs: CostPolicy, after_ms: int = 0) -> I64:
    """(rows,) what each order would cost if it were picked up and dropped off `after_ms` from now; no plan that does so
    later costs less."""
    orders = snapshot.orders
    late = after_ms - orders.promised_by_ms[rows]
    by_weight = (
        (costs.click_to_door, after_ms - orders.placed_ms[rows]),
        (costs.lateness, late),
        (costs.severe_lateness, late - costs.severe_lateness_after_ms),
        (costs.pickup_delay, after_ms - orders.ready_ms[rows]),
    )
    total: I64 = sum(
        (np.maximum(0, passed_ms) * np.int64(weight) // 1000 for weight, passed_ms in by_weight),
        start=np.zeros(len(rows), dtype=np.int64),
    )
    return total
