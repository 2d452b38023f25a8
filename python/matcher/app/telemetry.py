"""Telemetry of a process: logs as JSON lines; traces, metrics and logs by OpenTelemetry when the environment asks.

Exporters are off unless OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER or OTEL_LOGS_EXPORTER names one, or
OTEL_EXPORTER_OTLP_ENDPOINT (or its variant for one signal) says where to send. OTEL_SDK_DISABLED=true turns everything
off. All other OTEL_* variables (sampler, headers, resource attributes, intervals) are the SDK's.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import structlog
from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from matcher.app.batches import Batches
from matcher.app.config import TelemetryConfig
from matcher.app.instruments import QuickMeterProvider, quick_suffices
from matcher.app.log_lines import Line, LogLines
from matcher.app.otlp import log_sender, span_sender
from matcher.app.prometheus import Scrape
from matcher.app.spans import RecordedSpan, RecordingTracerProvider
from matcher.domain import Build

_Send = Callable[[list[Any]], None]
_EXPORTERS = ("otlp", "console")
_LEVELS = {"warn": "warning", "exception": "error"}
"""Of methods of a logger that are not called like their level."""
_SPAN_SECONDS, _SPANS_TOGETHER, _SPANS_KEPT = 5.0, 512, 16_384


class TelemetryError(ValueError):
    """The environment asks for an exporter that there is not."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What was switched on; None: that signal is off."""

    spans: Batches[RecordedSpan] | None = None
    """Those that wait to be sent."""
    meters: QuickMeterProvider | MeterProvider | None = None
    scrape: Scrape | None = None
    """What a /metrics page shows; None: nobody asked for one."""
    send_lines: Callable[[list[Line]], None] | None = None
    """Sends log lines to a collector; raises when it does not take them."""
    endings: tuple[Callable[[], None], ...] = ()
    """Called in the end."""

    def watch(self, logs: LogLines) -> None:
        """Count what telemetry itself loses."""

        def lost(_: CallbackOptions) -> list[Observation]:
            by_signal = logs.lost | ({"spans": self.spans.lost} if self.spans else {})
            return [Observation(number, {"matcher.signal": name}) for name, number in sorted(by_signal.items())]

        metrics.get_meter("matcher.app").create_observable_counter(
            "matcher.telemetry.lost", [lost], unit="{record}",
            description="Log lines and spans dropped, or refused by the collector.",
        )  # fmt: skip

    def close(self) -> None:
        """Send what is still held back."""
        if self.spans is not None:
            self.spans.close()
        if self.meters is not None:
            self.meters.shutdown()
        for ending in self.endings:
            ending()


def open_telemetry(build: Build, environment: Mapping[str, str], *, scrape: bool = False) -> Telemetry:
    """Switch on what `environment` (os.environ) asks for, for the whole process, and metrics to be scraped.

    Raises TelemetryError.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return Telemetry()
    resource = Resource.create(
        {SERVICE_NAME: environment.get("OTEL_SERVICE_NAME", "matcher"), SERVICE_VERSION: build.version}
    )
    exporters = {signal: _wanted(environment, signal) for signal in ("TRACES", "METRICS", "LOGS")}
    spans, endings = _spans(resource, exporters["TRACES"], environment)
    meters, page = _meters(resource, exporters["METRICS"], environment, scrape, traced=spans is not None)
    send_lines: Callable[[list[Line]], None] | None = None
    if exporters["LOGS"]:
        send_lines, ending = log_sender(resource)
        endings.append(ending)
    return Telemetry(spans, meters, page, send_lines, tuple(endings))


def configure_logs(config: TelemetryConfig, stream: BinaryIO | None = None, logs: LogLines | None = None) -> None:
    """Log JSON lines to `logs`; without, to `stream` (by default standard error) at once."""
    sink = logs or LogLines(stream, at_once=True)
    structlog.configure(
        processors=[_whole],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, config.log_level.upper())),
        logger_factory=lambda *_: _Adding(sink),
        cache_logger_on_first_use=False,
    )


class _Adding:
    """A logger of structlog's that adds every event as it is, whatever its level."""

    def __init__(self, logs: LogLines) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = logs.add


