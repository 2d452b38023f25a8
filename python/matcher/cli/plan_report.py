"""The report of ``matcher solve FILE --report``: a Solution as a RunView."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from matcher.console import PlanView, RouteTrack, RunView, StopMark
    from matcher.routing import Problem, Solution, Timetable, Unserved


def plan_report(plan: Solution, explained: Sequence[Unserved], command: str) -> RunView:
    """What was planned, by whom, how good, and why requests are left out."""
    from matcher.console import Figure, RunView

    problem = plan.problem
    requests = len(problem.pickup)
    fleet = sum(kind.count for kind in problem.fleet)
    figures = [
        Figure("Requests served", f"{requests - len(plan.left_out)}", f"of {requests}"),
        Figure("Vehicles", f"{plan.vehicles}", f"of {fleet}"),
        Figure("Distance", f"{plan.distance:,.1f}"),
        Figure("Solver", plan.solver, note="proven optimal" if plan.proven else f"{plan.iterations:,} iterations"),
    ]
    if plan.lateness_cost:
        figures.insert(3, Figure("Price of lateness", f"{plan.lateness_cost:,.1f}"))
    return RunView(
        title=f"Plan of {problem.name or 'a problem'}",
        subtitle=f"{requests} requests, {plan.vehicles} routes",
        figures=tuple(figures),
        metrics=(),
        provenance=(("command", command), ("solver", plan.solver)),
        plan=plan_view(plan, explained),
    )


def plan_view(plan: Solution, explained: Sequence[Unserved]) -> PlanView:
    """Routes, times and places; places are laid out from the distances when the problem has none."""
    from matcher.console import LeftOut, PlanView
    from matcher.routing.explain import sentence
    from matcher.routing.repair import all_timetables

    problem = plan.problem
    types = plan.types or [0] * len(plan.routes)
    tables = plan.timetables or all_timetables(problem, plan.routes, types)
    xy = _places(problem)
    routes = tuple(_route(plan, number, table, xy) for number, table in enumerate(tables))
    why = {item.request: sentence(item).split(": ", 1)[1] for item in explained}

    def at(node: int) -> tuple[float, float]:
        return float(xy[node, 0]), float(xy[node, 1])

    left = tuple(
        LeftOut(request, at(int(problem.pickup[request])), at(int(problem.delivery[request])), why.get(request, ""))
        for request in plan.left_out
    )  # fmt: skip
    return PlanView(routes, left, problem.xy is not None)


def _route(plan: Solution, number: int, table: Timetable, xy: npt.NDArray[np.float64]) -> RouteTrack:
    from matcher.console import RouteTrack

    problem, kind, route = plan.problem, plan.vehicle_type(number), plan.routes[number]
    assert kind.earliest is not None
    travel = problem.travel
    # It need not leave before it must to be at the first stop in time; breaks aside, that is when it does.
    begin = max(kind.earliest, table.starts[0] - float(travel[kind.start, route[0]]))
    if table.breaks:
        begin = kind.earliest
    stops = _stops(problem, number, plan, table, begin, xy)
    last = stops[-1]
    end = last.leave if kind.end is None else last.leave + float(travel[route[-1], kind.end])
    place = (last.x, last.y) if kind.end is None else (float(xy[kind.end, 0]), float(xy[kind.end, 1]))
    pauses = tuple((at, at + rule.duration) for at, rule in zip(table.breaks, kind.breaks, strict=True))
    way = [kind.start, *route, *(() if kind.end is None else (kind.end,))]
    of_type = plan.types[number] if plan.types else 0
    return RouteTrack(
        name=f"route {number}",
        vehicle=f"type {of_type}",
        begin=(begin, float(xy[kind.start, 0]), float(xy[kind.start, 1])),
        end=(end + sum(b - a for a, b in pauses if a >= last.leave and a < end), *place),
        stops=stops,
        breaks=pauses,
        distance=float(sum(problem.distance[a, b] for a, b in itertools.pairwise(way))),
    )


def _stops(
    problem: Problem, number: int, plan: Solution, table: Timetable, begin: float, xy: npt.NDArray[np.float64]
) -> tuple[StopMark, ...]:
    from matcher.console import StopMark

    kind = plan.vehicle_type(number)
    pickups = {int(node): request for request, node in enumerate(problem.pickup)}
    deliveries = {int(node): request for request, node in enumerate(problem.delivery)}
    load = [0] * len(kind.capacity)
    for held in kind.on_board:
        load = [have + more for have, more in zip(load, problem.loads(int(problem.pickup[held.request])), strict=True)]
    at, leave, found = kind.start, begin, []
    for node, start in zip(plan.routes[number], table.starts, strict=True):
        load = [have + change for have, change in zip(load, problem.loads(node), strict=True)]
        arrive = min(start, leave + float(problem.travel[at, node]))
        at, leave = node, start + float(problem.service[node])
        spans = (problem.windows or {}).get(node) or ((float(problem.ready[node]), float(problem.due[node])),)
        delivers = node in deliveries
        found.append(
            StopMark(
                node=node,
                request=deliveries[node] if delivers else pickups[node],
                kind="delivery" if delivers else "pickup",
                x=float(xy[node, 0]),
                y=float(xy[node, 1]),
                arrive=arrive,
                start=start,
                leave=leave,
                windows=tuple(spans),
                load=tuple(load),
            )
        )
    return tuple(found)


def _places(problem: Problem) -> npt.NDArray[np.float64]:
    """The problem's own, or classical scaling of its distances (Torgerson 1952)."""
    import numpy as np

    if problem.xy is not None:
        return problem.xy
    both = (problem.distance + problem.distance.T) / 2
    square = both**2
    centred = -(square - square.mean(axis=0) - square.mean(axis=1)[:, None] + square.mean()) / 2
    values, vectors = np.linalg.eigh(centred)
    axes = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0.0))
    # The sign of an axis is arbitrary: the first place is made to lie left and low.
    axes = axes * np.where(axes[0] > 0, -1.0, 1.0)
    return np.pad(axes, ((0, 0), (0, 2 - axes.shape[1])))
