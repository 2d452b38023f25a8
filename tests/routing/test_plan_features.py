"""Fleets of several types, limits on the time on board, prizes, progress and cancellation: held to the checker."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.routing.test_solve import random_problem

from matcher.routing import InvalidPlanError, Limit, Problem, Progress, Solution, VehicleType, solve


def rich_problem(seed: int, requests: int, *, prizes: bool, rides: bool, spread: float = 3.0) -> Problem:
    """Two depots, an open type, two dimensions of load, and requests that some types may not serve."""
    rng = np.random.default_rng(seed)
    plain = random_problem(seed, requests)
    n = len(plain.ready)
    # One more node, of no request, as second depot.
    xy = rng.uniform(0, 100, (n + 1, 2))
    distance = np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1])
    pad = {name: np.pad(getattr(plain, name), (0, 1)) for name in ("ready", "service", "demand")}
    more = np.zeros((n + 1, 1), np.int32)
    more[plain.pickup, 0] = rng.integers(0, 4, requests)
    more[plain.delivery, 0] = -more[plain.pickup, 0]
    straight = distance[plain.pickup, plain.delivery]
    types = (
        VehicleType(2, (12, 4), fixed_cost=40.0),
        VehicleType(2, (8, 9), start=n, end=None, earliest=100.0, latest=700.0, fixed_cost=10.0),
        VehicleType(1, (20, 20), start=n, end=0, fixed_cost=90.0),
    )
    return Problem(
        f"rich-{seed}",
        distance,
        pad["ready"],
        np.pad(plain.due, (0, 1), constant_values=1000.0),
        pad["service"],
        pad["demand"],
        plain.pickup,
        plain.delivery,
        0,
        0,
        duration=distance * rng.uniform(1.0, 1.5),
        types=types,
        more_demand=more,
        allowed=rng.random((requests, 3)) < 0.8,
        max_ride=straight * rng.uniform(1.5, spread, requests) + 5.0 if rides else None,
        prize=np.where(rng.random(requests) < 0.5, rng.uniform(5, 200, requests), np.inf) if prizes else None,
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), requests=st.integers(1, 14), prizes=st.booleans(), rides=st.booleans())
def test_plans_of_rich_problems_pass_the_checker(seed: int, requests: int, prizes: bool, rides: bool) -> None:
    """Every feature at once, with and without prizes and ride limits."""
    problem = rich_problem(seed, requests, prizes=prizes, rides=rides)
    solution = solve(problem, max_iterations=120, objective="cost" if prizes else "hierarchical")
    solution.check()
    again = solve(problem, max_iterations=0, objective="cost", initial=solution.routes)
    again.check()


@pytest.mark.parametrize(("seed", "prizes", "rides"), [(1, False, False), (2, True, False), (3, True, True)])
def test_rich_plans_of_many_routes_are_worked_on_in_parts_and_pass_the_checker(
    seed: int, prizes: bool, rides: bool
) -> None:
    """Types, depots, an open end, two dimensions of load, prizes and rides survive the way into a part and back."""
    small = rich_problem(seed, 220, prizes=prizes, rides=rides, spread=6.0)
    prize = None if small.prize is None else np.minimum(small.prize, 500.0)  # what nobody can serve has a price, too
    many = tuple(dataclasses.replace(kind, count=50) for kind in small.types)
    problem = dataclasses.replace(small, types=many, prize=prize)
    first = solve(problem, max_iterations=0, objective="cost")
    better = solve(problem, max_iterations=1500, objective="cost")
    better.check()
    assert len(better.left_out) <= len(first.left_out) or prizes
    assert 1490 <= better.iterations <= 1500
    assert better.cost < 0.97 * first.cost
    assert better.routes == solve(problem, max_iterations=1500, objective="cost").routes


def every_plan(problem: Problem) -> list[Solution]:
    """All plans of two requests with one vehicle type, feasible or not."""
    both = [int(node) for pair in zip(problem.pickup, problem.delivery, strict=True) for node in pair]
    plans = []
    for size in (0, 2, 4):
        for order in itertools.permutations(both, size):
            for cut in range(0, size + 1, 2):
                routes = [list(part) for part in (order[:cut], order[cut:]) if part]
                served = set(order)
                missing = [r for r, p in enumerate(problem.pickup.tolist()) if p not in served]
                plans.append(Solution(problem, routes, missing, 0, []))
    return plans


@pytest.mark.parametrize("seed", range(12))
def test_the_least_cost_is_found_where_all_plans_can_be_tried(seed: int) -> None:
    """Two requests with prizes and tight rides: cost as the checker and exhaustive enumeration have it."""
    plain = random_problem(seed, 2)
    rng = np.random.default_rng(seed)
    ride = plain.distance[plain.pickup, plain.delivery] * rng.uniform(1.0, 1.4, 2)
    problem = dataclasses.replace(
        plain,
        types=(VehicleType(2, (12,), fixed_cost=25.0),),
        max_ride=ride,
        prize=rng.uniform(100, 400, 2),
    )
    costs = []
    for plan in every_plan(problem):
        try:
            plan.check()
        except InvalidPlanError:
            continue
        costs.append(plan.cost)
    found = solve(problem, max_iterations=200, objective="cost")
    found.check()
    assert found.cost == pytest.approx(min(costs), abs=1e-6)


def test_a_vehicle_waits_before_a_pickup_that_would_ride_too_long() -> None:
    """Served as early as possible the request rides 90 and may ride 15; with the pick-up at 85 it is on time."""
    distance = np.full((3, 3), 10.0)
    np.fill_diagonal(distance, 0.0)
    arrays = {"ready": np.array([0.0, 0.0, 100.0]), "due": np.full(3, 200.0), "service": np.zeros(3)}
    problem = Problem(
        "wait",
        distance,
        **arrays,
        demand=np.array([0, 1, -1], np.int32),
        pickup=np.array([1], np.int32),
        delivery=np.array([2], np.int32),
        vehicles=1,
        capacity=1,
        max_ride=np.array([15.0]),
    )
    solution = solve(problem, max_iterations=5)
    solution.check()
    assert solution.routes == [[1, 2]]
    early = dataclasses.replace(problem, due=np.array([200.0, 50.0, 200.0]))
    refused = solve(early, max_iterations=5)
    assert [(u.binding, u.relaxations[-1].amount) for u in refused.unserved] == [
        ((Limit.TIME_WINDOW, Limit.MAX_RIDE), pytest.approx(35.0))
    ]
    with pytest.raises(InvalidPlanError, match="time on board"):
        Solution(early, [[1, 2]], [], 0, []).check()


def test_requests_that_pay_only_together_are_served() -> None:
    """Two, three and four far from the depot and beside each other, each worth half of its own way: none alone pays."""
    for requests in (2, 3, 4):
        nodes = 2 * requests + 1
        xy = np.zeros((nodes, 2))
        xy[1:, 0] = 100.0 + np.arange(nodes - 1)
        problem = Problem(
            "far", np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)), np.zeros(nodes), np.full(nodes, 1000.0),
            np.zeros(nodes), np.repeat(np.array([0, 1, -1], np.int32), [1, requests, requests]),
            np.arange(1, requests + 1, dtype=np.int32), np.arange(requests + 1, nodes, dtype=np.int32), 0, 0,
            types=(VehicleType(1, (9,)),), prize=np.full(requests, 125.0),
        )  # fmt: skip
        plan = solve(problem, max_iterations=500, objective="distance", solver="native")
        plan.check()
        assert not plan.left_out


def test_reasons_name_type_and_prize() -> None:
    """A request that no type may serve, and one whose prize does not pay."""
    problem = rich_problem(4, 3, prizes=False, rides=False)
    allowed = np.ones((3, 3), bool)
    allowed[0] = False
    problem = dataclasses.replace(problem, allowed=allowed, prize=np.array([np.inf, 0.0, np.inf]))
    reasons = {u.request: u.binding for u in solve(problem, max_iterations=100, objective="cost").unserved}
    assert reasons[0] == (Limit.VEHICLE_TYPE,)
    assert reasons[1] == (Limit.PRIZE,)


def test_an_open_route_does_not_pay_for_the_way_back() -> None:
    """The same fleet, closed and open: the difference is the last legs."""
    plain = random_problem(6, 10)
    closed, opened = (
        solve(dataclasses.replace(plain, types=(VehicleType(9, (12,), end=end),)), max_iterations=3_000)
        for end in (0, None)
    )
    opened.check()
    assert opened.vehicles <= closed.vehicles
    if opened.vehicles == closed.vehicles:
        assert opened.distance < closed.distance


def test_progress_is_told_while_the_search_goes_on_and_what_it_raises_ends_it() -> None:
    """Each plan told of is at least as good as the one before; an exception comes out unchanged."""
    problem = random_problem(11, 30)
    told: list[tuple[Progress, list[list[int]]]] = []
    solution = solve(problem, max_iterations=2_000, on_progress=lambda step, routes: told.append((step, routes)))
    assert told
    for (step, routes), (later, _) in itertools.pairwise(told):
        assert (later.unserved, later.vehicles) <= (step.unserved, step.vehicles)
        assert len(routes) == step.vehicles
    assert solution.routes == solve(problem, max_iterations=2_000).routes, "listening changes nothing"

    def fail(step: Progress, routes: list[list[int]]) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        solve(problem, time_limit=30.0, on_progress=fail)


def test_another_thread_cancels_and_gets_the_best_plan_so_far() -> None:
    """The time limit is a minute; the answer comes when the byte is set."""
    cancel = np.zeros(1, np.uint8)
    threading.Timer(0.2, lambda: cancel.fill(1)).start()
    began = time.monotonic()
    solution = solve(random_problem(12, 50), time_limit=60.0, cancel=cancel)
    assert time.monotonic() - began < 30.0
    solution.check()
    assert not solution.unserved


def test_rich_problems_that_make_no_sense_are_refused() -> None:
    """The sentence names what is wrong."""
    problem = rich_problem(1, 4, prizes=True, rides=True)
    with pytest.raises(ValueError, match="prize has no meaning when vehicles count before cost"):
        solve(problem, max_iterations=1)
    for change, sentence in [
        ({"types": (VehicleType(1, (1,)),)}, "types 0 has 1 capacities, the load 2 dimensions"),
        ({"types": ()}, "the problem has no types"),
        (
            {"types": (VehicleType(1, (1, 1), start=1),), "allowed": None},
            "types 0 starts or ends at a node of a request",
        ),
        ({"types": (VehicleType(-1, (1, 1)),), "allowed": None}, "types 0 has a negative count"),
        ({"max_ride": np.full(4, np.nan)}, "max_ride 0 is negative or not a number"),
        ({"prize": np.full(3, 1.0)}, r"prize is not \(requests\)"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            solve(dataclasses.replace(problem, **change), max_iterations=1, objective="cost")  # type: ignore[arg-type]
