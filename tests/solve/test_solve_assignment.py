"""The public call: inputs it takes, inputs it refuses by name, and what its answers mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse

import matcher
from matcher.solve import SolveStatus

NUMBERS = [np.int8, np.uint16, np.int32, np.int64, np.uint64, np.float16, np.float32, np.float64, bool]


def test_rectangular_and_maximize() -> None:
    """The smallest example in the documentation must be right in both senses."""
    costs = np.array([[4, 1, 3], [2, 0, 5]])
    least = matcher.solve_assignment(costs)
    assert least.col_for_row.tolist() == [1, 0]
    assert (least.total_cost, least.lower_bound, least.gap, least.status) == (3, 3, 0.0, SolveStatus.OPTIMAL)
    assert isinstance(least.total_cost, int)
    most = matcher.solve_assignment(costs, maximize=True)
    assert most.col_for_row.tolist() == [0, 2]
    assert most.total_cost == most.lower_bound == 9
    assert np.all(most.row_duals[:, None] + most.col_duals[None, :] >= costs)


@pytest.mark.parametrize("dtype", NUMBERS)
def test_number_types(dtype: type) -> None:
    """Every numeric type that holds such numbers gives the same matching."""
    costs = np.array([[1, 0], [0, 0]], dtype=dtype)
    assert matcher.solve_assignment(costs).total_cost == 0
    assert matcher.solve_assignment(costs, unassigned_cost=3).total_cost == 0


def test_views_of_any_stride_and_read_only() -> None:
    """Strided, Fortran-ordered and read-only views are read where they lie."""
    base = np.arange(48, dtype=np.int64).reshape(6, 8)[:, ::-1] ** 2 % 31
    plain = matcher.solve_assignment(np.ascontiguousarray(base)).total_cost
    frozen = np.asfortranarray(base)
    frozen.setflags(write=False)
    assert matcher.solve_assignment(base).total_cost == plain
    assert matcher.solve_assignment(frozen).total_cost == plain
    assert matcher.solve_assignment(base[::-1]).total_cost == plain
    assert matcher.solve_assignment(np.broadcast_to(base[:1], (3, 8))).total_cost == np.sort(base[0])[:3].sum()


def test_price_of_staying_out() -> None:
    """A row stays out exactly when that is cheaper; +inf says it may not."""
    costs = np.array([[5.0, 9.0], [6.0, math.inf]])
    assert matcher.solve_assignment(costs, unassigned_cost=1.5).col_for_row.tolist() == [-1, -1]
    kept = matcher.solve_assignment(costs, unassigned_cost=[math.inf, 1.5])
    assert kept.col_for_row.tolist() == [0, -1]
    assert kept.total_cost == 6.5
    whole = matcher.solve_assignment(np.array([[5, 9], [6, 7]]), unassigned_cost=[math.inf, 2.0])
    assert isinstance(whole.total_cost, int)
    assert whole.total_cost == 7


def test_sparse_forms_agree_with_dense() -> None:
    """A stored zero is a pair that costs nothing, an absent one is forbidden; CSR and COO, unsorted too."""
    row, col, cost = np.array([1, 0, 0, 1]), np.array([1, 1, 0, 0]), np.array([0, 7, 3, 2])
    coo = scipy.sparse.coo_array((cost, (row, col)), shape=(2, 3))
    full = np.array([[3.0, 7.0, math.inf], [2.0, 0.0, math.inf]])
    for form in (coo, coo.tocsr(), scipy.sparse.coo_matrix(coo), coo.tocsc()):
        solution = matcher.solve_assignment(form)
        assert solution.total_cost == matcher.solve_assignment(full).total_cost == 3
        assert solution.col_for_row.tolist() == [0, 1]
    unsorted = scipy.sparse.csr_array((np.array([7, 3]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    assert matcher.solve_assignment(unsorted).col_for_row.tolist() == [0]


def test_infeasible_names_a_witness() -> None:
    """Two rows that only reach one column: the status says infeasible and the witness names them, not the third."""
    costs = np.array([[1.0, math.inf, math.inf], [2.0, math.inf, math.inf], [1.0, 2.0, 3.0]])
    solution = matcher.solve_assignment(costs)
    assert solution.status is SolveStatus.INFEASIBLE
    assert solution.total_cost == math.inf
    assert solution.witness.tolist() == [0, 1]
    tall = matcher.solve_assignment(np.array([[1.0, math.inf], [2.0, math.inf], [3.0, math.inf]]))
    assert tall.status is SolveStatus.INFEASIBLE
    assert tall.witness.tolist() == [1]


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0)])
def test_empty(n: int, m: int) -> None:
    """Nothing to match is optimal at nothing, with or without prices, dense or sparse."""
    for costs in (np.empty((n, m)), scipy.sparse.csr_array((n, m))):
        assert matcher.solve_assignment(costs).status is SolveStatus.OPTIMAL
        priced = matcher.solve_assignment(costs, unassigned_cost=2.0)
        assert priced.total_cost == 2.0 * n
        assert len(priced.col_for_row) == n
        assert len(priced.col_duals) == m


def test_ties_go_to_the_lowest() -> None:
    """All equal costs give the identity."""
    for n, m in ((4, 4), (3, 5)):
        assert matcher.solve_assignment(np.ones((n, m))).col_for_row.tolist() == list(range(n))
        assert matcher.solve_assignment(np.ones((n, m), int)).col_for_row.tolist() == list(range(n))
        assert matcher.solve_assignment(scipy.sparse.csr_array(np.ones((n, m)))).col_for_row.tolist() == list(range(n))


def test_extreme_magnitudes() -> None:
    """Neither 1e300 nor 1e-300 loses the optimum; what cannot be summed is refused."""
    tiny = np.array([[1e-300, 3e-300], [2e-300, 9e-300]])
    assert matcher.solve_assignment(tiny).total_cost == 3e-300 + 2e-300
    assert matcher.solve_assignment(tiny * 1e300 * 1e300).col_for_row.tolist() == [1, 0]
    with pytest.raises(OverflowError, match="float64"):
        matcher.solve_assignment(np.array([[1e308, 1.0], [1.0, 1e308]]))
    big = 2**53
    close = np.array([[big + 1, big], [big, big + 2]])
    assert matcher.solve_assignment(close).total_cost == 2 * big
    with pytest.raises(OverflowError, match="int64"):
        matcher.solve_assignment(np.array([[2**62, 1], [1, 1]]))
    with pytest.raises(OverflowError, match="int64"):
        matcher.solve_assignment(np.array([[-(2**63), 1], [1, 1]]), maximize=True)
    with pytest.raises(OverflowError, match="int64"):
        matcher.solve_assignment(np.array([[2**64 - 1]], np.uint64))


@pytest.mark.parametrize(
    ("costs", "keywords", "error", "sentence"),
    [
        (np.array([[1.0, 2.0], [3.0, math.nan]]), {}, ValueError, r"costs\[1, 1\] is NaN"),
        (np.array([[1.0, -math.inf]]), {}, ValueError, r"costs\[0, 1\] is -inf"),
        (scipy.sparse.csr_array(np.array([[0, 1.0], [0, math.nan]])), {}, ValueError, r"costs\[1, 1\] is NaN"),
        (np.ones(3), {}, ValueError, "1 dimension"),
        (np.ones((2, 2)), {"unassigned_cost": [1.0, 2.0, 3.0]}, ValueError, r"2 \(one a row\), got shape \(3,\)"),
        (np.ones((2, 2)), {"unassigned_cost": [1.0, math.nan]}, ValueError, r"unassigned_cost\[1\] is NaN"),
        (np.ones((2, 2)), {"max_iterations": -1}, ValueError, "must not be negative"),
        (np.array([["a"]]), {}, TypeError, "must hold integers or floats"),
        (np.ones((2, 2), complex), {}, TypeError, "must hold integers or floats"),
        (scipy.sparse.coo_array(([1, 2], ([0, 0], [1, 1])), shape=(1, 2)), {}, ValueError, r"costs\[0, 1\] is stored"),
        (scipy.sparse.csr_array(([1, 2], [1, 1], [0, 2]), shape=(1, 2)), {}, ValueError, r"costs\[0, 1\] is stored"),
    ],
)
def test_refusals_name_the_place(costs: object, keywords: dict[str, object], error: type, sentence: str) -> None:
    """A wrong input is refused with the cell or argument that is wrong, never solved as something else."""
    with pytest.raises(error, match=sentence):
        matcher.solve_assignment(costs, **keywords)


def test_stopped_early_keeps_a_bound() -> None:
    """Any number of iterations gives a bound below the optimum and a matching above it."""
    rng = np.random.default_rng(3)
    costs = rng.integers(0, 1000, (40, 50))
    best = matcher.solve_assignment(costs)
    for limit in (0, 1, 7, 30, 60, 100):
        part = matcher.solve_assignment(costs, max_iterations=limit)
        assert part.iterations <= limit
        assert part.lower_bound <= best.total_cost <= part.total_cost < math.inf
        sparse = matcher.solve_assignment(scipy.sparse.csr_array(costs + 1), max_iterations=limit)
        assert sparse.lower_bound <= best.total_cost + 40 <= sparse.total_cost
        priced = matcher.solve_assignment(costs, unassigned_cost=100, max_iterations=limit)
        assert priced.lower_bound <= priced.total_cost <= 4000
    assert matcher.solve_assignment(costs, max_iterations=0).status is SolveStatus.STOPPED
