"""How evenly a market's couriers earn."""

from __future__ import annotations

import numpy as np

from matcher.domain.snapshot import F64


def gini(values: F64) -> float | None:
    """The Gini coefficient of values that are not negative: 0 where all are equal, near 1 where one has all.

    The mean difference between two of them by twice their mean. None for no values, or none above 0.
    """
    total = float(values.sum())
    if not total > 0.0:
        return None
    ascending = np.sort(values)
    weight = 2.0 * np.arange(1, len(values) + 1) - len(values) - 1.0
    return float(weight @ ascending) / (len(values) * total)
