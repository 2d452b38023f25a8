"""Other solvers on the same problems, each as `(problem, seconds, seed, objective) -> Solution`.

They are optional: `pip install ".[bench]"`. A peer that is not installed says so when it is asked for. Peers without a
hierarchical objective get a fixed cost per vehicle that outweighs any distance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from matcher.routing import Problem, Solution

SCALE = 100
"""OR-Tools counts in integers: hundredths, travel rounded up so that its plans stay feasible."""


def _solution(problem: Problem, routes: list[list[int]]) -> Solution:
    served = {node for route in routes for node in route}
    missing = [r for r, p in enumerate(problem.pickup.tolist()) if p not in served]
    return Solution(problem, routes, [problem.why_unserved(r) for r in missing], 0, [])


def ortools(problem: Problem, seconds: float, seed: int, objective: str) -> Solution:
    """The routing library: parallel cheapest insertion, then guided local search. Deterministic but for the clock."""
    n = len(problem.ready)
    manager = pywrapcp.RoutingIndexManager(n, problem.vehicles, 0)
    model = pywrapcp.RoutingModel(manager)
    cost = np.rint(problem.distance * SCALE).astype(np.int64)
    time = np.ceil((problem.travel + problem.service[:, None]) * SCALE).astype(np.int64)
    distance_at = model.RegisterTransitMatrix(cost.tolist())
    time_at = model.RegisterTransitMatrix(time.tolist())
    load_at = model.RegisterUnaryTransitVector(problem.demand.tolist())
    model.SetArcCostEvaluatorOfAllVehicles(distance_at)
    if objective == "hierarchical":
        model.SetFixedCostOfAllVehicles(int(cost.max()) * n)
    horizon = int(problem.due.max() * SCALE) + 1
    model.AddDimension(time_at, horizon, horizon, False, "time")
    model.AddDimension(load_at, 0, problem.capacity, True, "load")
    clock = model.GetDimensionOrDie("time")
    for node in range(1, n):
        late = int(np.floor(problem.due[node] * SCALE))
        clock.CumulVar(manager.NodeToIndex(node)).SetRange(int(np.ceil(problem.ready[node] * SCALE)), late)
    for vehicle in range(problem.vehicles):
        clock.CumulVar(model.End(vehicle)).SetMax(int(problem.due[0] * SCALE))
    for p, d in zip(problem.pickup.tolist(), problem.delivery.tolist(), strict=True):
        a, b = manager.NodeToIndex(p), manager.NodeToIndex(d)
        model.AddPickupAndDelivery(a, b)
        model.solver().Add(model.VehicleVar(a) == model.VehicleVar(b))
        model.solver().Add(clock.CumulVar(a) <= clock.CumulVar(b))
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromMilliseconds(max(1, int(seconds * 1000)))
    found = model.SolveWithParameters(parameters)
    routes = []
    for vehicle in range(problem.vehicles if found else 0):
        index, route = model.Start(vehicle), []
        while not model.IsEnd(index):
            if manager.IndexToNode(index):
                route.append(manager.IndexToNode(index))
            index = found.Value(model.NextVar(index))
        if route:
            routes.append(route)
    return _solution(problem, routes)


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
