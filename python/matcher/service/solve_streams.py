"""AssignmentService.StreamSolve: problems that come in parts, received off the event loop and bounded all together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

from opentelemetry import trace

from matcher.app import App
from matcher.domain import ErrorReason, InvalidRequest, Violation
from matcher.kernels import CancelToken
from matcher.service.admission import Workers
from matcher.service.calls import Call
from matcher.service.methods import in_time
from matcher.service.refused import Refused
from matcher.wire import Refusal, SolveParts, SolveProblem, SolveReply, encode_stream_solve_reply

STREAM_SOLVE = "matcher.v1.AssignmentService/StreamSolve"
_RETRY_AFTER_MS = 200
_tracer = trace.get_tracer("matcher.service")


class SolveStreams:
    """Counts the cells of all streams in progress; a stream that would exceed the limit is told to come again."""

    def __init__(self, app: App, workers: Workers) -> None:
        self._app = app
        self._workers = workers
        self._limits = app.config.limits
        self._inline_bytes = app.config.server.inline_bytes
        self.cells = 0
        """Of the problems being received or solved."""

    async def solve(self, call: Call, parts: AsyncIterator[bytes]) -> bytes:
        """The answer to a stream of parts."""
        cancel = CancelToken()
        # When the planned time is over, the best matching so far is the answer; but only a whole problem has one.
        timer = call.stop_in_time(cancel)
        held = 0
        try:
            async with asyncio.timeout(call.seconds_left()):
                problem: SolveParts | None = None
                async for part in parts:
                    if problem is None:
                        problem = SolveParts(part, self._limits.stream_cells, self._limits.solve_side)
                        held = self._reserve(problem.cells)
                    else:
                        await self._work(call, partial(problem.add, part), len(part))
            if problem is None:
                sentence = "the stream ended before the header"
                raise InvalidRequest([Violation("parts[0]", sentence, ErrorReason.MISSING)])
            call.notes |= {"cells": problem.cells}
            reply = await self._workers.run(
                lambda: self._solve(call, problem.finish, cancel), seconds=call.seconds_left()
            )
        except TimeoutError:
            raise Refused(Refusal.deadline("the deadline passed before the last part came")) from None
        except (asyncio.CancelledError, Refused):
            cancel.cancel()  # nobody waits any more
            raise
        finally:
            timer.cancel()
            self.cells -= held
        call.notes |= {"decision_id": reply.decision_id, "rung": reply.rung.name, "solve_status": reply.status.name}
        return encode_stream_solve_reply(reply)

    def _reserve(self, cells: int) -> int:
        if self.cells + cells > self._limits.stream_cells:
            sentence = f"{self.cells} cells are being streamed; {cells} more would exceed {self._limits.stream_cells}"
            raise Refused(Refusal.overloaded(sentence, _RETRY_AFTER_MS))
        self.cells += cells
        return cells

    async def _work(self, call: Call, work: Callable[[], None], size: int) -> None:
        if size <= self._inline_bytes:
            work()
        else:
            await self._workers.run(work, seconds=call.seconds_left())

    def _solve(self, call: Call, finish: Callable[[], SolveProblem], cancel: CancelToken) -> SolveReply:
        with call.stage(_tracer, "decode"):
            problem = finish()
        in_time(call)
        with call.stage(_tracer, "solve"):
            reply = self._app.solve(problem, cancel)
        call.decided = time.monotonic()
        return reply
