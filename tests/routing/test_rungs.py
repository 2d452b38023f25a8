"""One suite for every rung: each field of a problem, against the checker, against all plans, and against each other."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from typing import Any

import numpy as np
import pytest
from bench.instances.delivery_problems import delivery_problem
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.routing.test_plan_features import rich_problem
from tests.routing.test_solve import random_problem

from matcher.routing import Break, Limit, OnBoard, Problem, Progress, Solution, VehicleType, solve
from matcher.routing.repair import fits, overload, timetables
from matcher.routing.rung import SolveTask
from matcher.routing.rung_partition import recombined
from matcher.routing.rungs import value
from matcher.routing.timing import Clock

EVERY = ["native", "ortools", "cpsat"]
PLAIN = ["partition", *EVERY]
"""Those that take vehicles of one type without prizes."""
TIMETABLED = ["windows", "breaks", "locked", "on_board", "late_cost", "bins"]
KERNEL = ["windows", "locked", "on_board", "late_cost", "bins"]
"""Those of them that the kernel knows."""


def beyond(field: str, seed: int, requests: int = 3) -> Problem:
    """A problem of whole numbers with one field with which a plan states its times."""
    rng = np.random.default_rng(seed)
    plain = random_problem(seed, requests)
    n = len(plain.ready)
    xy = rng.integers(0, 60, (n, 2)).astype(np.float64)
    distance = np.rint(np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1]))
    ready, due = np.rint(plain.ready), np.rint(plain.due)
    changes: dict[str, Any] = {}
    kind = VehicleType(2, (12,), fixed_cost=30.0)
    first = int(plain.pickup[0])
    if field == "windows":
        late = rng.integers(20, 200, n)
        changes["windows"] = {
            int(p): ((ready[p], ready[p] + 5.0), (due[p] + late[p], due[p] + late[p] + 9.0)) for p in plain.pickup
        }
        due[plain.pickup] += late[plain.pickup] + 9.0
    elif field == "breaks":
        kind = dataclasses.replace(kind, breaks=(Break(150.0, 260.0, 45.0), Break(400.0, 470.0, 60.0)))
    elif field == "locked":
        ready[first], due[first] = 0.0, 900.0
        changes["types"] = (VehicleType(1, (12,), earliest=30.0, locked=(first,)), kind)
    elif field == "on_board":
        changes["types"] = (VehicleType(1, (12,), earliest=30.0, on_board=(OnBoard(0, 10.0),)), kind)
        changes["max_ride"] = np.array([400.0, *[np.inf] * (requests - 1)])
    elif field == "late_cost":
        due[plain.pickup] = ready[plain.pickup] + 5.0
        changes["late_cost"] = np.where(np.arange(n) > 0, 0.5, np.inf)
    else:
        changes["bins"] = np.array([0.0, 200.0, 400.0])
        changes["bin_duration"] = np.rint(distance[None] * np.array([1.0, 1.8, 1.2])[:, None, None])
    return dataclasses.replace(
        plain,
        distance=distance,
        ready=ready,
        due=due,
        vehicles=0,
        capacity=0,
        **({"types": (kind,)} | changes),
    )


def least(problem: Problem, objective: str) -> tuple[float, ...]:
    """The value of the best of all plans of up to two routes: every order of every set, by the exact timetable."""
    clock, best = Clock(problem), None
    nodes = [int(n) for r in range(len(problem.pickup)) for n in (problem.pickup[r], problem.delivery[r])]
    nodes = [n for n in nodes if n not in {int(problem.pickup[r]) for r in problem.aboard}]
    kinds = [number for number, kind in enumerate(problem.fleet) for _ in range(kind.count)]
    ways: dict[tuple[int, frozenset[int]], list[tuple[int, ...]]] = {}
    for kind in set(kinds):
        for size in range(len(nodes) + 1):
            for route in itertools.permutations(nodes, size):
                if not route or fits(problem, clock, kind, route):
                    ways.setdefault((kind, frozenset(route)), []).append(route)
    keys = sorted(ways, key=lambda key: (key[0], sorted(key[1])))
    for (first, left), (second, right) in itertools.product(keys, keys):
        two = first != second or kinds.count(first) > 1
        if left & right or not (two or not right):
            continue
        for a, b in itertools.product(ways[first, left], ways[second, right]):
            pairs = [(t, list(r)) for t, r in ((first, a), (second, b)) if r]
            if any(k.locked and all(t != n for t, _ in pairs) for n, k in enumerate(problem.fleet)):
                continue
            gone = [r for r, d in enumerate(problem.delivery.tolist()) if d not in left | right]
            types, routes = [t for t, _ in pairs], [r for _, r in pairs]
            plan = Solution(problem, routes, gone, 0, [], types,
                            timetables(problem, routes, types))  # fmt: skip
            found = value(plan, objective)  # type: ignore[arg-type]
            best = found if best is None else min(best, found)
    assert best is not None
    return best


@pytest.mark.parametrize("solver", EVERY)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("prizes", "rides", "objective"), [
    (False, False, "hierarchical"), (True, False, "cost"), (False, True, "distance"), (True, True, "distance"),
])  # fmt: skip
def test_every_rung_plans_rich_problems(solver: Any, seed: int, prizes: bool, rides: bool, objective: Any) -> None:
    """Types, depots, open routes, dimensions, skills, rides and prizes; no rung beats what CP-SAT has proved."""
    problem = rich_problem(seed, 4, prizes=prizes, rides=rides)
    plan = solve(problem, max_iterations=4_000, objective=objective, solver=solver)
    plan.check()
    assert plan.solver == solver
    best = solve(problem, max_iterations=20_000, objective=objective, solver="cpsat")
    assert best.proven
    assert value(plan, objective) >= tuple(x - 1e-4 for x in value(best, objective))


@pytest.mark.parametrize("seed", range(12))
def test_the_kernel_finds_what_cpsat_proves(seed: int) -> None:
    """Vehicles that are alike, narrow and wide windows, every other time prizes and rides: the optimum itself."""
    problem = random_problem(seed, 4, vehicles=3, matrix=seed % 3 == 0)
    rng = np.random.default_rng(seed)
    if seed % 2:
        straight = problem.distance[problem.pickup, problem.delivery]
        problem = dataclasses.replace(problem, prize=rng.uniform(50, 300, 4), max_ride=straight * 2 + 10)
    best = solve(problem, max_iterations=20_000, objective="distance", solver="cpsat")
    assert best.proven
    plan = solve(problem, max_iterations=4_000, objective="distance", solver="native")
    assert value(plan, "distance") == pytest.approx(value(best, "distance"), abs=1e-3)


@pytest.mark.parametrize(("seed", "prizes", "rides", "objective"), [
    (2, False, False, "hierarchical"),  # the order of stops within one route
    (4, False, True, "hierarchical"),
    (7, False, False, "hierarchical"),
    (0, True, False, "cost"),  # a vehicle that is too dear for any one request
    (7, True, False, "cost"),
    (0, True, False, "distance"),
    (6, True, True, "distance"),
])  # fmt: skip
def test_the_kernel_finds_what_cpsat_proves_for_mixed_fleets(
    seed: int, prizes: bool, rides: bool, objective: Any
) -> None:
    """Plans that cannot be reached by putting requests into their cheapest places and opening the cheapest vehicles."""
    problem = rich_problem(seed, 4, prizes=prizes, rides=rides)
    best = solve(problem, max_iterations=20_000, objective=objective, solver="cpsat")
    assert best.proven
    plan = solve(problem, max_iterations=4_000, objective=objective, solver="native")
    plan.check()
    assert value(plan, objective) == pytest.approx(value(best, objective), abs=1e-2)


@pytest.mark.parametrize(
    ("solver", "field"),
    [*itertools.product(["ortools", "cpsat", "auto"], TIMETABLED), *itertools.product(["native"], KERNEL)],
)
@pytest.mark.parametrize("seed", range(3))
def test_rungs_keep_what_needs_a_timetable(solver: Any, seed: int, field: str) -> None:
    """Every plan passes the checker; CP-SAT's and the kernel's are as good as the best of all plans."""
    problem = beyond(field, seed, requests=2)
    plan = solve(problem, max_iterations=4_000, objective="cost", solver=solver)
    plan.check()
    best = least(problem, "cost")
    assert value(plan, "cost") >= tuple(x - 1e-6 for x in best)
    if solver == "cpsat":
        assert plan.proven == (field != "bins"), "bins are bounded: what is proved holds for the bounds"
    if plan.proven or solver == "native":
        assert value(plan, "cost") == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("field", [field for field in KERNEL if field != "bins"])
def test_the_kernel_finds_what_cpsat_proves_with_timetables(seed: int, field: str) -> None:
    """Three requests: several windows, lateness at a price, vehicles under way."""
    problem = beyond(field, seed)
    best = solve(problem, max_iterations=20_000, objective="cost", solver="cpsat")
    assert best.proven
    plan = solve(problem, max_iterations=4_000, objective="cost", solver="native")
    plan.check()
    assert value(plan, "cost") == pytest.approx(value(best, "cost"), abs=1e-3)


def under_way(seed: int, requests: int, *, objective: str = "cost") -> Problem:
    """Two dimensions of load and skills; one vehicle carries two requests, one has stops locked, both perhaps."""
    rng = np.random.default_rng(seed)
    plain = rich_problem(seed, requests, prizes=objective != "hierarchical" and bool(seed % 2), rides=False)
    nodes = [(int(p), int(d)) for p, d in zip(plain.pickup, plain.delivery, strict=True)]
    ready, due, demand = plain.ready.copy(), plain.due.copy(), plain.demand.copy()
    more, allowed = plain.more_demand, plain.allowed
    assert more is not None
    assert allowed is not None
    allowed = np.hstack([allowed, rng.random((requests, 2)) < 0.7])
    first, second = nodes[0], nodes[1]
    for p, d in (first, second):
        ready[[p, d]], due[[p, d]] = 0.0, 900.0
        demand[[p, d]] = 2, -2
        more[[p, d]] = [[1], [-1]]
    locked = [(first[0],), (first[0], first[1]), (first[0], second[0]), (first[0], second[0], first[1])][seed % 4]
    allowed[0, 3] = allowed[1, 3] = True
    start = len(ready) - 1
    going = VehicleType(1, (12, 6), start=start, end=None, earliest=20.0, latest=990.0, fixed_cost=20.0, locked=locked)
    held = tuple(OnBoard(r, 15.0) for r in range(2, min(4, requests)))
    full = VehicleType(1, (16, 8), start=start, end=0, earliest=25.0, latest=990.0, fixed_cost=15.0, on_board=held)
    rides = np.full(requests, np.inf)
    rides[2:] = rng.uniform(150.0, 600.0, requests - 2)
    return dataclasses.replace(
        plain,
        ready=ready,
        due=due,
        demand=demand,
        more_demand=more,
        types=(*plain.types, going, full),
        allowed=allowed,
        max_ride=rides,
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**20), requests=st.integers(2, 12), late=st.booleans(), spans=st.booleans(),
       bins=st.booleans())  # fmt: skip
def test_plans_for_vehicles_under_way_pass_the_checker(
    seed: int, requests: int, late: bool, spans: bool, bins: bool
) -> None:
    """Everything at once: loads on board, locked stops of every kind, rides, skills, prizes, lateness, windows."""
    problem = under_way(seed, requests)
    rng = np.random.default_rng(seed)
    if late:
        price = np.where(rng.random(len(problem.ready)) < 0.7, rng.uniform(0.0, 2.0, len(problem.ready)), np.inf)
        problem = dataclasses.replace(problem, late_cost=price)
    if spans:
        ends = problem.delivery[2:].tolist()
        two = {
            int(n): ((problem.ready[n], problem.ready[n] + 20.0), (problem.due[n] - 10.0, problem.due[n]))
            for n in ends
            if problem.due[n] - 10.0 > problem.ready[n] + 20.0
        }
        problem = dataclasses.replace(problem, windows=two)
    if bins:
        rows = problem.travel * rng.uniform(0.3, 1.0, (3, *problem.travel.shape))
        problem = dataclasses.replace(problem, duration=None, bins=np.array([0.0, 150.0, 400.0]), bin_duration=rows)
    told: list[tuple[Progress, list[list[int]]]] = []
    plan = solve(
        problem, max_iterations=600, objective="cost", solver="native", on_progress=lambda *step: told.append(step)
    )
    plan.check()
    assert plan.solver == "native"
    begins = [kind.locked for kind in problem.types if kind.locked]
    for _, routes in told:
        assert all(any(tuple(route[: len(begin)]) == begin for route in routes) for begin in begins)
    again = solve(problem, max_iterations=600, objective="cost", initial=plan.routes, solver="native")
    again.check()
    assert value(again, "cost") <= tuple(x + 1e-6 for x in value(plan, "cost"))


@pytest.mark.parametrize("objective", ["hierarchical", "distance", "cost"])
@pytest.mark.parametrize("seed", range(8))
def test_the_kernel_plans_for_vehicles_under_way_as_cpsat_proves(seed: int, objective: Any) -> None:
    """Four requests, two of them on board, the first ones with locked stops."""
    problem = under_way(seed, 4, objective=objective)
    best = solve(problem, max_iterations=40_000, objective=objective, solver="cpsat")
    best.check()
    assert best.proven
    plan = solve(problem, max_iterations=4_000, objective=objective, solver="native")
    plan.check()
    assert value(plan, objective) == pytest.approx(value(best, objective), abs=1e-2)


def test_what_cannot_be_delivered_in_time_stays_on_board_and_keeps_its_room() -> None:
    """Ten units of twelve are taken for good: the vehicle serves what fits beside them, and the rest is left out."""
    plain = random_problem(5, 3)
    demand, due = plain.demand.copy(), plain.due.copy()
    for request, size in enumerate((10, 2, 3)):
        demand[plain.pickup[request]], demand[plain.delivery[request]] = size, -size
    due[:] = 1000.0
    due[plain.delivery[0]] = 1.0
    kind = VehicleType(1, (12,), earliest=30.0, on_board=(OnBoard(0, 10.0),))
    problem = dataclasses.replace(plain, demand=demand, due=due, types=(kind,))
    plan = solve(problem, max_iterations=500, solver="native")
    plan.check()
    assert plan.left_out == [0, 2]
    assert {u.request: u.binding for u in plan.unserved} == {0: (Limit.TIME_WINDOW,), 2: (Limit.CAPACITY,)}


@pytest.mark.parametrize("solver", ["ortools", "auto"])
@pytest.mark.parametrize("field", TIMETABLED)
def test_larger_problems_are_planned_too(solver: Any, field: str) -> None:
    """Twenty requests and two vehicles: what cannot be served is named, the rest is a plan that holds."""
    problem = beyond(field, 7, requests=20)
    plan = solve(problem, max_iterations=3_000, objective="cost", solver=solver)
    plan.check()
    assert len(plan.unserved) < 15
    again = solve(problem, max_iterations=3_000, objective="cost", solver=solver)
    assert (plan.routes, plan.timetables) == (again.routes, again.timetables), "iterations alone decide"


@pytest.mark.parametrize("solver", PLAIN)
def test_every_rung_starts_from_given_routes(solver: Any) -> None:
    """A plan to start from is not made worse, whatever the budget."""
    problem = random_problem(3, 6, vehicles=6)
    given = solve(problem, max_iterations=500, objective="distance")
    plan = solve(problem, max_iterations=60, objective="distance", initial=given.routes, solver=solver)
    plan.check()
    assert value(plan, "distance") <= tuple(x + 1e-4 for x in value(given, "distance"))


@pytest.mark.parametrize("solver", PLAIN)
def test_every_rung_tells_of_progress_and_raises_what_the_listener_raises(solver: Any) -> None:
    """The exception comes out of the solver's own frames unchanged."""
    problem = random_problem(11, 5, vehicles=5)
    told: list[Progress] = []
    plan = solve(problem, max_iterations=1_000, solver=solver, on_progress=lambda step, routes: told.append(step))
    plan.check()
    assert told
    assert told[-1].distance >= plan.distance - 1e-3 or told[-1].vehicles > plan.vehicles

    def fail(step: Progress, routes: list[list[int]]) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        solve(problem, max_iterations=1_000, solver=solver, on_progress=fail)


