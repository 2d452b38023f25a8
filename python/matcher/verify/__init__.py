"""Checks that trust nobody: plans, costs and certificates recomputed from values alone.

Shares no code with kernels, scoring or solvers; imports `domain` only.
"""

from matcher.verify.assignment import AssignmentCheck, verify_assignment
from matcher.verify.certificate import packing_bound
from matcher.verify.moves import check_moves
from matcher.verify.plan import PlanCheck, check_plans
from matcher.verify.routes import RoutesCheck, check_routes
from matcher.verify.zones import check_zones

__all__ = [
    "AssignmentCheck",
    "PlanCheck",
    "RoutesCheck",
    "check_moves",
    "check_plans",
    "check_routes",
    "check_zones",
    "packing_bound",
    "verify_assignment",
]
