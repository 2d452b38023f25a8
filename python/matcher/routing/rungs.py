"""The rungs behind `solve`: which can take a problem, and the seam that each of them fills."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from matcher.kernels.routing import Stopwatch
from matcher.routing import search, under_way
from matcher.routing.beyond import check_beyond, kernel_part, without_bins
from matcher.routing.problem import Problem, Timetable
from matcher.routing.repair import put_in
from matcher.routing.rung import Listener, Objective, RoutingSolver, SolverName, SolveTask
from matcher.routing.rung_cpsat import CpSatSolver
from matcher.routing.rung_ortools import OrToolsSolver
from matcher.routing.rung_partition import PartitionSolver
from matcher.routing.solution import Solution
from matcher.routing.timing import Clock

_SECOND_LOOK = 16
"""Requests up to which "auto" asks the routing library beside the kernel."""
_SECOND_LOOK_S = 1.0
"""With less time, loading OR-Tools would be most of it."""
_TIMETABLES = 1.5
"""Of the estimated time for them, what the search leaves."""


class NativeSolver:
    """The kernel: `matcher.routing.search`, for vehicles under way through `matcher.routing.under_way`."""

    name = "native"

    def refusal(self, task: SolveTask) -> str | None:
        """Every field that the kernel has no column for."""
        beyond = task.problem.beyond_kernel or [reason for reason in [under_way.refusal(task.problem)] if reason]
        return f"the native solver does not know {', '.join(beyond)}" if beyond else None

    def solve(self, task: SolveTask) -> Solution:
        """One native call."""
        if not task.problem.timetabled:
            return search.solve_task(task)
        watch = Stopwatch(cpu_clock=task.clock == "cpu")
        free = under_way.FreeVehicles(task)
        limit = task.time_limit
        if limit is not None:
            began = watch.seconds()
            rehearsed = max(1, free.rehearse())
            timetables = (watch.seconds() - began) / rehearsed * 2 * len(task.problem.pickup)
            limit = max(0.0, limit - watch.seconds() - _TIMETABLES * timetables)
        return free.solution(search.solve_task(dataclasses.replace(free.task, time_limit=limit)))


def rungs() -> dict[str, RoutingSolver]:
    """All of them by name. OR-Tools is imported when it is asked."""
    return {
        "native": NativeSolver(),
        "partition": PartitionSolver(),
        "cpsat": CpSatSolver(),
        "ortools": OrToolsSolver(),
    }


def solve(
    problem: Problem,
    *,
    time_limit: float | None = None,
    max_iterations: int | None = None,
    seed: int = 0,
    objective: Objective = "hierarchical",
    initial: Sequence[Sequence[int]] = (),
    clock: Literal["wall", "cpu"] = "wall",
    on_progress: Listener | None = None,
    cancel: npt.NDArray[np.uint8] | None = None,
    solver: SolverName = "auto",
    threads: int = 1,
) -> Solution:
    """The best plan found within a budget of seconds, iterations, or both; one of them is required.

    objective: "hierarchical" (fewest vehicles, then least distance), "distance" (and prizes forgone), or "cost"
    (distance, fixed costs of the vehicles used, prizes forgone, and lateness). initial: routes to start from; those
    that are feasible are kept, each with the first vehicle type that can drive it. clock: what time_limit counts, wall
    time or the CPU time of this process.

    solver: "native", "partition" (the same, and the best plan of all routes that it has seen, through MathOpt),
    "ortools" (the routing library: any problem), "cpsat" (few stops, proves the optimum), or "auto":
    native unless the problem has fields that it does not know (`Problem.beyond_kernel`); such a problem goes to CP-SAT
    where it is small, with half of the budget, and to the routing library unless that has proved its plan. Up to 16
    requests with a second or more of wall time, "auto" gives half of it to the routing library, too, and answers with
    the better plan.
    `Solution.solver` says who answered. An iteration is, for OR-Tools, one check of its search limit; for CP-SAT
    a thousandth of its deterministic seconds.

    on_progress: told of better plans with their routes while the search goes on, at most once for every thousandth of
    the budget; what it raises ends the search and is raised here. cancel: array of one byte; once another thread makes
    it nonzero, the search ends soon (native: within a tenth of a millisecond or so) with the best plan so far.

    threads: of the native search, 1 to 256; each with a seed of its own, and at every eighth of the budget all go on
    from the best plan of any. max_iterations is then of each thread, `Solution.iterations` of all; the CPU clock counts
    all threads. The other solvers use one.

    Travel bins: "ortools" and "cpsat" take each leg at the longest that its node's window allows, which keeps every
    plan feasible; what they leave out is then tried under the bins themselves.

    Deterministic for a seed, threads and max_iterations as long as no time_limit ends the search. Always returns:
    requests that no vehicle could serve are in `unserved`, each with its reason. Raises ValueError for a problem that
    makes no sense, or that the named solver does not take, naming the column. Method and papers:
    docs/kernels/pdptw.md.
    """
    if time_limit is None and max_iterations is None:
        raise ValueError("solve needs a time_limit, max_iterations, or both")
    if time_limit is not None and not time_limit >= 0.0:
        raise ValueError(f"time_limit is {time_limit}, it must be a number of seconds, 0 or more")
    if max_iterations is not None and max_iterations < 0:
        raise ValueError(f"max_iterations is {max_iterations}, it must not be negative")
    if objective not in ("hierarchical", "distance", "cost"):
        raise ValueError(f"objective is {objective!r}, it must be 'hierarchical', 'distance' or 'cost'")
    if solver not in ("auto", *rungs()):
        raise ValueError(f"solver is {solver!r}, it must be 'auto' or one of {', '.join(map(repr, rungs()))}")
    task = SolveTask(
        problem,
        objective,
        time_limit,
        max_iterations,
        seed,
        tuple(map(tuple, initial)),
        clock,
        on_progress,
        cancel,
        threads,
    )
    watch = Stopwatch(cpu_clock=clock == "cpu")
    if problem.timetabled:
        # The kernel looks at its own columns first, and is cancelled before it searches.
        search.solve(kernel_part(problem), max_iterations=0, objective=objective, cancel=np.ones(1, np.uint8))
        check_beyond(problem, objective)
        if time_limit is not None:
            task = dataclasses.replace(task, time_limit=max(0.0, time_limit - watch.seconds()))
    return _climb(task) if solver == "auto" else _ask(solver, task)


def _two_looks(task: SolveTask) -> Solution:
    """The kernel's plan or the routing library's, each with half of the time: the better one.

    The library starts anew. Where few requests have prizes, the kernel's search can end where no small change helps;
    from there the library would find less.
    """
    ours = NativeSolver().solve(_half(task))
    if task.cancel is not None and task.cancel[0]:
        return ours
    theirs = _ask("ortools", dataclasses.replace(_half(task), on_progress=None))
    better, least = value(theirs, task.objective), value(ours, task.objective)
    # The library counts in rounded numbers: the same plan may come to a hair less.
    closer = better[:-1] == least[:-1] and better[-1] > least[-1] * (1 - 1e-9)
    return ours if better >= least or closer else theirs


def _half(task: SolveTask) -> SolveTask:
    """The same with half of the budget. Its listener hears fractions of the whole one."""
    tell = task.on_progress
    return dataclasses.replace(
        task,
        time_limit=None if task.time_limit is None else task.time_limit / 2,
        max_iterations=None if task.max_iterations is None else task.max_iterations // 2,
        on_progress=tell and (lambda step, routes: tell(dataclasses.replace(step, fraction=step.fraction / 2), routes)),
    )


def _ask(name: str, task: SolveTask) -> Solution:
    rung = rungs()[name]
    refusal = rung.refusal(task)
    if refusal is not None:
        raise ValueError(refusal)
    if task.problem.bins is None or name == "native":
        return rung.solve(task)
    found = rung.solve(dataclasses.replace(task, problem=without_bins(task.problem)))
    return _under_bins(task.problem, found, task.objective)


def _climb(task: SolveTask) -> Solution:
    """The kernel where it knows every field, few requests with time to spare the routing library too; else CP-SAT,
    then the routing library."""
    every = rungs()
    if every["native"].refusal(task) is None:
        short = task.clock == "cpu" or task.time_limit is None or task.time_limit < _SECOND_LOOK_S
        if short or len(task.problem.pickup) > _SECOND_LOOK:
            return every["native"].solve(task)
        return _two_looks(task)
    if every["cpsat"].refusal(task) is not None:
        return _ask("ortools", task)
    half = _half(task)
    exact = _ask("cpsat", half)
    if exact.proven or every["ortools"].refusal(task) is not None:
        return exact
    return min(exact, _ask("ortools", half), key=lambda plan: value(plan, task.objective))


def value(plan: Solution, objective: Objective) -> tuple[float, ...]:
    """What plans are compared by; the less the better."""
    prize = plan.problem.prize
    must = sum(prize is None or not np.isfinite(prize[request]) for request in plan.left_out)
    if objective == "hierarchical":
        return must, plan.vehicles, plan.distance
    if objective == "cost":
        return must, plan.cost if not must else plan.distance
    lost = (
        sum(float(prize[request]) for request in plan.left_out if np.isfinite(prize[request]))
        if prize is not None
        else 0.0
    )
    return must, plan.distance + lost


def _under_bins(problem: Problem, found: Solution, objective: Objective) -> Solution:
    """The same routes at the times that the bins give, and what still fits. What was proved holds for the longest times
    alone."""
    types = found.types or [0] * len(found.routes)
    tables: list[Timetable] = []
    clock = Clock(problem)
    for of_type, route in zip(types, found.routes, strict=True):
        run = clock.run(of_type, route)
        assert run is not None, "a plan at the longest travel times is feasible at the real ones"
        tables.append(run.table)
    return put_in(dataclasses.replace(found, problem=problem, timetables=tables, proven=False), objective)