@pytest.mark.parametrize("solver", ["native", "partition", "ortools"])
def test_every_rung_can_be_cancelled(solver: Any) -> None:
    """The limit is a minute; the answer comes when the byte is set."""
    cancel = np.zeros(1, np.uint8)
    threading.Timer(0.2, lambda: cancel.fill(1)).start()
    plan = solve(random_problem(12, 30, vehicles=20), time_limit=60.0, cancel=cancel, solver=solver)
    plan.check()


@pytest.mark.parametrize("solver", EVERY)
@pytest.mark.parametrize("requests", [3, 8])
def test_what_a_locked_stop_picks_up_is_delivered_without_a_search(solver: Any, requests: int) -> None:
    """With no time requests are put in one by one; the locked pick-up is made once, and delivered."""
    problem = beyond("locked", 1, requests=requests)
    plan = solve(problem, time_limit=0.0, objective="cost", solver=solver)
    plan.check()
    assert 0 not in plan.left_out
    due = problem.due.copy()
    due[problem.delivery[0]] = 1.0
    with pytest.raises(ValueError, match="types 0: no way to deliver request 0 was found, whose pick-up is locked"):
        solve(dataclasses.replace(problem, due=due), time_limit=0.0, objective="cost", solver=solver)


@pytest.mark.parametrize("solver", PLAIN)
@pytest.mark.parametrize(("requests", "vehicles"), [(0, 3), (3, 0)])
def test_nothing_to_do_and_nobody_to_do_it(solver: Any, requests: int, vehicles: int) -> None:
    """An empty plan, with a reason for each request."""
    plan = solve(random_problem(1, requests, vehicles=vehicles), max_iterations=50, solver=solver)
    plan.check()
    assert (plan.routes, len(plan.unserved)) == ([], requests)


