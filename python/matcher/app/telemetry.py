"""Telemetry of a process: logs as JSON lines; traces and metrics by OpenTelemetry when the environment asks for them.

Exporters are off unless OTEL_TRACES_EXPORTER or OTEL_METRICS_EXPORTER names one, or OTEL_EXPORTER_OTLP_ENDPOINT (or
its variant for one signal) says where to send. OTEL_SDK_DISABLED=true turns everything off. All other OTEL_*
variables (sampler, headers, resource attributes, intervals) are the SDK's.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson
import structlog
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from matcher.app.config import TelemetryConfig
from matcher.app.prometheus import Scrape
from matcher.domain import Build


class TelemetryError(ValueError):
    """The environment asks for an exporter that there is not."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What was switched on; None: that signal is off."""

    tracer_provider: TracerProvider | None
    meter_provider: MeterProvider | None
    scrape: Scrape | None = None
    """What a /metrics page shows; None: nobody asked for one."""

    def close(self) -> None:
        """Send what is still held back."""
        if self.tracer_provider is not None:
            self.tracer_provider.shutdown()
        if self.meter_provider is not None:
            self.meter_provider.shutdown()


def open_telemetry(build: Build, environment: Mapping[str, str], *, scrape: bool = False) -> Telemetry:
    """Switch on what `environment` (os.environ) asks for, for the whole process, and metrics to be scraped.

    Raises TelemetryError.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return Telemetry(None, None)
    span_processors, metric_readers = _span_processors(environment), _metric_readers(environment)
    page = Scrape() if scrape else None
    if page is not None:
        metric_readers.append(page.reader)
    resource = Resource.create(
        {SERVICE_NAME: environment.get("OTEL_SERVICE_NAME", "matcher"), SERVICE_VERSION: build.version}
    )
    telemetry = Telemetry(
        TracerProvider(resource=resource) if span_processors else None,
        MeterProvider(metric_readers, resource) if metric_readers else None,
        page,
    )
    if telemetry.tracer_provider is not None:
        for processor in span_processors:
            telemetry.tracer_provider.add_span_processor(processor)
        trace.set_tracer_provider(telemetry.tracer_provider)
    if telemetry.meter_provider is not None:
        metrics.set_meter_provider(telemetry.meter_provider)
    return telemetry


def configure_logs(config: TelemetryConfig, stream: BinaryIO | None = None) -> None:
    """Log JSON lines to `stream`, by default standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, config.log_level.upper())),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stderr.buffer),
        cache_logger_on_first_use=False,
    )


def _json(event: Any, **_: Any) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_SERIALIZE_NUMPY)


def _wanted(environment: Mapping[str, str], signal: str) -> list[str]:
    """Names of the exporters of a signal ("TRACES", "METRICS")."""
    named = environment.get(f"OTEL_{signal}_EXPORTER")
    if named is None:
        endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
        return ["otlp"] if any(environment.get(name) for name in endpoints) else []
    names = [name.strip() for name in named.split(",") if name.strip() not in ("", "none")]
    for name in names:
        if name not in ("otlp", "console"):
            raise TelemetryError(f"OTEL_{signal}_EXPORTER: no exporter {name!r}; there are otlp, console and none")
    return names


# Exporters are imported when they are asked for: the OTLP ones alone take longer to import than the rest of the server.
def _span_processors(environment: Mapping[str, str]) -> list[SpanProcessor]:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor

    processors: list[SpanProcessor] = []
    for name in _wanted(environment, "TRACES"):
        if name == "console":
            processors.append(SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stderr)))
        else:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

            processors.append(BatchSpanProcessor(OTLPSpanExporter()))
    return processors


def _metric_readers(environment: Mapping[str, str]) -> list[MetricReader]:
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

    readers: list[MetricReader] = []
    for name in _wanted(environment, "METRICS"):
        if name == "console":
            readers.append(PeriodicExportingMetricReader(ConsoleMetricExporter(out=sys.stderr)))
        else:
            from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

            readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    return readers
