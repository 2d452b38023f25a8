"""The usual call has a way of its own through the bindings; it must answer as the general one does, in every field."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import matcher
from matcher.kernels import SolveStatus, usual_assignment
from matcher.solve import AssignmentSolution

FIELDS = [field.name for field in dataclasses.fields(AssignmentSolution)]
ALL = 10**12
"""More iterations than any of these takes: the general way, with the same work."""


def same(costs: Any, price: float | None = None) -> None:
    usual = matcher.solve_assignment(costs, unassigned_cost=price)
    general = matcher.solve_assignment(costs, unassigned_cost=price, max_iterations=ALL)
    assert type(usual) is AssignmentSolution
    for name in FIELDS:
        a, b = getattr(usual, name), getattr(general, name)
        assert type(a) is type(b), name
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, name
            assert a.flags.writeable, name
            np.testing.assert_array_equal(a, b, name)
        else:
            assert a == b, name


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32, np.longlong])
@pytest.mark.parametrize(
    "shape", [(0, 0), (0, 3), (3, 0), (1, 1), (1, 9), (9, 1), (8, 8), (30, 70), (70, 30), (500, 500)]
)
def test_every_type_and_shape(dtype: Any, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    costs = (rng.random(shape) * 1000 - 200).astype(dtype)
    same(costs)
    same(np.asfortranarray(costs))
    same(costs[::-1, ::-1])
    same(costs[:, ::2])
    if costs.dtype.kind == "f":
        same(costs, 150.0)
        same(costs, np.inf)


def test_infeasible_has_its_witness() -> None:
    costs = np.full((4, 5), np.inf)
    costs[:, 0] = 1.0
    same(costs)
    assert matcher.solve_assignment(costs).status is SolveStatus.INFEASIBLE
    same(costs, 2.0)


def test_refusals_are_those_of_the_general_call() -> None:
    costs = np.ones((3, 4))
    costs[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"costs\[1, 2\] is NaN"):
        matcher.solve_assignment(costs)
    with pytest.raises(OverflowError, match="could leave float64"):
        matcher.solve_assignment(np.full((3, 3), 1e308))
    with pytest.raises(OverflowError, match="could leave int64"):
        matcher.solve_assignment(np.full((3, 3), np.iinfo(np.int64).max // 2))


def test_a_solution_stays_frozen() -> None:
    solution = matcher.solve_assignment(np.eye(3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        solution.total_cost = 1.0  # type: ignore[misc]
    assert dataclasses.replace(solution, gap=1.0).gap == 1.0


@pytest.mark.parametrize(
    "costs",
    [
        [[1.0, 2.0], [3.0, 4.0]],
        np.ones((2, 2), np.uint8),
        np.ones((2, 2), ">f8"),
        np.ones((2, 2), np.float16),
        np.ma.masked_array(np.ones((2, 2)), np.eye(2, dtype=bool)),
        np.ones((2, 2, 2)),
        np.frombuffer(b"\0" * 33, np.float64, 4, 1).reshape(2, 2),
        np.zeros(4, "i4,f8")["f1"].reshape(2, 2),
    ],
    ids=lambda costs: f"{type(costs).__name__}-{getattr(costs, 'dtype', '')}-{np.ndim(costs)}",
)
def test_what_it_leaves_to_the_general_call(costs: Any) -> None:
    assert usual_assignment(AssignmentSolution, SolveStatus.OPTIMAL, costs, None) is None


def test_prices_it_leaves_to_the_general_call() -> None:
    for costs, price in ((np.eye(2), 1), (np.eye(2), np.nan), (np.eye(2), -np.inf), (np.eye(2, dtype=int), 1.0)):
        assert usual_assignment(AssignmentSolution, SolveStatus.OPTIMAL, costs, price) is None


def test_misuse_is_an_error() -> None:
    with pytest.raises(TypeError, match="4 arguments"):
        usual_assignment(AssignmentSolution)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="a class"):
        usual_assignment(3, SolveStatus.OPTIMAL, np.eye(2), None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        usual_assignment(int, SolveStatus.OPTIMAL, np.eye(2), None)
