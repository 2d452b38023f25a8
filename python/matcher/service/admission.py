"""Which calls are worked on now, which wait, which are refused: a bounded pool of threads behind a bounded queue."""

from __future__ import annotations

import asyncio
import contextvars
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from matcher.service.refused import Refused
from matcher.wire import Refusal

T = TypeVar("T")

_LEAST_RETRY_AFTER_MS = 20
_WEIGHT = 0.1
"""Of the last call in the mean time of calls."""


class Workers:
    """Threads for the work that would hold up the event loop. Kernels release the GIL, so they run side by side."""

    def __init__(self, threads: int, queue_calls: int) -> None:
        """`threads` 0: one a processor."""
        self.threads = threads or os.cpu_count() or 1
        self._queue_calls = queue_calls
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="kernel")
        self._admitted = 0
        self._mean_seconds = 0.0

    @property
    def admitted(self) -> int:
        """Calls being worked on or waiting, those that nobody waits for any more included."""
        return self._admitted

    @property
    def waiting_share(self) -> float:
        """How full the queue is: 0 while a thread is free, 1 when the next call is refused."""
        return max(0, self._admitted - self.threads) / max(1, self._queue_calls)

    def expected_wait(self) -> float:
        """Seconds until a call that came now would be begun, by what the last ones took."""
        return max(0, self._admitted + 1 - self.threads) * self._mean_seconds / self.threads

    async def run(self, work: Callable[[], T], *, seconds: float) -> T:
        """The result of `work`, done in a thread with this task's context.

        Raises Refused: RESOURCE_EXHAUSTED at once when the queue is full or `seconds` would pass in it, so that the
        caller can still ask elsewhere; DEADLINE_EXCEEDED when `seconds` have passed after all. Work that has begun by
        then goes on to its end (what it decides is recorded); other work is dropped.
        """
        if self._admitted >= self.threads + self._queue_calls:
            raise self._overloaded(f"{self._admitted} calls are being worked on or wait")
        if self.expected_wait() > seconds:
            raise self._overloaded(f"{self._admitted} calls come first, too many for a deadline in {seconds:.3f} s")
        context = contextvars.copy_context()

        def timed() -> T:
            begin = time.monotonic()
            try:
                return context.run(work)
            finally:
                # Threads may overwrite each other's estimate: it is one.
                self._mean_seconds += _WEIGHT * (time.monotonic() - begin - self._mean_seconds)

        future = self._pool.submit(timed)
        self._admitted += 1
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._finished))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
        except TimeoutError:
            raise Refused(Refusal.deadline("the work was not done within the deadline")) from None

    def _overloaded(self, message: str) -> Refused:
        wait_ms = max(_LEAST_RETRY_AFTER_MS, int(self.expected_wait() * 1e3))
        return Refused(Refusal.overloaded(message, wait_ms))

    def close(self) -> None:
        """Wait for the work that has begun; drop the rest."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _finished(self) -> None:
        self._admitted -= 1
