"""Gurobi and CPLEX through their own Python packages (extras `gurobi` and `cplex`), imported when first used.

Without a licence both solve small models only, about 1,900 and 900 columns; what they refuse is UNSOLVED. The bridge
of MathOpt to Gurobi does not take the licence of the wheel, hence the direct adapters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse

from matcher.domain import CancelToken
from matcher.solve.packing import I32, I64, PackingProblem, PackingSolution, PackingStatus, WarmStart
from matcher.solve.packing_greedy import best_certificate, overflow
from matcher.solve.packing_prices import gains, sums_are_exact

_EXACT_IN_DOUBLE = 1 << 53
_TOLERANCE = 1e-6
"""Bounds are kept only to a tolerance, so they are moved by this share."""


@dataclass(frozen=True, slots=True)
class _Raw:
    """What a back end answers: positions among the kept columns, a bound on their gain, work done."""

    picked: I64 | None
    gain_bound: float | None
    work: int


_Run = Callable[[PackingProblem, I32, I64, int | None], _Raw]
"""A back end: problem, kept columns, their gains and the limit on the work, to what it found."""


def _rows(problem: PackingProblem, kept: I32) -> scipy.sparse.csr_matrix:
    """(orders + couriers, kept columns) incidence: each row is used at most once."""
    position = np.full(problem.columns, -1, dtype=np.int64)
    position[kept] = np.arange(len(kept))
    of_member = position[problem.column_of_member]
    keep = of_member >= 0
    row = np.concatenate([problem.order[keep], problem.n_orders + problem.courier[kept]])
    column = np.concatenate([of_member[keep], np.arange(len(kept))])
    shape = (problem.n_orders + problem.n_couriers, len(kept))
    matrix = scipy.sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=shape)
    return matrix[np.diff(matrix.indptr) > 1]


def _answer(problem: PackingProblem, kept: I32, raw: _Raw, warm_start: WarmStart | None) -> PackingSolution:
    proof = best_certificate(problem, warm_start)
    chosen: I32 = np.empty(0, dtype=np.int32) if raw.picked is None else np.sort(kept[raw.picked])
    total = problem.total(chosen)
    lower_bound = proof.bound
    if raw.gain_bound is not None and np.isfinite(raw.gain_bound):
        gain_bound = int(np.floor(raw.gain_bound + _TOLERANCE * abs(raw.gain_bound) + 1e-3))
        lower_bound = max(lower_bound, int(problem.wait.sum()) - gain_bound)
    lower_bound = min(lower_bound, total)
    if raw.picked is None:
        status = PackingStatus.UNSOLVED
    else:
        status = PackingStatus.OPTIMAL if lower_bound == total else PackingStatus.STOPPED
    return PackingSolution(
        status=status,
        chosen=chosen,
        total=total,
        lower_bound=lower_bound,
        price_bound=proof.bound,
        order_price=proof.order_price,
        courier_price=proof.courier_price,
        iterations=raw.work,
    )


def _solve(
    problem: PackingProblem,
    run: _Run,
    max_iterations: int | None,
    warm_start: WarmStart | None,
    cancel: CancelToken | None,
) -> PackingSolution:
    """Hand the columns that gain anything to a back end; OVERFLOW where a double would not hold the sums exactly.

    A cancellation is looked for before: once a back end runs, only its limit on the work ends it.
    """
    if cancel is not None:
        cancel.check()
    if problem.caps is not None:
        raise ValueError("this back end knows no caps; those of the ladder do")
    if not sums_are_exact(problem):
        return overflow()
    gain = gains(problem)
    if int(np.maximum(gain, 0).sum()) >= _EXACT_IN_DOUBLE:
        return overflow()
    kept: I32 = np.flatnonzero(gain > 0).astype(np.int32)
    nothing = _Raw(np.empty(0, dtype=np.int64), 0.0, 0)
    raw = run(problem, kept, gain[kept], max_iterations) if len(kept) else nothing
    return _answer(problem, kept, raw, warm_start)


@dataclass(frozen=True, slots=True)
class GurobiPackingSolver:
    """Gurobi, one thread. One iteration is a thousandth of Gurobi's work unit, which does not depend on the clock."""

    time_limit_s: float | None = None
    """Clock limit besides the work, for benchmarks: an answer that it cuts short cannot be replayed."""
    name: str = "gurobi"

    def solve(
        self,
        problem: PackingProblem,
        *,
        max_iterations: int | None = None,
        warm_start: WarmStart | None = None,
        cancel: CancelToken | None = None,
    ) -> PackingSolution:
        """See PackingSolver.solve."""
        return _solve(problem, self._run, max_iterations, warm_start, cancel)

    def _run(self, problem: PackingProblem, kept: I32, gain: I64, max_iterations: int | None) -> _Raw:
        import gurobipy

        with gurobipy.Env(params={"OutputFlag": 0}) as env, gurobipy.Model(env=env) as model:
            model.Params.Threads = 1
            model.Params.MIPGap = 0.0
            if max_iterations is not None:
                model.Params.WorkLimit = max_iterations / 1000
            if self.time_limit_s is not None:
                model.Params.TimeLimit = self.time_limit_s
            variables = model.addMVar(len(kept), vtype=gurobipy.GRB.BINARY)
            model.setObjective(gain.astype(np.float64) @ variables, gurobipy.GRB.MAXIMIZE)
            rows = _rows(problem, kept)
            if rows.shape[0]:
                model.addConstr(rows @ variables <= np.ones(rows.shape[0]))
            try:
                model.optimize()
            except gurobipy.GurobiError as error:
                if error.errno == gurobipy.GRB.Error.SIZE_LIMIT_EXCEEDED:
                    return _Raw(None, None, 0)
                raise
            picked = np.flatnonzero(np.asarray(variables.X) > 0.5) if model.SolCount else None
            return _Raw(picked, float(model.ObjBound), round(model.Work * 1000))


