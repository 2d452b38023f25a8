"""What a model of OR-Tools starts from and tells of: routes by vehicle, between the solver and the caller's problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matcher.routing.places import length
from matcher.routing.problem import Problem
from matcher.routing.repair import fits
from matcher.routing.rung import SolveTask
from matcher.routing.scaled import Scaled
from matcher.routing.solution import Progress
from matcher.routing.timing import Clock

VehicleRoutes = Sequence[tuple[int, list[int]]]
"""Vehicle types and the nodes that one of each visits."""


def given_routes(task: SolveTask, numbers: Scaled) -> Mapping[int, tuple[int, ...]]:
    """The task's initial routes that are feasible, by vehicle: each with the first idle one that can drive it."""
    clock = Clock(task.problem)
    taken: dict[int, tuple[int, ...]] = {}
    for route in task.initial:
        for number, vehicle in enumerate(numbers.vehicles):
            if number not in taken and fits(task.problem, clock, vehicle.of_type, route):
                taken[number] = route
                break
    return taken


def progress(problem: Problem, found: VehicleRoutes, iteration: int, share: float) -> Progress:
    """What a plan that was found on the way comes to."""
    served = {node for _, route in found for node in route}
    return Progress(
        iteration=iteration,
        fraction=share,
        unserved=sum(node not in served for node in problem.delivery.tolist()),
        vehicles=len(found),
        distance=sum(length(problem, of_type, route) for of_type, route in found),
    )
