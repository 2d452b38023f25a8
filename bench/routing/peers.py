"""Other solvers on the same problems, each as `(problem, seconds, seed, objective) -> Solution`.

They are optional: `pip install ".[bench-routing]"`. A peer that is not installed says so when it is asked for. Peers
without a hierarchical objective get a fixed cost per vehicle that outweighs any distance. All work on one thread and
count wall time; `bench.routing.reach` sees to it that they get the CPU time of the budget.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.routing import Problem, Solution, solve

SCALE = 100
"""Peers that count in integers count hundredths, travel rounded up so that their plans stay feasible."""
_FIXED = 100_000_000
"""Of a vehicle, in hundredths, where vehicles count before distance."""
I64 = npt.NDArray[np.int64]


def _solution(problem: Problem, routes: list[list[int]]) -> Solution:
    served = {node for route in routes for node in route}
    missing = [r for r, p in enumerate(problem.pickup.tolist()) if p not in served]
    return Solution(problem, [route for route in routes if route], missing, 0, [])


def _whole(problem: Problem, scale: int = SCALE) -> tuple[I64, I64, I64, I64]:
    """Travel, ready, due and service, rounded so that what is feasible in them is feasible."""
    return (
        np.ceil(problem.travel * scale - 1e-7).astype(np.int64),
        np.ceil(problem.ready * scale).astype(np.int64),
        np.floor(problem.due * scale).astype(np.int64),
        np.ceil(problem.service * scale).astype(np.int64),
    )


def commiv(problem: Problem, seconds: float, seed: int, objective: str) -> Solution:
    """SISR of libcommiv; one matrix is both distance and time."""
    import commiv as library

    travel, ready, due, service = _whole(problem)
    found = library.solve_pdptw(
        np.minimum(travel, 2**31 - 1).astype(np.uint32),
        problem.pickup.tolist(),
        problem.delivery.tolist(),
        problem.demand[problem.pickup].tolist(),
        problem.capacity,
        ready.tolist(),
        due.tolist(),
        service.tolist(),
        seed=seed + 1,
        fleet_min=objective == "hierarchical",
        wall_ms=max(1, int(seconds * 1000)),
    )
    return _solution(problem, [[int(node) for node in route if node] for route in found.routes])


def pyvrp(problem: Problem, seconds: float, seed: int, objective: str) -> Solution:
    """Iterated local search of PyVRP, shipments."""
    import pyvrp as library
    from pyvrp.stop import MaxRuntime

    travel, ready, due, service = _whole(problem)
    distance = np.rint(problem.distance * SCALE).astype(np.int64)
    model = library.Model()
    places = [model.add_location(node, node) for node in range(len(ready))]
    depot = model.add_depot(places[0])
    model.add_vehicle_type(
        problem.vehicles, problem.capacity, depot, depot, _FIXED if objective == "hierarchical" else 0,
        int(ready[0]), int(due[0]),
    )  # fmt: skip
    for p, d in zip(problem.pickup.tolist(), problem.delivery.tolist(), strict=True):
        model.add_shipment(
            places[p], places[d], int(ready[p]), int(due[p]), int(service[p]), int(ready[d]), int(due[d]),
            int(service[d]), int(problem.demand[p]),
        )  # fmt: skip
    for a in range(len(places)):
        for b in range(len(places)):
            if a != b:
                model.add_edge(places[a], places[b], int(distance[a, b]), int(travel[a, b]))
    best = model.solve(MaxRuntime(seconds), seed=seed, display=False, collect_stats=False).best
    if not best.is_feasible():
        return _solution(problem, [])
    routes = []
    for route in best.routes():
        stops = []
        for step in route.schedule():
            if step.is_pickup() or step.is_delivery():
                stops.append(int((problem.pickup if step.is_pickup() else problem.delivery)[step.idx]))
        routes.append(stops)
    return _solution(problem, routes)


def nextroute(problem: Problem, seconds: float, seed: int, objective: str) -> Solution:
    """Nextmv's engine, a binary of Go; its seed cannot be set. Its windows begin and end on minutes: ten are a unit."""
    import nextroute as library

    travel, ready, due, service = _whole(problem, 600)
    begin = datetime(2026, 1, 1, tzinfo=UTC)

    def at(tick: int) -> str:
        return (begin + timedelta(seconds=int(tick))).isoformat().replace("+00:00", "Z")

    nowhere = {"lon": 1.0, "lat": 1.0}  # (0, 0) counts as no place
    vehicles = [
        {
            "id": str(k), "capacity": problem.capacity, "start_location": nowhere, "end_location": nowhere,
            "start_time": at(ready[0]), "end_time": at(due[0]),
            "activation_penalty": _FIXED if objective == "hierarchical" else 0,
        }
        for k in range(problem.vehicles)
    ]  # fmt: skip
    partner = dict(zip(problem.pickup.tolist(), problem.delivery.tolist(), strict=True))
    stops: list[dict[str, Any]] = []
    nodes = [*problem.pickup.tolist(), *problem.delivery.tolist()]
    for node in nodes:
        stop = {
            "id": str(node), "location": nowhere, "quantity": -int(problem.demand[node]),
            "duration": int(service[node]), "start_time_window": [at(ready[node]), at(due[node])],
            "unplanned_penalty": 10 * _FIXED,
        }  # fmt: skip
        stops.append(stop | ({"precedes": str(partner[node])} if node in partner else {}))
    rows = np.array([*nodes, *[0] * (2 * len(vehicles))])
    given = {"stops": stops, "vehicles": vehicles, "duration_matrix": travel[np.ix_(rows, rows)].astype(float).tolist()}
    options = library.Options(
        SOLVE_DURATION=seconds, SOLVE_PARALLELRUNS=1, MODEL_OBJECTIVES_TRAVELDURATION=1.0,
        MODEL_OBJECTIVES_VEHICLESDURATION=0.0,
    )  # fmt: skip
    found = library.solve(given, options).solutions[-1]
    known = {str(node) for node in nodes}
    routes = [
        [int(step.stop.id) for step in vehicle.route or [] if step.stop.id in known] for vehicle in found.vehicles
    ]
    return _solution(problem, routes)


