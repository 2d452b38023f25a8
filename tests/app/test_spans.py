"""Recorded spans are what the SDK would record, and their messages what its exporter would send."""

from __future__ import annotations

import pytest
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind, StatusCode

from matcher.app.otlp import trace_request
from matcher.app.spans import RecordedSpan, RecordingTracerProvider
from matcher.engine.spans import step

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def recording(sampler: Sampler) -> tuple[trace.Tracer, list[RecordedSpan]]:
    ended: list[RecordedSpan] = []
    sdk = TracerProvider(sampler, shutdown_on_exit=False)
    return RecordingTracerProvider(sdk, ended.append).get_tracer("test"), ended


def carried(sampled: bool) -> Context:
    """The context of a caller."""
    return propagate.extract({"traceparent": f"00-{TRACE}-{SPAN}-0{int(sampled)}", "tracestate": "a=b"}, Context())


def test_a_call_continues_its_callers_trace() -> None:
    """Ids, parents, trace state, attributes, errors and times; children end before their parents."""
    tracer, ended = recording(ParentBased(ALWAYS_OFF))
    root = tracer.start_span("call", carried(sampled=True), SpanKind.SERVER, {"rpc.method": "m"})
    with trace.use_span(root), step(tracer, "outer"), pytest.raises(ValueError, match="wrong"), step(tracer, "inner"):
        raise ValueError("wrong")
    root.set_status(StatusCode.OK)
    root.set_status(StatusCode.ERROR, "too late")
    root.end()
    root.end()
    inner, outer, call = ended
    assert [span.name for span in ended] == ["inner", "outer", "call"]
    assert {trace.format_trace_id(span.context.trace_id) for span in ended} == {TRACE}
    assert call.parent is not None
    assert trace.format_span_id(call.parent.span_id) == SPAN
    assert call.parent.is_remote
    assert (outer.parent, inner.parent) == (call.context, outer.context)
    assert len({span.context.span_id for span in ended}) == 3
    assert dict(inner.context.trace_state) == {"a": "b"}
    assert (call.kind, call.status.status_code, call.attributes) == (
        SpanKind.SERVER,
        StatusCode.OK,
        {"rpc.method": "m"},
    )
    assert inner.status.description == "ValueError: wrong"
    assert inner.events[0][2]["exception.type"] == "ValueError"
    assert call.start_ns <= outer.start_ns <= inner.start_ns <= inner.end_ns <= outer.end_ns <= call.end_ns


@pytest.mark.parametrize("context", [Context(), carried(sampled=False)])
def test_what_is_not_sampled_has_ids_and_leaves_nothing(context: Context) -> None:
    """The log line names the trace all the same; steps below it are not begun."""
    tracer, ended = recording(ParentBased(ALWAYS_OFF))
    root = tracer.start_span("call", context)
    assert root.get_span_context().is_valid
    with trace.use_span(root, end_on_exit=True), step(tracer, "inner") as inner:
        assert inner is None
    assert ended == []


def test_a_call_without_a_caller_begins_a_trace() -> None:
    """Which the sampler decides on."""
    tracer, ended = recording(ALWAYS_ON)
    with tracer.start_as_current_span("first"), tracer.start_as_current_span("second"):
        pass
    second, first = ended
    assert first.parent is None
    assert second.parent == first.context


def test_messages_are_those_of_the_official_exporter() -> None:
    """The same spans through the SDK's encoder: equal messages, field by field."""
    tracer, ended = recording(ALWAYS_ON)
    attributes = {"text": "x", "long": "y" * 100, "true": True, "number": 7, "share": 0.5, "list": ("a", "b")}
    with tracer.start_as_current_span(
        "call", carried(sampled=True), kind=SpanKind.SERVER, attributes=attributes
    ) as call:
        call.add_event("something", {"count": 1}, 12_345)
        link = Link(trace.SpanContext(1, 2, is_remote=True), {"why": "x"})
        with tracer.start_as_current_span("step", links=[link]) as below:
            below.set_status(StatusCode.ERROR, "wrong")
    resource = Resource({"service.name": "matcher"})
    theirs = encode_spans(
        [
            ReadableSpan(
                span.name,
                span.context,
                span.parent,
                resource,
                span.attributes,
                [Event(name, said, at) for name, at, said in span.events],
                span.links,
                span.kind,
                status=span.status,
                start_time=span.start_ns,
                end_time=span.end_ns,
                instrumentation_scope=InstrumentationScope("test"),
            )
            for span in ended
        ]
    )
    assert trace_request(resource, ended) == theirs
