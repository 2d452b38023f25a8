"""Travel times as values: what a TravelTime port answers, and what the kernels and `verify` read."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.domain.snapshot import I32


@dataclass(frozen=True, slots=True)
class MetricTravel:
    """Times from distance: ``ceil(distance × factor × 3.6e6 / (speed × quantum)) × quantum`` ms.

    The quotient is formed by one division of exact products, so a distance that is a whole number of quanta is not
    rounded up once more.
    """

    version: str
    factor: float
    """Road metres per straight metre, times the hour's factor."""
    quantum_ms: int
    speed_mph: I32
    """(couriers,) metres per hour, all positive."""


@dataclass(frozen=True, slots=True)
class MatrixTravel:
    """Times from a table, e.g. of a road-routing engine."""

    version: str
    matrix_ms: I32
    """(profiles, locations, locations); from row to column."""
    profile: I32
    """(couriers,) which table a courier uses."""


Travel = MetricTravel | MatrixTravel
