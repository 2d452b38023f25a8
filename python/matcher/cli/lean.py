"""A quick start: optional libraries of our libraries, which a server never uses, are not imported.

After a crash callers wait until the next process serves. Without this structlog would import rich for a console's
colours, and Arrow, with its first array, all of pandas: more than everything else together.
"""

from __future__ import annotations

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


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """While the block runs these modules count as not installed, unless they have been imported already."""
    finder = _Refusing(modules)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def settle() -> None:
    """Have the libraries that look for others do it now, and find none. For processes that do nothing but serve."""
    with without("rich", "pandas"):
        import structlog  # noqa: F401

        from matcher.journal.schema import warm_up

        warm_up()
