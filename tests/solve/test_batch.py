"""Many problems in one call: each gets what it would get alone, and none spoils another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import matcher
from matcher.solve import CancelToken, SolveStatus

RNG = np.random.default_rng(41)


def same(one: matcher.AssignmentSolution, other: matcher.AssignmentSolution) -> bool:
    """Equal in every field."""
    arrays = ("col_for_row", "row_duals", "col_duals", "witness")
    numbers = ("total_cost", "lower_bound", "gap", "status", "iterations")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays) and all(
        getattr(one, name) == getattr(other, name) and type(getattr(one, name)) is type(getattr(other, name))
        for name in numbers
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("price", [None, 20, 20.5])
def test_each_is_as_alone(dtype: type, maximize: bool, price: float | None) -> None:
    """A stack and a ragged list: every field of every solution equals that of its own call."""
    stack = RNG.integers(0, 60, (30, 5, 7)).astype(dtype)
    ragged = [RNG.integers(0, 60, (int(RNG.integers(1, 8)), int(RNG.integers(0, 8)))).astype(dtype) for _ in range(30)]
    for problems in (stack, ragged, list(stack.transpose(0, 2, 1))):
        batch = matcher.solve_assignment_batch(problems, unassigned_cost=price, maximize=maximize)
        assert len(batch) == 30
        for problem, solution in zip(problems, batch, strict=True):
            assert same(solution, matcher.solve_assignment(problem, unassigned_cost=price, maximize=maximize))


def test_one_bad_problem_spoils_no_other() -> None:
    """NaN, overflow and infeasibility are statuses; asking for the refused one says what solve_assignment says."""
    good = np.array([[1.0, 2.0], [3.0, 1.0]])
    nan, huge, apart = good.copy(), np.full((2, 2), 1e308), np.array([[1.0, math.inf], [2.0, math.inf]])
    nan[1, 0] = math.nan
    batch = matcher.solve_assignment_batch([good, nan, huge, apart, good])
    names = [SolveStatus(status).name for status in batch.status]
    assert names == ["OPTIMAL", "INVALID", "OVERFLOW", "INFEASIBLE", "OPTIMAL"]
    assert batch.total_cost.tolist() == [2.0, math.inf, math.inf, math.inf, 2.0]
    assert batch.lower_bound.tolist() == [2.0, -math.inf, -math.inf, math.inf, 2.0]
    assert batch.col_for_row.tolist() == [0, 1, -1, -1, -1, -1, -1, -1, 0, 1]
    assert batch[3].witness.tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"problems\[1\]\[1, 0\] is NaN"):
        batch[1]
    with pytest.raises(OverflowError, match=r"problems\[2\]: sums of these costs could leave float64"):
        batch[-3]
    with pytest.raises(IndexError):
        batch[5]


def test_prices_of_each_problem() -> None:
    """One price a problem, or one a row of it; a float price among integers makes all of them floats."""
    problems = [np.array([[5, 9], [6, 7]]), np.array([[5, 9, 1]])]
    batch = matcher.solve_assignment_batch(problems, unassigned_cost=[[math.inf, 2], 0])
    assert batch.total_cost.tolist() == [7, 0]
    assert batch.total_cost.dtype == np.int64
    mixed = matcher.solve_assignment_batch(problems, unassigned_cost=[0.5, 2])
    assert mixed.total_cost.tolist() == [1.0, 1.0]
    assert mixed.row_duals.dtype == np.float64
    types = matcher.solve_assignment_batch([problems[0], problems[1].astype(np.float32)])
    assert types.total_cost.tolist() == [12.0, 1.0]


def test_empty() -> None:
    """No problems, and problems of nothing."""
    assert len(matcher.solve_assignment_batch([])) == 0
    assert list(matcher.solve_assignment_batch(np.empty((0, 3, 3)))) == []
    assert matcher.solve_assignment_batch(np.empty((2, 0, 3))).total_cost.tolist() == [0.0, 0.0]


def test_limits_and_cancellation() -> None:
    """Limits hold for each problem; whatever stops the batch leaves every problem a matching and a bound."""
    problems = RNG.integers(0, 1000, (20, 30, 30))
    best = matcher.solve_assignment_batch(problems)
    raised = CancelToken()
    raised.cancel()
    for stopped in (
        matcher.solve_assignment_batch(problems, max_iterations=5),
        matcher.solve_assignment_batch(problems, cancel=raised),
        matcher.solve_assignment_batch(problems, time_limit=0),
    ):
        assert set(stopped.status.tolist()) == {SolveStatus.STOPPED}
        assert np.all(stopped.iterations <= 5)
        assert np.all(stopped.lower_bound <= best.total_cost)
        assert np.all(stopped.total_cost >= best.total_cost)
        assert stopped[3].gap > 0
    assert not CancelToken().cancelled


@pytest.mark.parametrize(
    ("problems", "keywords", "error", "sentence"),
    [
        (np.ones((2, 2)), {}, ValueError, r"got shape \(2, 2\)"),
        ([np.ones((2, 2)), np.ones(2)], {}, ValueError, r"problems\[1\] must be a matrix"),
        ([np.ones((2, 2)), [["a"]]], {}, TypeError, r"problems\[1\] must hold integers or floats"),
        ([np.ones((2, 2))], {"unassigned_cost": [1.0, 2.0]}, ValueError, r"have 1 entries \(one a problem\), has 2"),
        ([np.ones((2, 2))], {"unassigned_cost": [[1.0]]}, ValueError, r"problems\[0\]: unassigned_cost must be one"),
        (
            [np.ones((2, 2))] * 2,
            {"unassigned_cost": [1, math.nan]},
            ValueError,
            r"problems\[1\]: unassigned_cost is",
        ),
        ([np.ones((2, 2))], {"max_iterations": -1}, ValueError, "must not be negative"),
        ([np.ones((2, 2))], {"time_limit": -1}, ValueError, "must not be negative"),
    ],
)
def test_refusals_name_the_problem(problems: Any, keywords: dict[str, Any], error: type, sentence: str) -> None:
    """What is wrong with the call is refused before anything is solved."""
    with pytest.raises(error, match=sentence):
        matcher.solve_assignment_batch(problems, **keywords)
