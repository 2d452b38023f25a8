"""Candidates: for each unit (an order or a bundle) the couriers near enough, each with its cheapest feasible insertion.

One kernel call over the whole fleet. What is not a candidate keeps its reason, counted per unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from matcher.assignment.quantities import quantity_weights
from matcher.batching import Units
from matcher.domain import Additions, CancelToken, Policy, Snapshot, Travel
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
    """(units, 7) couriers refused, by REJECTIONS; where the snapshot has refusals, an eighth column counts those."""

    def __len__(self) -> int:
        return len(self.courier)

    def of(self, kept: npt.NDArray[np.bool_]) -> Candidates:
        """Those of the mask; counts of refused couriers stay."""
        return replace(
            self,
            unit=self.unit[kept],
            courier=self.courier[kept],
            quantities=self.quantities[kept],
            pickup_pos=self.pickup_pos[kept],
            dropoff_pos=self.dropoff_pos[kept],
            sequence=self.sequence[kept],
        )


def find_candidates(
    snapshot: Snapshot,
    travel: Travel,
    units: Units,
    policy: Policy,
    nearest: int,
    cancel: CancelToken | None = None,
) -> Candidates:
    """Cheapest feasible insertion of every unit into the routes of its nearest couriers.

    Single orders see `nearest` couriers. Bundles see at most the policy's number: a crowd raises it for orders, so
    that each can have a courier, and bundles only need to be better than that. Raises Cancelled.
    """
    cancel = cancel or CancelToken()
    singles = units.singles
    # Couriers who refused are evaluated and dropped afterwards: they must not take the places of others.
    nearest += int(np.bincount(snapshot.refusals.order).max(initial=0))
    single = Units(units.ptr[: singles + 1], units.order[:singles], singles)
    alone = _evaluate(snapshot, travel, policy, single, nearest, cancel)
    if singles == len(units):
        return _not_refused(snapshot, _joined(units, (alone,)))
    cancel.check()
    bundles = Units(units.ptr[singles:] - units.ptr[singles], units.order[singles:], 0)
    fewer = min(nearest, policy.candidates.nearest_couriers)
    together = _evaluate(snapshot, travel, policy, bundles, fewer, cancel)
    cancel.check()
    return _not_refused(snapshot, _joined(units, (alone, together)))


def _refused(snapshot: Snapshot, candidates: Candidates) -> npt.NDArray[np.bool_]:
    """(candidates,) whether the courier refused one of the unit's orders."""
    units, couriers = candidates.units, np.int64(len(snapshot.couriers))
    lengths = np.diff(units.ptr)[candidates.unit]
    begins = np.cumsum(lengths) - lengths
    member = np.arange(int(lengths.sum())) + np.repeat(units.ptr[candidates.unit] - begins, lengths)
    pairs = units.order[member] * couriers + np.repeat(candidates.courier, lengths)
    found = np.isin(pairs, snapshot.refusals.order * couriers + snapshot.refusals.courier)
    return np.bincount(np.repeat(np.arange(len(candidates)), lengths)[found], minlength=len(candidates)) > 0


def _not_refused(snapshot: Snapshot, candidates: Candidates) -> Candidates:
    if not len(snapshot.refusals):
        return candidates
    gone = _refused(snapshot, candidates)
    counts = np.bincount(candidates.unit[gone], minlength=len(candidates.units)).astype(candidates.rejected.dtype)
    return replace(candidates.of(~gone), rejected=np.column_stack([candidates.rejected, counts]))


def _evaluate(
    snapshot: Snapshot, travel: Travel, policy: Policy, units: Units, nearest: int, cancel: CancelToken | None
) -> insertion.InsertionCandidates:
    return insertion.insertion_candidates(
        snapshot,
        travel,
        unit_ptr=units.ptr,
        unit_order=units.order,
        nearest=nearest,
        reach_ms=policy.candidates.reach_ms,
        max_route_stops=policy.candidates.max_route_stops,
        detours=policy.holding.additions is Additions.ANYWHERE,
        share_dropoff_service=policy.bundling.share_dropoff_service,
        weights=quantity_weights(policy.costs),
        severe_after_ms=policy.costs.severe_lateness_after_ms,
        cancel=cancel,
    )


def _joined(units: Units, parts: Sequence[insertion.InsertionCandidates]) -> Candidates:
    """The candidates of consecutive groups of units as one table."""
    width = max(part.sequence.shape[1] for part in parts)
    sequences = [
        np.pad(part.sequence, ((0, 0), (0, width - part.sequence.shape[1])), constant_values=-1) for part in parts
    ]
    counts = np.concatenate([np.diff(part.ptr) for part in parts])
    return Candidates(
        units=units,
        unit=np.repeat(np.arange(len(units), dtype=np.int32), counts),
        courier=np.concatenate([part.courier for part in parts]),
        quantities=np.concatenate([part.delta for part in parts]),
        pickup_pos=np.concatenate([part.pickup_pos for part in parts]),
        dropoff_pos=np.concatenate([part.dropoff_pos for part in parts]),
        sequence=np.concatenate(sequences),
        rejected=np.concatenate([part.rejected for part in parts]),
    )
