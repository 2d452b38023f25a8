"""Matcher: batching, courier assignment, stop order and holding for on-demand fulfilment.

The names here are the public ones; each is imported when first used, so that ``import matcher`` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matcher.client import Client as Client
    from matcher.domain import Decision as Decision
    from matcher.domain import Policy as Policy
    from matcher.domain import Snapshot as Snapshot
    from matcher.engine import decide as decide
    from matcher.engine import explain as explain
    from matcher.solve import AssignmentSolution as AssignmentSolution
    from matcher.solve import solve_assignment as solve_assignment
    from matcher.solve import solve_assignment_batch as solve_assignment_batch

_HOMES = {
    "AssignmentSolution": "matcher.solve",
    "Client": "matcher.client",
    "Decision": "matcher.domain",
    "Policy": "matcher.domain",
    "Snapshot": "matcher.domain",
    "decide": "matcher.engine",
    "explain": "matcher.engine",
    "solve_assignment": "matcher.solve",
    "solve_assignment_batch": "matcher.solve",
}

__all__ = [
    "AssignmentSolution",
    "Client",
    "Decision",
    "Policy",
    "Snapshot",
    "decide",
    "explain",
    "routing",
    "solve_assignment",
    "solve_assignment_batch",
]


def __getattr__(name: str) -> Any:
    if name == "routing":
        return import_module("matcher.routing")
    if name in _HOMES:
        found = globals()[name] = getattr(import_module(_HOMES[name]), name)  # kept: a second look finds it at once
        return found
    raise AttributeError(f"module 'matcher' has no attribute {name!r}")
