"""Packings under caps: every solver keeps them, and the exact ones are exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.packing import cheapest_total, check_solution
from tests.solve.test_packing import packings, seeded

from matcher.domain import Rung
from matcher.engine.rungs import PACKING_SOLVERS
from matcher.solve.packing import Caps, NativePackingSolver, PackingProblem, PackingStatus
from matcher.solve.packing_capped import CappedPackingSolver


@st.composite
def capped(draw: st.DrawFn) -> PackingProblem:
    """A random packing with up to three caps, some of them of nothing."""
    problem = draw(packings())
    caps = draw(st.integers(1, 3))
    use = draw(st.lists(st.lists(st.integers(0, 2), min_size=caps, max_size=caps), min_size=problem.columns,
                        max_size=problem.columns))  # fmt: skip
    left = draw(st.lists(st.integers(0, 5), min_size=caps, max_size=caps))
    table = np.array(use, dtype=np.int16).reshape(problem.columns, caps)
    return replace(problem, caps=Caps(table, np.array(left, dtype=np.int64)))


@pytest.mark.parametrize("rung", list(Rung))
@settings(max_examples=120, deadline=None)
@given(capped())
def test_every_rung_keeps_the_caps_and_its_bound(rung: Rung, problem: PackingProblem) -> None:
    """Feasible, honest about its total, and no bound above the optimum that brute force finds; CP-SAT attains it."""
    solution = PACKING_SOLVERS[rung].solve(problem)
    check_solution(problem, solution)
    best = cheapest_total(problem)
    assert solution.lower_bound <= best <= solution.total
    if rung is Rung.ORTOOLS:
        assert solution.total == best


def test_prices_on_caps_come_near_the_optimum() -> None:
    """The native rung knows no caps and still finds most optima of small problems; the rest are near."""
    missed = lost = total = 0
    for seed in range(300):
        problem = seeded(seed)
        rng = np.random.default_rng(seed)
        use = rng.integers(0, 2, size=(problem.columns, 2)).astype(np.int16)
        problem = replace(problem, caps=Caps(use, np.array([1, 2])))
        best = cheapest_total(problem)
        found = PACKING_SOLVERS[Rung.NATIVE].solve(problem).total
        missed, lost, total = missed + (found != best), lost + found - best, total + abs(best)
    assert missed <= 60
    assert lost <= 0.03 * total


def test_caps_that_do_not_bind_change_nothing() -> None:
    """The packing without caps is the answer, its certificate included."""
    problem = seeded(3)
    roomy = replace(problem, caps=Caps(np.ones((problem.columns, 1), dtype=np.int16), np.array([10**6])))
    plain = NativePackingSolver().solve(problem, max_iterations=10_000)
    answer = CappedPackingSolver(NativePackingSolver()).solve(roomy, max_iterations=90_000)
    assert answer.chosen.tolist() == plain.chosen.tolist()
    assert (answer.total, answer.lower_bound) == (plain.total, plain.lower_bound)


def test_a_cap_of_nothing_leaves_everybody_out() -> None:
    """No room at all: the price of waiting, proven."""
    problem = seeded(5)
    shut = replace(problem, caps=Caps(np.ones((problem.columns, 1), dtype=np.int16), np.array([0])))
    for rung in Rung:
        solution = PACKING_SOLVERS[rung].solve(shut)
        assert solution.chosen.size == 0
        assert solution.total == int(problem.wait.sum())
    exact = PACKING_SOLVERS[Rung.ORTOOLS].solve(shut)
    assert exact.status is PackingStatus.OPTIMAL
