"""Sparse problems solved one after the other: rows that are kept never change an answer."""

from __future__ import annotations

import copy
import pickle
import threading
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from numpy.typing import NDArray

import matcher
from matcher.solve import AssignmentSolution, SolveStatus, WarmStart
from matcher.verify import verify_assignment

N, K = 120, 6


def rows_of(n: int, m: int, rng: np.random.Generator, dtype: Any) -> Any:
    """CSR of up to K allowed pairs a row, some rows without any; few different costs, so that there are ties."""
    dense = np.zeros((n, m))
    for i in range(n):
        cols = rng.choice(m, min(int(rng.integers(0, K + 1)), m), replace=False)
        dense[i, cols] = rng.integers(1, 40, len(cols))
    rows = scipy.sparse.csr_array(dense)
    scale = 1 if dtype == np.int64 else 0.1
    return scipy.sparse.csr_array(((rows.data * scale).astype(dtype), rows.indices, rows.indptr), shape=(n, m))


def without_kept_rows(costs: Any, price: Any, start: WarmStart | AssignmentSolution, **options: Any) -> Any:
    """What the same start gives when nothing is kept."""
    return matcher.solve_assignment(
        costs, unassigned_cost=price, warm_start=WarmStart(start.col_duals, start.col_for_row), **options
    )


def same(a: AssignmentSolution, b: AssignmentSolution) -> None:
    for f in fields(a):
        if f.name == "resolver":
            continue
        one, other = getattr(a, f.name), getattr(b, f.name)
        if isinstance(one, np.ndarray):
            assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes()), f.name
        else:
            assert one == other, f.name


def stacked(costs: Any, new: Any, old: NDArray[np.int64]) -> Any:
    """Row old[i] of `costs`, or where that is -1 row i of `new`."""
    both = scipy.sparse.vstack([costs, new], format="csr")
    return scipy.sparse.csr_array(both[np.where(old >= 0, old, costs.shape[0] + np.arange(len(old)) % new.shape[0])])


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("priced", ["one", "each", "must"])
def test_rows_and_columns_that_come_go_and_change(dtype: Any, index: Any, priced: str) -> None:
    """Field by field the answer is that of a start without kept rows, and its total a cold solve's."""
    rng = np.random.default_rng([3, priced == "one", priced == "each"])
    n, m = N, N + 10
    costs = rows_of(n, m, rng, dtype)
    price: Any = 25 if dtype == np.int64 else 2.5
    last = matcher.solve_assignment(costs, unassigned_cost=price)
    for turn in range(40):
        rows, cols = np.arange(n), np.arange(m)
        match turn % 5:
            case 0:  # some rows are others, in their places
                rows[rng.choice(n, 3, replace=False)] = -1
            case 1:  # some leave and some come, and all that stay move up
                rows = np.concatenate([np.delete(rows, rng.choice(n, 2, replace=False)), [-1] * int(rng.integers(4))])
            case 2:  # the last leave
                rows = rows[:-1]
            case 3:  # columns leave, come or change places
                cols = rng.permutation(np.concatenate([np.delete(cols, rng.choice(m, 2, replace=False)), [-1] * 2]))
            case _:  # one comes at the end of both
                rows, cols = np.append(rows, -1), np.append(cols, -1)
        moved = stacked(costs, rows_of(9, m, rng, dtype), rows)
        wide = scipy.sparse.hstack([moved, rows_of(len(rows), 3, rng, dtype)], format="csr")
        costs = scipy.sparse.csr_array(wide[:, np.where(cols >= 0, cols, m + np.arange(len(cols)) % 3)])
        costs.sort_indices()
        n, m = costs.shape
        costs = scipy.sparse.csr_array((costs.data, costs.indices.astype(index), costs.indptr.astype(index)), (n, m))
        if priced == "each":
            price = rng.integers(5, 40, n).astype(dtype)
        elif priced == "must" and dtype == np.float64:
            price = np.where(np.arange(n) % 20 == 3, np.inf, 2.5)
        start = last.carried(rows, cols)
        found = matcher.solve_assignment(costs, unassigned_cost=price, warm_start=start)
        same(found, without_kept_rows(costs, price, start))
        if found.status is SolveStatus.OPTIMAL:
            check = verify_assignment(
                costs, found.col_for_row, found.row_duals, found.col_duals, unassigned_cost=price, tolerance=1e-9
            )
            assert check.proves_optimum(0 if dtype == np.int64 else 1e-9), check
        cold = matcher.solve_assignment(costs, unassigned_cost=price)
        assert found.total_cost == pytest.approx(cold.total_cost, rel=1e-12)
        assert turn == 0 or found.resolver is last.resolver
        last = found


