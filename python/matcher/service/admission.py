"""Which calls are worked on now, which wait, which are refused: a few threads behind a bounded queue by priority.

How many calls are let in follows the queue: `QueueLimit` lets it grow while those in it hardly wait, and shortens it
as soon as even the luckiest of an interval has waited too long. Past that point a longer queue would add waiting to
every call and not one call to the throughput.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

from matcher.domain import CancelToken
from matcher.service.queue_limit import QueueLimit
from matcher.service.refused import Refused
from matcher.wire import Refusal

T = TypeVar("T")

_LEAST_RETRY_AFTER_MS = 20
_MOST_RETRY_AFTER_SECONDS = 2.0
"""Of those who come back in turn; more of them than fit into that time share its end."""
_LEAST_WORK = 0.5
"""Of the mean time of calls: what a call needs that is planned with the least."""
_WEIGHT = 0.1
"""Of the last call in the mean time of calls."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a method may ask of the workers."""

    method: str = ""
    priority: int = 0
    """Lower goes first; a full queue makes room for a call by dropping one of a higher number."""
    share: float = 1.0
    """Of the calls let in, at most so many may be of this method."""


@dataclass(slots=True, eq=False)
class _Job:
    claim: Claim
    work: Callable[[], Any]
    context: contextvars.Context
    deadline: float
    """When the caller is told that there is no answer; by time.monotonic()."""
    arrived: float
    cancel: CancelToken
    loop: asyncio.AbstractEventLoop
    waiter: asyncio.Future[Any]
    begun: bool = False
    left: bool = False
    """It does not count any more."""

    def settle(self, result: Any = None, error: BaseException | None = None) -> None:
        """On the loop: tell the caller, unless it was told something before."""
        if self.waiter.done():
            return
        if error is None:
            self.waiter.set_result(result)
        else:
            self.waiter.set_exception(error)


@dataclass(slots=True)
class Turns:
    """What became of the calls, for the metrics."""

    refused: Counter[str] = field(default_factory=Counter)
    """By method: turned away at once, or for a call of higher priority."""
    dropped: Counter[str] = field(default_factory=Counter)
    """By method: expired or cancelled before their turn came."""


