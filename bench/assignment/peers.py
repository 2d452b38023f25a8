"""Other exact solvers behind one call: problem in, total out, conversions included. Missing ones are skipped."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
from bench.assignment import lemon
from bench.assignment.families import Problem
from numpy.typing import NDArray

Solve = Callable[[Problem], float]


def _padded(problem: Problem) -> NDArray[Any]:
    """Prices as columns of their own, for solvers that know none."""
    costs = problem.costs
    assert costs is not None
    if problem.price is None:
        return costs
    return np.hstack([costs, np.full((len(costs), len(costs)), problem.price, costs.dtype)])


def _squared(costs: NDArray[Any]) -> NDArray[Any]:
    n, m = costs.shape
    if n == m:
        return np.asarray(costs, np.float64)
    side = max(n, m)
    square = np.zeros((side, side))
    square[:n, :m] = costs
    return square


def _total(costs: NDArray[Any], rows: Any, cols: Any) -> float:
    return float(costs[rows, cols].sum())


def _scipy(problem: Problem) -> float:
    from scipy.optimize import linear_sum_assignment

    costs = _padded(problem)
    return _total(costs, *linear_sum_assignment(costs))


def _lapx(name: str) -> Solve:
    solve = getattr(import_module("lap"), name)

    def run(problem: Problem) -> float:
        return float(solve(_padded(problem))[0])

    return run


def _aligned(module: str) -> Solve:
    solve = import_module(module).lapjv

    def run(problem: Problem) -> float:
        costs = _padded(problem)
        return float(solve(costs, extend_cost=costs.shape[0] != costs.shape[1])[0])

    return run


def _lapjv() -> Solve:
    solve = import_module("lapjv").lapjv

    def run(problem: Problem) -> float:
        costs = _padded(problem)
        n, m = costs.shape
        square = _squared(costs)
        cols = solve(square)[0][:n]
        kept = cols < m
        return _total(costs, np.flatnonzero(kept), cols[kept])

    return run


def _fastlap() -> Solve:
    solve = import_module("fastlap").lapjv
    return lambda problem: float(solve(_padded(problem))[0])


def _pot() -> Solve:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        emd = import_module("ot").emd

    def run(problem: Problem) -> float:
        costs = np.asarray(_padded(problem), np.float64)
        square = _squared(costs)
        side = len(square)
        plan = emd(np.full(side, 1.0), np.full(side, 1.0), square, numItermax=10**8)
        return float((plan * square).sum())

    return run


def _ortools_dense() -> Solve:
    from ortools.graph.python import linear_sum_assignment

    def run(problem: Problem) -> float:
        costs = _padded(problem)
        if costs.dtype.kind == "f" and not np.array_equal(costs, np.rint(costs)):
            raise ValueError("whole costs only")
        square = _squared(costs).astype(np.int64)
        side = np.arange(len(square))
        solver = linear_sum_assignment.SimpleLinearSumAssignment()
        solver.add_arcs_with_cost(np.repeat(side, len(side)), np.tile(side, len(side)), square.ravel())
        solver.solve()
        return float(solver.optimal_cost())

    return run


def _ortools_flow() -> Solve:
    from matcher.kernels import MUST_MATCH
    from matcher.solve.rungs import OrToolsFlow, SparseProblem

    rung = OrToolsFlow()

    def run(problem: Problem) -> float:
        rows = problem.sparse
        price = MUST_MATCH if problem.price is None else int(problem.price)
        out = np.full(rows.shape[0], price, np.int64)
        return float(
            rung.solve(SparseProblem(rows.indptr, rows.indices.astype(np.int32), rows.data, rows.shape[1], out)).total
        )

    return run


def _kwok() -> Solve:
    solve = import_module("kwok").kwok

    def run(problem: Problem) -> float:
        rows, price = problem.sparse, problem.price
        assert price is not None
        ptr, col = rows.indptr.tolist(), rows.indices.tolist()
        gain = (price - rows.data).tolist()  # what a pair saves; a maximum-weight matching takes the best savings
        adjacent = [[(j, g) for j, g in zip(col[a:b], gain[a:b], strict=True) if g > 0] for a, b in pairwise(ptr)]
        partner = np.asarray(solve(adjacent).left_pairs)  # its own total wraps at 2^32
        pairs = np.asarray(rows[np.arange(rows.shape[0]), partner])
        # A row it gave a column that it has no arc to is one left out; arcs of these families cost 1 or more.
        return float(np.where(pairs > 0, np.minimum(pairs, price), price).sum())

    return run


def _bipartite(problem: Problem) -> float:
    import scipy.sparse
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, price = problem.sparse, problem.price
    n = rows.shape[0]
    assert price is not None
    graph = scipy.sparse.hstack([rows, scipy.sparse.diags_array(np.full(n, price), dtype=np.float64)], format="csr")
    i, j = min_weight_full_bipartite_matching(graph)
    return float(np.asarray(graph[i, j]).sum())


def _collect(makers: dict[str, Callable[[], Solve]]) -> tuple[dict[str, Solve], dict[str, str]]:
    found, missing = {}, {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except Exception as reason:  # a peer may fail to load in any way; the table says which were left out
            missing[name] = f"{type(reason).__name__}: {reason}"
    return found, missing


def dense_peers() -> tuple[dict[str, Solve], dict[str, str]]:
    """Solvers of dense problems by name, and why others are missing."""
    makers: dict[str, Callable[[], Solve]] = {"scipy": lambda: _scipy}
    for name in ("lapjvx", "lapjvs", "lapjvc"):
        makers[f"lapx.{name}"] = lambda name=name: _lapx(name)
    makers |= {
        "lapjv": _lapjv,
        "lapcpp": lambda: _aligned("lapcpp"),
        "laprust": lambda: _aligned("laprust"),
        "fastlap": _fastlap,
        "POT": _pot,
        "ortools": _ortools_dense,
    }
    return _collect(makers)


def sparse_peers() -> tuple[dict[str, Solve], dict[str, str]]:
    """Solvers of sparse problems by name, and why others are missing."""
    return _collect(
        {
            "scipy": lambda: _bipartite,
            "ortools flow": _ortools_flow,
            "pylmcf": lemon.cold,
            "kwok": _kwok,
        }
    )
