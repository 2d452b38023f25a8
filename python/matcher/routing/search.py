"""Plans for pickup-and-delivery problems: one long native call without the GIL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from matcher.kernels import routing as native
from matcher.routing.problem import Problem, Progress, Solution


def solve(
    problem: Problem,
    *,
    time_limit: float | None = None,
    max_iterations: int | None = None,
    seed: int = 0,
    objective: Literal["hierarchical", "distance"] = "hierarchical",
    initial: Sequence[Sequence[int]] = (),
    clock: Literal["wall", "cpu"] = "wall",
) -> Solution:
    """The best plan found within a budget of seconds, iterations, or both; one of them is required.

    objective: "hierarchical" (fewest vehicles, then least distance) or "distance". initial: routes to start from; those
    that are feasible are kept. clock: what time_limit counts, wall time or the CPU time of this process.

    Deterministic for a seed and max_iterations as long as no time_limit ends the search. Always returns: requests that
    no vehicle could serve are in `unserved`, each with its reason. Raises ValueError for a problem that makes no sense,
    naming the column. Method and papers: matcher/pdptw.h.
    """
    if time_limit is None and max_iterations is None:
        raise ValueError("solve needs a time_limit, max_iterations, or both")
    if max_iterations is not None and max_iterations < 0:
        raise ValueError(f"max_iterations is {max_iterations}, it must not be negative")
    if objective not in ("hierarchical", "distance"):
        raise ValueError(f"objective is {objective!r}, it must be 'hierarchical' or 'distance'")
    found = native.solve_pdptw(
        distance=problem.distance,
        duration=problem.duration,
        ready=problem.ready,
        due=problem.due,
        service=problem.service,
        demand=problem.demand,
        pickup=problem.pickup,
        delivery=problem.delivery,
        vehicles=problem.vehicles,
        capacity=problem.capacity,
        hierarchical=objective == "hierarchical",
        max_iterations=-1 if max_iterations is None else max_iterations,
        time_limit=-1.0 if time_limit is None else max(0.0, time_limit),
        cpu_clock=clock == "cpu",
        seed=seed,
        initial=[list(route) for route in initial],
    )
    return Solution(
        problem=problem,
        routes=found["routes"],
        unserved=[problem.why_unserved(request) for request in found["unserved"]],
        iterations=found["iterations"],
        history=[Progress(*step) for step in found["history"]],
    )
