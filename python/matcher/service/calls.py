"""What every call goes through, whatever its method: deadline, span, refusal, one log line, metrics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NoReturn, TypeVar

import grpc
import structlog
from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import SpanKind, Status, StatusCode

from matcher.domain import CancelToken, ErrorReason, InvalidRequest
from matcher.engine.spans import step
from matcher.service.admission import Claim, Workers
from matcher.service.idempotency import KEY
from matcher.service.margin import ReplyMargins
from matcher.service.metrics import ServiceMetrics
from matcher.service.refused import Refused
from matcher.wire import Refusal, encode_status

_DETAILS_KEY = "grpc-status-details-bin"
_PUSHBACK_KEY = "grpc-retry-pushback-ms"  # gRPC's own retries keep to it
_REQUEST_ID_KEY = "x-request-id"
_MAX_ID_CHARACTERS = 128
GIVE_UP_SECONDS = 0.003
"""A caller is told so long before its deadline that it passes: later, its library would tell it first."""
T = TypeVar("T")
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_tracer = trace.get_tracer("matcher.service")
_NO_TRACE = Context()
_NO_CLAIM = Claim()


@dataclass(slots=True)
class Call:
    """One call as its method sees it."""

    method: str
    """Full name, e.g. "matcher.v1.MatchingService/Match"."""
    request: bytes
    deadline: float
    """The caller's, by time.monotonic()."""
    margin_seconds: float
    """Work is planned to end so long before the deadline."""
    metadata: Mapping[str, str]
    """The caller's metadata that is text."""
    give_up_seconds: float = GIVE_UP_SECONDS
    """So long before the deadline the caller is told that there is no answer."""
    cancel: CancelToken = field(default_factory=CancelToken)
    """Raised when nobody waits for the answer any more."""
    decided: float | None = None
    """When the answer was known, by time.monotonic(); the rest is reply."""
    claim: Claim = _NO_CLAIM
    """How it competes for threads."""
    recorded: bool = True
    """Whether its span is, or may be: what is below one that is not needs no spans."""
    notes: dict[str, Any] = field(default_factory=dict)
    """What the method adds to the log line."""
    stages: list[tuple[str, float]] = field(default_factory=list)
    """What the call's time went to, in seconds by stage."""

    def stage(self, tracer: trace.Tracer, name: str) -> Stage:
        """A span below the call's while the context lasts, and its time among the call's stages."""
        return Stage(self, tracer, name)

    async def on_thread(self, workers: Workers, work: Callable[[], T]) -> T:
        """The result of `work`, done by a worker as long as somebody waits for this call. Raises Refused."""
        return await workers.run(work, seconds=self.seconds_left(), claim=self.claim, cancel=self.cancel)

    def seconds_left(self) -> float:
        """Until the caller must be told that there is no answer; negative when it is too late."""
        return self.deadline - self.give_up_seconds - time.monotonic()

    def budget_left(self) -> float:
        """For the work to be planned with; negative: only the least work there is."""
        return self.deadline - self.margin_seconds - time.monotonic()

    def stop_in_time(self, token: CancelToken) -> asyncio.TimerHandle:
        """Raises the token when the planned time is over; at once if it is, for a timer would wait for the loop's next
        turn, and the work might be done by then."""
        left = self.budget_left()
        if left <= 0:
            token.cancel()
        return asyncio.get_running_loop().call_later(max(0.0, left), token.cancel)


class Stage:
    """What a call does in one go; see Call.stage."""

    __slots__ = ("_begin", "_call", "_name", "_step")

    def __init__(self, call: Call, tracer: trace.Tracer, name: str) -> None:
        self._call = call
        self._name = name
        self._begin = time.monotonic()
        self._step = step(tracer, name) if call.recorded else None

    def __enter__(self) -> None:
        if self._step is not None:
            self._step.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._step is not None:
            self._step.__exit__(kind, error, traceback)
        self._call.stages.append((self._name, time.monotonic() - self._begin))


Method = Callable[[Call], Awaitable[bytes]]
Send = Callable[[bytes], Awaitable[None]]
StreamMethod = Callable[[Call, Send], Awaitable[None]]
PartsMethod = Callable[[Call, AsyncIterator[bytes]], Awaitable[bytes]]