@dataclass(frozen=True, slots=True)
class CplexPackingSolver:
    """CPLEX, one thread. One iteration is one of its deterministic ticks."""

    time_limit_s: float | None = None
    """Clock limit besides the work, for benchmarks: an answer that it cuts short cannot be replayed."""
    name: str = "cplex"

    def solve(
        self,
        problem: PackingProblem,
        *,
        max_iterations: int | None = None,
        warm_start: WarmStart | None = None,
        cancel: CancelToken | None = None,
    ) -> PackingSolution:
        """See PackingSolver.solve."""
        return _solve(problem, self._run, max_iterations, warm_start, cancel)

    def _run(self, problem: PackingProblem, kept: I32, gain: I64, max_iterations: int | None) -> _Raw:
        import cplex

        with cplex.Cplex() as model:
            for set_stream in (
                model.set_log_stream,
                model.set_results_stream,
                model.set_warning_stream,
                model.set_error_stream,
            ):
                set_stream(None)
            model.parameters.threads.set(1)
            model.parameters.mip.tolerances.mipgap.set(0.0)
            if max_iterations is not None:
                model.parameters.dettimelimit.set(max(1.0, float(max_iterations)))
            if self.time_limit_s is not None:
                model.parameters.timelimit.set(self.time_limit_s)
            model.objective.set_sense(model.objective.sense.maximize)
            model.variables.add(obj=gain.astype(np.float64).tolist(), types="B" * len(kept))
            rows = _rows(problem, kept)
            expressions = [
                [rows.indices[a:b].tolist(), [1.0] * int(b - a)]
                for a, b in zip(rows.indptr, rows.indptr[1:], strict=False)
            ]
            model.linear_constraints.add(
                lin_expr=expressions, senses="L" * len(expressions), rhs=[1.0] * len(expressions)
            )
            try:
                model.solve()
            except cplex.exceptions.CplexSolverError as error:
                if error.args[2] == cplex.exceptions.error_codes.CPXERR_RESTRICTED_VERSION:
                    return _Raw(None, None, 0)
                raise
            picked = None
            if model.solution.is_primal_feasible():
                picked = np.flatnonzero(np.asarray(model.solution.get_values()) > 0.5)
            return _Raw(picked, float(model.solution.MIP.get_best_objective()), round(model.get_dettime()))