def _whole(logger: Any, name: str, event: MutableMapping[str, Any]) -> tuple[tuple[Any], dict[str, Any]]:
    """The event with its level, and what was raised as text: the one argument of the logger."""
    event["level"] = _LEVELS.get(name, name)
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, name, event)
    return (event,), {}


def _wanted(environment: Mapping[str, str], signal: str) -> list[str]:
    """Names of the exporters of a signal ("TRACES", "METRICS", "LOGS")."""
    named = environment.get(f"OTEL_{signal}_EXPORTER")
    if named is None:
        endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
        return ["otlp"] if any(environment.get(name) for name in endpoints) else []
    known = _EXPORTERS if signal != "LOGS" else ("otlp",)  # the console has the log anyway
    names = [name.strip() for name in named.split(",") if name.strip() not in ("", "none")]
    for name in names:
        if name not in known:
            raise TelemetryError(f"OTEL_{signal}_EXPORTER: no exporter {name!r}; there are {', '.join(known)} and none")
    return names


# Exporters are imported when they are asked for: the OTLP ones alone take longer to import than the rest of the server.
def _spans(
    resource: Resource, exporters: list[str], environment: Mapping[str, str]
) -> tuple[Batches[RecordedSpan] | None, list[Callable[[], None]]]:
    """Where sampled spans wait, and what ends their exporters; the process's tracer provider is set."""
    if not exporters:
        return None, []
    sends: list[_Send] = []
    endings: list[Callable[[], None]] = []
    for name in exporters:
        if name == "console":
            sends.append(_console(resource))
        else:
            send, ending = span_sender(resource)
            sends.append(send)
            endings.append(ending)

    def send_all(spans: list[RecordedSpan]) -> None:
        for send in sends:
            send(spans)

    batches = Batches(
        "spans",
        send_all,
        seconds=float(environment.get("OTEL_BSP_SCHEDULE_DELAY", _SPAN_SECONDS * 1e3)) / 1e3,
        most=int(environment.get("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _SPANS_TOGETHER)),
        capacity=int(environment.get("OTEL_BSP_MAX_QUEUE_SIZE", _SPANS_KEPT)),
    )
    sdk = TracerProvider(resource=resource, shutdown_on_exit=False)
    trace.set_tracer_provider(RecordingTracerProvider(sdk, batches.add))
    return batches, endings


def _console(resource: Resource) -> _Send:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    exporter = ConsoleSpanExporter(out=sys.stderr)

    def send(spans: list[RecordedSpan]) -> None:
        exporter.export(
            [
                ReadableSpan(
                    span.name, span.context, span.parent, resource, span.attributes, kind=span.kind,
                    status=span.status, start_time=span.start_ns, end_time=span.end_ns,
                )
                for span in spans
            ]
        )  # fmt: skip

    return send


def _meters(
    resource: Resource, exporters: list[str], environment: Mapping[str, str], scrape: bool, *, traced: bool
) -> tuple[QuickMeterProvider | MeterProvider | None, Scrape | None]:
    """The process's meter provider, which is set, and the page to scrape."""
    if not exporters and not scrape:
        return None, None
    quick = QuickMeterProvider(
        resource, exemplars=traced and environment.get("OTEL_METRICS_EXEMPLAR_FILTER", "") != "always_off"
    )
    suffices = quick_suffices(environment)
    page = Scrape(quick.join if suffices else None) if scrape else None
    sent = [_metric_exporter(name) for name in exporters]
    readers = [_periodic(quick.joined(exporter) if suffices else exporter) for exporter in sent]
    inner = MeterProvider([*readers, *([page.reader] if page else [])], resource, shutdown_on_exit=False)
    quick.use(inner)
    meters = quick if suffices else inner
    metrics.set_meter_provider(meters)
    return meters, page


def _periodic(exporter: MetricExporter) -> MetricReader:
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    return PeriodicExportingMetricReader(exporter)


def _metric_exporter(name: str) -> MetricExporter:
    if name == "console":
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

        return ConsoleMetricExporter(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter()
