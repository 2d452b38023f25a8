"""The exact rung: the packing as an integer programme through MathOpt, solved by CP-SAT, HiGHS or SCIP.

OR-Tools is imported when a solver is first used: it costs a quarter of a second that most processes never need.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from matcher.domain import CancelToken
from matcher.solve.packing import I32, I64, PackingProblem, PackingSolution, PackingSolver, PackingStatus, WarmStart
from matcher.solve.packing_greedy import overflow
from matcher.solve.packing_prices import Certificate, certificate, gains, sums_are_exact

if TYPE_CHECKING:
    from ortools.math_opt.python import mathopt

_EXACT_IN_DOUBLE = 1 << 53
_FLOAT_SOLVER_TOLERANCE = 1e-6
"""HiGHS and SCIP keep constraints only to a tolerance, so their bounds are moved down by this share."""


class Backend(StrEnum):
    """Who solves the integer programme."""

    CP_SAT = "cp_sat"
    HIGHS = "highs"
    SCIP = "scip"


@dataclass(frozen=True, slots=True)
class OrToolsPackingSolver:
    """MathOpt with one of its solvers, one thread, limited in work that does not depend on the clock.

    One iteration is a thousandth of CP-SAT's deterministic second, or a branch-and-bound node of HiGHS and SCIP.
    """

    backend: Backend = Backend.CP_SAT
    hint: PackingSolver | None = None
    """Solves first, briefly; its packing is the solver's start and its prices the certificate. None: prices come from
    the linear relaxation."""
    hint_iterations: int = 20_000
    time_limit_s: float | None = None
    """Clock limit besides the work, for benchmarks: an answer that it cuts short cannot be replayed."""

    @property
    def name(self) -> str:
        """Names the solver in logs and reports."""
        return f"ortools-{self.backend.value}"

    def solve(
        self,
        problem: PackingProblem,
        *,
        max_iterations: int | None = None,
        warm_start: WarmStart | None = None,
        cancel: CancelToken | None = None,
    ) -> PackingSolution:
        """See PackingSolver.solve. OVERFLOW also where sums leave the integers that a double holds exactly."""
        if not sums_are_exact(problem):
            return overflow()
        gain = gains(problem)
        if int(np.maximum(gain, 0).sum()) >= _EXACT_IN_DOUBLE:
            return overflow()
        start = (
            self.hint.solve(problem, max_iterations=self.hint_iterations, warm_start=warm_start, cancel=cancel)
            if self.hint
            else None
        )
        kept: I32 = np.flatnonzero(gain > 0).astype(np.int32)
        nothing = int(problem.wait.sum())
        model = _model(problem, kept, gain[kept], integer=True)
        hint = None if start is None else start.chosen
        chosen, gain_bound, work = self._run(model, kept, max_iterations, hint, cancel or CancelToken())
        if (
            start is not None
            and (problem.caps is None or problem.caps.kept_by(start.chosen))
            and (chosen is None or problem.total(chosen) > start.total)
        ):
            chosen = start.chosen
        if start is not None and start.order_price is not None and start.courier_price is not None:
            proof = Certificate(start.order_price, start.courier_price)
        else:
            proof = _relaxation_prices(problem, kept, gain[kept])
        if chosen is None:
            chosen = np.empty(0, dtype=np.int32)
        total = problem.total(chosen)
        lower_bound = max(proof.bound, nothing - gain_bound) if gain_bound is not None else proof.bound
        if start is not None:
            lower_bound = max(lower_bound, start.lower_bound)
        lower_bound = min(lower_bound, total)
        return PackingSolution(
            status=PackingStatus.OPTIMAL if lower_bound == total else PackingStatus.STOPPED,
            chosen=chosen,
            total=total,
            lower_bound=lower_bound,
            price_bound=proof.bound,
            order_price=proof.order_price,
            courier_price=proof.courier_price,
            iterations=work,
        )

    def _run(
        self, model: mathopt.Model, kept: I32, max_iterations: int | None, hint: I32 | None, cancel: CancelToken
    ) -> tuple[I32 | None, int | None, int]:
        """The packing, a bound on its gain and the work done; None for what the solver did not give."""
        from ortools.math_opt.python import mathopt
        from ortools.util.python import solve_interrupter

        parameters = mathopt.SolveParameters(relative_gap_tolerance=0.0, absolute_gap_tolerance=0.0)
        if self.time_limit_s is not None:
            parameters.time_limit = timedelta(seconds=self.time_limit_s)
        match self.backend:
            case Backend.CP_SAT:
                solver_type = mathopt.SolverType.CP_SAT
                parameters.threads = 1
                if max_iterations is not None:
                    parameters.cp_sat.max_deterministic_time = max_iterations / 1000
            case Backend.HIGHS:
                solver_type = mathopt.SolverType.HIGHS
                parameters.node_limit = max_iterations
            case Backend.SCIP:
                solver_type = mathopt.SolverType.GSCIP
                parameters.threads = 1
                parameters.node_limit = max_iterations
        of_model = mathopt.ModelSolveParameters()
        if hint is not None and self.backend is not Backend.HIGHS:  # MathOpt hands HiGHS no hints
            in_hint = np.isin(kept, hint)
            values = {model.get_variable(at): float(value) for at, value in enumerate(in_hint.tolist())}
            of_model.solution_hints.append(mathopt.SolutionHint(variable_values=values))
        interrupter = solve_interrupter.SolveInterrupter()
        with cancel.calling(interrupter.interrupt):
            result = mathopt.solve(
                model, solver_type, params=parameters, model_params=of_model, interrupter=interrupter
            )
        cancel.check()
        chosen: I32 | None = None
        if result.has_primal_feasible_solution():
            values = result.variable_values()
            chosen = kept[[variable.id for variable, value in values.items() if value > 0.5]]
            chosen.sort()
        bound = result.dual_bound()
        gain_bound: int | None = None
        if np.isfinite(bound):
            slack = 0.0 if self.backend is Backend.CP_SAT else _FLOAT_SOLVER_TOLERANCE * abs(bound)
            gain_bound = int(np.floor(bound + slack + 1e-3))
        work = result.solve_stats.node_count if self.backend is not Backend.CP_SAT else max_iterations or 0
        return chosen, gain_bound, work


def _model(problem: PackingProblem, kept: I32, gain: I64, *, integer: bool) -> mathopt.Model:
    """Maximise gain over the kept columns. Filled as arrays: an object per column would take longer than solving."""
    from ortools.math_opt import model_pb2
    from ortools.math_opt.python import mathopt

    proto = model_pb2.ModelProto()
    n = len(kept)
    proto.variables.ids.extend(range(n))
    proto.variables.lower_bounds.extend([0.0] * n)
    proto.variables.upper_bounds.extend([1.0 if integer else np.inf] * n)
    proto.variables.integers.extend([integer] * n)
    proto.objective.maximize = True
    proto.objective.linear_coefficients.ids.extend(range(n))
    proto.objective.linear_coefficients.values.extend(gain.astype(np.float64).tolist())
    position = np.full(problem.columns, -1, dtype=np.int64)
    position[kept] = np.arange(n)
    of_member = position[problem.column_of_member]
    keep = of_member >= 0
    row = np.concatenate([problem.order[keep], problem.n_orders + problem.courier[kept]])
    column = np.concatenate([of_member[keep], np.arange(n)])
    rows = problem.n_orders + problem.n_couriers
    coefficient, upper = np.ones(len(row)), [1.0] * rows
    if problem.caps is not None:
        users, caps = np.nonzero(problem.caps.use[kept])
        row, column = np.concatenate([row, rows + caps]), np.concatenate([column, users])
        coefficient = np.concatenate([coefficient, problem.caps.use[kept][users, caps].astype(np.float64)])
        upper += problem.caps.left.astype(np.float64).tolist()
        rows += len(problem.caps.left)
    by_row = np.lexsort((column, row))
    proto.linear_constraints.ids.extend(range(rows))
    proto.linear_constraints.lower_bounds.extend([-np.inf] * rows)
    proto.linear_constraints.upper_bounds.extend(upper)
    proto.linear_constraint_matrix.row_ids.extend(row[by_row].tolist())
    proto.linear_constraint_matrix.column_ids.extend(column[by_row].tolist())
    proto.linear_constraint_matrix.coefficients.extend(coefficient[by_row].tolist())
    return mathopt.Model.from_model_proto(proto)


def _relaxation_prices(problem: PackingProblem, kept: I32, gain: I64) -> Certificate:
    """Duals of the linear relaxation, rounded and completed to an exact certificate."""
    from ortools.math_opt.python import mathopt

    order_price = problem.wait.copy()
    result = mathopt.solve(_model(problem, kept, gain, integer=False), mathopt.SolverType.GLOP)
    if result.has_dual_feasible_solution():
        for constraint, value in result.dual_values().items():
            if constraint.id < problem.n_orders:
                order_price[constraint.id] -= max(0, round(value))
    return certificate(problem, order_price)
