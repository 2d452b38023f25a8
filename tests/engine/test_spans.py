"""Steps of a call are recorded exactly where the span above them is."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from matcher.engine.spans import step


def test_a_step_lies_below_the_current_span_and_keeps_its_error() -> None:
    """What the SDK's own context manager would record."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("call") as call:
        with step(tracer, "good", {"key": "value"}) as good:
            assert trace.get_current_span() is good
        with pytest.raises(ValueError, match="wrong"), step(tracer, "bad"):
            raise ValueError("wrong")
        assert trace.get_current_span() is call
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert dict(spans["good"].attributes or {}) == {"key": "value"}
    assert {span.parent.span_id for span in spans.values() if span.parent} == {call.get_span_context().span_id}
    assert spans["good"].status.is_ok
    assert spans["bad"].status.description == "ValueError: wrong"
    assert [event.name for event in spans["bad"].events] == ["exception"]


def test_below_a_span_that_is_not_sampled_nothing_is_made() -> None:
    """The current span stays that of the call, so that its trace id goes on to whatever is called."""
    tracer = TracerProvider(sampler=ALWAYS_OFF).get_tracer("test")
    with tracer.start_as_current_span("call") as call, step(tracer, "good") as good:
        assert good is None
        assert trace.get_current_span() is call
