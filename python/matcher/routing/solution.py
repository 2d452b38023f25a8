"""Plans, and the steps by which they were found."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from matcher.routing.check import check_plan
from matcher.routing.explain import Unserved, why_unserved
from matcher.routing.problem import GRACE, Problem, Timetable, VehicleType


@dataclass(frozen=True, slots=True)
class Progress:
    """A better plan was found."""

    iteration: int
    fraction: float
    """Of the budget, when it was found."""
    unserved: int
    vehicles: int
    distance: float


@dataclass(frozen=True)
class Solution:
    """A plan. `routes` are lists of nodes, starts and ends left out; `types` of each; empty: all alike."""

    problem: Problem = field(repr=False)
    routes: list[list[int]]
    left_out: list[int]
    """Requests that no route serves; `unserved` says why."""
    iterations: int
    history: list[Progress]
    types: list[int] = field(default_factory=list)
    timetables: list[Timetable] = field(default_factory=list)
    """Of each route; empty: as early as possible."""
    solver: str = "native"
    """Which rung answered: "native", "partition", "ortools" or "cpsat"."""
    proven: bool = False
    """No better plan exists, travel being rounded as `solver` rounds it."""
    objective: str = "distance"
    """What it was made for, and prizes are weighed against."""
    pool: list[list[int]] = field(default_factory=list, repr=False)
    """Routes of complete plans that the search has seen, where it was asked to keep them."""

    @cached_property
    def unserved(self) -> Sequence[Unserved]:
        """What keeps each request of `left_out` out, against this plan; each is worked out when it is first asked."""
        return why_unserved(self)

    def vehicle_type(self, route: int) -> VehicleType:
        """What drives a route."""
        return self.problem.fleet[self.types[route] if self.types else 0]

    @property
    def cost(self) -> float:
        """Distance, fixed costs of the vehicles used, prizes of what is left out, and lateness: objective "cost"."""
        fixed = sum(self.vehicle_type(route).fixed_cost for route in range(len(self.routes)))
        prize = self.problem.prize
        lost = 0.0 if prize is None else sum(float(prize[request]) for request in self.left_out)
        return self.distance + fixed + lost + self.lateness_cost

    @property
    def lateness_cost(self) -> float:
        """What starting service after `due` costs; 0 without prices for it."""
        price, due = self.problem.late_cost, self.problem.due
        if price is None:
            return 0.0
        return sum(
            float(price[node]) * max(0.0, start - float(due[node]))
            for route, table in zip(self.routes, self.timetables, strict=True)
            for node, start in zip(route, table.starts, strict=True)
            if start > due[node] + GRACE
        )

    @property
    def vehicles(self) -> int:
        """Routes that go anywhere."""
        return len(self.routes)

    @property
    def distance(self) -> float:
        """Sum over all legs, recomputed from the routes."""
        total = 0.0
        for number, route in enumerate(self.routes):
            vehicle = self.vehicle_type(number)
            way = (vehicle.start, *route, *(() if vehicle.end is None else (vehicle.end,)))
            total += sum(float(self.problem.distance[a, b]) for a, b in itertools.pairwise(way))
        return total

    def check(self) -> None:
        """Raise InvalidPlanError at the first rule that the plan breaks. Shares no code with the searches."""
        check_plan(self.problem, self.routes, self.types, self.timetables, self.left_out)
