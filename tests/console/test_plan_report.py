"""A plan's report: what is drawn is the plan, with its windows, breaks, lateness and what was left out."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vl_convert
from tests.routing.test_rungs import beyond
from tests.routing.test_solve import random_problem

from matcher.cli.main import main
from matcher.cli.plan_report import plan_report, plan_view
from matcher.console import LeftOut, PlanView, RunView, render_report
from matcher.routing import Problem, Solution, VehicleType, solve
from matcher.routing.formats import problem_to_json


def specs(html: str) -> list[dict[str, Any]]:
    return [json.loads(found) for found in re.findall(r'id="plan-\d+">(.*?)</script>', html, re.DOTALL)]


def planned(problem: Problem) -> tuple[Solution, RunView]:
    plan = solve(problem, max_iterations=2_000, objective="cost")
    plan.check()
    return plan, plan_report(plan, plan.unserved, "matcher solve x.json")


@pytest.mark.parametrize("field", ["windows", "breaks", "on_board", "late_cost", "bins", "locked"])
def test_what_is_drawn_is_the_plan(field: str) -> None:
    """Stops, times and windows as the plan has them, of plans by every rung; every chart can be drawn."""
    plan, view = planned(beyond(field, 5, requests=4))
    assert view.plan is not None
    assert [[stop.node for stop in route.stops] for route in view.plan.routes] == plan.routes
    for route, table in zip(view.plan.routes, plan.timetables, strict=True):
        assert tuple(stop.start for stop in route.stops) == table.starts
        assert tuple(begin for begin, _ in route.breaks) == table.breaks
        for stop in route.stops:
            assert stop.arrive <= stop.start <= stop.leave
            assert any(a - 1e-6 <= stop.start <= b + 1e-6 for a, b in stop.windows) or field == "late_cost"
    assert sum(route.distance for route in view.plan.routes) == pytest.approx(plan.distance)
    for spec in specs(render_report(view)):
        assert vl_convert.vegalite_to_svg(json.dumps(spec | {"width": 400})).startswith("<svg")


def test_times_of_a_plan_without_any_are_made() -> None:
    """The native search gives routes only; what is left out stands on the map and in a table, with its reason."""
    problem = dataclasses.replace(random_problem(2, 9), types=(VehicleType(1, (9,)),))
    plan, view = planned(problem)
    assert not plan.timetables
    html = render_report(view)
    assert next(spec["height"] for spec in specs(html)) == 560
    assert view.plan is not None
    assert len(view.plan.left_out) == len(plan.unserved) > 0
    assert "<td>served" in html
    assert html == render_report(planned(problem)[1])


def test_places_are_kept_or_made_from_distances() -> None:
    """Of a plane's distances the layout keeps every one."""
    problem = random_problem(3, 5)
    plan = solve(problem, max_iterations=50)
    drawn = plan_view(plan, [])
    assert not drawn.to_scale
    stops = [stop for route in drawn.routes for stop in route.stops]
    for a in stops:
        for b in stops:
            assert np.hypot(a.x - b.x, a.y - b.y) == pytest.approx(problem.distance[a.node, b.node], abs=1e-6)
    xy = np.zeros((len(problem.ready), 2))
    assert plan_view(dataclasses.replace(plan, problem=dataclasses.replace(problem, xy=xy)), []).to_scale


def test_strings_cannot_leave_their_place() -> None:
    """Reasons are text, whatever they hold."""
    evil = "</script><script>alert(1)</script>"
    left = LeftOut(0, (0.0, 0.0), (1.0, 1.0), evil)
    html = render_report(RunView("t", "s", (), (), (), plan=PlanView((), (left,), True)))
    assert evil not in html


def test_the_command_writes_it(tmp_path: Path) -> None:
    """`matcher solve FILE --report`."""
    path, out = tmp_path / "problem.json", tmp_path / "deep" / "report.html"
    path.write_text(problem_to_json(random_problem(4, 3)))
    assert main(["solve", str(path), "--max-iterations", "50", "--report", str(out)]) == 0
    assert "Windows of a route" in out.read_text()
