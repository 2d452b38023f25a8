"""Dense problems around the sizes where the method changes: every method, one optimum, proven by its duals."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from numpy.typing import NDArray

import matcher
from matcher.kernels import DenseMethod, SolveStatus, dense_assignment


def _points(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.normal(0.0, 600.0, (n, 2)) + rng.choice([0.0, 3000.0, 9000.0], (n, 2))


def _costs(kind: str, n: int, m: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(n + m)
    if kind == "product":
        return np.outer(rng.random(n), rng.random(m)) * 1000
    if kind == "uniform":
        return rng.random((n, m))
    a, b = _points(n, rng), _points(m, rng)
    return np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])


@pytest.mark.parametrize("kind", ["uniform", "product", "geometric"])
@pytest.mark.parametrize("shape", [(420, 420), (420, 430), (150, 1500), (640, 640)])
def test_methods_agree_around_the_limits(kind: str, shape: tuple[int, int]) -> None:
    """Where scans are tried and given up for lists, nothing changes but the time: same total, tight duals."""
    costs = _costs(kind, *shape)
    rows, cols = scipy.optimize.linear_sum_assignment(costs)
    least = costs[rows, cols].sum()
    bits = set()
    for method in (DenseMethod.AUTO, DenseMethod.LISTS, DenseMethod.SCANS, DenseMethod.SCALAR, DenseMethod.AVX2):
        found = dense_assignment(costs, method=method)
        assert found.status is SolveStatus.OPTIMAL
        assert found.total == pytest.approx(least, rel=1e-9)
        assert len(set(found.col_for_row.tolist())) == shape[0]
        slack = costs - found.row_duals[:, None] - found.col_duals[None, :]
        assert slack.min() > -1e-9 * costs.max()
        assert found.row_duals.sum() + found.col_duals.sum() == pytest.approx(least, rel=1e-9)
        if method not in (DenseMethod.LISTS, DenseMethod.SCANS):
            bits.add((found.col_for_row.tobytes(), found.row_duals.tobytes(), found.col_duals.tobytes()))
    assert len(bits) == 1, "instruction sets differ"


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32])
@pytest.mark.parametrize(
    "shape", [(24, 31), (40, 40), (450, 450), (600, 600), (100, 140), (250, 100), (450, 520), (640, 500)]
)
def test_rows_that_agree_are_guessed(shape: tuple[int, int], dtype: type) -> None:
    """Products of shuffled factors are matched dearest row to cheapest column: known, and reached in little work."""
    rng = np.random.default_rng(shape[0])
    n = min(shape)
    a, b = (rng.permutation(side) + 1 for side in shape)
    costs = np.outer(a, b).astype(dtype)
    found = matcher.solve_assignment(costs)
    # Of the longer side the cheapest are taken.
    assert found.total_cost == int(np.sort(a)[:n] @ np.sort(b)[:n][::-1])
    assert np.all(found.row_duals[:, None] + found.col_duals[None, :] <= costs)
    assert found.row_duals.sum() + found.col_duals.sum() == found.total_cost
    assert found.iterations < 18 * n


@pytest.mark.parametrize("kind", ["product", "geometric"])
def test_prices_and_budgets_survive_a_change_of_method(kind: str) -> None:
    """Iterations of an attempt that was given up count, and a stop at any of them leaves a bound."""
    costs = _costs(kind, 420, 420)
    price = float(np.quantile(costs, 0.2))
    full = matcher.solve_assignment(costs, unassigned_cost=price)
    assert full.status is SolveStatus.OPTIMAL
    assert full.row_duals.sum() + full.col_duals.sum() == pytest.approx(full.total_cost, rel=1e-9)
    for share in (0.0, 0.2, 0.5, 0.9, 0.99):
        most = int(full.iterations * share)
        part = matcher.solve_assignment(costs, unassigned_cost=price, max_iterations=most)
        assert part.iterations <= most
        assert part.lower_bound <= full.total_cost * (1 + 1e-9)
        assert part.total_cost >= full.total_cost * (1 - 1e-9)


@pytest.mark.parametrize("n", [1, 30, 420])
@pytest.mark.parametrize("price", [None, 5.0])
@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_a_bad_cell_in_any_row_is_named(n: int, price: float | None, bad: float) -> None:
    """Rows are checked as they are read; none may be missed, not even when no iteration is granted."""
    for row in {0, n // 2, n - 1}:
        costs = _costs("uniform", n, n + 1)
        costs[row, n // 3] = bad
        for most in (None, 0):
            with pytest.raises(ValueError, match=rf"costs\[{row}, {n // 3}\]"):
                matcher.solve_assignment(costs, unassigned_cost=price, max_iterations=most)