def vrp_cli(problem: Problem, seconds: float, seed: int, objective: str) -> Solution:
    """reinterpretcat's vrp (its seed cannot be set); it counts whole seconds."""
    import vrp_cli as library

    travel, ready, due, service = _whole(problem)
    begin = datetime(2026, 1, 1, tzinfo=UTC)

    def at(tick: int) -> str:
        return (begin + timedelta(seconds=int(tick))).isoformat().replace("+00:00", "Z")

    def task(node: int, units: int) -> dict[str, Any]:
        place = {
            "location": {"index": node},
            "duration": int(service[node]),
            "times": [[at(ready[node]), at(due[node])]],
        }
        return {"places": [place], "demand": [units]}

    units = problem.demand[problem.pickup].tolist()
    pairs = zip(problem.pickup.tolist(), problem.delivery.tolist(), units, strict=True)
    jobs = [{"id": str(r), "pickups": [task(p, q)], "deliveries": [task(d, q)]} for r, (p, d, q) in enumerate(pairs)]
    vehicle = {
        "typeId": "v", "vehicleIds": [f"v{k}" for k in range(problem.vehicles)], "profile": {"matrix": "car"},
        "costs": {"fixed": 0.0, "distance": 1.0, "time": 0.0}, "capacity": [problem.capacity],
        "shifts": [{
            "start": {"earliest": at(ready[0]), "location": {"index": 0}},
            "end": {"latest": at(due[0]), "location": {"index": 0}},
        }],
    }  # fmt: skip
    tours = [[{"type": "minimize-tours"}]] if objective == "hierarchical" else []
    pragmatic = {
        "plan": {"jobs": jobs},
        "fleet": {"vehicles": [vehicle], "profiles": [{"name": "car"}]},
        "objectives": [[{"type": "minimize-unassigned"}], *tours, [{"type": "minimize-cost"}]],
    }
    matrix = {
        "profile": "car",
        "travelTimes": travel.ravel().tolist(),
        "distances": np.rint(problem.distance * SCALE).astype(np.int64).ravel().tolist(),
    }
    config = {
        "termination": {"maxTime": max(1, round(seconds))},
        "environment": {"parallelism": {"numThreadPools": 1, "threadsPerPool": 1}},
    }
    answer = json.loads(library.solve_pragmatic(json.dumps(pragmatic), [json.dumps(matrix)], json.dumps(config)))
    routes = []
    for tour in answer["tours"]:
        steps = [activity for stop in tour["stops"] for activity in stop["activities"]]
        routes.append(
            [
                int((problem.pickup if step["type"] == "pickup" else problem.delivery)[int(step["jobId"])])
                for step in steps
                if step["type"] in ("pickup", "delivery")
            ]
        )
    return _solution(problem, routes)


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
    fixed = _FIXED if objective == "hierarchical" else 0
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
        instance.add_shipment(step(p), step(d), amount=vroom.Amount([int(problem.demand[p])]))
    found = instance.solve(exploration_level=5, nb_threads=1, timeout=timedelta(seconds=seconds))
    stops = found.routes[found.routes.type.isin(["pickup", "delivery"])]
    return _solution(problem, [group.id.astype(int).tolist() for _, group in stops.groupby("vehicle_id")])


Peer = Callable[[Problem, float, int, str], Solution]
PEERS: dict[str, Peer] = {
    "commiv": commiv,
    "nextroute": nextroute,
    "ortools": ortools,
    "pyvroom": pyvroom,
    "pyvrp": pyvrp,
    "vrp-cli": vrp_cli,
}
_MODULES = {"pyvroom": "vroom", "vrp-cli": "vrp_cli"}


def installed() -> list[str]:
    """Peers that can be asked here."""
    return [name for name in PEERS if importlib.util.find_spec(_MODULES.get(name, name)) is not None]
