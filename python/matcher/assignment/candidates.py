"""Candidates: for each unit (an order or a bundle) the couriers near enough, each with its cheapest feasible insertion.

One kernel call over the whole fleet. What is not a candidate keeps its reason, counted per unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.assignment.quantities import quantity_weights
from matcher.batching import Units
from matcher.domain import Policy, Snapshot, Travel
from matcher.kernels import insertion

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of a unit and a courier, unit after unit, couriers ascending within a unit."""

    units: Units
    unit: I32
    """(candidates,)"""
    courier: I32
    """(candidates,)"""
    quantities: I64
    """(candidates, 6) ms by which the courier's route grows; see QUANTITY_NAMES."""
    pickup_pos: I32
    """(candidates,) index in the courier's present route before which the pick-ups go."""
    dropoff_pos: I32
    """(candidates,) index in the courier's present route before which the drop-offs go; >= pickup_pos."""
    sequence: I32
    """(candidates, largest unit) orders in drop-off order, padded with -1."""
    rejected: I32
    """(units, 7) couriers refused, by REJECTIONS."""

    def __len__(self) -> int:
        return len(self.courier)


def find_candidates(snapshot: Snapshot, travel: Travel, units: Units, policy: Policy, nearest: int) -> Candidates:
    """Cheapest feasible insertion of every unit into the routes of its `nearest` couriers."""
    found = insertion.insertion_candidates(
        snapshot,
        travel,
        unit_ptr=units.ptr,
        unit_order=units.order,
        nearest=nearest,
        reach_ms=policy.candidates.reach_ms,
        max_route_stops=policy.candidates.max_route_stops,
        share_dropoff_service=policy.bundling.share_dropoff_service,
        weights=quantity_weights(policy.costs),
        severe_after_ms=policy.costs.severe_lateness_after_ms,
    )
    return Candidates(
        units=units,
        unit=np.repeat(np.arange(len(units), dtype=np.int32), np.diff(found.ptr)),
        courier=found.courier,
        quantities=found.delta,
        pickup_pos=found.pickup_pos,
        dropoff_pos=found.dropoff_pos,
        sequence=found.sequence,
        rejected=found.rejected,
    )