class Calls:
    """Wraps methods into gRPC handlers, and counts what is in flight."""

    def __init__(
        self,
        metrics: ServiceMetrics,
        margins: ReplyMargins,
        default_seconds: float,
        longest_seconds: float,
        log_calls: bool,
        claims: Mapping[str, Claim],
    ) -> None:
        """`default_seconds`: deadline of calls without one. `longest_seconds`: later deadlines count as this.
        `claims`: of the methods that have one of their own."""
        self._claims = dict(claims)
        self._metrics = metrics
        self.margins = margins
        self._default_seconds = default_seconds
        self._longest_seconds = longest_seconds
        self._log_calls = log_calls
        self._log = structlog.get_logger("matcher.service").bind()  # a logger not bound is configured anew by each line
        self._carriers = frozenset(propagate.get_global_textmap().fields)
        """Metadata keys that may carry a caller's trace."""
        self.in_flight = 0
        self.last_end = time.monotonic()

    def handler(self, method: str, body: Method) -> grpc.RpcMethodHandler[bytes, bytes]:
        """A handler that takes and gives bytes."""

        async def serve(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            return await self._serve(method, body, request, context)

        return grpc.unary_unary_rpc_method_handler(serve)

    def streaming_handler(self, method: str, body: StreamMethod) -> grpc.RpcMethodHandler[bytes, bytes]:
        """A handler that takes bytes and sends many; what it goes through is the same."""

        async def serve(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
            async def whole(call: Call) -> bytes:
                await body(call, context.write)
                return b""

            await self._serve(method, whole, request, context)

        return grpc.unary_stream_rpc_method_handler(serve)

    def parts_handler(self, method: str, body: PartsMethod) -> grpc.RpcMethodHandler[bytes, bytes]:
        """A handler that takes a stream of bytes and gives bytes; its Call has no request."""

        async def serve(parts: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            return await self._serve(method, lambda call: body(call, parts), b"", context)

        return grpc.stream_unary_rpc_method_handler(serve)

    async def _serve(
        self, method: str, body: Method, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> bytes:
        begin = time.monotonic()
        remaining = context.time_remaining()
        seconds = self._default_seconds if remaining is None else min(remaining, self._longest_seconds)
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        give_up = self.margins.give_up(seconds)
        claim = self._claims.get(method) or self._claims.setdefault(method, Claim(method))
        call = Call(
            method, request, begin + seconds, max(give_up, self.margins.of(method)), metadata, give_up, claim=claim
        )
        refusal: Refusal | None = None
        status = "OK"
        self.in_flight += 1
        above = _NO_TRACE if self._carriers.isdisjoint(metadata) else propagate.extract(metadata, _NO_TRACE)
        span = _tracer.start_span(method, above, SpanKind.SERVER, {"rpc.system": "grpc", "rpc.method": method})
        token = attach(trace.set_span_in_context(span, above)) if span.get_span_context().is_valid else None
        call.recorded = span.is_recording()
        try:
            if call.seconds_left() <= 0:
                raise Refused(Refusal.deadline(f"{max(seconds, 0) * 1e3:.1f} ms were left when the call arrived"))
            reply = await body(call)
        except InvalidRequest as error:
            refusal = Refusal.invalid(error)
        except Refused as refused:
            refusal = refused.refusal
        except asyncio.CancelledError:
            status = "CANCELLED"
            if call.seconds_left() <= 0:
                self.margins.missed(give_up)
            raise
        except Exception as error:
            span.record_exception(error)
            self._log.error("call failed", method=method, exc_info=True, **_ids(span))
            refusal = Refusal.internal("the server failed on this request; its log says more")
        finally:
            if refusal is not None:
                status = _CODES[refusal.code].name
            self._ended(call, status, refusal, begin, span)
            if token is not None:
                detach(token)
            if span.is_recording():
                _close(span, status, refusal)
        if refusal is None:
            return reply
        try:
            await abort(context, refusal)
        finally:
            if refusal.reason is ErrorReason.DEADLINE:
                self.margins.told(max(begin, call.deadline - give_up), time.monotonic())

    def _ended(self, call: Call, status: str, refusal: Refusal | None, begin: float, span: trace.Span) -> None:
        self.in_flight -= 1
        self.last_end = time.monotonic()
        above = None if call.recorded else _NO_TRACE  # whence exemplars are
        if call.decided is not None:
            self.margins.replied(call.method, self.last_end - call.decided)
            self._metrics.stage(call.method, "reply", self.last_end - call.decided, above)
        for stage, seconds in call.stages:
            self._metrics.stage(call.method, stage, seconds, above)
        seconds = self.last_end - begin
        self._metrics.call(call.method, status, seconds, above)
        if not self._log_calls:
            return
        notes = dict(call.notes)
        if refusal is not None:
            notes["reason"] = refusal.reason.name
            notes["message"] = refusal.message
        # The caller's own name for the call: the one meant for it, or the key that stays the same when it retries.
        request_id = call.metadata.get(_REQUEST_ID_KEY) or call.metadata.get(KEY)
        if request_id is not None:
            notes["request_id"] = request_id[:_MAX_ID_CHARACTERS]
        self._log.info(
            "call",
            method=call.method,
            status=status,
            ms=round(seconds * 1e3, 3),
            left_ms=round((call.deadline - self.last_end) * 1e3, 3),
            **notes,
            **_ids(span),
        )


async def abort(context: grpc.aio.ServicerContext[bytes, bytes], refusal: Refusal) -> NoReturn:
    """End the call with the status of the refusal and its details."""
    trailing: list[tuple[str, str | bytes]] = [(_DETAILS_KEY, encode_status(refusal))]
    if refusal.retry_after_ms is not None:
        trailing.append((_PUSHBACK_KEY, str(refusal.retry_after_ms)))
    await context.abort(_CODES[refusal.code], refusal.message, tuple(trailing))
    raise AssertionError("abort raises")


def _close(span: trace.Span, status: str, refusal: Refusal | None) -> None:
    """End a call's span with what became of the call."""
    if refusal is not None:
        span.set_attribute("matcher.reason", refusal.reason.name)
    if status not in ("OK", "INVALID_ARGUMENT"):
        span.set_status(Status(StatusCode.ERROR, status))
    span.set_attribute("rpc.response.status_code", status)
    span.end()


def _ids(span: trace.Span) -> dict[str, str]:
    """The trace of a span, when there is one."""
    context = span.get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}
