"""Values made to mislead: starts out of proportion, masks, sides that cannot be numbered, certificates that wrap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse

import matcher
from matcher.solve import WarmStart, assignment_sensitivity, k_best_assignments
from matcher.verify import verify_assignment

COSTS = np.array([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0], [3.0, 2.0, 2.0]])
HUGE = 2**63 - 1


@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@pytest.mark.parametrize("dual", [-1e308, -1e300, -1e19, -(2**62), 2**62, -1e-320])
@pytest.mark.parametrize("options", [{}, {"unassigned_cost": 3}, {"capacities": 1}, {"maximize": True}])
def test_no_start_makes_the_answer_wrong(form: Any, dtype: Any, dual: Any, options: dict[str, Any]) -> None:
    """Beside duals of 1e308 all costs are equal in floats, and integers would leave their type: it is no start."""
    costs = form((COSTS + 1).astype(dtype))
    start = WarmStart(np.array([dual, 0, dual]), np.array([0, 1, 2], np.int32))
    assert matcher.solve_assignment(costs, warm_start=start, **options).total_cost == (
        matcher.solve_assignment(costs, **options).total_cost
    )


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e-3, 1e3, 1e9])
def test_a_start_in_another_unit(scale: float) -> None:
    """Duals of costs in metres start a problem in kilometres, or worse: the total is a cold solve's."""
    rng = np.random.default_rng(1)
    costs = rng.random((80, 80))
    start = matcher.solve_assignment(costs)
    for form in (np.asarray, scipy.sparse.csr_array):
        found = matcher.solve_assignment(form(costs * scale), warm_start=start)
        assert found.total_cost == pytest.approx(start.total_cost * scale, rel=1e-12)


def test_a_start_near_the_limit_of_the_type() -> None:
    """Duals may be larger than costs; if only with them sums could overflow, the problem is solved without."""
    largest = (2**63 - 1) // 2 // (32 * 5) - 1
    costs = np.array([[largest, 0, largest], [0, -largest, largest], [largest, largest, 1]])
    start = WarmStart(np.full(3, -3 * largest), np.array([2, 1, 0], np.int32))
    for form in (np.asarray, scipy.sparse.csr_array):
        cold = matcher.solve_assignment(form(costs), unassigned_cost=largest)
        assert matcher.solve_assignment(form(costs), unassigned_cost=largest, warm_start=start).total_cost == (
            cold.total_cost
        )


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: matcher.solve_assignment(np.ma.masked_array(COSTS, COSTS == 0)), TypeError, "masked array"),
        (lambda: k_best_assignments(np.ma.masked_array(COSTS, COSTS == 0), 2), TypeError, "masked array"),
        (
            lambda: matcher.solve_assignment(scipy.sparse.csr_array(([1.0], [5], [0, 1]), (1, 2**31))),
            ValueError,
            "1 rows and 2147483648 columns",
        ),
        (
            lambda: matcher.solve_assignment(
                scipy.sparse.coo_array(([1.0], ([5], [0])), (2**31 + 5, 1)), unassigned_cost=1.0
            ),
            ValueError,
            "2147483653 rows",
        ),
        (lambda: matcher.solve_assignment(COSTS, max_iterations=1.5), TypeError, "integer"),  # type: ignore[arg-type]
        (lambda: matcher.solve_assignment(COSTS, warm_start=5), TypeError, "warm_start must be"),  # type: ignore[arg-type]
        (
            lambda: matcher.solve_assignment(COSTS, warm_start=WarmStart(np.zeros(3), np.zeros(3))),  # type: ignore[arg-type]
            TypeError,
            "col_for_row must hold integers",
        ),
        (lambda: k_best_assignments(np.full((3, 3), 1e308), 2), OverflowError, "float64"),
        (lambda: assignment_sensitivity(np.full((3, 3), 2**62)), OverflowError, "int64"),
        (
            lambda: verify_assignment(np.array([[2**64 - 1]], np.uint64), np.zeros(1, int), np.zeros(1), np.zeros(1)),
            OverflowError,
            "beyond int64",
        ),
    ],
)
def test_refusals_say_why(call: Any, error: type[Exception], sentence: str) -> None:
    """An exception of the documented kind, at once, before memory is asked for."""
    with pytest.raises(error, match=sentence):
        call()


def test_more_iterations_than_can_be_counted_are_no_limit() -> None:
    assert matcher.solve_assignment(COSTS, max_iterations=2**80).total_cost == 5.0


@pytest.mark.parametrize(
    ("costs", "row_duals", "col_duals"),
    [
        ([[-1, -1], [-5, 1]], [HUGE, -HUGE], [0, 0]),  # 2**63 - 1 + 1 would be negative, and the sums are equal
        ([[-1, -5], [-1, 1]], [0, 0], [HUGE, -HUGE]),
        ([[-HUGE, -HUGE], [0, HUGE]], [1, -1], [0, 0]),
    ],
)
def test_a_certificate_cannot_wrap(costs: Any, row_duals: Any, col_duals: Any) -> None:
    """Duals near the end of the type are added up as whole numbers without end."""
    check = verify_assignment(np.array(costs), np.array([0, 1]), np.array(row_duals), np.array(col_duals))
    assert check.total == costs[0][0] + costs[1][1]
    assert not check.feasible_and_bounded
    turned = verify_assignment(
        -np.array(costs), np.array([0, 1]), -np.array(row_duals), -np.array(col_duals), maximize=True
    )
    assert turned.total == -check.total
    assert not turned.feasible_and_bounded


def test_true_certificates_near_the_end_of_the_type_hold() -> None:
    """What the exact arithmetic is for: large integers are still proven."""
    lowest = -(2**63)
    check = verify_assignment(np.array([[lowest]]), np.array([0]), np.array([lowest]), np.array([0]))
    assert check.proves_optimum()
    turned = verify_assignment(np.array([[lowest]]), np.array([0]), np.array([lowest]), np.array([0]), maximize=True)
    assert turned.proves_optimum()
    assert turned.total == lowest


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"row_duals": np.array([0.0, np.nan, 0.0])}, "row 1 is not finite"),
        ({"col_duals": np.array([0.0, 0.0, -np.inf])}, "column 2 is not finite"),
        ({"col_for_row": np.array([0.0, 1.0, 2.5])}, "must hold integers"),
        ({"costs": np.where(COSTS == 5, np.nan, COSTS)}, r"costs\[1, 2\] is NaN"),
    ],
)
def test_what_means_nothing_proves_nothing(changes: dict[str, Any], sentence: str) -> None:
    """NaN compares false with everything, so it must be looked for."""
    values: dict[str, Any] = {
        "costs": COSTS, "col_for_row": np.array([0, 1, 2]), "row_duals": np.zeros(3), "col_duals": np.zeros(3),
    }  # fmt: skip
    check = verify_assignment(**(values | changes))
    assert not check.feasible_and_bounded
    assert not check.proves_optimum(1.0)
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError(check.problems[0])