@pytest.mark.parametrize("maximize", [False, True])
def test_a_caller_may_write_into_the_arrays(maximize: bool) -> None:
    """Copies are kept, so a cost that changes in place is seen, and so is one that changes back."""
    rng = np.random.default_rng(4)
    costs = rows_of(N, N, rng, np.int64)
    price = 5 if maximize else 25
    last = matcher.solve_assignment(costs, unassigned_cost=price, maximize=maximize)
    for turn in range(30):
        at = rng.choice(costs.nnz, 4, replace=False)
        before = costs.data[at].copy()
        costs.data[at] = rng.integers(1, 40, 4)
        if turn % 3 == 0:
            last = matcher.solve_assignment(costs, unassigned_cost=price, maximize=maximize, warm_start=last)
            costs.data[at] = before
        found = matcher.solve_assignment(costs, unassigned_cost=price, maximize=maximize, warm_start=last)
        same(found, without_kept_rows(costs, price, last, maximize=maximize))
        last = found


@pytest.mark.parametrize("budget", [0, 1, 7, 40])
def test_stopped_solves_do_not_depend_on_what_is_kept(budget: int) -> None:
    """Bound, matching and iterations of a budget are those of a start without kept rows, and later solves are exact."""
    rng = np.random.default_rng(5)
    costs = rows_of(N, N, rng, np.int64)
    last = matcher.solve_assignment(costs, unassigned_cost=25)
    for _ in range(8):
        costs = stacked(costs, rows_of(N, N, rng, np.int64), np.where(rng.random(N) < 0.2, -1, np.arange(N)))
        stopped = matcher.solve_assignment(costs, unassigned_cost=25, warm_start=last, max_iterations=budget)
        same(stopped, without_kept_rows(costs, 25, last, max_iterations=budget))
        last = matcher.solve_assignment(costs, unassigned_cost=25, warm_start=stopped)
        assert last.total_cost == matcher.solve_assignment(costs, unassigned_cost=25).total_cost


def test_what_a_start_says_of_rows_is_not_believed() -> None:
    """Wrong, repeated and foreign row numbers, and an older solution of the chain: the same answers."""
    rng = np.random.default_rng(6)
    costs = rows_of(N, N, rng, np.int64)
    first = matcher.solve_assignment(costs, unassigned_cost=25)
    first = last = matcher.solve_assignment(costs, unassigned_cost=25, warm_start=first)
    for turn in range(20):
        costs = stacked(costs, rows_of(N, N, rng, np.int64), np.where(rng.random(N) < 0.05, -1, np.arange(N)))
        of = first if turn % 3 == 0 else last
        start = replace(of.carried(np.arange(N), np.arange(N)), old_row=rng.integers(-5, 2 * N, N).astype(np.int32))
        last = matcher.solve_assignment(costs, unassigned_cost=25, warm_start=start)
        same(last, without_kept_rows(costs, 25, start))


