"""OR-Tools' routing library as a rung: every field of a Problem as a constraint of its model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matcher.routing.model_plan import given_routes, progress
from matcher.routing.repair import finished
from matcher.routing.rung import SolveTask
from matcher.routing.scaled import Scaled, scaled
from matcher.routing.solution import Progress, Solution


class OrToolsSolver:
    """Parallel cheapest insertion, then guided local search, until the budget ends."""

    name = "ortools"

    def refusal(self, task: SolveTask) -> str | None:
        """It counts wall time only."""
        if task.clock == "cpu" and task.time_limit is not None:
            return "the ortools solver counts wall time only, not CPU time"
        return None

    def solve(self, task: SolveTask) -> Solution:
        """One model, one search. Should it find nothing at all, requests are put in one by one instead."""
        numbers = scaled(task.problem, task.objective)
        if not numbers.possible or not numbers.vehicles:
            return finished(task.problem, [], task.objective, self.name)
        model = _Model(task, numbers)
        plan = finished(task.problem, model.search(), task.objective, self.name)
        return replace(plan, iterations=model.checks, history=model.history)


@dataclass(slots=True)
class _Best:
    value: int | None = None
    told: float = -1.0


class _Model:
    """The routing model of a task, its nodes numbered anew: those of requests, then starts and ends."""

    def __init__(self, task: SolveTask, numbers: Scaled) -> None:
        from ortools.constraint_solver import pywrapcp

        self._task, self._problem, self._numbers = task, task.problem, numbers
        aboard = self._problem.aboard
        nodes: list[int] = []
        for request in numbers.possible:
            nodes += [] if request in aboard else [int(self._problem.pickup[request])]
            nodes.append(int(self._problem.delivery[request]))
        self._stops = len(nodes)
        depots = sorted({node for v in numbers.vehicles for node in (v.kind.start, v.kind.end) if node is not None})
        self._nodes = [*nodes, *depots]
        self._row = {node: row for row, node in enumerate(self._nodes)}
        nowhere = len(self._nodes)
        starts = [self._row[v.kind.start] for v in numbers.vehicles]
        ends = [nowhere if v.kind.end is None else self._row[v.kind.end] for v in numbers.vehicles]
        self._manager = pywrapcp.RoutingIndexManager(nowhere + 1, len(numbers.vehicles), starts, ends)
        self._model = pywrapcp.RoutingModel(self._manager)
        self._solver = self._model.solver()
        self.checks = 0
        self.history: list[Progress] = []
        self._best = _Best()
        self._raised: BaseException | None = None
        self._add_costs()
        self._add_time()
        self._add_loads()
        self._add_requests()
        self._add_promises()
        if numbers.vehicles and nowhere not in ends:
            # A node that no route may visit: it is only there for open routes.
            self._model.AddDisjunction([self._manager.NodeToIndex(nowhere)], 0)
            self._solver.Add(self._model.ActiveVar(self._manager.NodeToIndex(nowhere)) == 0)

    def _index(self, node: int) -> int:
        return int(self._manager.NodeToIndex(self._row[node]))

    def _matrix(self, values: Any) -> list[list[int]]:
        """Between the model's nodes; nothing to or from nowhere."""
        rows = np.array(self._nodes)
        return np.pad(values[np.ix_(rows, rows)], (0, 1)).tolist()  # type: ignore[no-any-return]

    def _add_costs(self) -> None:
        self._model.SetArcCostEvaluatorOfAllVehicles(
            self._model.RegisterTransitMatrix(self._matrix(self._numbers.cost))
        )
        for number, vehicle in enumerate(self._numbers.vehicles):
            self._model.SetFixedCostOfVehicle(vehicle.fixed, number)

    def _add_time(self) -> None:
        numbers, model = self._numbers, self._model
        service = np.pad(numbers.service[np.array(self._nodes)], (0, 1))
        service[self._stops :] = 0
        travel = np.array(self._matrix(numbers.travel)) + service[:, None]
        horizon = max(1, numbers.horizon)
        model.AddDimension(model.RegisterTransitMatrix(travel.tolist()), horizon, horizon, False, "time")
        time = self._time = model.GetDimensionOrDie("time")
        for node in self._nodes[: self._stops]:
            self._add_windows(node)
        for number, vehicle in enumerate(numbers.vehicles):
            for index in (model.Start(number), model.End(number)):
                time.CumulVar(index).SetRange(vehicle.earliest, vehicle.latest)
                model.AddVariableMinimizedByFinalizer(time.CumulVar(index))
        self._add_breaks(service.tolist())

    def _add_windows(self, node: int) -> None:
        spans, index = self._numbers.windows[node], self._index(node)
        start = self._time.CumulVar(index)
        if not spans:
            return  # its request is left out
        start.SetRange(spans[0][0], spans[-1][1])
        for (_, end), (begin, _) in itertools.pairwise(spans):
            if begin > end + 1:
                start.RemoveInterval(end + 1, begin - 1)
        soft = self._numbers.soft[node]
        if soft is not None:
            self._time.SetCumulVarSoftUpperBound(index, *soft)
        self._model.AddVariableMinimizedByFinalizer(start)

    def _add_breaks(self, service: Sequence[int]) -> None:
        if not any(vehicle.kind.breaks for vehicle in self._numbers.vehicles):
            return
        visits = [service[self._manager.IndexToNode(index)] for index in range(self._model.Size())]
        for number, vehicle in enumerate(self._numbers.vehicles):
            pauses = [
                self._solver.FixedDurationIntervalVar(
                    pause.first, pause.last, pause.duration, False, f"break {number}.{position}"
                )
                for position, pause in enumerate(vehicle.pauses)
            ]
            self._time.SetBreakIntervalsOfVehicle(pauses, number, visits)

    def _add_loads(self) -> None:
        problem, model = self._problem, self._model
        for dimension in range(len(self._numbers.vehicles[0].kind.capacity)):
            change = [problem.loads(node)[dimension] for node in self._nodes[: self._stops]]
            change += [0] * (len(self._nodes) + 1 - self._stops)
            room = [vehicle.kind.capacity[dimension] for vehicle in self._numbers.vehicles]
            name = f"load {dimension}"
            model.AddDimensionWithVehicleCapacity(model.RegisterUnaryTransitVector(change), 0, room, False, name)
            load = model.GetDimensionOrDie(name)
            for number, vehicle in enumerate(self._numbers.vehicles):
                load.CumulVar(model.Start(number)).SetValue(vehicle.held[dimension])

    def _add_requests(self) -> None:
        problem, model, numbers = self._problem, self._model, self._numbers
        for request in numbers.possible:
            p, d = int(problem.pickup[request]), int(problem.delivery[request])
            b = self._index(d)
            model.AddDisjunction([b], numbers.drop[request])
            able = numbers.able[request]
            a = b if request in problem.aboard else self._index(p)
            for index in {a, b}:
                model.VehicleVar(index).SetValues([-1, *able])
            if not able or not numbers.windows[d] or (a != b and not numbers.windows[p]):
                self._solver.Add(model.ActiveVar(b) == 0)
            if request in problem.aboard:
                continue
            model.AddDisjunction([a], 0)
            model.AddPickupAndDelivery(a, b)
            self._solver.Add(model.VehicleVar(a) == model.VehicleVar(b))
            served = model.ActiveVar(b)
            self._solver.Add(self._time.CumulVar(a) <= self._time.CumulVar(b) + numbers.horizon * (1 - served))
            ride = numbers.ride[request]
            if ride is not None and ride < numbers.horizon:
                slack = numbers.horizon * (1 - served)
                self._solver.Add(self._time.CumulVar(b) <= self._time.CumulVar(a) + ride + slack)

    def _add_promises(self) -> None:
        """Locked stops, and the ride limits of what is on board."""
        problem, model = self._problem, self._model
        for number, vehicle in enumerate(self._numbers.vehicles):
            at = model.Start(number)
            for node in vehicle.kind.locked:
                self._solver.Add(model.NextVar(at) == self._index(node))
                at = self._index(node)
            for request, latest in vehicle.deliver_by:
                index = self._index(int(problem.delivery[request]))
                slack = self._numbers.horizon * (1 - model.ActiveVar(index))
                self._solver.Add(self._time.CumulVar(index) <= latest + slack)

    def search(self) -> list[tuple[int, list[int]]]:
        """Routes with their vehicle types; none when the search found nothing."""
        from ortools.constraint_solver import pywrapcp, routing_enums_pb2

        task = self._task
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        if task.time_limit is not None:
            # The solver's own clock began with the model: building it is part of the time.
            parameters.time_limit.FromMilliseconds(max(1, int(task.time_limit * 1000 - self._solver.WallTime())))
        self._model.AddSearchMonitor(self._solver.CustomLimit(self._stop))
        self._model.AddAtSolutionCallback(self._at_solution)
        self._model.CloseModelWithParameters(parameters)
        given = self._initial()
        found = None
        if given is not None:
            found = self._model.SolveFromAssignmentWithParameters(given, parameters)
        if found is None and self._raised is None:
            found = self._model.SolveWithParameters(parameters)
        if self._raised is not None:
            raise self._raised
        return [] if found is None else self._routes(lambda index: found.Value(self._model.NextVar(index)))

    def _stop(self) -> bool:
        task = self._task
        self.checks += 1
        if self._raised is not None or (task.max_iterations is not None and self.checks > task.max_iterations):
            return True
        return task.cancel is not None and bool(task.cancel[0])

    def _routes(self, following: Any) -> list[tuple[int, list[int]]]:
        found = []
        for number, vehicle in enumerate(self._numbers.vehicles):
            index, route = following(self._model.Start(number)), []
            while not self._model.IsEnd(index):
                route.append(self._nodes[self._manager.IndexToNode(index)])
                index = following(index)
            if route:
                found.append((vehicle.of_type, route))
        return found

    def _at_solution(self) -> None:
        """Note a better plan, and tell of it. What the listener raises ends the search."""
        value = self._model.CostVar().Max()
        if self._best.value is not None and value >= self._best.value:
            return
        self._best.value = value
        task = self._task
        spent = self._solver.WallTime() / 1e3 / task.time_limit if task.time_limit else 0.0
        done = self.checks / task.max_iterations if task.max_iterations else 0.0
        share = min(1.0, max(spent, done))
        found = self._routes(lambda index: self._model.NextVar(index).Value())
        step = progress(self._problem, found, self.checks, share)
        self.history.append(step)
        if task.on_progress is None or share < self._best.told + 1e-3:
            return
        self._best.told = share
        try:
            task.on_progress(step, [route for _, route in found])
        except BaseException as error:  # carried past the solver's C++ frames, and raised again
            self._raised = error

    def _initial(self) -> Any:
        """Given routes that are feasible; None without any."""
        given = given_routes(self._task, self._numbers)
        routes = [
            [self._index(node) for node in given.get(number, ())] for number in range(len(self._numbers.vehicles))
        ]
        return self._model.ReadAssignmentFromRoutes(routes, True) if given else None
