"""The ladder's rungs for sparse integer assignment behind one Protocol: native, OR-Tools, greedy.

Every rung answers the same problem; a slower or simpler one stands behind a faster one. OR-Tools is imported when a
rung of it is first asked to solve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from matcher.domain import Rung
from matcher.kernels import MUST_MATCH, AssignmentResult, SolveStatus, sparse_arcs_assignment, sparse_auction
from matcher.solve.duals import column_duals, row_duals

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SparseProblem:
    """Allowed pairs in compressed rows, one arc a pair, columns ascending in each row; integer costs."""

    ptr: IntArray
    """(n + 1,)"""
    col: NDArray[np.int32]
    cost: IntArray
    n_cols: int
    unassigned: IntArray
    """(n,) price of leaving the row out; `MUST_MATCH`: it must be matched."""

    @property
    def n_rows(self) -> int:
        """Rows, matched or not."""
        return len(self.ptr) - 1

    def row_of_arc(self) -> IntArray:
        """(arcs,) row of each arc."""
        return np.repeat(np.arange(self.n_rows, dtype=np.int64), np.diff(self.ptr))


@dataclass(frozen=True, slots=True, eq=False)
class SparseAnswer:
    """A matching and feasible duals: their sum bounds every matching from below."""

    col_for_row: NDArray[np.int32]
    row_duals: IntArray
    col_duals: IntArray
    total: int
    status: SolveStatus
    """OPTIMAL, INFEASIBLE, STOPPED (feasible where it can be, not proven best), OVERFLOW (this rung cannot do it)."""
    iterations: int

    @property
    def bound(self) -> int:
        """No matching costs less."""
        return int(self.row_duals.sum()) + int(self.col_duals.sum())


class SparseAssignmentRung(Protocol):
    """One way to solve a sparse assignment problem."""

    name: str
    rung: Rung

    def solve(self, problem: SparseProblem, max_iterations: int | None = None) -> SparseAnswer:
        """The matching; rungs without iterations of their own ignore the limit."""
        ...


class NativePaths:
    """Shortest augmenting paths (matcher.kernels.sparse_assignment)."""

    name = "native-paths"
    rung = Rung.NATIVE

    def solve(self, problem: SparseProblem, max_iterations: int | None = None) -> SparseAnswer:
        """Exact, or stopped with a bound."""
        p = problem
        return _from_kernel(
            sparse_arcs_assignment(p.ptr, p.col, p.cost, p.n_cols, p.unassigned, max_iterations=max_iterations)
        )


class NativeAuction:
    """Epsilon-scaling auction (matcher.kernels.sparse_auction)."""

    name = "native-auction"
    rung = Rung.NATIVE

    def solve(self, problem: SparseProblem, max_iterations: int | None = None) -> SparseAnswer:
        """Exact, or stopped with a bound."""
        p = problem
        return _from_kernel(sparse_auction(p.ptr, p.col, p.cost, p.n_cols, p.unassigned, max_iterations=max_iterations))


class OrToolsFlow:
    """OR-Tools' minimum-cost flow: rows are sources, and a price is an arc past all columns to the sink."""

    name = "ortools-flow"
    rung = Rung.ORTOOLS

    def solve(self, problem: SparseProblem, max_iterations: int | None = None) -> SparseAnswer:
        """Exact; duals are recovered from the matching."""
        from ortools.graph.python import min_cost_flow

        p, n, m = problem, problem.n_rows, problem.n_cols
        sink = n + m
        priced = np.flatnonzero(p.unassigned != MUST_MATCH)
        flow = min_cost_flow.SimpleMinCostFlow()
        tail = np.concatenate([p.row_of_arc(), priced, np.arange(n, sink)])
        head = np.concatenate([p.col.astype(np.int64) + n, np.full(len(priced), sink), np.full(m, sink)])
        cost = np.concatenate([p.cost, p.unassigned[priced], np.zeros(m, np.int64)])
        flow.add_arcs_with_capacity_and_unit_cost(tail, head, np.ones(len(tail), np.int64), cost)
        flow.set_nodes_supplies(np.arange(n), np.ones(n, np.int64))
        flow.set_node_supply(sink, -n)
        status = flow.solve()
        if status == flow.INFEASIBLE:
            return _unsolved(problem, SolveStatus.INFEASIBLE)
        if status != flow.OPTIMAL:
            return _unsolved(problem, SolveStatus.OVERFLOW)
        arcs = np.arange(len(p.col))
        used = arcs[flow.flows(arcs) > 0] if len(arcs) else arcs
        matching = np.full(n, -1, np.int32)
        matching[p.row_of_arc()[used]] = p.col[used]
        return _from_matching(problem, matching)