class Workers:
    """Threads for the work that would hold up the event loop. Kernels release the GIL, so they run side by side.

    `run` belongs on one event loop; everything else may be asked from any thread.
    """

    def __init__(
        self, threads: int, queue_calls: int, queue_target: float = 0.025, longest: float = 1e6, nice: int = 0
    ) -> None:
        """`threads` 0: one a processor. `queue_calls`: may wait at most. `queue_target`: seconds, `longest`: times of a
        call; see QueueLimit. `nice`: of the threads, on Linux."""
        self.threads = threads or os.cpu_count() or 1
        self.limit = QueueLimit(self.threads, self.threads + queue_calls, queue_target, time.monotonic(), longest)
        self.turns = Turns()
        self.on_wait: Callable[[str, float], None] = lambda method, seconds: None
        """Told how long each call has waited, in the thread that begins it."""
        self.on_lag: Callable[[float], None] = lambda seconds: None
        """Told how late the event loop was to hand a result on, or to say that there is none; on the loop."""
        self._changing = threading.Lock()
        self._queue: list[tuple[int, int, _Job]] = []
        self._turns_to_take: SimpleQueue[bool] = SimpleQueue()
        """In which threads wait: True for each job that was queued, False for the end. A Condition takes longer."""
        self._number = 0
        self._admitted: Counter[str] = Counter()
        self._total = 0
        self._mean_seconds = 0.0
        self._promised = 0.0
        """When there is room for the last of those who were told to come back; by time.monotonic()."""
        self._nice = nice
        self.kernel_threads = [
            threading.Thread(target=self._serve, name=f"kernel_{index}", daemon=True) for index in range(self.threads)
        ]
        for thread in self.kernel_threads:
            thread.start()

    @property
    def admitted(self) -> int:
        """Calls being worked on or waiting, those whose work is still being stopped included."""
        return self._total

    @property
    def most_calls(self) -> int:
        """Calls that may be worked on or wait."""
        return self.limit.most_calls(self._mean_seconds)

    @property
    def waiting_share(self) -> float:
        """How full the queue is: 0 while a thread is free, 1 when the next call is refused."""
        return max(0, self._total - self.threads) / max(1, self.most_calls - self.threads)

    def expected_wait(self) -> float:
        """Seconds until a call that came now would be begun, by what the last ones took."""
        return max(0, self._total + 1 - self.threads) * self._mean_seconds / self.threads

    async def run(
        self,
        work: Callable[[], T],
        *,
        seconds: float,
        claim: Claim = Claim(),
        cancel: CancelToken | None = None,
    ) -> T:
        """The result of `work`, done in a thread with this task's context.

        Raises Refused: RESOURCE_EXHAUSTED at once when no more calls are let in or `seconds` would pass in the queue,
        so that the caller can still ask elsewhere; DEADLINE_EXCEEDED when `seconds` have passed after all. Work that
        nobody waits for any more, its caller cancelled or told, is not begun; work that has begun has its `cancel`
        raised.
        """
        loop, now = asyncio.get_running_loop(), time.monotonic()
        job = _Job(
            claim=claim,
            work=work,
            context=contextvars.copy_context(),
            deadline=now + seconds,
            arrived=now,
            cancel=cancel or CancelToken(),
            loop=loop,
            waiter=loop.create_future(),
        )
        self._admit(job, seconds)
        timer = loop.call_later(seconds, self._expire, job)
        try:
            result: T = await job.waiter
            return result
        except asyncio.CancelledError:
            self._give_up(job)
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """Wait for the work that has begun; drop the rest."""
        with self._changing:
            self._queue.clear()
        for _ in self.kernel_threads:
            self._turns_to_take.put(False)
        for thread in self.kernel_threads:
            thread.join()

    def _admit(self, job: _Job, seconds: float) -> None:
        claim = job.claim
        with self._changing:
            most = self.most_calls
            share = max(1, int(claim.share * most))
            if claim.share < 1.0 and self._admitted[claim.method] >= share:
                raise self._overloaded(claim, f"{share} calls of this method are being worked on or wait")
            if self._total >= most:
                self.limit.reached = most == self.limit.calls
                loser = self._least_urgent(claim.priority)
                if loser is None:
                    raise self._overloaded(claim, f"{self._total} calls are being worked on or wait")
                self._leave(loser)
                refusal = self._overloaded(loser.claim, "calls of higher priority came")
                loser.loop.call_soon_threadsafe(loser.settle, None, refusal)
            elif self._would_be_late(seconds):
                text = f"{self._total} calls come first, too many for a deadline in {max(0.0, seconds):.3f} s"
                raise self._overloaded(claim, text)
            self._number += 1
            self._total += 1
            self._admitted[claim.method] += 1
            heapq.heappush(self._queue, (claim.priority, self._number, job))
        self._turns_to_take.put(True)

    def _would_be_late(self, seconds: float) -> bool:
        """Whether a call that came now would wait and then have less time than work takes even when there is little."""
        wait = self.expected_wait()
        return wait > 0.0 and wait + _LEAST_WORK * self._mean_seconds > seconds

    def _least_urgent(self, priority: int) -> _Job | None:
        """The waiting job that came last among those of the highest number, if that is above `priority`."""
        waiting = [entry for entry in self._queue if not entry[2].left]
        if not waiting or max(waiting)[0] <= priority:
            return None
        return max(waiting)[2]

    def _overloaded(self, claim: Claim, message: str) -> Refused:
        self.turns.refused[claim.method] += 1
        return Refused(Refusal.overloaded(message, self._come_back_ms()))

    def _come_back_ms(self) -> int:
        """When there will be room, behind all who were told so before: those of a burst come back one after another, as
        if they had waited here, and not all at once to be refused again."""
        now = time.monotonic()
        latest = now + _MOST_RETRY_AFTER_SECONDS
        soonest = max(self._promised, now + self.expected_wait())
        self._promised = min(latest, soonest + self._mean_seconds / self.threads)
        return max(_LEAST_RETRY_AFTER_MS, int((self._promised - now) * 1e3))

    def _hand_on(self, job: _Job, done: float, result: Any, error: BaseException | None) -> None:
        self.on_lag(time.monotonic() - done)
        job.settle(result, error)

    def _expire(self, job: _Job) -> None:
        self.on_lag(max(0.0, time.monotonic() - job.deadline))
        self._give_up(job)
        job.settle(error=Refused(Refusal.deadline("the work was not done within the deadline")))

    def _give_up(self, job: _Job) -> None:
        """Nobody waits for this any more."""
        job.cancel.cancel()
        with self._changing:
            if not job.begun:
                self._leave(job, dropped=True)

    def _leave(self, job: _Job, *, dropped: bool = False) -> None:
        if job.left:
            return
        job.left = True
        self._total -= 1
        self._admitted[job.claim.method] -= 1
        if dropped:
            self.turns.dropped[job.claim.method] += 1

    def _serve(self) -> None:
        _step_back(self._nice)
        while True:
            job = self._next()
            if job is None:
                return
            begin = time.monotonic()
            job.context.run(self.on_wait, job.claim.method, begin - job.arrived)  # its trace is the exemplar
            error: BaseException | None = None
            result = None
            try:
                result = job.context.run(job.work)
            except BaseException as raised:
                error = raised
            done = time.monotonic()
            seconds = done - begin
            with self._changing:
                if job.cancel.cancelled:  # cut short: it would have taken at least this
                    seconds = max(seconds, self._mean_seconds)
                self._mean_seconds += _WEIGHT * (seconds - self._mean_seconds)
                self._leave(job)
            with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
                job.loop.call_soon_threadsafe(self._hand_on, job, done, result, error)
            del job, result, error  # until the next call comes they would keep a request alive

    def _next(self) -> _Job | None:
        """The job whose turn it is, once there is one; None at the end."""
        while self._turns_to_take.get():
            with self._changing:
                job = heapq.heappop(self._queue)[2] if self._queue else None  # none: the end is near
                if job is None or job.left:
                    continue
                now = time.monotonic()
                if job.deadline <= now or job.cancel.cancelled:
                    self._leave(job, dropped=True)  # the timer tells the caller
                    continue
                job.begun = True
                self.limit.begun(now - job.arrived, self._mean_seconds, now)
                return job
        return None


def _step_back(nice: int) -> None:
    """Have the system prefer other threads to this one: on a busy processor the event loop goes first, whose turns are
    short and which all callers wait for."""
    if sys.platform == "linux":  # elsewhere nice is the process's
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
