"""Metrics in the Prometheus text format 0.0.4, collected by OpenTelemetry when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.sdk.metrics.export import (
    Gauge,
    Histogram,
    InMemoryMetricReader,
    Metric,
    NumberDataPoint,
    Sum,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_UNITS = {"s": "_seconds", "By": "_bytes"}


class Scrape:
    """The reader that a MeterProvider must be given, and the text of what it reads."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()

    def text(self) -> str:
        """All metrics as they are now."""
        data = self.reader.get_metrics_data()
        lines = [
            line
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in sorted(scope.metrics, key=lambda metric: metric.name)
            for line in _metric(metric)
        ]
        return "\n".join([*lines, ""])


def _metric(metric: Metric) -> Iterator[str]:
    name = metric.name.replace(".", "_").replace("-", "_") + _UNITS.get(metric.unit or "", "")
    data = metric.data
    if isinstance(data, Histogram):
        kind = "histogram"
    elif isinstance(data, Sum) and data.is_monotonic:
        kind, name = "counter", f"{name}_total"
    elif isinstance(data, (Sum, Gauge)):
        kind = "gauge"
    else:
        return
    yield f"# HELP {name} {_escaped(metric.description or '')}"
    yield f"# TYPE {name} {kind}"
    for point in data.data_points:
        labels = point.attributes or {}
        if isinstance(point, NumberDataPoint):
            yield f"{name}{_labels(labels)} {point.value}"
            continue
        seen = 0
        bounds: list[Any] = [*point.explicit_bounds, "+Inf"]
        for bound, count in zip(bounds, point.bucket_counts, strict=True):
            seen += count
            yield f"{name}_bucket{_labels({**labels, 'le': bound})} {seen}"
        yield f"{name}_sum{_labels(labels)} {point.sum}"
        yield f"{name}_count{_labels(labels)} {point.count}"


def _labels(attributes: Mapping[str, Any]) -> str:
    pairs = [f'{key.replace(".", "_")}="{_escaped(str(value))}"' for key, value in sorted(attributes.items())]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
