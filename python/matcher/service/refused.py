"""The exception that ends a call with a status."""

from __future__ import annotations

from matcher.wire import Refusal


class Refused(Exception):  # noqa: N818 - what happened to the call
    """The call is answered with a status instead of a reply."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
