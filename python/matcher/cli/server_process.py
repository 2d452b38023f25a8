"""What a process that does nothing but serve asks of its interpreter: a quick start, memory kept, short turns.

After a crash callers wait until the next process serves. Left alone structlog would import rich for a console's
colours, and Arrow, with its first array, all of pandas: more than everything else together.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Refusing(MetaPathFinder):
    """Finds that some modules are not installed. (None in sys.modules would do for Python, not for Cython.)"""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in self._names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


_SWITCH_SECONDS = 0.0005
POLLING, ONE_THREAD = "GRPC_EXPERIMENTS", "-event_engine_listener"
"""See poll_in_one_thread: a variable of gRPC's core, and its value."""
_MALLOC = ((-3, 32 << 20), (-1, 64 << 20), (-2, 1 << 20))
"""M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD: the largest block that is not mapped by itself, free bytes at the end
of an arena from which on they are given back, and by how much more than asked for an arena grows."""


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """While the block runs these modules count as not installed, unless they have been imported already."""
    finder = _Refusing(modules)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def keep_memory() -> None:
    """Have freed memory kept for the next call instead of being given back: a large request would fault in thousands
    of pages anew, which takes as long as reading it. glibc only; elsewhere nothing happens."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    for parameter, value in _MALLOC:
        mallopt(parameter, value)


def take_short_turns() -> None:
    """Have threads that run Python take shorter turns than the usual 5 ms: the event loop, and with it health and
    whatever is refused, would wait that long for each of its steps."""
    sys.setswitchinterval(_SWITCH_SECONDS)


def poll_in_one_thread() -> None:
    """Have gRPC's core read its sockets in the thread that hands calls to the event loop, not in a pool of threads
    before that one: half the switches between threads a call, each of which waits for a processor when kernels have
    them all. Before gRPC's core is first used; what the environment asks for goes first."""
    os.environ.setdefault(POLLING, ONE_THREAD)


def spare_what_stays() -> None:
    """Have the garbage collector leave alone what there is now: modules and all that was made at the start. To look
    through that, as it else does again and again, stops every thread for tens of milliseconds."""
    gc.collect()
    gc.freeze()


def settle() -> None:
    """Have the libraries that look for others do it now, and find none. For processes that do nothing but serve."""
    with without("rich", "pandas"):
        import structlog  # noqa: F401

        from matcher.journal.schema import warm_up

        warm_up()
