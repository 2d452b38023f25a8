"""Ending work that nobody waits for any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt


class Cancelled(Exception):  # noqa: N818 - what happened to the work
    """The work was given up because its token was raised; there is no answer."""


class CancelToken:
    """Raised from any thread; kernels that hold it look at it every few microseconds."""

    __slots__ = ("_children", "_listeners", "flag")

    def __init__(self) -> None:
        self._children: list[CancelToken] = []
        self._listeners: tuple[Callable[[], None], ...] = ()
        self.flag: npt.NDArray[np.int32] = np.zeros(1, np.int32)
        """(1,) int32, not zero once raised: what kernels are given."""

    def cancel(self) -> None:
        """Stop."""
        self.flag[0] = 1
        for listener in self._listeners:
            listener()
        for child in tuple(self._children):
            child.cancel()

    @contextmanager
    def child(self) -> Iterator[CancelToken]:
        """A token that is raised with this one, and can be raised alone."""
        token = CancelToken()
        self._children.append(token)
        try:
            if self.cancelled:  # before it was among the children
                token.cancel()
            yield token
        finally:
            self._children.remove(token)

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return bool(self.flag[0])

    @contextmanager
    def calling(self, listener: Callable[[], None]) -> Iterator[None]:
        """Within the block `cancel` also calls `listener`, for solvers with a way to stop of their own.

        At most one block of a token at a time. The listener may be called twice.
        """
        self._listeners = (listener,)
        if self.cancelled:
            listener()
        try:
            yield
        finally:
            self._listeners = ()

    def check(self) -> None:
        """Raises Cancelled once `cancel` was called."""
        if self.flag[0]:
            raise Cancelled("the work was cancelled")


NEVER_CANCELLED: npt.NDArray[np.int32] = np.zeros(0, np.int32)
"""What kernels are given for work that cannot be cancelled."""


def flag_of(cancel: CancelToken | None) -> npt.NDArray[np.int32]:
    """What kernels are given for a token, or for none."""
    return NEVER_CANCELLED if cancel is None else cancel.flag