@pytest.mark.parametrize("solver", PLAIN)
def test_what_no_vehicle_can_serve_is_left_out_with_its_reason(solver: Any) -> None:
    """Too large, too late, not allowed: the others are served."""
    plain = random_problem(4, 4)
    demand, due = plain.demand.copy(), plain.due.copy()
    demand[plain.pickup[0]], demand[plain.delivery[0]] = 99, -99
    due[plain.delivery[1]] = 1.0
    allowed = np.array([[True], [True], [False], [True]])
    problem = dataclasses.replace(plain, demand=demand, due=due, allowed=allowed, types=(VehicleType(3, (12,)),))
    plan = solve(problem, max_iterations=500, solver=solver)
    plan.check()
    assert {u.request: u.binding[0] for u in plan.unserved} == {
        0: Limit.CAPACITY, 1: Limit.TIME_WINDOW, 2: Limit.VEHICLE_TYPE,
    }  # fmt: skip


@pytest.mark.parametrize("objective", ["hierarchical", "distance"])
@pytest.mark.parametrize("seed", range(6))
def test_partition_finds_the_best_plan_that_its_routes_make_up(seed: int, objective: Any) -> None:
    """Against every choice of routes from a small pool: all served once, with no more vehicles than the plan has."""
    problem = random_problem(seed, 5, vehicles=5)
    clock, pick = Clock(problem), problem.pickup.tolist()
    nodes = [(int(p), int(d)) for p, d in zip(problem.pickup, problem.delivery, strict=True)]
    pairs = [[a[0], b[0], *end] for a, b in itertools.permutations(nodes, 2) for end in ((a[1], b[1]), (b[1], a[1]))]
    pool = [route for route in [*map(list, nodes), *pairs] if fits(problem, clock, 0, route)]
    alone = [list(pair) for pair in nodes]
    assert all(route in pool for route in alone)
    plan = Solution(problem, alone, [], 10, [], objective=objective, pool=pool)
    told: list[Progress] = []
    task = SolveTask(problem, objective, None, 2_000, on_progress=lambda step, routes: told.append(step))
    better = recombined(plan, task, None)
    better.check()
    every = (
        Solution(problem, list(routes), [], 0, [], objective=objective)
        for count in range(1, 6)
        for routes in itertools.combinations(pool, count)
        if sorted(node for route in routes for node in route if node in pick) == sorted(pick)
    )
    assert value(better, objective) == pytest.approx(min(value(one, objective) for one in every), rel=1e-8)
    assert [step.distance for step in told] == [better.distance] * (better is not plan)
    again = recombined(dataclasses.replace(better, pool=pool), task, None)
    assert again.routes == better.routes, "nothing better than the best"


