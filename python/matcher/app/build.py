"""Which build this is: its version, and a digest of the code that decides."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import matcher
from matcher.domain import Build
from matcher.kernels import _native

_DECIDING_ROOMS = (
    "assignment",
    "batching",
    "domain",
    "engine",
    "kernels",
    "positioning",
    "routing",
    "solve",
    "travel",
    "verify",
)
_DECIDING_LIBRARIES = ("numpy", "ortools", "scipy")


@cache
def this_build() -> Build:
    """The running build. The digest covers the Python and native code of every room that has a say in a decision, and
    the versions of the libraries that they compute with."""
    root = Path(matcher.__file__).parent
    digest = hashlib.blake2b(b"matcher.build/1", digest_size=16)
    for room in _DECIDING_ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix == ".py":
                digest.update(path.relative_to(root).as_posix().encode() + b"\0")
                digest.update(hashlib.blake2b(path.read_bytes()).digest())
    # An editable install keeps the extension elsewhere than the package.
    digest.update(hashlib.blake2b(Path(str(_native.__file__)).read_bytes()).digest())
    for library in _DECIDING_LIBRARIES:
        digest.update(f"{library} {version(library)}".encode())
    return Build(version=version("matcher"), digest=digest.hexdigest())
