"""Inputs made to break a solver: each ends in the right answer, a status, or an exception that names the place."""

from __future__ import annotations

import math
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from numpy.lib.stride_tricks import as_strided

import matcher
from matcher.solve import CancelToken, SolveStatus, assignment_sensitivity, k_best_assignments
from matcher.verify import verify_assignment

INF = math.inf
RNG = np.random.default_rng(51)


def proven(costs: Any, **keywords: Any) -> matcher.AssignmentSolution:
    """The solution, once verify has found it optimal."""
    found = matcher.solve_assignment(costs, **keywords)
    assert found.status is SolveStatus.OPTIMAL
    keywords.pop("warm_start", None)
    check = verify_assignment(costs, found.col_for_row, found.row_duals, found.col_duals, tolerance=1e-12, **keywords)
    assert check.proves_optimum(1e-12), check
    return found


def test_rows_without_any_pair() -> None:
    """Without a price infeasible, the witness being those rows; with one they stay out and the rest is optimal."""
    costs = np.array([[INF, INF, INF], [2.0, 1.0, INF], [INF, INF, INF]])
    for form in (costs, scipy.sparse.coo_array(([2.0, 1.0], ([1, 1], [0, 1])), shape=(3, 3))):
        found = matcher.solve_assignment(form)
        assert found.status is SolveStatus.INFEASIBLE
        assert found.col_for_row.tolist() == [-1, -1, -1]
        assert (found.total_cost, found.gap) == (INF, 0.0)
        assert set(found.witness.tolist()) <= {0, 2}
        assert len(found.witness) > 0
        assert proven(form, unassigned_cost=5.0).col_for_row.tolist() == [-1, 1, -1]
        assert k_best_assignments(form, 3) == []
        with pytest.raises(ValueError, match="INFEASIBLE"):
            assignment_sensitivity(form)
    everywhere = np.full((3, 4), INF)
    assert matcher.solve_assignment(everywhere).status is SolveStatus.INFEASIBLE
    assert matcher.solve_assignment(everywhere, unassigned_cost=1.0).total_cost == 3.0
    assert matcher.solve_assignment(everywhere, capacities=2).status is SolveStatus.INFEASIBLE
    only_some = matcher.solve_assignment(everywhere, unassigned_cost=[1.0, INF, 1.0])
    assert only_some.witness.tolist() == [1]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (1, 1000)])
def test_single_rows_and_columns(shape: tuple[int, int]) -> None:
    """The least cell, the first of equals; the dearest when maximizing."""
    for dtype in (np.int32, np.float64):
        costs = RNG.integers(0, 4, shape).astype(dtype)
        least = proven(costs)
        assert least.total_cost == costs.min()
        assert int(np.argmax(least.col_for_row >= 0)) * shape[1] + int(least.col_for_row.max()) == costs.argmin()
        assert proven(costs, maximize=True).total_cost == costs.max()


@pytest.mark.parametrize("value", [0, 7, -3, 1e-300, 1e300, -1e300, 5e-324])
@pytest.mark.parametrize("shape", [(6, 6), (5, 8), (8, 5)])
def test_all_equal(value: float, shape: tuple[int, int]) -> None:
    """One value everywhere: rows in order, columns in order, and a proof, whatever its magnitude."""
    costs = np.full(shape, value)
    pairs = min(shape)
    found = proven(costs)
    assert found.col_for_row[:pairs].tolist() == list(range(pairs))
    assert math.isclose(found.total_cost, pairs * value, rel_tol=1e-15)
    assert len(k_best_assignments(costs, 3)) == 3


def test_magnitudes_side_by_side() -> None:
    """1e300 beside 1e-300: the small numbers decide where the large ones do not, and no dual becomes NaN."""
    costs = np.array([[1e300, 1e-300, 2e-300], [1e-300, 1e300, 3e-300], [2e-300, 1e-300, 1e300]])
    found = matcher.solve_assignment(costs)
    assert found.col_for_row.tolist() == [2, 0, 1]
    assert np.isfinite(found.row_duals).all()
    assert np.isfinite(found.col_duals).all()
    check = verify_assignment(costs, found.col_for_row, found.row_duals, found.col_duals, tolerance=1e-12)
    assert not check.problems