@pytest.mark.parametrize("objective", ["hierarchical", "distance"])
def test_partition_is_no_worse_than_its_search_and_repeats_itself(objective: Any) -> None:
    """Iterations alone decide, those of CP-SAT too; with a time limit the plan holds as well."""
    problem = delivery_problem("plain", 30, 3)
    plan = solve(problem, max_iterations=4_000, objective=objective, solver="partition")
    plan.check()
    assert plan.solver == "partition"
    first = solve(problem, max_iterations=3_200, objective=objective, solver="native")
    assert value(plan, objective) <= value(first, objective)
    fractions = [step.fraction for step in plan.history]
    assert fractions == sorted(fractions)
    assert solve(problem, max_iterations=4_000, objective=objective, solver="partition").routes == plan.routes
    timed = solve(problem, time_limit=1.0, objective=objective, solver="partition")
    timed.check()
    assert timed.pool == []


def test_auto_takes_the_kernel_where_it_can_and_says_who_answered() -> None:
    """Plain: native. A few stops beyond it: CP-SAT with a proof. Many: the routing library."""
    assert solve(random_problem(1, 4), max_iterations=20).solver == "native"
    assert solve(random_problem(1, 20), time_limit=1.0).solver == "native"
    for field in KERNEL:
        assert solve(beyond(field, 1), max_iterations=200, objective="cost").solver == "native"
    small = solve(beyond("breaks", 1), max_iterations=40_000, objective="cost")
    assert (small.solver, small.proven) == ("cpsat", True)
    assert solve(beyond("breaks", 1, requests=30), max_iterations=200, objective="cost").solver == "ortools"
    assert solve(beyond("bins", 1), max_iterations=200, objective="cost").solver == "native"


