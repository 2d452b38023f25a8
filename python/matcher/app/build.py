"""Which build this is: its version, and a digest of the code that decides."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from matcher.domain import Build

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
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.blake2b(b"matcher.build/1", digest_size=16)
    for room in _DECIDING_ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix == ".py":
                digest.update(path.relative_to(root).as_posix().encode() + b"\0")
                digest.update(hashlib.blake2b(path.read_bytes()).digest())
    # An editable install keeps the extension elsewhere than the package.
    native = find_spec("matcher.kernels._native")
    if native is None or native.origin is None:
        raise ImportError("matcher's native module is not installed")
    digest.update(hashlib.blake2b(Path(native.origin).read_bytes()).digest())
    for library in _DECIDING_LIBRARIES:
        digest.update(f"{library} {version(library)}".encode())
    return Build(version=version("matcher"), digest=digest.hexdigest())
