"""What can be wrong with a request: a reason per violation, the field's path, and a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class ErrorReason(IntEnum):
    """Why something is refused; the same names and numbers as matcher.v1.ErrorReason (errors.proto)."""

    MALFORMED = 1
    MISSING = 2
    DUPLICATE = 3
    UNKNOWN_REFERENCE = 4
    OUT_OF_RANGE = 5
    INVERTED_WINDOW = 6
    INVALID_ROUTE = 7
    UNKNOWN_ENUM_VALUE = 8
    TOO_LARGE = 9
    UNKNOWN_POLICY = 10
    DEADLINE = 11
    OVERLOADED = 12
    SHUTTING_DOWN = 13
    INTERNAL = 14
    UNKNOWN_FLEET = 15
    PERMISSION_DENIED = 16
    SESSION_IDLE = 17


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong."""

    field: str
    """Path from the request, with positions in the caller's own lists: ``snapshot.orders[3].pickup_latitude``."""
    description: str
    """One sentence that says what is wrong and what is allowed."""
    reason: ErrorReason


class InvalidRequest(ValueError):  # noqa: N818 - a name that callers catch; it says what happened
    """The caller's input cannot be decided on; `violations` says why, at most the first hundred."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        shown = "; ".join(f"{v.field}: {v.description}" for v in self.violations[:3])
        more = len(self.violations) - 3
        super().__init__(f"{shown}{f' (and {more} more)' if more > 0 else ''}")


class InvalidSnapshot(InvalidRequest):
    """The snapshot contradicts itself or breaks a limit."""
