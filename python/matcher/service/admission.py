"""Which calls are worked on now, which wait, which are refused: a bounded pool of threads behind a bounded queue."""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from matcher.service.refused import Refused
from matcher.wire import Refusal

T = TypeVar("T")

_RETRY_AFTER_MS = 100


class Workers:
    """Threads for the work that would hold up the event loop. Kernels release the GIL, so they run side by side."""

    def __init__(self, threads: int, queue_calls: int) -> None:
        """`threads` 0: one a processor."""
        self.threads = threads or os.cpu_count() or 1
        self._queue_calls = queue_calls
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="kernel")
        self._admitted = 0

    @property
    def admitted(self) -> int:
        """Calls being worked on or waiting, those that nobody waits for any more included."""
        return self._admitted

    async def run(self, work: Callable[[], T], *, seconds: float) -> T:
        """The result of `work`, done in a thread with this task's context.

        Raises Refused: RESOURCE_EXHAUSTED at once when the queue is full, DEADLINE_EXCEEDED when `seconds` have
        passed. Work that has begun by then goes on to its end (what it decides is recorded); other work is dropped.
        """
        if self._admitted >= self.threads + self._queue_calls:
            raise Refused(Refusal.overloaded(f"{self._admitted} calls are being worked on or wait", _RETRY_AFTER_MS))
        context = contextvars.copy_context()
        future = self._pool.submit(context.run, work)
        self._admitted += 1
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._finished))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
        except TimeoutError:
            raise Refused(Refusal.deadline("the work was not done within the deadline")) from None

    def close(self) -> None:
        """Wait for the work that has begun; drop the rest."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _finished(self) -> None:
        self._admitted -= 1