def test_faults_are_named_and_leave_the_chain_right() -> None:
    """A changed row that is wrong is refused as in a cold solve; the next call goes on from what is kept."""
    rng = np.random.default_rng(7)
    costs = rows_of(N, N, rng, np.float64)
    last = matcher.solve_assignment(costs, unassigned_cost=2.5)
    last = matcher.solve_assignment(costs, unassigned_cost=2.5, warm_start=last)
    row = int(np.flatnonzero(np.diff(costs.indptr) > 2)[7])
    at = costs.indptr[row]
    wrong = costs.copy()
    wrong.data[at + 1] = np.nan
    wrong.data[costs.indptr[row + 1] :] += 0.125
    with pytest.raises(ValueError, match=rf"costs\[{row}, {costs.indices[at + 1]}\] is NaN"):
        matcher.solve_assignment(wrong, unassigned_cost=2.5, warm_start=last)
    twice = scipy.sparse.csr_array((costs.data, costs.indices.copy(), costs.indptr), costs.shape)
    twice.indices[at] = twice.indices[at + 1]
    with pytest.raises(ValueError, match="stored more than once"):
        matcher.solve_assignment(twice, unassigned_cost=2.5, warm_start=last)
    outside = scipy.sparse.csr_array((costs.data, costs.indices.copy(), costs.indptr), costs.shape)
    outside.indices[costs.indptr[row + 1] - 1] = N
    with pytest.raises(ValueError, match="outside"):
        matcher.solve_assignment(outside, unassigned_cost=2.5, warm_start=last)
    turned = scipy.sparse.csr_array((costs.data.copy(), costs.indices.copy(), costs.indptr), costs.shape)
    turned.indices[at], turned.indices[at + 1] = costs.indices[at + 1], costs.indices[at]
    turned.data[at], turned.data[at + 1] = costs.data[at + 1], costs.data[at]
    same(matcher.solve_assignment(turned, unassigned_cost=2.5, warm_start=last), without_kept_rows(costs, 2.5, last))
    huge = costs.copy()
    huge.data[at] = 1e307
    with pytest.raises(OverflowError):
        matcher.solve_assignment(huge, unassigned_cost=2.5, warm_start=last)
    for changed in (costs, wrong):
        changed.data[at + 1] = 0.5
        same(
            matcher.solve_assignment(changed, unassigned_cost=2.5, warm_start=last),
            without_kept_rows(changed, 2.5, last),
        )


def test_memory_is_bounded_however_long_the_chain() -> None:
    """Rows that grow and shrink leave room behind, which is taken back."""
    rng = np.random.default_rng(8)
    costs = rows_of(N, N, rng, np.int64)
    last = matcher.solve_assignment(costs, unassigned_cost=25)
    for _ in range(300):
        costs = stacked(costs, rows_of(N, N, rng, np.int64), np.where(rng.random(N) < 0.3, -1, np.arange(N)))
        last = matcher.solve_assignment(costs, unassigned_cost=25, warm_start=last)
        assert last.resolver is not None
        assert last.resolver.nbytes < 200 * (N * K + N + 1024)
    assert last.total_cost == matcher.solve_assignment(costs, unassigned_cost=25).total_cost


def test_threads_that_meet_in_one_chain() -> None:
    """Whoever finds the kept rows in use does without; every answer is exact."""
    rng = np.random.default_rng(9)
    problems = [rows_of(400, 400, rng, np.int64) for _ in range(4)]
    totals = [matcher.solve_assignment(costs, unassigned_cost=25).total_cost for costs in problems]
    start = matcher.solve_assignment(problems[0], unassigned_cost=25)
    start = matcher.solve_assignment(problems[0], unassigned_cost=25, warm_start=start)
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(60):
            found = matcher.solve_assignment(problems[k], unassigned_cost=25, warm_start=start)
            if found.total_cost != totals[k]:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_copied_solution_is_a_start_like_any_other() -> None:
    """Kept rows are no part of the answer: copies and pickles go without, and cold solves keep nothing."""
    rng = np.random.default_rng(10)
    costs = rows_of(N, N, rng, np.int64)
    cold = matcher.solve_assignment(costs, unassigned_cost=25)
    assert cold.resolver is None
    assert matcher.solve_assignment(costs.toarray(), unassigned_cost=25).resolver is None
    warm = matcher.solve_assignment(costs, unassigned_cost=25, warm_start=cold)
    assert warm.resolver is not None
    assert warm.resolver.nbytes > 0
    for twin in (copy.deepcopy(warm), pickle.loads(pickle.dumps(warm))):
        same(twin, warm)
        assert twin.resolver.nbytes == 0
        same(matcher.solve_assignment(costs, unassigned_cost=25, warm_start=twin), without_kept_rows(costs, 25, warm))
