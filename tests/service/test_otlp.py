"""Traces, metrics and logs arrive complete at a collector: every call's, with every stage, under the caller's span,
also at the end."""

from __future__ import annotations

import os
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest
from bench.instances import snapshot
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from tests.service.serving import addresses_of, serve_process

from matcher import wire

MATCH = "matcher.v1.MatchingService/Match"
STAGES = {"decode", "travel", "bundles", "candidates", "scores", "solve", "verify", "outcome", "encode"}


class Collector(
    trace_service_pb2_grpc.TraceServiceServicer,
    metrics_service_pb2_grpc.MetricsServiceServicer,
    logs_service_pb2_grpc.LogsServiceServicer,
):
    """An OTLP receiver that keeps all it is sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.spans: dict[bytes, list[trace_pb2.Span]] = defaultdict(list)
        self.services: set[str] = set()
        self.metrics: set[str] = set()
        self.logs: list[logs_pb2.LogRecord] = []

    def Export(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: N802 - the contract's name
        """Any signal."""
        del context
        with self._lock:
            if isinstance(request, trace_service_pb2.ExportTraceServiceRequest):
                for resource in request.resource_spans:
                    names = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
                    self.services.add(names["service.name"])
                    for scope in resource.scope_spans:
                        for span in scope.spans:
                            self.spans[span.trace_id].append(span)
                return trace_service_pb2.ExportTraceServiceResponse()
            if isinstance(request, logs_service_pb2.ExportLogsServiceRequest):
                for logged in request.resource_logs:
                    self.logs += [record for scope in logged.scope_logs for record in scope.log_records]
                return logs_service_pb2.ExportLogsServiceResponse()
            assert isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest)
            for measured in request.resource_metrics:
                self.metrics |= {metric.name for scope in measured.scope_metrics for metric in scope.metrics}
            return metrics_service_pb2.ExportMetricsServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    server, receiver = grpc.server(futures.ThreadPoolExecutor(2)), Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(receiver, server)
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(receiver, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield receiver, f"http://127.0.0.1:{port}"
    server.stop(None)


def test_every_call_leaves_its_whole_trace(collector: tuple[Collector, str]) -> None:
    """Twenty calls with traces of their callers, then SIGTERM at once: nothing that was held back is lost."""
    receiver, endpoint = collector
    request = wire.encode_match_request(snapshot("scarce-60x15"))
    environment = os.environ | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
        "OTEL_SERVICE_NAME": "matcher-under-test",
    }
    callers = {number: (f"{number + 1:032x}", f"{number + 100:016x}") for number in range(20)}
    with serve_process("--listen", "127.0.0.1:0", environment=environment) as process:
        (address,) = addresses_of(process)
        with grpc.insecure_channel(address) as channel:
            for trace_id, span_id in callers.values():
                metadata = [("traceparent", f"00-{trace_id}-{span_id}-01")]
                channel.unary_unary(f"/{MATCH}")(request, timeout=60, metadata=metadata)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert receiver.services == {"matcher-under-test"}
    assert {"rpc.server.call.duration", "matcher.decisions", "matcher.telemetry.lost"} <= receiver.metrics
    check_logs(receiver, callers)
    for trace_id, span_id in callers.values():
        spans = receiver.spans[bytes.fromhex(trace_id)]
        by_id = {span.span_id: span for span in spans}
        assert len(by_id) == len(spans), "a span came twice"
        assert {span.name for span in spans} >= STAGES
        for span in spans:
            if span.name == MATCH:
                assert span.parent_span_id.hex() == span_id
                assert span.kind == trace_pb2.Span.SPAN_KIND_SERVER
            else:
                assert span.parent_span_id in by_id, f"{span.name} lost its parent"
            assert span.start_time_unix_nano <= span.end_time_unix_nano


def check_logs(receiver: Collector, callers: dict[int, tuple[str, str]]) -> None:
    """Every call's line arrived once, by the semantic conventions, and names the span that served the call."""
    events = [record.body.string_value for record in receiver.logs]
    assert {"serving", "draining", "stopped"} <= set(events)
    calls = [record for record in receiver.logs if record.body.string_value == "call"]
    assert {record.trace_id.hex() for record in calls} == {trace_id for trace_id, _ in callers.values()}
    assert len(calls) == len(callers)
    for record in calls:
        (served,) = [span for span in receiver.spans[record.trace_id] if span.name == MATCH]
        assert record.span_id == served.span_id
        assert record.severity_number == logs_pb2.SEVERITY_NUMBER_INFO
        said = {pair.key: pair.value for pair in record.attributes}
        assert said["rpc.method"].string_value == MATCH
        assert said["rpc.response.status_code"].string_value == "OK"
        assert said["matcher.decision_id"].string_value
        assert said["matcher.ms"].double_value > 0
        assert served.start_time_unix_nano <= record.time_unix_nano
