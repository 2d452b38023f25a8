"""Log lines as a collector gets them, and as they are written."""

from __future__ import annotations

import json
import random
from io import BytesIO

import structlog
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.sdk.resources import Resource

from matcher.app.config import TelemetryConfig
from matcher.app.otlp import logs_request
from matcher.app.telemetry import configure_logs

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
RESOURCE = Resource({"service.name": "matcher"})


def test_records_are_what_the_lines_say() -> None:
    """Field by field, whatever a line holds: long and short texts, numbers of every kind, nothing at all."""
    rng = random.Random(1)
    values = {
        "policy": (AnyValue(string_value="default"), "default"),
        "message": (AnyValue(string_value="ä" * 70_000), "ä" * 70_000),
        "empty": (AnyValue(string_value=""), ""),
        "ms": (AnyValue(double_value=0.25), 0.25),
        "left_ms": (AnyValue(double_value=-0.0), -0.0),
        "gap": (AnyValue(double_value=0.0), 0.0),
        "assigned": (AnyValue(int_value=-3), -3),
        "repeated": (AnyValue(bool_value=True), True),
        "degraded": (AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="NO_BUNDLING")])), ["NO_BUNDLING"]),
    }
    for number in range(200):
        chosen = rng.sample(sorted(values), rng.randrange(len(values)))
        traced = rng.random() < 0.5
        line = {key: values[key][1] for key in chosen} | {"level": "warning", "event": "call", "left_out": None}
        line |= {"trace_id": TRACE, "span_id": SPAN} if traced else {}
        (said,) = logs_request(RESOURCE, [(number, line)]).resource_logs[0].scope_logs[0].log_records
        assert said == LogRecord(
            time_unix_nano=number,
            observed_time_unix_nano=number,
            severity_number=SeverityNumber.SEVERITY_NUMBER_WARN,
            severity_text="WARNING",
            body=AnyValue(string_value="call"),
            attributes=[KeyValue(key=f"matcher.{key}", value=values[key][0]) for key in chosen],
            trace_id=bytes.fromhex(TRACE) if traced else b"",
            span_id=bytes.fromhex(SPAN) if traced else b"",
        )


def test_a_call_is_named_by_the_semantic_conventions() -> None:
    """In the order of the lines, and in one scope."""
    lines = [(number, {"event": str(number), "method": "S/M", "status": "OK"}) for number in range(1_000)]
    (scope,) = logs_request(RESOURCE, lines).resource_logs[0].scope_logs
    assert scope.scope.name == "matcher"
    assert [record.body.string_value for record in scope.log_records] == [str(number) for number in range(1_000)]
    assert {pair.key for pair in scope.log_records[7].attributes} == {"rpc.method", "rpc.response.status_code"}


def test_lines_have_their_level_and_what_was_raised() -> None:
    """A logger's methods that are not called like their level say it all the same."""
    stream = BytesIO()
    configure_logs(TelemetryConfig(log_level="info"), stream)
    log = structlog.get_logger("test").bind()
    log.debug("not said")
    log.info("first", number=1)
    log.warn("second")
    try:
        raise ValueError("boom")
    except ValueError:
        log.exception("third")
        log.error("fourth", exc_info=True)
    structlog.reset_defaults()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("first", "info"), ("second", "warning"), ("third", "error"), ("fourth", "error"),
    ]  # fmt: skip
    assert all("ValueError: boom" in line["exception"] for line in lines[2:])
    assert all(line["timestamp"].endswith("Z") and len(line["timestamp"]) == 27 for line in lines)
    assert lines[0].keys() == {"event", "level", "number", "timestamp"}
