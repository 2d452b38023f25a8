"""What the service tells about a call: spans below the caller's, metrics, and one log line that joins them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import structlog
from bench.instances import snapshot
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.service.serving import running

from matcher.app import App, parse_config
from matcher.app.config import TelemetryConfig
from matcher.app.telemetry import TelemetryError, configure_logs, open_telemetry
from matcher.client import Client
from matcher.domain import Build, InvalidRequest
from matcher.service.methods import MATCH

CONFIG = parse_config('[server]\nlisten = ["127.0.0.1:0"]\ninline_bytes = 0')


@pytest.fixture(scope="module")
def spans() -> InMemorySpanExporter:
    """OpenTelemetry allows one provider a process: this module's, unless another test has set one already."""
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture(scope="module")
def collected() -> InMemoryMetricReader:
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    return reader


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    """Where the log goes."""
    stream = io.BytesIO()
    configure_logs(TelemetryConfig(), stream)
    yield stream
    structlog.reset_defaults()


def read(stream: io.BytesIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_a_call_leaves_one_trace_one_line_and_its_counts(
    spans: InMemorySpanExporter, collected: InMemoryMetricReader, lines: io.BytesIO
) -> None:
    """The caller's trace contains the server's span and each stage's below it; the log line names the same ids."""
    spans.clear()
    with App(CONFIG) as app, running(app) as server, Client(server.address) as client:
        with trace.get_tracer("test").start_as_current_span("caller") as caller:
            decision = client.match(snapshot("scarce-60x15"), timeout=60)
        with pytest.raises(InvalidRequest):
            client.match(snapshot("village-6x4"), "nope")
    trace_id = caller.get_span_context().trace_id
    found: dict[str, ReadableSpan] = {
        span.name: span for span in spans.get_finished_spans() if span.context and span.context.trace_id == trace_id
    }
    assert {MATCH, "decode", "travel", "candidates", "scores", "solve", "verify", "encode"} <= set(found)
    root = found[MATCH]
    assert root.parent is not None
    assert root.parent.span_id == caller.get_span_context().span_id
    assert root.kind is trace.SpanKind.SERVER
    for name, span in found.items():
        if name not in (MATCH, "caller"):
            assert below(span, root, list(found.values())), name

    calls = [line for line in read(lines) if line["event"] == "call"]
    assert [line["status"] for line in calls] == ["OK", "INVALID_ARGUMENT"]
    line = calls[0]
    assert line["trace_id"] == trace.format_trace_id(trace_id)
    assert (line["decision_id"], line["rung"]) == (decision.decision_id, decision.rung.name)
    assert line["assigned"] + line["waiting"] == len(decision.outcomes)
    assert line["ms"] > 0
    assert calls[1]["reason"] == "UNKNOWN_POLICY"

    counted = points(collected)
    assert counted["rpc.server.call.duration", MATCH, "OK"] == 1
    assert counted["rpc.server.call.duration", MATCH, "INVALID_ARGUMENT"] == 1
    assert counted["matcher.decisions", "default", decision.rung.name] == 1
    orders = sum(count for key, count in counted.items() if key[0] == "matcher.orders")
    assert orders == len(decision.outcomes)


def below(span: ReadableSpan, root: ReadableSpan, spans: list[ReadableSpan]) -> bool:
    """Whether the span is a descendant of root."""
    by_id = {other.context.span_id: other for other in spans if other.context}
    while span.parent is not None:
        if root.context and span.parent.span_id == root.context.span_id:
            return True
        span = by_id[span.parent.span_id]
    return False


def points(reader: InMemoryMetricReader) -> dict[tuple[str, ...], int]:
    """Counts by name and attribute values."""
    data = reader.get_metrics_data()
    assert data is not None
    return {
        (metric.name, *(str(value) for _, value in sorted((point.attributes or {}).items()))): (
            point.count if hasattr(point, "count") else point.value
        )
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }


def test_a_fault_is_logged_with_its_trace(lines: io.BytesIO, spans: InMemorySpanExporter) -> None:
    """The caller is told nothing of our insides; the log line has the exception."""
    del spans

    class Broken:
        def travel(self, *_: object) -> None:
            raise RuntimeError("out of oil")

    app = App(CONFIG, travel=Broken())  # type: ignore[arg-type]
    with app, running(app) as server, Client(server.address) as client, pytest.raises(RuntimeError, match="INTERNAL"):
        client.match(snapshot("village-6x4"))
    failures = [line for line in read(lines) if line["event"] == "call failed"]
    assert len(failures) == 1
    assert "out of oil" in failures[0]["exception"]
    assert len(failures[0]["trace_id"]) == 32


def test_calls_need_not_be_logged(lines: io.BytesIO) -> None:
    """log_calls = false leaves starts, stops and faults."""
    config = parse_config('[server]\nlisten = ["127.0.0.1:0"]\n[telemetry]\nlog_calls = false')
    with App(config) as app, running(app) as server, Client(server.address) as client:
        client.match(snapshot("village-6x4"))
    assert {line["event"] for line in read(lines)} == {"serving", "draining", "stopped"}


@pytest.mark.parametrize(
    "environment", [{}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}]
)
def test_exporters_are_off_unless_asked_for(environment: dict[str, str]) -> None:
    """Nobody who runs the server on a laptop should have it dial out."""
    telemetry = open_telemetry(Build("0", "0"), environment)
    assert (telemetry.spans, telemetry.meters, telemetry.send_lines) == (None, None, None)


def test_an_unknown_exporter_is_refused() -> None:
    """By name, with those that there are."""
    with pytest.raises(TelemetryError, match="OTEL_METRICS_EXPORTER: no exporter 'statsd'"):
        open_telemetry(Build("0", "0"), {"OTEL_METRICS_EXPORTER": "statsd"})
