"""Square problems solved again after a few rows changed: exact, cheap, and the same on every instruction set."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import matcher
from matcher.kernels import DenseMethod, dense_assignment
from matcher.solve import SolveStatus
from matcher.verify import verify_assignment

N = 300


def city(rng: np.random.Generator, dtype: type) -> NDArray[np.float64]:
    """Points whose distances are whole where `dtype` is."""
    return rng.random((N, 2)) * (10_000 if np.issubdtype(dtype, np.integer) else 1)


def distances(rows: NDArray[np.float64], cols: NDArray[np.float64], dtype: type) -> NDArray[np.float64]:
    """(n, n) straight lines, rounded where `dtype` is whole."""
    far = np.hypot(rows[:, None, 0] - cols[None, :, 0], rows[:, None, 1] - cols[None, :, 1])
    return (np.rint(far) if np.issubdtype(dtype, np.integer) else far).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32])
def test_a_day_of_small_changes(dtype: type) -> None:
    """Each solve starts from the one before; totals stay those of cold solves, and rounding does not pile up."""
    rng = np.random.default_rng(8)
    rows, cols = city(rng, dtype), city(rng, dtype)
    last = matcher.solve_assignment(distances(rows, cols, dtype))
    spent = cold_spent = 0
    for _ in range(25):
        moved = rng.choice(N, 3, replace=False)
        rows[moved] = city(rng, dtype)[moved]
        kept = np.arange(N)
        kept[moved] = -1
        costs = distances(rows, cols, dtype)
        last = matcher.solve_assignment(costs, warm_start=last.carried(kept, np.arange(N)))
        cold = matcher.solve_assignment(costs)
        check = verify_assignment(costs, last.col_for_row, last.row_duals, last.col_duals, tolerance=1e-12)
        assert last.status is SolveStatus.OPTIMAL
        assert check.proves_optimum(0 if np.issubdtype(dtype, np.integer) else 1e-12), check
        assert last.total_cost == pytest.approx(cold.total_cost, rel=1e-12)
        spent, cold_spent = spent + last.iterations, cold_spent + cold.iterations
    assert spent < cold_spent / 2


def test_same_bytes_on_every_instruction_set() -> None:
    """A resumed solve is a function of its input."""
    rng = np.random.default_rng(9)
    rows, cols = city(rng, np.float64), city(rng, np.float64)
    old = dense_assignment(distances(rows, cols, np.float64))
    rows[:5] = city(rng, np.float64)[:5]
    costs = distances(rows, cols, np.float64)
    answers = [
        dense_assignment(costs, start_duals=old.col_duals, start_matching=old.col_for_row, method=method)
        for method in (DenseMethod.AUTO, DenseMethod.AVX2, DenseMethod.SCALAR)
    ]
    assert len({(a.col_for_row.tobytes(), a.row_duals.tobytes(), a.col_duals.tobytes()) for a in answers}) == 1
    lists = dense_assignment(costs, start_duals=old.col_duals, start_matching=old.col_for_row, method=DenseMethod.LISTS)
    assert lists.total == pytest.approx(answers[0].total, rel=1e-12)


@pytest.mark.parametrize("spoil", ["far", "zero", "repeated", "outside"])
def test_a_start_that_lies(spoil: str) -> None:
    """Whatever the start says, the answer is the optimum."""
    rng = np.random.default_rng(10)
    costs = rng.integers(0, 1000, (N, N))
    best = matcher.solve_assignment(costs)
    duals, matching = best.col_duals.copy(), best.col_for_row.copy()
    if spoil == "far":
        duals = duals - rng.integers(0, 10**6, N)
    elif spoil == "zero":
        duals[:] = 0
    elif spoil == "repeated":
        matching[:] = matching[0]
    else:
        matching[::7] = 2**31 - 1
    found = matcher.solve_assignment(costs, warm_start=matcher.solve.WarmStart(duals, matching))
    assert found.total_cost == found.lower_bound == best.total_cost


def test_what_no_search_may_meet_is_found_in_the_one_pass() -> None:
    """NaN is named, a forbidden pair is not used, and rows without a pair are the witness."""
    rng = np.random.default_rng(11)
    costs = rng.random((N, N))
    start = matcher.solve_assignment(costs)
    costs[7, 9] = np.nan
    with pytest.raises(ValueError, match=r"costs\[7, 9\] is NaN"):
        matcher.solve_assignment(costs, warm_start=start)
    costs[7] = np.inf
    assert matcher.solve_assignment(costs, warm_start=start).witness.tolist() == [7]
    costs[7] = rng.random(N)
    costs[8, start.col_for_row[8]] = np.inf
    found = matcher.solve_assignment(costs, warm_start=start)
    assert found.col_for_row[8] != start.col_for_row[8]
    assert found.total_cost == pytest.approx(matcher.solve_assignment(costs).total_cost, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@pytest.mark.parametrize("price", [None, 30])
@pytest.mark.parametrize("maximize", [False, True])
def test_rows_and_columns_that_come_and_go(dtype: type, price: int | None, maximize: bool) -> None:
    """Dense problems of any shape follow each other, square, wide and tall: totals and certificates are exact."""
    rng = np.random.default_rng(11)
    costs = rng.integers(0, 60, (30, 34)).astype(dtype)
    options = {"unassigned_cost": price, "maximize": maximize}
    last = matcher.solve_assignment(costs, **options)
    for _ in range(60):
        n, m = costs.shape
        rows = rng.permutation(np.append(np.delete(np.arange(n), rng.choice(n, 2, replace=False)), [-1] * 2))
        cols = np.append(np.delete(np.arange(m), rng.choice(m, 2, replace=False)), np.full(int(rng.integers(0, 5)), -1))
        grown = np.pad(costs, ((0, 1), (0, 1)))[rows][:, cols]  # -1 takes the padding
        fresh = (rows[:, None] < 0) | (cols < 0) | (rng.random((len(rows), len(cols))) < 0.01)
        costs = np.where(fresh, rng.integers(0, 60, fresh.shape).astype(dtype), grown)
        last = matcher.solve_assignment(costs, warm_start=last.carried(rows, cols), **options)
        cold = matcher.solve_assignment(costs, **options)
        check = verify_assignment(costs, last.col_for_row, last.row_duals, last.col_duals, **options)
        assert check.proves_optimum(), check
        assert last.total_cost == cold.total_cost
