"""How far couriers are from where orders are expected: facade over the C++ kernel `matcher/standing.h`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.kernels import _native

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


def standing_ms(locations: Any, travel: Any, demand: Any, *, courier: I32, loc: I32) -> I64:
    """Weighted mean travel time from each place to the points of demand, in whole ms; 0 where there is no demand.

    locations: columns x, y, z (float64 metres) and radius_m. travel: a MetricTravel or MatrixTravel. demand: columns
    loc and weight (int32, weights positive and at most 5,000,000,000 together). courier, loc: (pairs,) int32, whose
    speed or profile counts and from where.

    With straight lines the mean is of chords in whole centimetres, so it does not depend on the order of the points.
    Raises TypeError for other dtypes, KeyError for a missing column, ValueError naming the entry at fault.
    Deterministic. See cpp/include/matcher/standing.h for the method and the paper.
    """
    of_travel = ("matrix_ms", "profile") if hasattr(travel, "matrix_ms") else ("factor", "quantum_ms", "speed_mph")
    return _native.standing_ms(
        locations={name: getattr(locations, name) for name in ("x", "y", "z", "radius_m")},
        travel={name: getattr(travel, name) for name in of_travel},
        demand={"loc": demand.loc, "weight": demand.weight},
        courier=courier,
        loc=loc,
    )
