"""StreamMatch: sessions that live on the event loop and are read no faster than they are answered.

A session holds one market and nothing else. Its decisions go the way of Match: the market's bytes through the same
method, with the same admission, metrics and journal. The next message is read when the last one is answered, so what a
hasty client has sent waits in the transport's window, and memory is bounded by the market itself.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Literal

import grpc
import structlog

from matcher.app import App
from matcher.domain import InvalidRequest, StreamStatus
from matcher.service.admission import Workers
from matcher.service.calls import Call, abort
from matcher.service.margin import ReplyMargins
from matcher.service.methods import Methods
from matcher.service.metrics import ServiceMetrics
from matcher.service.refused import Refused
from matcher.wire import MarketSession, Refusal, Taken, encode_stream_reply

STREAM = "matcher.v1.MatchingService/StreamMatch"
_RETRY_MS = 1_000
Context = grpc.aio.ServicerContext[bytes, bytes]


class Sessions:
    """All sessions of a server."""

    def __init__(
        self, app: App, workers: Workers, methods: Methods, metrics: ServiceMetrics, margins: ReplyMargins
    ) -> None:
        self._app = app
        self._workers = workers
        self._methods = methods
        self._metrics = metrics
        self._margins = margins
        self._config = app.config.server
        self._log = structlog.get_logger("matcher.service")
        self._ending = asyncio.Event()
        self.open = 0

    def handler(self) -> grpc.RpcMethodHandler[bytes, bytes]:
        """A handler that takes and gives bytes."""

        async def serve(_: object, context: Context) -> None:
            await self._serve(context)

        return grpc.stream_stream_rpc_method_handler(serve)

    def end(self) -> None:
        """End every session once its message is answered: another server takes over."""
        self._ending.set()

    async def _serve(self, context: Context) -> None:
        if self.open >= self._config.sessions:
            sentence = f"{self.open} sessions are open, as many as this server takes on"
            await abort(context, Refusal.overloaded(sentence, _RETRY_MS))
        self.open += 1
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            refusal = await self._converse(context, ending)
        finally:
            ending.cancel()
            self.open -= 1
        if refusal is not None:
            await abort(context, refusal)

    async def _converse(self, context: Context, ending: asyncio.Future[Literal[True]]) -> Refusal | None:
        """Answer message after message; None when the client has said its last, else why the session ends."""
        session = MarketSession(self._app.config.limits, self._config.max_message_bytes)
        oldest = time.monotonic() + self._config.session_seconds
        while True:
            reading = asyncio.ensure_future(context.read())
            patience = min(self._config.session_idle_seconds, oldest - time.monotonic())
            try:
                await asyncio.wait((reading, ending), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                reading.cancel()
                raise
            if ending.done():
                reading.cancel()
                return Refusal.shutting_down()
            if not reading.done():
                reading.cancel()
                return Refusal.session_over(f"no message for {self._config.session_idle_seconds:g} s, or too old")
            data: Any = reading.result()
            if data is grpc.aio.EOF:
                return None
            begin = time.monotonic()
            notes: dict[str, object] = {}
            try:
                reply, status, decided = await self._reply(session, data, begin, notes)
            except Refused as refused:
                refusal = refused.refusal
            except Exception:
                self._log.error("session failed", exc_info=True)
                refusal = Refusal.internal("the server failed on a message of the session; its log says more")
            else:
                self._ended(status.name, begin, notes)
                await context.write(reply)
                if decided is not None:
                    self._margins.replied(STREAM, time.monotonic() - decided)
                continue
            # Whether the message was applied nobody can say: the session's market is not to be relied on.
            self._ended(refusal.reason.name, begin, notes)
            return refusal

    async def _reply(
        self, session: MarketSession, data: bytes, begin: float, notes: dict[str, object]
    ) -> tuple[bytes, StreamStatus, float | None]:
        """The reply, what became of the message, and when a decision was known."""
        taken = await self._take(session, data)
        notes |= {"market_id": session.market_id, "sequence": taken.sequence}
        following = session.sequence + 1
        if taken.match_request is None:
            return encode_stream_reply(taken, following), taken.status, None
        seconds = (taken.budget_ms or self._config.default_deadline_ms) / 1e3
        give_up = self._margins.give_up(seconds)
        margin = max(give_up, self._margins.of(STREAM))
        call = Call(STREAM, taken.match_request, begin + seconds, margin, {}, give_up)
        try:
            reply = await self._methods.match(call)
        except InvalidRequest as error:
            refusal = Refusal.invalid(error)
        except Refused as refused:
            refusal = refused.refusal
        else:
            notes |= call.notes
            for stage, took in call.stages:
                self._metrics.stage(STREAM, stage, took)
            return encode_stream_reply(taken, following, reply), taken.status, call.decided
        notes |= {"reason": refusal.reason.name, "message": refusal.message}
        return encode_stream_reply(taken, following, refusal=refusal), StreamStatus.UNDECIDED, None

    async def _take(self, session: MarketSession, data: bytes) -> Taken:
        """Whole markets on a thread, what changes in them at once."""

        def take() -> Taken:
            return session.take(data, self._app.policy)

        if len(data) <= self._config.inline_bytes:
            return take()
        return await self._workers.run(take, seconds=self._config.default_deadline_ms / 1e3)

    def _ended(self, status: str, begin: float, notes: dict[str, object]) -> None:
        seconds = time.monotonic() - begin
        self._metrics.call(STREAM, status, seconds)
        if self._app.config.telemetry.log_calls:
            self._log.info("message", method=STREAM, status=status, ms=round(seconds * 1e3, 3), **notes)
