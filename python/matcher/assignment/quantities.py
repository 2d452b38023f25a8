"""What a route is measured by: the quantities that the insertion kernel returns, and their weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.domain import CostPolicy

QUANTITY_NAMES = ("click_to_door", "lateness", "severe_lateness", "pickup_delay", "travel", "courier_time")
"""Order of the kernel's quantities, in milliseconds; each is also the name of its weight in CostPolicy."""


def quantity_weights(costs: CostPolicy) -> npt.NDArray[np.int64]:
    """(6,) int64 micros per second, in the order of QUANTITY_NAMES."""
    return np.array([getattr(costs, name) for name in QUANTITY_NAMES], dtype=np.int64)
