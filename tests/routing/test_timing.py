"""Timetables: found exactly when one exists, by trying all of them; what the checker refuses, and why."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from matcher.routing import Break, InvalidPlanError, OnBoard, Problem, Solution, Timetable, VehicleType
from matcher.routing.timing import Clock

HORIZON = 16


def tiny(seed: int, *, breaks: bool, bins: bool) -> tuple[Problem, list[int]]:
    """Whole numbers, one route of three stops that brings what is on board, and one request more."""
    rng = np.random.default_rng(seed)
    travel = rng.integers(1, 4, (5, 5)).astype(np.float64)
    np.fill_diagonal(travel, 0.0)
    ready = np.array([0, *rng.integers(0, 6, 4)], dtype=np.float64)
    due = ready + rng.integers(2, 9, 5)
    due[0] = HORIZON
    windows = {
        node: ((float(ready[node]), float(ready[node])), (float(due[node]) - 1.0, float(due[node])))
        for node in range(1, 5)
        if rng.random() < 0.4
    }
    pauses = (Break(*sorted(map(float, rng.integers(2, 9, 2))), float(rng.integers(1, 4))),) if breaks else ()
    slow = travel + rng.integers(0, 4, travel.shape)
    np.fill_diagonal(slow, 0.0)
    problem = Problem(
        f"tiny-{seed}",
        travel,
        ready,
        due,
        np.array([0, *rng.integers(0, 2, 4)], dtype=np.float64),
        np.array([0, 1, -1, 1, -1], np.int32),
        np.array([1, 3], np.int32),
        np.array([2, 4], np.int32),
        0,
        0,
        types=(VehicleType(1, (2,), end=0 if rng.random() < 0.7 else None, latest=float(HORIZON - 2), breaks=pauses,
                           on_board=(OnBoard(1, -1.0),)),),
        max_ride=np.array([float(rng.integers(1, 6)), float(rng.integers(8, 16))]),
        windows=windows,
        late_cost=np.where(rng.random(5) < 0.4, rng.integers(1, 5, 5), np.inf),
        bins=np.array([0.0, 5.0]) if bins else None,
        bin_duration=np.array([slow, travel]) if bins else None,
    )  # fmt: skip
    return problem, [1, 2, 4] if rng.random() < 0.5 else [1, 4, 2]


def by_trial(problem: Problem, route: list[int]) -> float | None:
    """The least price of lateness over all timetables in whole numbers; None: no timetable holds."""
    best = None
    pauses = problem.types[0].breaks
    for starts in itertools.product(range(HORIZON), repeat=len(route)):
        if any(a > b for a, b in itertools.pairwise(starts)):
            continue
        for begins in itertools.product(range(HORIZON), repeat=len(pauses)):
            table = Timetable(tuple(map(float, starts)), tuple(map(float, begins)))
            plan = Solution(problem, [route], [], 0, [], types=[0], timetables=[table])
            try:
                plan.check()
            except InvalidPlanError:
                continue
            best = plan.lateness_cost if best is None else min(best, plan.lateness_cost)
    return best


@pytest.mark.parametrize("breaks", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_a_timetable_is_found_exactly_when_one_exists(seed: int, breaks: bool) -> None:
    """Windows, rides, breaks, priced lateness and what is on board at once, against every timetable there is."""
    problem, route = tiny(seed, breaks=breaks, bins=not breaks and seed % 2 == 0)
    least, run = by_trial(problem, route), Clock(problem).run(0, route)
    assert (run is None) == (least is None)
    if run is not None:
        plan = Solution(problem, [route], [], 0, [], types=[0], timetables=[run.table])
        plan.check()
        assert run.lateness_cost == plan.lateness_cost == least


def on_a_line(**changes: object) -> Problem:
    """One request, ten from the depot and ten further."""
    places = np.array([0.0, 10.0, 20.0])
    problem = Problem(
        "line",
        np.abs(places[:, None] - places),
        np.zeros(3),
        np.full(3, 100.0),
        np.zeros(3),
        np.array([0, 1, -1], np.int32),
        np.array([1], np.int32),
        np.array([2], np.int32),
        0,
        0,
        types=(VehicleType(1, (1,)),),
    )
    return dataclasses.replace(problem, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "starts", "pauses", "sentence"),
    [
        ({"windows": {1: ((0.0, 5.0), (30.0, 100.0))}}, (10.0, 20.0), (), "in no window"),
        ({"windows": {1: ((0.0, 50.0), (60.0, 100.0))}}, (10.0, 15.0), (), "before the vehicle can be there"),
        ({"late_cost": np.array([np.inf, np.inf, 1.0])}, (101.0, 120.0), (), "starts 1.000000 too late"),
        ({"types": (VehicleType(1, (1,), breaks=(Break(5, 9, 4),)),)}, (10.0, 20.0), (5.0,), "can be there"),
        ({"types": (VehicleType(1, (1,), breaks=(Break(5, 9, 4),)),)}, (14.0, 24.0), (10.0,), "outside of its window"),
        ({"types": (VehicleType(1, (1,), breaks=(Break(5, 9, 4),)),)}, (14.0, 24.0), (), "one time for each"),
        ({"types": (VehicleType(1, (1,), latest=46.0, breaks=(Break(30, 30, 9),)),)}, (10.0, 28.0), (30.0,), "back at"),
        ({"types": (VehicleType(1, (1,), locked=(1, 2), earliest=0.0),)}, (10.0, 20.0), (), None),
        ({"bins": np.array([0.0, 5.0]), "bin_duration": np.full((2, 3, 3), 7.0)}, (6.0, 20.0), (), "can be there"),
        ({"bins": np.array([0.0, 5.0]), "bin_duration": np.array([np.full((3, 3), 30.0), np.full((3, 3), 7.0)])},
         (12.0, 20.0), (), None),
    ],
)  # fmt: skip
def test_the_checker_reads_a_timetable(
    changes: dict[str, object], starts: tuple[float, ...], pauses: tuple[float, ...], sentence: str | None
) -> None:
    """Each rule by itself; in the last case the vehicle waits for the faster bin."""
    plan = Solution(on_a_line(**changes), [[1, 2]], [], 0, [], types=[0], timetables=[Timetable(starts, pauses)])
    if sentence is None:
        plan.check()
        return
    with pytest.raises(InvalidPlanError, match=sentence):
        plan.check()


def test_a_plan_without_times_is_not_believed_where_they_matter() -> None:
    """Breaks cannot be seen in routes alone; locked stops must stand first."""
    problem = on_a_line(types=(VehicleType(1, (1,), breaks=(Break(5, 9, 4),)),))
    with pytest.raises(InvalidPlanError, match="breaks needs one"):
        Solution(problem, [[1, 2]], [], 0, [], types=[0]).check()
    locked = on_a_line(types=(VehicleType(1, (1,), locked=(1,)),))
    with pytest.raises(InvalidPlanError, match="does not begin with its locked stops"):
        Solution(locked, [], [0], 0, []).check()
