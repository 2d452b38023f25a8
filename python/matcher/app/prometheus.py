"""Metrics as Prometheus reads them, collected by OpenTelemetry when they are asked for.

Who accepts OpenMetrics 1.0 gets it, with an exemplar a bucket: the trace of a sampled call that fell into it. Others
get the text format 0.0.4, which has no place for that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    Gauge,
    Histogram,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    MetricsData,
    NumberDataPoint,
    Sum,
)

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_UNITS = {"s": "_seconds", "By": "_bytes"}


class Scrape:
    """The reader that a MeterProvider must be given, and the text of what it reads."""

    def __init__(self, join: Callable[[MetricsData | None], MetricsData] | None = None) -> None:
        """`join` adds what the reader does not see."""
        self.reader = InMemoryMetricReader()
        self._join = join

    def page(self, accept: str = "") -> tuple[str, str]:
        """Content type and text of all metrics as they are now, for a request with this Accept header."""
        openly = "application/openmetrics-text" in accept
        data = self.reader.get_metrics_data()
        if self._join is not None:
            data = self._join(data)
        lines = [
            line
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in sorted(scope.metrics, key=lambda metric: metric.name)
            for line in _metric(metric, openly)
        ]
        return (OPEN_METRICS, "\n".join([*lines, "# EOF", ""])) if openly else (TEXT, "\n".join([*lines, ""]))


def _metric(metric: Metric, openly: bool) -> Iterator[str]:
    name = metric.name.replace(".", "_").replace("-", "_") + _UNITS.get(metric.unit or "", "")
    data = metric.data
    suffix = ""
    if isinstance(data, Histogram):
        kind = "histogram"
    elif isinstance(data, Sum) and data.is_monotonic:
        kind, suffix = "counter", "_total"
    elif isinstance(data, (Sum, Gauge)):
        kind = "gauge"
    else:
        return
    family = name if openly else name + suffix  # OpenMetrics names a counter without what its samples end with
    yield f"# HELP {family} {_escaped(metric.description or '')}"
    yield f"# TYPE {family} {kind}"
    for point in data.data_points:
        labels = point.attributes or {}
        if isinstance(point, NumberDataPoint):
            yield f"{name}{suffix}{_labels(labels)} {point.value}"
        else:
            yield from _histogram(name, point, openly)


def _histogram(name: str, point: HistogramDataPoint, openly: bool) -> Iterator[str]:
    labels = point.attributes or {}
    bounds: list[Any] = [*point.explicit_bounds, "+Inf"]
    sampled: dict[int, Exemplar] = {}
    for exemplar in point.exemplars if openly else ():
        if exemplar.trace_id:
            sampled[bisect_left(point.explicit_bounds, exemplar.value)] = exemplar
    seen = 0
    for bucket, (bound, count) in enumerate(zip(bounds, point.bucket_counts, strict=True)):
        seen += count
        trace = _exemplar(sampled[bucket]) if bucket in sampled else ""
        yield f"{name}_bucket{_labels({**labels, 'le': bound})} {seen}{trace}"
    yield f"{name}_sum{_labels(labels)} {point.sum}"
    yield f"{name}_count{_labels(labels)} {point.count}"


def _exemplar(exemplar: Exemplar) -> str:
    ids = {"trace_id": f"{exemplar.trace_id:032x}", "span_id": f"{exemplar.span_id or 0:016x}"}
    return f" # {_labels(ids)} {exemplar.value} {exemplar.time_unix_nano / 1e9:.3f}"


def _labels(attributes: Mapping[str, Any]) -> str:
    pairs = [f'{key.replace(".", "_")}="{_escaped(str(value))}"' for key, value in sorted(attributes.items())]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
