"""Pickup-and-delivery problems with time windows, and their solutions, checked from first principles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

GRACE = 1e-6
"""Two sums of the same doubles may differ by their order of addition; windows are kept to within this."""


class InvalidPlanError(ValueError):
    """A solution breaks the problem's rules; the sentence says which rule, where and by how much."""


@dataclass(frozen=True, slots=True)
class Break:
    """A pause that begins within [earliest, latest] and takes `duration`.

    It lies before the vehicle leaves, after it is back, or between two services, on the way too; never in a service.
    """

    earliest: float
    latest: float
    duration: float


@dataclass(frozen=True, slots=True)
class OnBoard:
    """A request that was picked up before the plan begins: its pick-up is not visited, its vehicle delivers it."""

    request: int
    since: float
    """When service at the pick-up ended; a limit on the time on board counts from here."""


@dataclass(frozen=True, slots=True)
class VehicleType:
    """Vehicles that are alike. `start` and `end` are nodes of no request; `end` None: a route ends at its last stop.

    capacity: one value for each dimension of load. earliest, latest: the shift, from leaving the start to being at the
    end; None: the windows of those nodes. fixed_cost: of each vehicle used, in the unit of distance; it
    counts for objective "cost".

    breaks: of each vehicle, one after the other. A vehicle under way is a type of its own with count 1, its present
    position as `start` and the present time as `earliest`; locked: nodes that it visits first, in this order;
    on_board: what it carries.
    """

    count: int
    capacity: tuple[int, ...]
    start: int = 0
    end: int | None = 0
    earliest: float | None = None
    latest: float | None = None
    fixed_cost: float = 0.0
    breaks: tuple[Break, ...] = ()
    locked: tuple[int, ...] = ()
    on_board: tuple[OnBoard, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Node 0 is the depot, where every route starts and ends unless `types` say otherwise. Times and distances share
    one unit.

    distance: (nodes, nodes) float64. duration: likewise, or None when travel takes as long as it is far.
    ready, due: (nodes,) window in which service starts; of the depot: when vehicles leave first and return last.
    demand: (nodes,) int32, of a delivery the negative of its pick-up. pickup, delivery: (requests,) int32 nodes.

    Optional: types: the fleet, instead of `vehicles` and `capacity`. more_demand: (nodes, further dimensions of load)
    int32. allowed: (requests, types) bool, whether such a vehicle may serve it. max_ride: (requests,) float64, longest
    time from the end of service at pick-up to its start at delivery; vehicles wait where that helps. prize: (requests,)
    float64, what leaving it out costs, in the unit of distance; infinite: it must be served.

    windows: nodes with several windows, as (begin, end), ascending and disjoint, the first from `ready`, the last to
    `due`. late_cost: (nodes,) float64, what a unit of time after `due` costs at the start of service, in the unit of
    distance; infinite: `due` is hard. bins: (bins,) float64 ascending, departure times from which a row of
    bin_duration holds, the first one before that too; bin_duration: (bins, nodes, nodes) instead of `duration`. A
    vehicle may wait before it leaves where a later bin gets it there earlier. xy: (nodes, 2) places, for drawings.
    """

    name: str
    distance: F64
    ready: F64
    due: F64
    service: F64
    demand: I32
    pickup: I32
    delivery: I32
    vehicles: int
    capacity: int
    duration: F64 | None = None
    types: tuple[VehicleType, ...] = ()
    more_demand: I32 | None = None
    allowed: npt.NDArray[np.bool_] | None = None
    max_ride: F64 | None = None
    prize: F64 | None = None
    windows: Mapping[int, tuple[tuple[float, float], ...]] | None = None
    late_cost: F64 | None = None
    bins: F64 | None = None
    bin_duration: F64 | None = None
    xy: F64 | None = None

    @property
    def fleet(self) -> tuple[VehicleType, ...]:
        """The vehicle types, shifts filled in; one type when the problem names none."""
        named = self.types or (VehicleType(self.vehicles, (self.capacity,)),)
        last = float(np.max(self.due)) + float(np.max(self.service, initial=0.0))
        return tuple(
            replace(
                t,
                earliest=float(self.ready[t.start]) if t.earliest is None else t.earliest,
                latest=(last if t.end is None else float(self.due[t.end])) if t.latest is None else t.latest,
            )
            for t in named
        )

    @property
    def timetabled(self) -> tuple[str, ...]:
        """Fields in use with which a plan states its times."""
        used = {
            "windows": bool(self.windows),
            "late_cost": self.late_cost is not None,
            "bins": self.bins is not None,
            "breaks": any(t.breaks for t in self.types),
            "locked": any(t.locked for t in self.types),
            "on_board": any(t.on_board for t in self.types),
        }
        return tuple(name for name, yes in used.items() if yes)

    @property
    def beyond_kernel(self) -> tuple[str, ...]:
        """Fields in use that the native search does not know."""
        return tuple(name for name in self.timetabled if name == "breaks")

    @property
    def aboard(self) -> dict[int, int]:
        """Type of the vehicle that carries a request already."""
        return {load.request: number for number, t in enumerate(self.types) for load in t.on_board}

    @property
    def bound(self) -> dict[int, int]:
        """Type of the only vehicle that may serve a request: it carries it already, or has one of its stops locked."""
        locked = {node: number for number, t in enumerate(self.types) for node in t.locked}
        if not locked:
            return self.aboard
        ends = (self.pickup.tolist(), self.delivery.tolist())
        return self.aboard | {r: locked[node] for nodes in ends for r, node in enumerate(nodes) if node in locked}

    def hard_due(self, node: int) -> float:
        """Latest start of service that no price allows to exceed; infinite where lateness is priced."""
        soft = self.late_cost is not None and np.isfinite(self.late_cost[node])
        return float("inf") if soft else float(self.due[node])

    def loads(self, node: int) -> tuple[int, ...]:
        """Change of the load at a node, in every dimension."""
        more = () if self.more_demand is None else tuple(int(q) for q in self.more_demand[node])
        return (int(self.demand[node]), *more)

    @property
    def travel(self) -> F64:
        """(nodes, nodes) travel times; the longest over all departures where they depend on them."""
        if self.bin_duration is not None:
            return np.asarray(self.bin_duration.max(axis=0))
        return self.distance if self.duration is None else self.duration


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a route does what: the start of service at each stop, and of each break of its vehicle."""

    starts: tuple[float, ...]
    breaks: tuple[float, ...] = ()
