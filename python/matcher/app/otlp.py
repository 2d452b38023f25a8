"""Spans and log lines as OTLP's messages, and the exporters that send them.

The messages are the contract's own; the SDK's way to them goes through three more forms of every record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanContext, TraceState

from matcher.app.log_lines import Line
from matcher.app.spans import RecordedSpan

_IS_REMOTE_KNOWN = trace_pb2.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
_IS_REMOTE = trace_pb2.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
_SEVERITIES = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}
_NAMES = {
    "method": "rpc.method",
    "status": "rpc.response.status_code",
    "exception": "exception.stacktrace",
}
"""Of the semantic conventions, for what a line calls otherwise; the rest is "matcher."'s."""
_SAID_ELSEWHERE = ("event", "level", "timestamp", "trace_id", "span_id")


class SendFailedError(RuntimeError):
    """The collector did not take a batch."""


# Exporters are imported when they are asked for: that takes longer than all else that is imported of OpenTelemetry.
def span_sender(resource: Resource) -> tuple[Callable[[list[RecordedSpan]], None], Callable[[], None]]:
    """What sends spans to the collector that the standard variables name, and what ends it. The first raises
    SendFailedError."""
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    class Exporter(OTLPSpanExporter):
        def _translate_data(self, data: Sequence[Any]) -> ExportTraceServiceRequest:
            return trace_request(resource, data)

    exporter = Exporter()

    def send(spans: list[RecordedSpan]) -> None:
        if exporter.export(spans) is not SpanExportResult.SUCCESS:  # type: ignore[arg-type]
            raise SendFailedError("traces")

    return send, exporter.shutdown


def log_sender(resource: Resource) -> tuple[Callable[[list[Line]], None], Callable[[], None]]:
    """The same for log lines."""
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs.export import LogRecordExportResult

    class Exporter(OTLPLogExporter):
        def _translate_data(self, data: Sequence[Any]) -> ExportLogsServiceRequest:
            return logs_request(resource, data)

    exporter = Exporter()

    def send(lines: list[Line]) -> None:
        if exporter.export(lines) is not LogRecordExportResult.SUCCESS:  # type: ignore[arg-type]
            raise SendFailedError("logs")

    return send, exporter.shutdown


def trace_request(resource: Resource, spans: Sequence[RecordedSpan]) -> ExportTraceServiceRequest:
    """The message that exports these spans."""
    scopes = [
        trace_pb2.ScopeSpans(scope=InstrumentationScope(name=name), spans=[_span(span) for span in group])
        for name, group in groupby(sorted(spans, key=_scope), key=_scope)
    ]
    said = trace_pb2.ResourceSpans(resource=_resource(resource), scope_spans=scopes, schema_url=resource.schema_url)
    return ExportTraceServiceRequest(resource_spans=[said])


def logs_request(resource: Resource, lines: Sequence[Line]) -> ExportLogsServiceRequest:
    """The message that exports these log lines."""
    scope = ScopeLogs(scope=InstrumentationScope(name="matcher"), log_records=[_record(*line) for line in lines])
    said = ResourceLogs(resource=_resource(resource), scope_logs=[scope], schema_url=resource.schema_url)
    return ExportLogsServiceRequest(resource_logs=[said])


def _scope(span: RecordedSpan) -> str:
    return span.scope


def _span(span: RecordedSpan) -> trace_pb2.Span:
    own, parent = span.context, span.parent
    message = trace_pb2.Span(
        trace_id=own.trace_id.to_bytes(16, "big"),
        span_id=own.span_id.to_bytes(8, "big"),
        parent_span_id=parent.span_id.to_bytes(8, "big") if parent else b"",
        trace_state=_state(own.trace_state) if own.trace_state else "",
        name=span.name,
        kind=span.kind.value + 1,  # type: ignore[arg-type] # the contract's 0 is "unspecified"
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
        attributes=_pairs(span.attributes) if span.attributes else (),
        status=trace_pb2.Status(code=span.status.status_code.value, message=span.status.description or ""),  # type: ignore[arg-type]
        flags=_flags(parent),
    )
    for name, at, attributes in span.events:
        message.events.add(name=name, time_unix_nano=at, attributes=_pairs(attributes))
    for link in span.links:
        context = link.context
        message.links.add(
            trace_id=context.trace_id.to_bytes(16, "big"),
            span_id=context.span_id.to_bytes(8, "big"),
            trace_state=_state(context.trace_state),
            attributes=_pairs(link.attributes or {}),
            flags=_flags(context),
        )
    return message


def _flags(context: SpanContext | None) -> int:
    return _IS_REMOTE_KNOWN | _IS_REMOTE if context is not None and context.is_remote else _IS_REMOTE_KNOWN


def _state(state: TraceState) -> str:
    return ",".join(f"{key}={value}" for key, value in state.items())


def _record(at_ns: int, event: Mapping[str, Any]) -> LogRecord:
    trace_id, span_id = event.get("trace_id"), event.get("span_id")
    level = str(event.get("level", "info"))
    return LogRecord(
        time_unix_nano=at_ns,
        observed_time_unix_nano=at_ns,
        severity_number=_SEVERITIES.get(level, 9),  # type: ignore[arg-type]
        severity_text=level.upper(),
        body=AnyValue(string_value=str(event.get("event", ""))),
        attributes=_pairs(
            {
                _NAMES.get(key) or f"matcher.{key}": value
                for key, value in event.items()
                if key not in _SAID_ELSEWHERE and value is not None
            }
        ),
        trace_id=bytes.fromhex(trace_id) if trace_id else b"",
        span_id=bytes.fromhex(span_id) if span_id else b"",
    )


@lru_cache(maxsize=8)
def _resource(resource: Resource) -> ResourceMessage:
    return ResourceMessage(attributes=_pairs(resource.attributes))


def _pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [
        # What is said again and again is made once; equal numbers of different types are different values.
        _known(key, value) if type(value) is str and len(value) <= 64 else KeyValue(key=key, value=_value(value))
        for key, value in attributes.items()
    ]


@lru_cache(maxsize=4_096)
def _known(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _value(value: Any) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, (list, tuple)):
        return AnyValue(array_value=ArrayValue(values=[_value(item) for item in value]))
    return AnyValue(string_value=str(value))