def test_auto_is_no_worse_than_the_library_where_the_kernel_is() -> None:
    """Few requests with prizes: the kernel's search ends at 574.6 whatever its seed, the library finds 523.8."""
    problem = delivery_problem("prizes", 10, 1)
    heard: list[float] = []
    plan = solve(problem, time_limit=1.0, objective="distance", on_progress=lambda step, _: heard.append(step.fraction))
    plan.check()
    library = solve(problem, max_iterations=2_000, objective="distance", solver="ortools")
    assert value(plan, "distance")[-1] <= value(library, "distance")[-1] * (1 + 1e-6)
    assert heard == sorted(heard)
    assert max(heard, default=0.0) <= 0.5


def test_travel_bins_are_used_and_not_only_feared() -> None:
    """At the longest travel times the request is late; leaving at once, as its window asks, it is not."""
    problem = beyond("bins", 2, requests=1)
    p, d = int(problem.pickup[0]), int(problem.delivery[0])
    ready, due = np.zeros(3), np.full(3, 1000.0)
    reach = float(problem.bin_duration[0, 0, p])  # type: ignore[index]
    due[p], due[d] = 500.0, reach + 10.0 + float(problem.bin_duration[0, p, d])  # type: ignore[index]
    problem = dataclasses.replace(problem, ready=ready, due=due, service=np.zeros(3))
    plan = solve(problem, max_iterations=100, objective="cost")
    plan.check()
    assert plan.routes == [[p, d]]
    assert max(overload(problem, 0, plan.routes[0])) <= 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"windows": {1: ((0.0, 1.0),)}}, "windows of node 1 do not reach"),
        ({"windows": {99: ((0.0, 1.0),)}}, "node 99, which does not exist"),
        ({"windows": {1: ((5.0, 1.0),)}}, "not ascending and disjoint"),
        ({"late_cost": np.ones(2)}, r"late_cost is not \(nodes\)"),
        ({"late_cost": np.full(7, -1.0)}, "late_cost 0 is negative"),
        ({"bins": np.array([0.0])}, "belong together"),
        ({"bins": np.array([3.0, 1.0]), "bin_duration": np.ones((2, 7, 7))}, "do not ascend"),
        ({"types": (VehicleType(2, (12,), locked=(1,)),)}, "its count must be 1, is 2"),
        ({"types": (VehicleType(1, (12,), locked=(4,)),)}, "locked stop 0 .node 4.: delivers what is neither"),
        ({"types": (VehicleType(1, (12,), locked=(1,)),) * 2}, "locked to types 0 and 1"),
        ({"types": (VehicleType(1, (12,), on_board=(OnBoard(0, 0.0),)),) * 2},
         "request 0 is on board of types 0 and 1"),
        ({"types": (VehicleType(1, (12,), on_board=(OnBoard(0, 0.0),)), VehicleType(1, (12,), locked=(4,)))},
         "request 0 is on board already, and of types 0"),
        ({"types": (VehicleType(1, (12,), on_board=(OnBoard(9, 0.0),)),)}, "request 9 on board, which does not exist"),
        ({"types": (VehicleType(1, (12,), earliest=995.0, locked=(1,)),)}, "locked stop 0: cannot be made in time"),
        ({"types": (VehicleType(1, (12,), breaks=(Break(5, 9, 4), Break(10, 20, 4))),)}, "breaks that could overlap"),
        ({"types": (VehicleType(1, (12,), breaks=(Break(9, 5, 4),)),)}, "ends before it begins"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_name(changes: dict[str, Any], sentence: str) -> None:
    """Contradictory locks and the rest: before any search."""
    problem = dataclasses.replace(random_problem(2, 3), types=(VehicleType(2, (12,)),))
    with pytest.raises(ValueError, match=sentence):
        solve(dataclasses.replace(problem, **changes), max_iterations=10, objective="cost")


def test_rungs_say_what_they_do_not_take() -> None:
    """The kernel its fields, CP-SAT its size, both of OR-Tools' the CPU clock; lateness its objective."""
    with pytest.raises(ValueError, match="the native solver does not know breaks"):
        solve(beyond("breaks", 1), max_iterations=10, objective="cost", solver="native")
    limited = dataclasses.replace(beyond("locked", 1), max_ride=np.full(3, 400.0))
    with pytest.raises(ValueError, match=r"does not know a locked pick-up whose time on board is limited .request 0."):
        solve(limited, max_iterations=10, objective="cost", solver="native")
    with pytest.raises(ValueError, match="takes 2000 arcs"):
        solve(random_problem(1, 60), max_iterations=10, solver="cpsat")
    with pytest.raises(ValueError, match="the partition solver does not know windows"):
        solve(beyond("windows", 1), max_iterations=10, objective="cost", solver="partition")
    with pytest.raises(ValueError, match="the partition solver does not know several vehicle types"):
        solve(rich_problem(1, 4, prizes=False, rides=False), max_iterations=10, solver="partition")
    plain = dataclasses.replace(random_problem(1, 2), prize=np.full(2, 10.0))
    with pytest.raises(ValueError, match="the partition solver does not know prizes"):
        solve(plain, max_iterations=10, objective="distance", solver="partition")
    with pytest.raises(ValueError, match="the partition solver takes a time_limit of a second or more"):
        solve(random_problem(1, 2), time_limit=0.9, solver="partition")
    for solver in ("partition", "ortools", "cpsat"):
        with pytest.raises(ValueError, match="counts wall time only"):
            solve(random_problem(1, 2), time_limit=1.0, clock="cpu", solver=solver)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='objective is "distance"'):
        solve(beyond("late_cost", 1), max_iterations=10, objective="distance")
    with pytest.raises(ValueError, match="solver is 'other'"):
        solve(random_problem(1, 2), max_iterations=10, solver="other")  # type: ignore[arg-type]
