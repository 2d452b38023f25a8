"""Other solvers on the same problems, each as `(problem, seconds, seed, objective) -> Solution`.

They are optional: `pip install ".[bench]"`. A peer that is not installed says so when it is asked for. Peers without a
hierarchical objective get a fixed cost per vehicle that outweighs any distance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matcher.routing import Problem, Solution, solve

SCALE = 100
"""Peers that count in integers count hundredths, travel rounded up so that their plans stay feasible."""


def _solution(problem: Problem, routes: list[list[int]]) -> Solution:
    served = {node for route in routes for node in route}
    missing = [r for r, p in enumerate(problem.pickup.tolist()) if p not in served]
    return Solution(problem, routes, missing, 0, [])


def ortools(problem: Problem, seconds: float, seed: int, objective: str) -> Solution:
    """The routing library, by our own rung: parallel cheapest insertion, then guided local search, on wall time."""
    return solve(problem, time_limit=seconds, seed=seed, objective=objective, solver="ortools")  # type: ignore[arg-type]


def pyvroom(problem: Problem, seconds: float, seed: int, objective: str) -> Solution:
    """VROOM 1.x with exploration level 5 and a time limit; integers, so travel is rounded up in hundredths."""
    import vroom

    instance = vroom.Input()
    instance.set_durations_matrix("car", np.ceil(problem.travel * SCALE).astype(np.uint32))
    instance.set_costs_matrix("car", np.rint(problem.distance * SCALE).astype(np.uint32))
    window = vroom.TimeWindow(int(problem.ready[0] * SCALE), int(problem.due[0] * SCALE))
    fixed = 100_000_000 if objective == "hierarchical" else 0
    for vehicle in range(problem.vehicles):
        instance.add_vehicle(
            vroom.Vehicle(
                vehicle,
                start=0,
                end=0,
                capacity=[problem.capacity],
                time_window=window,
                costs=vroom.VehicleCosts(fixed=fixed),
            )
        )

    def step(node: int) -> vroom.ShipmentStep:
        span = vroom.TimeWindow(int(np.ceil(problem.ready[node] * SCALE)), int(problem.due[node] * SCALE))
        service = int(np.ceil(problem.service[node] * SCALE))
        return vroom.ShipmentStep(node, node, default_service=service, time_windows=[span])

    for p, d in zip(problem.pickup.tolist(), problem.delivery.tolist(), strict=True):
        instance.add_shipment(step(p), step(d), amount=[int(problem.demand[p])])
    found = instance.solve(exploration_level=5, nb_threads=1, timeout=seconds)
    stops = found.routes[found.routes.type.isin(["pickup", "delivery"])]
    return _solution(problem, [group.id.astype(int).tolist() for _, group in stops.groupby("vehicle_id")])


PEERS: dict[str, Callable[[Problem, float, int, str], Solution]] = {"ortools": ortools, "pyvroom": pyvroom}
