"""RunView: what a report shows, and nothing about where it came from.

Times are seconds since the start of the run; places are metres east and north of a point of the caller's choice. Parts
that a run has not are empty, and the report leaves their sections out.
"""

from __future__ import annotations

from dataclasses import dataclass

from matcher.console.plan_view import PlanView


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the large numbers at the top."""

    label: str
    value: str
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One line of the table of metrics."""

    name: str
    value: float
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One instance of a run over many; `values` in the order of `RunView.instance_columns`."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StoreMark:
    """A pick-up place."""

    name: str
    east_m: float
    north_m: float


@dataclass(frozen=True, slots=True)
class OrderTrace:
    """The life of one order; None where it never came to that."""

    store: int
    """Index into MarketMap.stores."""
    east_m: float
    north_m: float
    placed_s: float
    ready_s: float
    promised_s: float | None
    assigned_s: float | None
    pickup_s: float | None
    dropoff_s: float | None


@dataclass(frozen=True, slots=True)
class CourierTrack:
    """Where a courier was: straight lines between points (seconds, east, north), in time order."""

    name: str
    mode: str
    on_s: float
    off_s: float
    points: tuple[tuple[float, float, float], ...]
    busy: tuple[tuple[float, float], ...]
    """Spans during which the courier had an order."""


@dataclass(frozen=True, slots=True)
class MarketMap:
    """The market in space and time."""

    stores: tuple[StoreMark, ...]
    orders: tuple[OrderTrace, ...]
    couriers: tuple[CourierTrack, ...]
    starts_at: str
    """Clock time of second 0, "HH:MM"."""


@dataclass(frozen=True, slots=True)
class CycleSeries:
    """One value per decision cycle; all of one length."""

    at_s: tuple[float, ...]
    open_orders: tuple[int, ...]
    """Orders placed and not assigned."""
    active_orders: tuple[int, ...]
    """Orders assigned and not delivered."""
    busy_couriers: tuple[int, ...]
    couriers_on_shift: tuple[int, ...]
    decision_ms: tuple[float, ...]
    gap: tuple[float, ...]
    """Certified relative gap, 0 when proven optimal over the candidates."""
    rung: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if len(getattr(self, name)) != len(self.at_s):
                raise ValueError(
                    f"CycleSeries.{name} has {len(getattr(self, name))} values for {len(self.at_s)} cycles"
                )


@dataclass(frozen=True, slots=True)
class RunView:
    """One run, ready to be shown."""

    title: str
    subtitle: str
    figures: tuple[Figure, ...]
    metrics: tuple[MetricRow, ...]
    provenance: tuple[tuple[str, str], ...]
    """Name and value: policy, digests, build, seed, command."""
    market: MarketMap | None = None
    cycles: CycleSeries | None = None
    instance_columns: tuple[tuple[str, str], ...] = ()
    """Name and unit of each column of `instances`."""
    instances: tuple[InstanceRow, ...] = ()
    plan: PlanView | None = None
