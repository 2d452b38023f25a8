"""Spans and log lines as OTLP's messages, and the exporters that send them.

The messages are the contract's own; the SDK's way to them goes through three more forms of every record.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

from google.protobuf.message import Message
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
_FIXED64, _DOUBLE = struct.Struct("<Q").pack, struct.Struct("<d").pack


def _tag(message: type[Message], field: str, wire_type: int, size: int | None = None) -> bytes:
    """What stands before a field of one byte's number: its tag, and its size where that is fixed."""
    number = message.DESCRIPTOR.fields_by_name[field].number
    return bytes((number << 3 | wire_type,)) + (b"" if size is None else bytes((size,)))


# A message object for each attribute took most of the time. What differs from record to record is encoded here, what is
# the same is encoded once by the official runtime, which reads it all in the end; fields may come in any order.
_TRACE_ID_OF_SPAN = _tag(trace_pb2.Span, "trace_id", 2, 16)
_SPAN_ID_OF_SPAN = _tag(trace_pb2.Span, "span_id", 2, 8)
_PARENT_OF_SPAN = _tag(trace_pb2.Span, "parent_span_id", 2, 8)
_START_OF_SPAN = _tag(trace_pb2.Span, "start_time_unix_nano", 1)
_END_OF_SPAN = _tag(trace_pb2.Span, "end_time_unix_nano", 1)
_ATTRIBUTE_OF_SPAN = _tag(trace_pb2.Span, "attributes", 2)
_SPAN_OF_SCOPE = _tag(trace_pb2.ScopeSpans, "spans", 2)
_TIME_OF_RECORD = _tag(LogRecord, "time_unix_nano", 1)
_OBSERVED_TIME_OF_RECORD = _tag(LogRecord, "observed_time_unix_nano", 1)
_TRACE_ID_OF_RECORD = _tag(LogRecord, "trace_id", 2, 16)
_SPAN_ID_OF_RECORD = _tag(LogRecord, "span_id", 2, 8)
_ATTRIBUTE_OF_RECORD = _tag(LogRecord, "attributes", 2)
_RECORD_OF_SCOPE = _tag(ScopeLogs, "log_records", 2)
_KEY_OF_PAIR = _tag(KeyValue, "key", 2)
_VALUE_OF_PAIR = _tag(KeyValue, "value", 2)
_STRING_OF_VALUE = _tag(AnyValue, "string_value", 2)
_SIZES = [bytes((size,)) for size in range(0x80)]
_SHORT = 64
"""Characters of a text that may be worth keeping."""
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
        trace_pb2.ScopeSpans.FromString(
            b"".join([_scope_message(name), *[_SPAN_OF_SCOPE + _sized(_span(span)) for span in group]])
        )
        for name, group in groupby(sorted(spans, key=_scope), key=_scope)
    ]
    said = trace_pb2.ResourceSpans(resource=_resource(resource), scope_spans=scopes, schema_url=resource.schema_url)
    return ExportTraceServiceRequest(resource_spans=[said])


def logs_request(resource: Resource, lines: Sequence[Line]) -> ExportLogsServiceRequest:
    """The message that exports these log lines."""
    records = [_RECORD_OF_SCOPE + _sized(_record(*line)) for line in lines]
    scope = ScopeLogs.FromString(b"".join([_scope_message("matcher"), *records]))
    said = ResourceLogs(resource=_resource(resource), scope_logs=[scope], schema_url=resource.schema_url)
    return ExportLogsServiceRequest(resource_logs=[said])


@lru_cache(maxsize=256)
def _scope_message(name: str) -> bytes:
    """The scope as ScopeSpans and ScopeLogs have it."""
    return trace_pb2.ScopeSpans(scope=InstrumentationScope(name=name)).SerializeToString()


def _scope(span: RecordedSpan) -> str:
    return span.scope


def _span(span: RecordedSpan) -> bytes:
    own, parent = span.context, span.parent
    code = span.status.status_code.value
    parts = [
        _of_many_spans(span.name, span.kind.value, code, span.status.description or "", _flags(parent)),
        _TRACE_ID_OF_SPAN, own.trace_id.to_bytes(16, "big"),
        _SPAN_ID_OF_SPAN, own.span_id.to_bytes(8, "big"),
        _START_OF_SPAN, _FIXED64(span.start_ns),
        _END_OF_SPAN, _FIXED64(span.end_ns),
        _joined(_ATTRIBUTE_OF_SPAN, span.attributes),
    ]  # fmt: skip
    if parent:
        parts += _PARENT_OF_SPAN, parent.span_id.to_bytes(8, "big")
    if span.events or span.links or own.trace_state:
        parts.append(_seldom_said(span).SerializeToString())
    return b"".join(parts)


