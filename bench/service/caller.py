"""The caller of the service's benches: a Go process, as the service's callers are, that takes no time of the server's.

Callers in Python would share the interpreter's pace with the server that they measure. Go makes the calls and writes
down what it saw of each; see clients/go/internal/caller.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grpc
from bench.service.servers import MATCH
from tools.machine import ROOT

_CODES = {code.value[0]: code.name for code in grpc.StatusCode}
_CALLER = ROOT / "build" / "go" / "bin" / "caller"
_HEALTH = "/grpc.health.v1.Health/Check"


class NoCallerError(RuntimeError):
    """The caller cannot be built; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """One call."""

    code: str
    began_s: float
    """Since the run's first."""
    took_ms: float
    left_ms: float
    """From the answer to the caller's deadline, by the caller's clock."""
    pushed_back: bool
    """Whether the answer said when to come back."""
    reply_bytes: int


@dataclass(frozen=True)
class Seen:
    """What callers saw, in the order in which calls ended."""

    calls: list[Outcome]

    @property
    def codes(self) -> Counter[str]:
        """Calls by status."""
        return Counter(call.code for call in self.calls)

    def took_ms(self, code: str = "OK", since_s: float = 0.0) -> list[float]:
        """Of the calls that ended with this status and began so long after the first."""
        return [call.took_ms for call in self.calls if call.code == code and call.began_s >= since_s]


@cache
def built() -> Path:
    """The caller's program. Raises NoCallerError."""
    done = subprocess.run(["bash", ROOT / ".ci" / "go.sh", "build"], capture_output=True, text=True, check=False)
    if done.returncode or "SKIPPED" in done.stdout:
        raise NoCallerError((done.stdout + done.stderr).strip() or "bash .ci/go.sh build says nothing")
    return _CALLER


class Calling:
    """Calls being made."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def end(self) -> None:
        """No call is begun any more (of a `shipped` caller)."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def seen(self) -> Seen:
        """All calls, once they have ended."""
        assert self._process.stdout is not None
        columns = json.loads(self._process.stdout.read())
        assert self._process.wait() == 0
        names = ("code", "began_s", "took_ms", "left_ms", "pushed_back", "bytes")
        rows = zip(*(columns[name] or () for name in names), strict=True)
        return Seen([Outcome(_CODES[code], *row) for code, *row in rows])


@contextmanager
def calling(target: str, data: bytes, method: str = MATCH, **settings: float | bool) -> Iterator[Calling]:
    """Calls of the caller with these flags, made meanwhile; ended by force when the block ends first."""
    flags = [f"-{name.replace('_', '-')}={str(value).lower()}" for name, value in settings.items()]
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        command = [str(built()), "-target", target, "-data", file.name, "-method", method, *flags]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Calling(process)
            finally:
                process.kill()


def made(target: str, data: bytes, method: str = MATCH, **settings: float | bool) -> Seen:
    """Calls of the caller with these flags."""
    with calling(target, data, method, **settings) as running:
        return running.seen()


def probing(target: str, **settings: float | bool) -> Seen:
    """Health checks, one after the other."""
    return made(target, b"", _HEALTH, **settings)