@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.coo_array])
@pytest.mark.parametrize("capacities", [None, 1])
def test_integers_near_overflow(form: Any, capacities: int | None) -> None:
    """At the largest magnitude that is taken the answer is exact; beyond it, a refusal and no wrapped number."""
    keywords: dict[str, Any] = {} if capacities is None else {"capacities": capacities}
    for power in range(40, 64):
        big = 2**power - 1
        costs = np.array([[big, big - 1], [big - 1, -big]])
        if power > 55:
            with pytest.raises(OverflowError, match="int64"):
                matcher.solve_assignment(form(costs), **keywords)
        else:
            assert proven(form(costs), **keywords).total_cost == 0
    column = np.full((1000, 1), 2**54)
    with pytest.raises(OverflowError, match="int64"):
        matcher.solve_assignment(form(column), unassigned_cost=2**54, **keywords)
    assert matcher.solve_assignment(form(column // 64), unassigned_cost=2**48, **keywords).total_cost == 1000 * 2**48


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
def test_any_layout_without_a_copy(dtype: type) -> None:
    """C, Fortran, strided, reversed, overlapping, read-only, unaligned and foreign-endian views give one answer."""
    base = RNG.integers(0, 500, (30, 40)).astype(dtype)
    expected = proven(base).total_cost
    wide = np.zeros((60, 120), dtype)
    wide[::2, ::3] = base
    record = np.zeros((30, 40), np.dtype([("skip", np.int8), ("cost", dtype)]))
    record["cost"] = base
    frozen = base.copy()
    frozen.setflags(write=False)
    unaligned = np.frombuffer(b"x" + base.tobytes(), np.uint8)[1:].view(dtype).reshape(base.shape)
    views = {
        "fortran": np.asfortranarray(base),
        "strided": wide[::2, ::3],
        "reversed": base[::-1, ::-1],
        "read-only": frozen,
        "field of a record": record["cost"],
        "unaligned": unaligned,
        "other endian": base.astype(np.dtype(dtype).newbyteorder()),
        "transposed twice": base.T.T,
    }
    for name, view in views.items():
        before = view.tobytes()
        assert matcher.solve_assignment(view).total_cost == expected, name
        assert matcher.solve_assignment(view, capacities=1).total_cost == expected, name
        assert matcher.solve_assignment_batch([view]).total_cost.tolist() == [expected], name
        assert view.tobytes() == before, f"{name}: the input was written to"
    overlapping = as_strided(np.ascontiguousarray(base[0]), (10, 20), (base.itemsize, base.itemsize))
    assert matcher.solve_assignment(overlapping).total_cost == matcher.solve_assignment(overlapping.copy()).total_cost
    everywhere = np.broadcast_to(dtype(3), (5, 6))
    assert matcher.solve_assignment(everywhere).total_cost == 15


def test_a_dense_solve_does_not_copy_its_matrix() -> None:
    """No array of the matrix's size is made on the way to the kernel: 32 MB in Fortran order stay where they are."""
    import tracemalloc

    costs = np.asfortranarray(RNG.random((2000, 2000)))
    tracemalloc.start()
    matcher.solve_assignment(costs, max_iterations=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < costs.nbytes / 8


def test_nan_is_named_wherever_it_hides() -> None:
    """Last cell, transposed, sparse, in a price, under maximize: the caller's own row and column."""
    for shape, cell in (((3, 5), (2, 4)), ((5, 3), (4, 2)), ((5, 3), (0, 1))):
        for dtype in (np.float32, np.float64):
            costs = np.ones(shape, dtype)
            costs[cell] = math.nan
            for keywords in ({}, {"maximize": True}, {"unassigned_cost": 2.0}, {"capacities": 2}):
                for view in (
                    costs,
                    np.asfortranarray(costs),
                    scipy.sparse.csr_array(costs),
                    scipy.sparse.coo_array(costs),
                ):
                    with pytest.raises(ValueError, match=rf"costs\[{cell[0]}, {cell[1]}\] is NaN"):
                        matcher.solve_assignment(view, **keywords)
            for method in (assignment_sensitivity, lambda costs: k_best_assignments(costs, 2)):
                with pytest.raises(ValueError, match=rf"costs\[{cell[0]}, {cell[1]}\] is NaN"):
                    method(costs)


def test_a_pair_stored_twice_is_named_everywhere() -> None:
    """COO, CSR and CSC; solving, ranking and margins alike: which of two costs is meant nobody can know."""
    twice = scipy.sparse.coo_array(([1, 2, 3], ([2, 0, 2], [1, 0, 1])), shape=(3, 3))
    raw = scipy.sparse.csr_array(([2, 1, 3], [0, 1, 1], [0, 1, 1, 3]), shape=(3, 3))
    for form in (twice, raw):
        for method in (matcher.solve_assignment, assignment_sensitivity, lambda costs: k_best_assignments(costs, 1)):
            with pytest.raises(ValueError, match=r"costs\[2, 1\] is stored more than once"):
                method(form)


def test_cancellation_from_another_thread() -> None:
    """A solve of seconds ends soon after the token is raised, with a matching and a bound; a raised token stays so."""
    costs = np.multiply.outer(np.arange(1, 3001.0), np.arange(1, 3001.0)) % 9973
    token = CancelToken()
    found: list[matcher.AssignmentSolution] = []
    solver = threading.Thread(target=lambda: found.append(matcher.solve_assignment(costs, cancel=token)))
    solver.start()
    time.sleep(0.05)
    token.cancel()
    solver.join(60)
    assert not solver.is_alive()
    assert found[0].status in (SolveStatus.STOPPED, SolveStatus.OPTIMAL)
    assert found[0].lower_bound <= found[0].total_cost < INF
    again = matcher.solve_assignment(costs[:400, :400], cancel=token)
    assert again.status is SolveStatus.STOPPED


def test_time_limit_stops_and_leaves_no_thread() -> None:
    """Stopped early it says so and its bound holds; with time enough it is the whole answer. A timer never outlives the
    call, and the caller's own token is not raised by it."""
    costs, token = RNG.random((300, 300)), CancelToken()
    threads = threading.active_count()
    whole = matcher.solve_assignment(costs, time_limit=600, cancel=token)
    part = matcher.solve_assignment(costs, time_limit=0, cancel=token)
    assert threading.active_count() == threads
    assert whole.status is SolveStatus.OPTIMAL
    assert part.status is SolveStatus.STOPPED
    assert part.lower_bound <= whole.total_cost <= part.total_cost
    assert part.gap > 0
    assert not token.cancelled
    for wrong in (-1.0, math.nan):
        with pytest.raises(ValueError, match="time_limit must not be negative"):
            matcher.solve_assignment(costs, time_limit=wrong)


def test_strides_beyond_32_bits(tmp_path: Path) -> None:
    """Cells 2^31 elements apart, in a file that is almost all hole: the right four numbers are read."""
    apart = 2**31 + 5
    try:
        base = np.memmap(tmp_path / "holes", np.float32, "w+", shape=(apart + 10,))
    except OSError as reason:
        pytest.skip(f"no file of {4 * apart} bytes can be mapped here: {reason}")
    base[:2], base[apart : apart + 2] = [5, 1], [1, 9]
    for shape in ((2, 2), (2, 10)):
        costs = as_strided(base, shape, (4 * apart, 4))
        assert matcher.solve_assignment(costs).total_cost == matcher.solve_assignment(costs.copy()).total_cost
        assert matcher.solve_assignment(costs.T).total_cost == matcher.solve_assignment(costs.T.copy()).total_cost
    del base, costs
    (tmp_path / "holes").unlink()


@pytest.mark.skipif("MATCHER_HUGE" not in os.environ, reason="takes a minute; set MATCHER_HUGE=1 to run it")
def test_more_than_two_to_the_31_cells() -> None:
    """46,500 x 46,500 cells that share 93,000 numbers (each cell is its row plus its column): solved, and proven row by
    row. A NaN in the last number, which is the last cell, is named."""
    n = 46_500
    assert n * n > 2**31
    base = RNG.random(2 * n - 1).astype(np.float32)
    costs = as_strided(base, (n, n), (4, 4))
    found = matcher.solve_assignment(costs)
    assert found.status is SolveStatus.OPTIMAL
    assert sorted(found.col_for_row.tolist()) == list(range(n))
    wide = base.astype(np.float64)
    worst = min(float((wide[i : i + n] - found.col_duals).min() - found.row_duals[i]) for i in range(n))
    assert worst > -1e-12
    total = math.fsum(wide[np.arange(n) + found.col_for_row])
    assert abs(total - math.fsum(found.row_duals) - math.fsum(found.col_duals)) < 1e-9 * n
    base[-1] = math.nan
    with pytest.raises(ValueError, match=rf"costs\[{n - 1}, {n - 1}\] is NaN"):
        matcher.solve_assignment(costs)
