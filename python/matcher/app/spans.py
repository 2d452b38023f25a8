"""Spans that cost a few microseconds, behind OpenTelemetry's API: recorded where they are sampled, sent in batches.

Sampler, ids and resource are the SDK's, as the standard variables have them. A span below a sampled one is sampled.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, DEFAULT_OFF, DEFAULT_ON, Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.util.types import Attributes, AttributeValue

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSET = Status()
_WITHOUT_PARENT = {ALWAYS_ON: True, DEFAULT_ON: True, ALWAYS_OFF: False, DEFAULT_OFF: False}
"""What the usual samplers say of a span without a parent, whatever it is: to ask them takes as long as a span does."""
Event = tuple[str, int, Mapping[str, AttributeValue]]
"""Name, nanoseconds since 1970 and attributes."""


class RecordedSpan(Span):
    """A sampled span; it is handed on when it ends."""

    def __init__(
        self,
        scope: str,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Attributes,
        start_ns: int,
        sink: Callable[[RecordedSpan], None],
    ) -> None:
        self.scope = scope
        self.name = name
        self.context = context
        self.parent = parent
        self.kind = kind
        self.attributes: dict[str, AttributeValue] = dict(attributes) if attributes else {}
        self.start_ns = start_ns
        self.end_ns = 0
        self.events: list[Event] = []
        self.links: Sequence[Link] = ()
        self.status = _UNSET
        self._sink = sink

    def get_span_context(self) -> SpanContext:
        """Its ids."""
        return self.context

    def is_recording(self) -> bool:
        """Whether it has not ended."""
        return not self.end_ns

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Say one thing about it."""
        self.attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Say several things about it."""
        self.attributes.update(attributes)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Something happened in it."""
        self.events.append((name, timestamp or time.time_ns(), dict(attributes or {})))

    def update_name(self, name: str) -> None:
        """Call it by another name."""
        self.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """How it went; what was said to be good stays good."""
        if self.status.status_code is not StatusCode.OK:
            self.status = status if isinstance(status, Status) else Status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """An event with the exception and its stack."""
        kind = type(exception)
        said: dict[str, Any] = {
            "exception.type": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."),
            "exception.message": str(exception),
            "exception.stacktrace": "".join(traceback.format_exception(exception)),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", said | dict(attributes or {}), timestamp)

    def end(self, end_time: int | None = None) -> None:
        """It is over."""
        if not self.end_ns:
            self.end_ns = end_time or time.time_ns()
            self._sink(self)


class RecordingTracer(trace.Tracer):
    """Starts spans of one scope."""

    def __init__(self, scope: str, sdk: TracerProvider, sink: Callable[[RecordedSpan], None]) -> None:
        self._scope = scope
        self._sampler = sdk.sampler
        self._without_parent = _WITHOUT_PARENT.get(sdk.sampler)
        self._ids = sdk.id_generator
        self._sink = sink

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """A span below the current one of `context`."""
        above = trace.get_current_span(context)
        parent: SpanContext | None = above.get_span_context()
        if type(above) is RecordedSpan:
            own = SpanContext(above.context.trace_id, self._ids.generate_span_id(), False, above.context.trace_flags,
                              above.context.trace_state)  # fmt: skip
        else:
            trace_id = parent.trace_id if parent is not None and parent.is_valid else self._ids.generate_trace_id()
            if parent is not None and not parent.is_valid:
                parent = None
            sampled, state = self._without_parent if parent is None else None, None
            if sampled is None:
                asked = self._sampler.should_sample(context, trace_id, name, kind, attributes, links)
                sampled, state = asked.decision is Decision.RECORD_AND_SAMPLE, asked.trace_state
                if asked.attributes and sampled:
                    attributes = {**(attributes or {}), **asked.attributes}
            own = SpanContext(trace_id, self._ids.generate_span_id(), False, _SAMPLED if sampled else None, state)
            if not sampled:
                return NonRecordingSpan(own)
        start = start_time or time.time_ns()
        span = RecordedSpan(self._scope, name, own, parent, kind, attributes, start, self._sink)
        span.links = links or ()
        return span

    @contextmanager
    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Iterator[Span]:  # type: ignore[override]
        """A span while the context lasts."""
        with trace.use_span(self.start_span(name, *args, **kwargs), end_on_exit=True) as span:
            yield span


class RecordingTracerProvider(trace.TracerProvider):
    """Tracers whose sampled spans go to `sink` when they end, in whatever thread that is."""

    def __init__(self, sdk: TracerProvider, sink: Callable[[RecordedSpan], None]) -> None:
        """`sdk`: whose sampler and ids are used."""
        self._sdk = sdk
        self._sink = sink

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> trace.Tracer:
        """A tracer of that scope."""
        return RecordingTracer(instrumenting_module_name, self._sdk, self._sink)
