"""Plans for pickup-and-delivery problems: one long native call without the GIL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from matcher.kernels import routing as native
from matcher.routing.problem import Problem
from matcher.routing.rung import SolveTask
from matcher.routing.solution import Progress, Solution


def solve(
    problem: Problem,
    *,
    time_limit: float | None = None,
    max_iterations: int | None = None,
    seed: int = 0,
    objective: Literal["hierarchical", "distance", "cost"] = "hierarchical",
    initial: Sequence[Sequence[int]] = (),
    clock: Literal["wall", "cpu"] = "wall",
    on_progress: Callable[[Progress, list[list[int]]], object] | None = None,
    cancel: npt.NDArray[np.uint8] | None = None,
    threads: int = 1,
    keep_pool: bool = False,
) -> Solution:
    """The best plan found within a budget of seconds, iterations, or both; one of them is required.

    objective: "hierarchical" (fewest vehicles, then least distance), "distance" (and prizes forgone), or "cost"
    (distance, fixed costs of the vehicles used, and prizes forgone). initial: routes to start from; those that are
    feasible are kept, each with the first vehicle type that can drive it. clock: what time_limit counts, wall time or
    the CPU time of this process.

    on_progress: told of better plans with their routes while the search goes on, at most once for every thousandth of
    the budget; what it raises ends the search and is raised here. cancel: array of one byte; once another thread makes
    it nonzero, the search ends within a tenth of a millisecond or so and the best plan so far is returned.

    threads: as many searches with seeds of their own, 1 to 256, which show each other their best plans at every eighth
    of the budget. max_iterations is then of each; the CPU clock counts all of them.

    keep_pool: give the routes that were seen as `Solution.pool`, of each set of requests the shortest.

    Deterministic for a seed, threads and max_iterations as long as no time_limit ends the search. Always returns:
    requests that no vehicle could serve are in `unserved`, each with its reason. Raises ValueError for a problem that
    makes no sense, naming the column. Method and papers: matcher/pdptw.h.
    """
    if time_limit is None and max_iterations is None:
        raise ValueError("solve needs a time_limit, max_iterations, or both")
    if max_iterations is not None and max_iterations < 0:
        raise ValueError(f"max_iterations is {max_iterations}, it must not be negative")
    if objective not in ("hierarchical", "distance", "cost"):
        raise ValueError(f"objective is {objective!r}, it must be 'hierarchical', 'distance' or 'cost'")
    _check_range("vehicles", problem.vehicles)
    _check_range("capacity", problem.capacity)
    columns = _node_columns(problem) | _window_columns(problem) | _bin_columns(problem)
    columns |= _fleet_columns(problem, objective)
    found = native.solve_pdptw(
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
        max_ride=problem.max_ride,
        prize=problem.prize,
        listener=None if on_progress is None else lambda step, routes: on_progress(Progress(*step), routes),
        cancel=cancel,
        threads=threads,
        keep_pool=keep_pool,
        **columns,
    )
    return Solution(
        problem=problem,
        routes=found["routes"],
        left_out=found["unserved"],
        iterations=found["iterations"],
        history=[Progress(*step) for step in found["history"]],
        types=found["types"] if problem.types else [],
        objective=objective,
        pool=found["pool"],
    )


def solve_task(task: SolveTask, *, keep_pool: bool = False) -> Solution:
    """`solve` with the arguments of a task."""
    return solve(
        task.problem,
        time_limit=task.time_limit,
        max_iterations=task.max_iterations,
        seed=task.seed,
        objective=task.objective,
        initial=task.initial,
        clock=task.clock,
        on_progress=task.on_progress,
        cancel=task.cancel,
        threads=task.threads,
        keep_pool=keep_pool,
    )


def _check_range(name: str, value: int) -> None:
    if not -(2**31) <= value < 2**31:
        raise ValueError(f"{name} is {value}, and is kept in 32 bits")


def _open(problem: Problem) -> bool:
    return any(vehicle.end is None for vehicle in problem.types)


def _node_columns(problem: Problem) -> dict[str, Any]:
    """Columns by node. Open routes end at one more node, which is at no distance from any other."""
    if not _open(problem):
        return {
            "distance": problem.distance,
            "duration": problem.duration,
            "ready": problem.ready,
            "due": problem.due,
            "service": problem.service,
            "demand": problem.demand,
            "more_demand": problem.more_demand,
            "late_cost": problem.late_cost,
        }
    last = float(np.max(problem.due)) + float(np.max(problem.service))
    return {
        "distance": np.pad(problem.distance, (0, 1)),
        "duration": None if problem.duration is None else np.pad(problem.duration, (0, 1)),
        "ready": np.pad(problem.ready, (0, 1)),
        "due": np.pad(problem.due, (0, 1), constant_values=last),
        "service": np.pad(problem.service, (0, 1)),
        "demand": np.pad(problem.demand, (0, 1)),
        "more_demand": None if problem.more_demand is None else np.pad(problem.more_demand, ((0, 1), (0, 0))),
        "late_cost": None if problem.late_cost is None else np.pad(problem.late_cost, (0, 1), constant_values=np.inf),
    }


def _window_columns(problem: Problem) -> dict[str, Any]:
    """Where a node has several windows, the windows of each."""
    if not problem.windows:
        return {}
    nodes = len(problem.ready) + _open(problem)
    spans = [problem.windows.get(node, ()) for node in range(nodes)]
    return {
        "window_first": np.cumsum([0, *map(len, spans)]).astype(np.int32),
        "windows": np.array([span for of_node in spans for span in of_node], dtype=np.float64),
    }


def _bin_columns(problem: Problem) -> dict[str, Any]:
    """Travel by departure time, and the least of it as what it never is below."""
    if problem.bins is None or problem.bin_duration is None:
        return {}
    rows = problem.bin_duration
    if _open(problem):
        rows = np.pad(rows, ((0, 0), (0, 1), (0, 1)))
    return {"bins": problem.bins, "bin_duration": rows, "duration": np.ascontiguousarray(rows.min(axis=0))}


def _fleet_columns(problem: Problem, objective: str) -> dict[str, Any]:
    """Columns by vehicle type; none for a problem of one type at the depot."""
    if not problem.types:
        if problem.allowed is not None or problem.more_demand is not None:
            raise ValueError("allowed and more_demand are about vehicle types, and the problem has no types")
        return {}
    dimensions = 1 if problem.more_demand is None else 1 + problem.more_demand.shape[1]
    for number, vehicle in enumerate(problem.types):
        if len(vehicle.capacity) != dimensions:
            raise ValueError(f"types {number} has {len(vehicle.capacity)} capacities, the load {dimensions} dimensions")
        _check_range(f"types {number}: count", vehicle.count)
        for room in vehicle.capacity:
            _check_range(f"types {number}: capacity", room)
    nowhere = len(problem.ready)
    fleet = problem.fleet
    return {
        "types": np.array([(t.count, t.start, nowhere if t.end is None else t.end) for t in fleet], dtype=np.int32),
        "shifts": np.array([(t.earliest, t.latest) for t in fleet], dtype=np.float64),
        "fixed_cost": np.array([t.fixed_cost if objective == "cost" else 0.0 for t in fleet], dtype=np.float64),
        "capacities": np.array([t.capacity for t in fleet], dtype=np.int32),
        "allowed": None if problem.allowed is None else np.ascontiguousarray(problem.allowed).view(np.uint8),
    }
