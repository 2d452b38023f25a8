"""CP-SAT as a rung for problems of few stops: one circuit a vehicle, and a proof that no better plan exists."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from matcher.routing.model_plan import given_routes, progress
from matcher.routing.repair import finished
from matcher.routing.rung import SolveTask
from matcher.routing.scaled import Scaled, Vehicle, scaled
from matcher.routing.solution import Progress, Solution

MOST_ARCS = 2_000
"""Vehicles times pairs of stops: about 12 requests and 3 vehicles. Larger models rarely end with a proof."""


class CpSatSolver:
    """Branch and bound with clause learning, one thread."""

    name = "cpsat"

    def refusal(self, task: SolveTask) -> str | None:
        """It counts wall time only, and takes small problems."""
        if task.clock == "cpu" and task.time_limit is not None:
            return "the cpsat solver counts wall time only, not CPU time"
        requests = len(task.problem.pickup)
        vehicles = sum(min(requests, kind.count) for kind in task.problem.fleet)
        arcs = vehicles * (2 * requests + 1) ** 2
        return None if arcs <= MOST_ARCS else f"the cpsat solver takes {MOST_ARCS} arcs; the problem has {arcs}"

    def solve(self, task: SolveTask) -> Solution:
        """One model, one search; `proven` when it ended by itself."""
        from ortools.constraint_solver import pywrapcp

        # Its clock begins here: loading CP-SAT, with pandas, can take longer than a search, and is part of the time.
        clock = pywrapcp.Solver("clock")
        numbers = scaled(task.problem, task.objective)
        if not numbers.possible or not numbers.vehicles:
            return replace(finished(task.problem, [], task.objective, self.name), proven=True)
        return _Model(task, numbers, clock).search()


class _Model:
    """Stops by number: pick-ups and deliveries of the possible requests; the depot of every circuit is -1."""

    def __init__(self, task: SolveTask, numbers: Scaled, clock: Any) -> None:
        from ortools.sat.python import cp_model

        self._clock = clock
        self._task, self._problem, self._numbers = task, task.problem, numbers
        self._cp = cp_model
        self._model = cp_model.CpModel()
        self._stops: list[int] = []
        self._request: list[int] = []
        for request in numbers.possible:
            ends = [int(self._problem.delivery[request])]
            if request not in self._problem.aboard:
                ends.insert(0, int(self._problem.pickup[request]))
            # A node without any window is left out with its request.
            if all(numbers.windows[node] for node in ends):
                self._stops += ends
                self._request += [request] * len(ends)
        self._start: list[Any] = [
            self._model.new_int_var_from_domain(
                cp_model.Domain.from_intervals([list(span) for span in numbers.windows[node]]), f"start {node}"
            )
            for node in self._stops
        ]
        self._arcs: list[dict[tuple[int, int], Any]] = []
        self._visits: list[list[Any]] = []
        self._cost: list[Any] = []
        for number, vehicle in enumerate(numbers.vehicles):
            self._add_vehicle(number, vehicle)
        self._add_requests()
        self._add_order_of_equals()
        self._model.minimize(sum(self._cost))
        self.history: list[Progress] = []
        self._raised: BaseException | None = None

    def _add_vehicle(self, number: int, vehicle: Vehicle) -> None:
        model, numbers, n = self._model, self._numbers, len(self._stops)
        able = [number in numbers.able[request] for request in self._request]
        visits = [
            model.new_bool_var(f"visit {number} {stop}") if able[stop] else model.new_constant(0) for stop in range(n)
        ]
        used = model.new_bool_var(f"used {number}")
        arcs = {(-1, -1): ~used}
        for a in range(-1, n):
            for b in range(-1, n):
                if a != b and (a == -1 or able[a]) and (b == -1 or able[b]):
                    arcs[a, b] = model.new_bool_var(f"arc {number} {a} {b}")
        circuit = [(a + 1, b + 1, arc) for (a, b), arc in arcs.items()]
        circuit += [(stop + 1, stop + 1, ~visits[stop]) for stop in range(n)]
        model.add_circuit(circuit)
        for (a, b), arc in arcs.items():
            if (a, b) != (-1, -1):
                self._cost.append(self._leg(numbers.cost, vehicle, a, b) * arc)
        self._cost.append(vehicle.fixed * used)
        self._arcs.append(arcs)
        self._visits.append(visits)
        self._add_times(number, vehicle, arcs)
        self._add_loads(number, vehicle, arcs)
        before = -1
        for node in vehicle.kind.locked:
            stop = self._stops.index(node)
            model.add(arcs[before, stop] == 1)
            before = stop

    def _leg(self, values: Any, vehicle: Vehicle, a: int, b: int) -> int:
        """Between stops, or a stop and the vehicle's start or end; nothing to the end of an open route."""
        start = vehicle.kind.start if a == -1 else self._stops[a]
        end = vehicle.kind.end if b == -1 else self._stops[b]
        return 0 if end is None else int(values[start, end])

    def _add_times(self, number: int, vehicle: Vehicle, arcs: dict[tuple[int, int], Any]) -> None:
        """Each break is taken before, or after, each stop; those taken on a leg prolong it."""
        model, numbers = self._model, self._numbers
        begin = model.new_int_var(vehicle.earliest, vehicle.latest, f"leave {number}")
        end = model.new_int_var(vehicle.earliest, vehicle.latest, f"back {number}")
        pauses = [
            (model.new_int_var(pause.first, pause.last, f"break {number} {position}"), pause.duration)
            for position, pause in enumerate(vehicle.pauses)
        ]
        done: dict[int, list[Any]] = {}
        for stop in [-1, *range(len(self._stops)), len(self._stops)]:
            at, after = self._span(stop, begin, end)
            done[stop] = []
            visited = [] if stop in (-1, len(self._stops)) else [self._visits[number][stop]]
            for position, (pause, duration) in enumerate(pauses):
                before = model.new_bool_var(f"break {number} {position} before {stop}")
                model.add(pause + duration <= at).only_enforce_if(before, *visited)
                model.add(pause >= after).only_enforce_if(~before, *visited)
                done[stop].append(before)
        for (a, b), arc in arcs.items():
            if (a, b) == (-1, -1):
                continue
            tail, head = a, len(self._stops) if b == -1 else b
            _, leave = self._span(tail, begin, end)
            reach, _ = self._span(head, begin, end)
            held = sum(d * (done[head][k] - done[tail][k]) for k, (_, d) in enumerate(pauses))
            model.add(reach >= leave + self._leg(numbers.travel, vehicle, a, b) + held).only_enforce_if(arc)
            for k in range(len(pauses)):
                model.add_implication(done[tail][k], done[head][k]).only_enforce_if(arc)

    def _span(self, stop: int, begin: Any, end: Any) -> tuple[Any, Any]:
        """When a stop's service starts and ends; -1: the vehicle leaves; beyond the last: it is back."""
        if stop == -1:
            return begin, begin
        if stop == len(self._stops):
            return end, end
        return self._start[stop], self._start[stop] + int(self._numbers.service[self._stops[stop]])

    def _add_loads(self, number: int, vehicle: Vehicle, arcs: dict[tuple[int, int], Any]) -> None:
        problem = self._problem
        for dimension, room in enumerate(vehicle.kind.capacity):
            loads = [
                self._model.new_int_var(0, room, f"load {number} {dimension} {stop}")
                for stop in range(len(self._stops))
            ]
            held = vehicle.held[dimension]
            for (a, b), arc in arcs.items():
                if b == -1:
                    continue
                change = problem.loads(self._stops[b])[dimension]
                self._model.add(loads[b] == (held if a == -1 else loads[a]) + change).only_enforce_if(arc)

    def _add_requests(self) -> None:
        model, numbers = self._model, self._numbers
        for request in numbers.possible:
            ends = [stop for stop, other in enumerate(self._request) if other == request]
            if not ends:
                self._cost.append(numbers.drop[request])
                continue
            drop = ends[-1]
            by = [visits[drop] for visits in self._visits]
            model.add_at_most_one(by)
            self._cost.append(numbers.drop[request] * (1 - sum(by)))
            for stop in ends:
                self._add_lateness(stop, by)
            ride = numbers.ride[request]
            if len(ends) == 2:
                pick = ends[0]
                for visits in self._visits:
                    model.add(visits[pick] == visits[drop])
                for served in by:
                    model.add(self._start[drop] >= self._start[pick]).only_enforce_if(served)
                    if ride is not None:
                        model.add(self._start[drop] - self._start[pick] <= ride).only_enforce_if(served)
        for vehicle, visits in zip(numbers.vehicles, self._visits, strict=True):
            for request, latest in vehicle.deliver_by:
                if request in self._request:
                    stop = self._request.index(request)
                    model.add(self._start[stop] <= latest).only_enforce_if(visits[stop])

    def _add_lateness(self, stop: int, by: list[Any]) -> None:
        soft = self._numbers.soft[self._stops[stop]]
        if soft is None:
            return
        due, price = soft
        late = self._model.new_int_var(0, max(0, self._numbers.horizon - due), f"late {stop}")
        for served in by:
            self._model.add(late >= self._start[stop] - due).only_enforce_if(served)
        self._cost.append(price * late)

    def _add_order_of_equals(self) -> None:
        """Of vehicles that are alike the first ones drive."""
        for number in range(1, len(self._numbers.vehicles)):
            if self._numbers.vehicles[number].of_type == self._numbers.vehicles[number - 1].of_type:
                self._model.add_implication(self._arcs[number - 1][-1, -1], self._arcs[number][-1, -1])

    def search(self) -> Solution:
        """The best plan found; the callback notes each better one."""
        task = self._task
        self._hint()
        solver = self._cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = task.seed % (1 << 31)
        if task.time_limit is not None:
            solver.parameters.max_time_in_seconds = max(1e-3, task.time_limit - self._seconds())
        if task.max_iterations is not None:
            solver.parameters.max_deterministic_time = task.max_iterations / 1000
        status = solver.solve(self._model, self._listener())
        if self._raised is not None:
            raise self._raised
        found = status in (self._cp.OPTIMAL, self._cp.FEASIBLE)
        plan = finished(task.problem, self._routes(solver.value) if found else [], task.objective, "cpsat")
        return replace(
            plan, iterations=int(solver.num_branches), history=self.history, proven=status == self._cp.OPTIMAL
        )

    def _seconds(self) -> float:
        """Since the call began."""
        return float(self._clock.WallTime()) / 1e3

    def _routes(self, value: Any) -> list[tuple[int, list[int]]]:
        found = []
        for vehicle, arcs in zip(self._numbers.vehicles, self._arcs, strict=True):
            following = {a: b for (a, b), arc in arcs.items() if (a, b) != (-1, -1) and value(arc)}
            route, at = [], following.get(-1, -1)
            while at != -1:
                route.append(self._stops[at])
                at = following[at]
            if route:
                found.append((vehicle.of_type, route))
        return found

    def _listener(self) -> Any:
        """Called by the solver with each better plan."""
        told = self._at_solution

        class Listener(self._cp.CpSolverSolutionCallback):  # type: ignore[misc, name-defined]
            def on_solution_callback(self) -> None:
                told(self)

        return Listener()

    def _at_solution(self, found: Any) -> None:
        """Tell of a better plan; stop when cancelled, or when the listener raises."""
        task = self._task
        plan = self._routes(found.value)
        spent = self._seconds() / task.time_limit if task.time_limit else 0.0
        step = progress(self._problem, plan, int(found.num_branches), min(1.0, spent))
        self.history.append(step)
        try:
            if task.on_progress is not None:
                task.on_progress(step, [route for _, route in plan])
        except BaseException as error:  # carried past the solver's C++ frames, and raised again
            self._raised = error
        if self._raised is not None or (task.cancel is not None and task.cancel[0]):
            found.stop_search()

    def _hint(self) -> None:
        """Given routes that are feasible."""
        for number, route in given_routes(self._task, self._numbers).items():
            way = [-1, *(self._stops.index(node) for node in route), -1]
            taken = set(itertools.pairwise(way))
            for legs, arc in self._arcs[number].items():
                if legs != (-1, -1):
                    self._model.add_hint(arc, legs in taken)
