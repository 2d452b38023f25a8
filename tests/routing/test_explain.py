"""Reasons for requests left out: the least change serves the request, anything less does not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.routing.test_plan_features import rich_problem
from tests.routing.test_solve import random_problem

from matcher.cli.main import main
from matcher.routing import Limit, Problem, Relaxation, Solution, Unserved, VehicleType, solve
from matcher.routing.explain import sentence
from matcher.routing.formats import problem_to_json
from matcher.routing.repair import put_in


def tight(seed: int) -> Problem:
    """Three small vehicles of three types, short shifts and, every other time, short rides."""
    problem = rich_problem(seed, 12, prizes=False, rides=seed % 2 == 0, spread=1.6)
    rng = np.random.default_rng(seed)
    types = tuple(
        dataclasses.replace(kind, count=1, capacity=room, latest=float(rng.uniform(200, 600)))
        for kind, room in zip(problem.types, ((7, 3), (6, 6), (8, 4)), strict=True)
    )
    return dataclasses.replace(problem, types=types)


def given_way(problem: Problem, item: Relaxation, request: int, share: float = 1.0) -> Problem:
    """The problem with one limit changed by a share of what a reason says."""
    amount = item.amount * share
    types = list(problem.fleet)
    kind = types[item.vehicle_type]
    if item.limit == Limit.TIME_WINDOW:
        return dataclasses.replace(problem, types=tuple(types), due=problem.due + amount)
    if item.limit == Limit.MAX_RIDE:
        assert problem.max_ride is not None
        return dataclasses.replace(problem, max_ride=problem.max_ride + amount)
    if item.limit == Limit.VEHICLE_TYPE:
        assert problem.allowed is not None
        allowed = problem.allowed.copy()
        allowed[request, item.vehicle_type] = share >= 1.0
        return dataclasses.replace(problem, allowed=allowed)
    if item.limit == Limit.SHIFT:
        assert kind.latest is not None
        kind = dataclasses.replace(kind, latest=kind.latest + amount)
    elif item.limit == Limit.CAPACITY:
        kind = dataclasses.replace(kind, capacity=tuple(room + int(amount) for room in kind.capacity))
    elif item.limit == Limit.VEHICLES:
        kind = dataclasses.replace(kind, count=kind.count + int(amount))
    types[item.vehicle_type] = kind
    return dataclasses.replace(problem, types=tuple(types))


def serves(plan: Solution, problem: Problem, request: int) -> bool:
    """Whether the request enters the plan under another problem, others staying where they are."""
    alone = dataclasses.replace(
        plan,
        problem=problem,
        left_out=[request],
    )
    return not put_in(alone, "distance").left_out


def plan_of(problem: Problem) -> tuple[Solution, Sequence[Unserved]]:
    plan = solve(problem, max_iterations=300, objective="distance")
    plan.check()
    return plan, plan.unserved


@pytest.mark.parametrize("seed", range(25))
def test_the_least_change_serves_and_less_does_not(seed: int) -> None:
    """Rich and plain problems with too few vehicles; every limit that a reason names, put to the test."""
    problem = tight(seed)
    if seed % 3 == 0:
        problem = dataclasses.replace(random_problem(seed, 12), types=(VehicleType(2, (9,), latest=600.0),))
    plan, reasons = plan_of(problem)
    assert [why.request for why in reasons] == plan.left_out
    for why in reasons:
        assert why.binding, "something keeps it out"
        assert not serves(plan, problem, why.request) or why.binding == (Limit.SEARCH,)
        for item in why.relaxations:
            if item.limit is not Limit.SEARCH:
                assert serves(plan, given_way(problem, item, why.request), why.request), (why.request, item)
                assert not serves(plan, given_way(problem, item, why.request, 0.98), why.request), item
        if why.together:
            assert len(why.together) > 1
            changed = problem
            for item in why.together:
                changed = given_way(changed, item, why.request)
            assert serves(plan, changed, why.request)
        assert sentence(why).startswith(f"request {why.request}: ")


def test_every_limit_is_named_where_it_binds() -> None:
    """Over many seeds each kind of limit turns up."""
    seen: set[Limit] = set()
    for seed in range(8):
        for why in plan_of(tight(seed))[1]:
            seen |= set(why.binding)
    assert seen >= {Limit.TIME_WINDOW, Limit.SHIFT, Limit.CAPACITY, Limit.VEHICLE_TYPE, Limit.VEHICLES}


def test_a_ride_that_is_too_long_says_by_how_much() -> None:
    """Picked up by 50, delivered from 100 on, and on board for at most 15: 35 short, of the ride or of the window."""
    distance = np.full((3, 3), 10.0)
    np.fill_diagonal(distance, 0.0)
    problem = Problem(
        "early",
        distance,
        ready=np.array([0.0, 0.0, 100.0]),
        due=np.array([200.0, 50.0, 200.0]),
        service=np.zeros(3),
        demand=np.array([0, 1, -1], np.int32),
        pickup=np.array([1], np.int32),
        delivery=np.array([2], np.int32),
        vehicles=1,
        capacity=1,
        max_ride=np.array([15.0]),
    )
    (why,) = plan_of(problem)[1]
    assert [(item.limit, round(item.amount, 4), item.route, item.stops) for item in why.relaxations] == [
        (Limit.TIME_WINDOW, 35.0, -1, (1, 2)),
        (Limit.MAX_RIDE, 35.0, -1, (1, 2)),
    ]


def test_a_prize_that_does_not_pay_says_by_how_much() -> None:
    """The cheapest place costs more than the prize: with that much more it is served."""
    plain = random_problem(3, 5, vehicles=9)
    prize = np.array([np.inf, np.inf, np.inf, np.inf, 1.0])
    plan = solve(dataclasses.replace(plain, prize=prize), max_iterations=400, objective="distance")
    (why,) = plan.unserved
    (item,) = why.relaxations
    assert item.limit is Limit.PRIZE
    for more, served in ((-0.01, False), (0.01, True)):
        enough = dataclasses.replace(plain, prize=np.append(prize[:4], 1.0 + item.amount + more))
        assert serves(plan, enough, 4) is served


def test_the_command_prints_reasons_and_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text for people, JSON for programs."""
    problem = dataclasses.replace(random_problem(2, 9), types=(VehicleType(1, (9,)),))
    path, out = tmp_path / "problem.json", tmp_path / "plan.json"
    path.write_text(problem_to_json(problem))
    assert main(["solve", str(path), "--max-iterations", "200", "--out", str(out)]) == 1
    assert "served by " in capsys.readouterr().out
    tree = json.loads(out.read_text())
    assert tree["solver"] == "native"
    for gone in tree["unserved"]:
        assert gone["relaxations"] or gone["together"]
        assert {"limit", "amount", "vehicle_type", "route", "stops"} <= set((gone["relaxations"] + gone["together"])[0])
