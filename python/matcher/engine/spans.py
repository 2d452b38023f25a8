"""Spans of the steps of a call: recorded below a recorded span, and next to free below one that is not."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from opentelemetry import context, trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer
from opentelemetry.util.types import Attributes

_NOTHING: AbstractContextManager[Span | None] = nullcontext()


def step(tracer: Tracer, name: str, attributes: Attributes = None) -> AbstractContextManager[Span | None]:
    """A span of `tracer` while the context lasts. Nothing when the span above it was not sampled: the sampler would
    say the same again, and be slower to say it than small steps take. Nothing either when nobody traces."""
    above = trace.get_current_span()
    if above.get_span_context().is_valid and not above.is_recording():
        return _NOTHING
    span = tracer.start_span(name, attributes=attributes)
    return _Step(span) if span.get_span_context().is_valid else _NOTHING


class _Step:
    """`Tracer.start_as_current_span` without its two generators."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        context.detach(self._token)
        if isinstance(error, Exception):
            self._span.record_exception(error)
            self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        self._span.end()