class OrToolsAssignment:
    """OR-Tools' linear sum assignment on the doubled problem that makes room for rows and columns left out.

    Column m + i is row i's way out; row n + j is column j's; a copy of each pair turned round lets the ways out of a
    pair that is made meet each other.
    """

    name = "ortools-assignment"
    rung = Rung.ORTOOLS

    def solve(self, problem: SparseProblem, max_iterations: int | None = None) -> SparseAnswer:
        """Exact; duals are recovered from the matching."""
        from ortools.graph.python import linear_sum_assignment

        p, n, m = problem, problem.n_rows, problem.n_cols
        if n + m == 0:
            return _from_matching(problem, np.empty(0, np.int32))
        row, col = p.row_of_arc(), p.col.astype(np.int64)
        priced = np.flatnonzero(p.unassigned != MUST_MATCH)
        every = np.arange(m)
        solver = linear_sum_assignment.SimpleLinearSumAssignment()
        left = np.concatenate([row, priced, n + every, n + col])
        right = np.concatenate([col, m + priced, every, m + row])
        cost = np.concatenate([p.cost, p.unassigned[priced], np.zeros(m + len(col), np.int64)])
        if len(left) == 0 or int(left.max()) != n + m - 1 or int(right.max()) != n + m - 1:
            return _unsolved(problem, SolveStatus.INFEASIBLE)  # a node without arcs; the solver would not know of it
        solver.add_arcs_with_cost(left, right, cost)
        status = solver.solve()
        if status == solver.INFEASIBLE:
            return _unsolved(problem, SolveStatus.INFEASIBLE)
        if status != solver.OPTIMAL:
            return _unsolved(problem, SolveStatus.OVERFLOW)
        mates = np.array([solver.right_mate(i) for i in range(n)], np.int64).reshape(n)
        return _from_matching(problem, np.where(mates < m, mates, -1).astype(np.int32))


class Greedy:
    """Takes pairs by what they save against the row's price; rows that must be matched go first and may displace."""

    name = "greedy"
    rung = Rung.GREEDY

    def solve(self, problem: SparseProblem, max_iterations: int | None = None) -> SparseAnswer:
        """Feasible whenever that is possible; the bound is each row's own best choice."""
        p, n = problem, problem.n_rows
        row = p.row_of_arc()
        must = p.unassigned == MUST_MATCH
        saving = p.cost - np.where(must, 0, p.unassigned)[row]
        order = np.lexsort((p.col, row, saving, ~must[row]))
        row_for_col: dict[int, int] = {}
        matching = np.full(n, -1, np.int32)
        for arc in order:
            i, j = int(row[arc]), int(p.col[arc])
            if matching[i] < 0 and j not in row_for_col and (must[i] or saving[arc] < 0):
                matching[i], row_for_col[j] = j, i
        for unplaced in np.flatnonzero(must & (matching < 0)).tolist():
            if not _place(problem, unplaced, must, matching, row_for_col):
                return _unsolved(problem, SolveStatus.INFEASIBLE)
        v = np.zeros(p.n_cols, np.int64)
        return _answer(problem, matching, v)


GREEDY: Final = Greedy()
RUNGS: Final[tuple[SparseAssignmentRung, ...]] = (
    NativePaths(),
    NativeAuction(),
    OrToolsFlow(),
    OrToolsAssignment(),
    GREEDY,
)


def _place(
    problem: SparseProblem,
    source: int,
    must: NDArray[np.bool_],
    matching: NDArray[np.int32],
    row_for_col: dict[int, int],
) -> bool:
    """Match a row that must be, on a breadth-first path to a free column or to a row that may be left out."""
    came_from: dict[int, int] = {}
    rows: list[int] = [source]
    for i in rows:
        for j in problem.col[problem.ptr[i] : problem.ptr[i + 1]].tolist():
            if j in came_from:
                continue
            came_from[j] = i
            holder = row_for_col.get(j)
            if holder is not None and must[holder]:
                rows.append(holder)
                continue
            if holder is not None:
                matching[holder] = -1
            while True:
                taker = came_from[j]
                left = int(matching[taker])
                matching[taker], row_for_col[j] = j, taker
                if taker == source:
                    return True
                j = left
    return False


def _from_kernel(result: AssignmentResult[np.int64]) -> SparseAnswer:
    return SparseAnswer(
        result.col_for_row,
        result.row_duals,
        result.col_duals,
        int(result.total),
        result.status,
        result.iterations,
    )


def _from_matching(problem: SparseProblem, matching: NDArray[np.int32]) -> SparseAnswer:
    v = column_duals(problem.ptr, problem.col, problem.cost, problem.n_cols, problem.unassigned, matching)
    return _answer(problem, matching, v)


def _answer(problem: SparseProblem, matching: NDArray[np.int32], v: IntArray) -> SparseAnswer:
    u = row_duals(problem.ptr, problem.col, problem.cost, problem.unassigned, v)
    row = problem.row_of_arc()
    made = int(problem.cost[matching[row] == problem.col].sum())
    total = made + int(problem.unassigned[(matching < 0) & (problem.unassigned != MUST_MATCH)].sum())
    proven = total == int(u.sum()) + int(v.sum())
    return SparseAnswer(matching, u, v, total, SolveStatus.OPTIMAL if proven else SolveStatus.STOPPED, 0)


def _unsolved(problem: SparseProblem, status: SolveStatus) -> SparseAnswer:
    v = np.zeros(problem.n_cols, np.int64)
    u = row_duals(problem.ptr, problem.col, problem.cost, problem.unassigned, v)
    return SparseAnswer(np.full(problem.n_rows, -1, np.int32), u, v, 0, status, 0)
