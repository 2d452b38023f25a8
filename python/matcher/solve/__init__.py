"""Solvers by problem: the public assignment call, and the rungs of the ladder behind one Protocol."""

from __future__ import annotations

from matcher.kernels import CancelToken, SolveStatus
from matcher.solve.assignment import AssignmentSolution, WarmStart, solve_assignment

__all__ = ["AssignmentSolution", "CancelToken", "SolveStatus", "WarmStart", "solve_assignment"]
