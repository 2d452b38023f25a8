"""Requests put into the routes of a plan, exactly: every place is tried under every rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from matcher.routing.places import length, may_carry, overload, places
from matcher.routing.problem import Problem, Timetable
from matcher.routing.solution import Solution
from matcher.routing.timing import Clock, Run


def put_in(plan: Solution, objective: str) -> Solution:
    """The plan with every left-out request that still fits, in turn at its cheapest place, where it pays.

    Requests that a locked stop picks up come first: they must be delivered. Raises ValueError where no place
    for that is found.
    """
    problem = plan.problem
    clock = Clock(problem)
    routes, types = [list(route) for route in plan.routes], list(plan.types or [0] * len(plan.routes))
    tables = list(plan.timetables or all_timetables(problem, routes, types))
    left: list[int] = []
    promised = {node for kind in problem.types for node in kind.locked}
    for request in sorted(plan.left_out, key=lambda request: int(problem.pickup[request]) not in promised):
        must = int(problem.pickup[request]) in promised
        prize = np.inf if must or problem.prize is None else float(problem.prize[request])
        best: tuple[tuple[float, float], int, int, list[int], Run] | None = None
        for number, of_type in [*enumerate(types), *((-1, t) for t in _spare(problem, types))]:
            if not may_carry(problem, of_type, request):
                continue
            present = routes[number] if number >= 0 else []
            if number < 0 and problem.fleet[of_type].locked:
                continue
            found = _cheapest(problem, clock, of_type, present, request)
            if found is None:
                continue
            new = objective == "hierarchical" and number < 0
            price = found[0] + (problem.fleet[of_type].fixed_cost if number < 0 and objective == "cost" else 0.0)
            if price < prize and (best is None or (float(new), price) < best[0]):
                best = ((float(new), price), number, of_type, found[1], found[2])
        if best is None:
            if must:
                of = problem.bound[request]
                raise ValueError(f"types {of}: no way to deliver request {request} was found, whose pick-up is locked")
            left.append(request)
            continue
        _, number, of_type, route, run = best
        if number < 0:
            routes.append(route)
            types.append(of_type)
            tables.append(run.table)
        else:
            routes[number], tables[number] = route, run.table
    return dataclasses.replace(
        plan,
        routes=routes,
        types=types if problem.types else [],
        timetables=tables if problem.timetabled else [],
        left_out=sorted(left),
    )


def _spare(problem: Problem, types: Sequence[int]) -> list[int]:
    """Vehicle types of which one stands idle."""
    return [number for number, vehicle in enumerate(problem.fleet) if types.count(number) < vehicle.count]


def _cheapest(
    problem: Problem, clock: Clock, of_type: int, route: Sequence[int], request: int
) -> tuple[float, list[int], Run] | None:
    """What the cheapest place adds to distance and lateness, the route with it, and its times."""
    before = length(problem, of_type, route) if route else 0.0
    present = clock.run(of_type, route) if route else None
    late = 0.0 if present is None else present.lateness_cost
    best: tuple[float, list[int], Run] | None = None
    for tried in places(problem, of_type, route, request):
        added = length(problem, of_type, tried) - before
        if (best is not None and added - late >= best[0]) or max(overload(problem, of_type, tried)) > 0:
            continue
        run = clock.run(of_type, tried)
        if run is not None and (best is None or added + run.lateness_cost - late < best[0]):
            best = (added + run.lateness_cost - late, tried, run)
    return best


def timetables(problem: Problem, routes: Sequence[Sequence[int]], types: Sequence[int]) -> list[Timetable]:
    """Of routes that are feasible, when the problem needs them; empty otherwise. Raises ValueError where one is not."""
    return all_timetables(problem, routes, types) if problem.timetabled else []


def all_timetables(problem: Problem, routes: Sequence[Sequence[int]], types: Sequence[int]) -> list[Timetable]:
    """Of routes that are feasible, as early as can be. Raises ValueError where one is not."""
    clock = Clock(problem)
    tables = []
    for number, (of_type, route) in enumerate(zip(types, routes, strict=True)):
        run = clock.run(of_type, route, soonest=True)
        if run is None:
            raise ValueError(f"route {number} keeps not all limits")
        tables.append(run.table)
    return tables


def fits(problem: Problem, clock: Clock, of_type: int, route: Sequence[int]) -> bool:
    """Whether a vehicle of a type can drive a route, and deliver on it all that it picks up there."""
    ends = {int(p): (r, False) for r, p in enumerate(problem.pickup)}
    ends |= {int(d): (r, True) for r, d in enumerate(problem.delivery)}
    held = {load.request for load in problem.fleet[of_type].on_board}
    seen: set[int] = set()
    for node in route:
        if node not in ends or node in seen:
            return False
        request, delivers = ends[node]
        if not may_carry(problem, of_type, request) or delivers != (request in held):
            return False
        held ^= {request}
        seen.add(node)
    locked = problem.fleet[of_type].locked
    if (
        not route
        or held - {load.request for load in problem.fleet[of_type].on_board}
        or tuple(route[: len(locked)]) != locked
    ):
        return False
    return max(overload(problem, of_type, route)) <= 0 and clock.run(of_type, route) is not None


def finished(problem: Problem, found: Sequence[tuple[int, list[int]]], objective: str, solver: str) -> Solution:
    """A plan of routes with their vehicle types. When nothing was found, requests are put in one by one."""
    routes = list(found) or [(t, list(kind.locked)) for t, kind in enumerate(problem.fleet) if kind.locked]
    served = {node for _, route in routes for node in route}
    types, stops = [of_type for of_type, _ in routes], [route for _, route in routes]
    plan = Solution(
        problem=problem,
        routes=stops,
        left_out=[r for r, d in enumerate(problem.delivery.tolist()) if d not in served],
        iterations=0,
        history=[],
        types=types if problem.types else [],
        timetables=timetables(problem, stops, types),
        solver=solver,
        objective=objective,
    )
    return plan if found or not plan.left_out else put_in(plan, objective)
