"""Things held back for a moment and handed on together by a thread of their own: log lines, spans, log records.

Whoever adds one never waits: a full queue loses what comes, and counts it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Batches(Generic[T]):
    """A bounded queue and the thread that empties it. `add` may be called from any thread."""

    def __init__(self, name: str, send: Callable[[list[T]], None], *, seconds: float, most: int, capacity: int) -> None:
        """`send` gets at most `most` things at a time, `seconds` after the first of them or when there are so many;
        what it raises is counted as the loss of them all. `capacity`: things may wait."""
        self.lost = 0
        self._send = send
        self._seconds = seconds
        self._most = most
        self._capacity = capacity
        self._queue: deque[T] = deque()
        self._lock = threading.Lock()  # of `lost`
        self._full = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def add(self, thing: T) -> None:
        """One more, unless there is no room for it."""
        if len(self._queue) >= self._capacity or self._closed:
            self._lose(1)
            return
        self._queue.append(thing)
        if len(self._queue) == self._most:
            self._full.set()

    def close(self, timeout: float = 10.0) -> bool:
        """Hand on what there is; False when that took longer than `timeout` seconds."""
        self._closed = True
        self._full.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _lose(self, number: int) -> None:
        with self._lock:
            self.lost += number

    def _serve(self) -> None:
        while not self._closed:
            self._full.wait(self._seconds)
            self._full.clear()
            self._hand_on(len(self._queue))  # what comes meanwhile waits too, else it would go in twos and threes
        while self._queue:
            self._hand_on(len(self._queue))

    def _hand_on(self, number: int) -> None:
        while number > 0:
            batch = [self._queue.popleft() for _ in range(min(number, self._most))]
            number -= len(batch)
            try:
                self._send(batch)
            except Exception:
                self._lose(len(batch))
