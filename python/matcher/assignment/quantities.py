"""What a route is measured by: the quantities that the insertion kernel returns, and their weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.domain import CostPolicy

QUANTITY_NAMES = ("click_to_door", "lateness", "severe_lateness", "pickup_delay", "travel", "courier_time")
"""Order of the kernel's quantities, in milliseconds; each is also the name of its weight in CostPolicy."""


def quantity_weights(costs: CostPolicy) -> npt.NDArray[np.int64]:
    """(6,) int64 micros per second, in the order of QUANTITY_NAMES.

    What positions are chosen by. Time on board is click-to-door less the pick-up's delay and a constant, so its weight
    goes to the two; what would make the delay worth having is left out, since the kernel's weights are not negative.
    """
    weights = {name: getattr(costs, name) for name in QUANTITY_NAMES}
    weights["click_to_door"] += costs.freshness
    weights["pickup_delay"] = max(0, weights["pickup_delay"] - costs.freshness)
    return np.array([weights[name] for name in QUANTITY_NAMES], dtype=np.int64)
