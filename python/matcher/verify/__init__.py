"""Independent checks: they recompute from values and share no code with what they check."""

from __future__ import annotations

from matcher.verify.assignment import AssignmentCheck, verify_assignment

__all__ = ["AssignmentCheck", "verify_assignment"]
