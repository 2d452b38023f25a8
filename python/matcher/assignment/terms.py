"""Cost terms: each turns the quantities of candidates into micros.

A term sees columns, never objects: it returns one int64 per candidate. The first six are the quantities that the
insertion kernel minimises over positions, so that "cheapest position" and "cheapest courier" mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from matcher.assignment.candidates import Candidates
from matcher.assignment.quantities import QUANTITY_NAMES
from matcher.domain import CostPolicy, Snapshot


class CostTerm(Protocol):
    """One part of a candidate's cost."""

    @property
    def name(self) -> str:
        """Name in the cost split of a decision."""
        ...

    def micros(self, snapshot: Snapshot, candidates: Candidates, costs: CostPolicy) -> npt.NDArray[np.int64]:
        """(candidates,) int64 micros; negative where a courier's route becomes cheaper."""
        ...


@dataclass(frozen=True, slots=True)
class QuantityTerm:
    """Weight in micros per second × a quantity in milliseconds, rounded down to whole micros."""

    name: str
    index: int

    def micros(self, snapshot: Snapshot, candidates: Candidates, costs: CostPolicy) -> npt.NDArray[np.int64]:
        weight = np.int64(getattr(costs, self.name))
        result: npt.NDArray[np.int64] = (candidates.quantities[:, self.index] * weight) // 1000
        return result


TERMS: tuple[CostTerm, ...] = tuple(QuantityTerm(name, index) for index, name in enumerate(QUANTITY_NAMES))
"""The terms of every decision, in the order of the cost split."""
