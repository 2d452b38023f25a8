"""The rungs of the ladder: which solver answers for each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from matcher.domain import Rung
from matcher.solve.packing import NativePackingSolver, PackingSolver
from matcher.solve.packing_capped import CappedPackingSolver
from matcher.solve.packing_greedy import GreedyPackingSolver
from matcher.solve.packing_ortools import OrToolsPackingSolver

PACKING_SOLVERS: Mapping[Rung, PackingSolver] = MappingProxyType(
    {
        Rung.NATIVE: CappedPackingSolver(NativePackingSolver()),
        Rung.ORTOOLS: OrToolsPackingSolver(),
        Rung.GREEDY: GreedyPackingSolver(),
    }
)
"""The solver of each rung; OR-Tools itself is imported when its rung is first used."""