@lru_cache(maxsize=1_024)
def _of_many_spans(name: str, kind: int, code: int, description: str, flags: int) -> bytes:
    status = trace_pb2.Status(code=code, message=description)  # type: ignore[arg-type]
    said = trace_pb2.Span(name=name, kind=kind + 1, flags=flags, status=status)  # type: ignore[arg-type] # 0: unspecified
    return said.SerializeToString()


def _seldom_said(span: RecordedSpan) -> trace_pb2.Span:
    message = trace_pb2.Span(trace_state=_state(span.context.trace_state))
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


def _record(at_ns: int, event: Mapping[str, Any]) -> bytes:
    trace_id, span_id = event.get("trace_id"), event.get("span_id")
    at = _FIXED64(at_ns)
    parts = [
        _of_many_records(str(event.get("level", "info")), str(event.get("event", ""))),
        _TIME_OF_RECORD, at,
        _OBSERVED_TIME_OF_RECORD, at,
        *[
            _attribute(_ATTRIBUTE_OF_RECORD, _attribute_name(key), value)
            for key, value in event.items()
            if key not in _SAID_ELSEWHERE and value is not None
        ],
    ]  # fmt: skip
    if trace_id and span_id:
        parts += _TRACE_ID_OF_RECORD, bytes.fromhex(trace_id), _SPAN_ID_OF_RECORD, bytes.fromhex(span_id)
    return b"".join(parts)


@lru_cache(maxsize=256)
def _of_many_records(level: str, text: str) -> bytes:
    said = LogRecord(
        severity_number=_SEVERITIES.get(level, 9),  # type: ignore[arg-type]
        severity_text=level.upper(),
        body=AnyValue(string_value=text),
    )
    return said.SerializeToString()


@lru_cache(maxsize=1_024)
def _attribute_name(key: str) -> str:
    return _NAMES.get(key) or f"matcher.{key}"


@lru_cache(maxsize=8)
def _resource(resource: Resource) -> ResourceMessage:
    return ResourceMessage(attributes=_pairs(resource.attributes))


def _pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def _joined(tag: bytes, attributes: Mapping[str, Any]) -> bytes:
    """The attributes as encoded fields of this tag."""
    return b"".join([_attribute(tag, key, value) for key, value in attributes.items()])


def _attribute(tag: bytes, key: str, value: Any) -> bytes:
    """An attribute as an encoded field of this tag."""
    kind = type(value)
    if kind is str and len(value) <= _SHORT:
        return _text(tag, key, value)
    if kind is float:
        return _before_number(tag, key) + _DOUBLE(value)
    if kind is bool:
        return _flag(tag, key, value)
    return tag + _sized(_pair(key, value))


# What is said again and again is encoded once.
@lru_cache(maxsize=4_096)
def _text(tag: bytes, key: str, value: str) -> bytes:
    return tag + _sized(_pair(key, value))


@lru_cache(maxsize=1_024)
def _flag(tag: bytes, key: str, value: bool) -> bytes:
    return tag + _sized(_pair(key, value))


def _pair(key: str, value: Any) -> bytes:
    if type(value) is str:  # ids of decisions, which are never the same: a message object takes three times as long
        said = _STRING_OF_VALUE + _sized(value.encode())
        return _KEY_OF_PAIR + _sized(key.encode()) + _VALUE_OF_PAIR + _sized(said)
    return KeyValue(key=key, value=_value(value)).SerializeToString()


@lru_cache(maxsize=1_024)
def _before_number(tag: bytes, key: str) -> bytes:
    """An attribute that is a double, without its last eight bytes."""
    return tag + _sized(KeyValue(key=key, value=AnyValue(double_value=0.0)).SerializeToString())[:-8]


def _sized(message: bytes) -> bytes:
    """The bytes of a message with their number before them."""
    left = len(message)
    if left <= 0x7F:
        return _SIZES[left] + message
    size = bytearray()
    while left > 0x7F:
        size.append(left & 0x7F | 0x80)
        left >>= 7
    size.append(left)
    return bytes(size) + message


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
