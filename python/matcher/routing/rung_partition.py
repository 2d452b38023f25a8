"""The native search, and before its last tenth the best plan that all routes seen so far make up.

Set partitioning through MathOpt. Rochat & Taillard 1995, "Probabilistic diversification and intensification in local
search for vehicle routing"; Sartori & Buriol 2020, "A study on the pickup and delivery problem with time windows:
matheuristics and new instances".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matcher.domain import CancelToken
from matcher.routing import search
from matcher.routing.places import length
from matcher.routing.rung import Objective, SolveTask
from matcher.routing.solution import Progress, Solution
from matcher.solve.packing import I32, Caps, PackingProblem, PackingSolution, PackingStatus, WarmStart
from matcher.solve.packing_ortools import OrToolsPackingSolver

_SEARCHED, _COMBINED = 0.8, 0.1
"""Shares of the budget: of the search, and of the integer programme at most. The rest searches on from what that has
found."""
_LEAST_S = 1.0
_UNITS = 1e9
"""Of integer cost in the plan's distance."""


class PartitionSolver:
    """The kernel's plan, put together anew from the routes that it has seen on the way."""

    name = "partition"

    def refusal(self, task: SolveTask) -> str | None:
        """What the kernel refuses, and what it keeps no routes of."""
        if task.problem.timetabled:
            return f"the partition solver does not know {', '.join(task.problem.timetabled)}"
        if len(task.problem.fleet) > 1:
            return "the partition solver does not know several vehicle types"
        if task.problem.prize is not None:
            return "the partition solver does not know prizes"
        if task.clock == "cpu" and task.time_limit is not None:
            return "the partition solver counts wall time only, not CPU time"
        if task.time_limit is not None and task.time_limit < _LEAST_S:
            return "the partition solver takes a time_limit of a second or more, for loading OR-Tools is part of it"
        return None

    def solve(self, task: SolveTask) -> Solution:
        """One search, one integer programme, one more search, which begins where the two have ended.

        An iteration of the budget is one of the search's, or a thousandth of CP-SAT's deterministic seconds. `cancel`
        is not looked at while the programme is solved.
        """
        from ortools.constraint_solver import pywrapcp

        clock = pywrapcp.Solver("clock")  # nothing here reads one of its own; loading OR-Tools counts as well

        first = _searched(task, 0.0, _SEARCHED, _left(task, clock, _SEARCHED), task.initial)
        if task.cancel is not None and task.cancel[0]:
            return replace(first, pool=[], solver=self.name)
        best = first
        if first.pool and not first.left_out:
            best = recombined(first, task, _left(task, clock, _SEARCHED + _COMBINED))
        last = _searched(task, _SEARCHED + _COMBINED, 1.0, _left(task, clock), best.routes)
        better = min(last, best, first, key=lambda plan: _value(plan, task.objective))
        return replace(
            better,
            iterations=first.iterations + last.iterations,
            history=[*first.history, *(best.history if best is not first else []), *last.history],
            pool=[],
            solver=self.name,
        )


def _left(task: SolveTask, clock: Any, until: float = 1.0) -> float | None:
    """Seconds until this share of the time has passed."""
    return None if task.time_limit is None else max(0.0, until * task.time_limit - clock.WallTime() / 1e3)


def _value(plan: Solution, objective: Objective) -> tuple[float, ...]:
    return len(plan.left_out), plan.vehicles if objective == "hierarchical" else 0, plan.distance


def _searched(
    task: SolveTask, begin: float, end: float, left: float | None, initial: Sequence[Sequence[int]]
) -> Solution:
    """The kernel's search for a share of the budget. Its steps are told as fractions of the whole."""
    tell = task.on_progress

    def of_whole(step: Progress) -> Progress:
        return replace(step, fraction=begin + (end - begin) * step.fraction)

    share = replace(
        task,
        time_limit=left,
        max_iterations=None if task.max_iterations is None else round(task.max_iterations * (end - begin)),
        initial=tuple(map(tuple, initial)),
        on_progress=tell and (lambda step, routes: tell(of_whole(step), routes)),
    )
    found = search.solve_task(share, keep_pool=True)
    return replace(found, history=[of_whole(step) for step in found.history])


def recombined(plan: Solution, task: SolveTask, left: float | None) -> Solution:
    """The best plan of its routes and those in its pool that serves all and has no more vehicles; itself when none is
    better. `left`: seconds for it."""
    problem = plan.problem
    chosen = [tuple(route) for route in plan.routes]
    routes = list(dict.fromkeys([*chosen, *map(tuple, plan.pool)]))  # the plan's own come first
    lengths = np.array([length(problem, 0, route) for route in routes])
    row = {int(node): request for request, node in enumerate(problem.pickup.tolist())}
    members = [[row[node] for node in route if node in row] for route in routes]
    unit = _UNITS / max(1e-9, plan.distance)
    cost = np.rint(lengths * unit).astype(np.int64)
    if task.objective == "hierarchical":
        cost += round(1.01 * _UNITS)  # of a vehicle: more than all the distance there is to save
    # Nobody may be left out: that is dearer than every plan to be looked at.
    price = int(cost[: len(chosen)].sum()) + 1
    packing = PackingProblem(
        n_orders=len(row),
        n_couriers=len(routes),  # each route has a vehicle of its own
        courier=np.arange(len(routes), dtype=np.int32),
        ptr=np.cumsum([0, *map(len, members)], dtype=np.int32),
        order=np.concatenate([np.array(of_route, np.int32) for of_route in members]),
        cost=cost,
        wait=np.full(len(row), price, np.int64),
        caps=Caps(use=np.ones((len(routes), 1), np.int16), left=np.array([len(chosen)], np.int64)),
    )
    solver = OrToolsPackingSolver(
        hint=_Given(np.arange(len(chosen), dtype=np.int32)),
        time_limit_s=left,
    )
    granted = None if task.max_iterations is None else max(1, round(_COMBINED * task.max_iterations))
    found = solver.solve(packing, max_iterations=granted)
    if found.status is PackingStatus.OVERFLOW or found.total >= packing.total(np.arange(len(chosen), dtype=np.int32)):
        return plan
    better = replace(plan, routes=[list(routes[column]) for column in found.chosen.tolist()])
    step = Progress(plan.iterations, _SEARCHED + _COMBINED, 0, better.vehicles, better.distance)
    if task.on_progress is not None:
        task.on_progress(step, better.routes)
    return replace(better, history=[step])


@dataclass(frozen=True, slots=True)
class _Given:
    """The packing to start from, proven to be nothing special."""

    chosen: I32
    name: str = "given"

    def solve(
        self,
        problem: PackingProblem,
        *,
        max_iterations: int | None = None,
        warm_start: WarmStart | None = None,
        cancel: CancelToken | None = None,
    ) -> PackingSolution:
        return PackingSolution(
            status=PackingStatus.STOPPED,
            chosen=self.chosen,
            total=problem.total(self.chosen),
            lower_bound=0,
            price_bound=0,
            order_price=np.zeros(problem.n_orders, np.int64),  # costs are not negative
            courier_price=np.zeros(problem.n_couriers, np.int64),
            iterations=0,
        )
