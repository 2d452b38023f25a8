"""Every rung of the ladder is held to the same oracle, so that the one below is good on the night it is needed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse
from tests.oracles.assignment import cheapest_total, matching_total
from tests.oracles.problems import dense, prices, sparse_problem

from matcher.kernels import MUST_MATCH, SolveStatus
from matcher.solve.rungs import RUNGS, SparseAnswer, SparseAssignmentRung, SparseProblem
from matcher.verify import AssignmentCheck, verify_assignment


def check(problem: SparseProblem, answer: SparseAnswer) -> AssignmentCheck:
    costs = scipy.sparse.csr_array(
        (problem.cost, problem.col, problem.ptr), shape=(problem.n_rows, problem.n_cols), dtype=np.int64
    )
    outs = [math.inf if price == MUST_MATCH else price for price in problem.unassigned.tolist()]
    return verify_assignment(
        costs, answer.col_for_row, answer.row_duals, answer.col_duals, unassigned_cost=np.array(outs, float)
    )


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_rung_agrees_with_brute_force(rung: SparseAssignmentRung) -> None:
    """Thousands of small problems find the corner cases that examples miss: ties, infeasible, rectangular, empty."""
    rng = np.random.default_rng(20)
    seen = {SolveStatus.OPTIMAL: 0, SolveStatus.INFEASIBLE: 0, SolveStatus.STOPPED: 0}
    for trial in range(700):
        problem = sparse_problem(rng)
        best = cheapest_total(dense(problem), prices(problem), problem.n_cols)
        answer = rung.solve(problem)
        seen[answer.status] += 1
        if best is None:
            assert answer.status is SolveStatus.INFEASIBLE, trial
            continue
        assert answer.status is not SolveStatus.INFEASIBLE, trial
        verdict = check(problem, answer)
        assert not verdict.problems, (trial, verdict.problems)
        assert answer.total == matching_total(dense(problem), prices(problem), answer.col_for_row.tolist())
        assert answer.bound <= best <= answer.total
        if rung.name != "greedy":
            assert answer.status is SolveStatus.OPTIMAL
            assert verdict.proves_optimum(), trial
    assert seen[SolveStatus.INFEASIBLE] > 50
    assert seen[SolveStatus.OPTIMAL] > 100


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_middle_sized_problems_agree(rung: SparseAssignmentRung) -> None:
    """Small problems never fill a queue or a heap; these do, and the certificate replaces brute force."""
    rng = np.random.default_rng(7)
    for n, m, degree, top in ((120, 150, 6, 50), (200, 100, 4, 10**6), (60, 60, 60, 5), (300, 300, 8, 10**4)):
        col = np.concatenate([np.sort(rng.choice(m, degree, replace=False)) for _ in range(n)]).astype(np.int32)
        cost = rng.integers(0, top, n * degree)
        problem = SparseProblem(np.arange(n + 1, dtype=np.int64) * degree, col, cost, m, rng.integers(0, top, n))
        answer = rung.solve(problem)
        verdict = check(problem, answer)
        assert not verdict.problems
        assert verdict.total == answer.total
        if rung.name != "greedy":
            assert verdict.proves_optimum()
        else:
            assert answer.bound <= answer.total
