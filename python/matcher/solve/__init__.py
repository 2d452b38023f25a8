"""Solvers by problem: the public assignment call, and the rungs of the ladder behind one Protocol."""

from __future__ import annotations

from matcher.kernels import CancelToken, SolveStatus
from matcher.solve.alternatives import RankedMatching, k_best_assignments
from matcher.solve.assignment import AssignmentSolution, WarmStart, solve_assignment
from matcher.solve.assignment_batch import AssignmentBatch, solve_assignment_batch
from matcher.solve.sensitivity import Sensitivity, assignment_sensitivity

__all__ = [
    "AssignmentBatch",
    "AssignmentSolution",
    "CancelToken",
    "RankedMatching",
    "Sensitivity",
    "SolveStatus",
    "WarmStart",
    "assignment_sensitivity",
    "k_best_assignments",
    "solve_assignment",
    "solve_assignment_batch",
]
