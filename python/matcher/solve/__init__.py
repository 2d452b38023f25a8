"""Solvers by problem: the public assignment call, and the rungs of the ladder behind one Protocol."""

from __future__ import annotations

from matcher.kernels import SolveStatus
from matcher.solve.assignment import AssignmentSolution, solve_assignment

__all__ = ["AssignmentSolution", "SolveStatus", "solve_assignment"]
