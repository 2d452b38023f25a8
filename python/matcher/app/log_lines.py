"""The log: JSON lines written, and sent to a collector, by threads of their own, so that no call waits for a slow disk
or a full pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO

import orjson

from matcher.app.batches import Batches

Line = tuple[int, MutableMapping[str, Any]]
"""Nanoseconds since 1970, and what is said."""
_WRITE_SECONDS = 0.05
_SEND_SECONDS = 1.0
_TOGETHER = 512
_CAPACITY = 16_384


class LogLines:
    """Where log lines go. What there is no room for is lost, and counted."""

    def __init__(
        self,
        stream: BinaryIO | None = None,
        *,
        at_once: bool,
        send: Callable[[list[Line]], None] | None = None,
    ) -> None:
        """`stream`: by default standard error. `at_once`: written by who logs. `send`: to a collector, too."""
        self._stream = stream or sys.stderr.buffer
        self._writing = None if at_once else Batches(
            "log", self._write, seconds=_WRITE_SECONDS, most=_TOGETHER, capacity=_CAPACITY
        )  # fmt: skip
        self._sending = send and Batches(
            "log_export", send, seconds=_SEND_SECONDS, most=_TOGETHER, capacity=_CAPACITY
        )  # fmt: skip

    @property
    def lost(self) -> dict[str, int]:
        """Lines that were neither written nor sent, by where they should have gone."""
        queues = {"log": self._writing, "otlp": self._sending}
        return {name: queue.lost for name, queue in queues.items() if queue}

    def add(self, event: MutableMapping[str, Any]) -> None:
        """One line."""
        line = time.time_ns(), event
        if self._writing is None:
            self._write([line])
        else:
            self._writing.add(line)
        if self._sending:
            self._sending.add(line)

    def close(self) -> None:
        """Write and send what there is."""
        for queue in (self._writing, self._sending):
            if queue:
                queue.close()

    def _write(self, lines: list[Line]) -> None:
        self._stream.write(b"".join([_rendered(*line) for line in lines]))
        self._stream.flush()


def _rendered(at_ns: int, event: MutableMapping[str, Any]) -> bytes:
    seconds, nanoseconds = divmod(at_ns, 1_000_000_000)
    stamped = {**event, "timestamp": f"{_second(seconds)}.{nanoseconds // 1000:06d}Z"}
    return orjson.dumps(stamped, default=str, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    """Many lines are of the same one."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
