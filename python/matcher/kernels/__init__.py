"""Typed facade over the native kernels, one module a family.

Kernels take and return arrays. They check dtype and shape, never convert, release the GIL, and answer with a status;
the modules here name the results. Policy, money and ids are unknown below this line.
"""

from __future__ import annotations

from matcher.domain.cancel import CancelToken
from matcher.kernels.assignment import (
    MUST_MATCH,
    AssignmentResult,
    BatchResult,
    DenseMethod,
    SolveStatus,
    SparseAssignment,
    SparseResolver,
    assignment_result,
    dense_assignment,
    dense_assignment_batch,
    sparse_arcs_assignment,
    sparse_assignment,
    sparse_auction,
    usual_assignment,
)

__all__ = [
    "MUST_MATCH",
    "AssignmentResult",
    "BatchResult",
    "CancelToken",
    "DenseMethod",
    "SolveStatus",
    "SparseAssignment",
    "SparseResolver",
    "assignment_result",
    "dense_assignment",
    "dense_assignment_batch",
    "sparse_arcs_assignment",
    "sparse_assignment",
    "sparse_auction",
    "usual_assignment",
]
