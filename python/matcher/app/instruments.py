"""Counters and histograms that cost about a microsecond a value, behind OpenTelemetry's API.

The SDK's own look every value's attributes up by their contents, which takes longer than many a small call's work.
These look them up by identity where they are Labels, made once and kept; any other mapping works as well, slower. What
is collected is what the SDK would collect: cumulative sums, histograms of the advised boundaries, and an exemplar a
bucket from calls that are traced.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import Exemplar, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util.types import Attributes

from matcher.app.labels import Labels

_USUAL = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1e3, 2.5e3, 5e3, 7.5e3, 1e4)
"""The SDK's boundaries where none are advised."""


class _Series:
    """The values of one set of attributes."""

    __slots__ = ("attributes", "buckets", "exemplars", "least", "most", "total")

    def __init__(self, attributes: Attributes, buckets: int) -> None:
        self.attributes: dict[str, Any] = dict(attributes or {})
        self.buckets = [0] * buckets
        self.exemplars: dict[int, tuple[float, int, int, int]] = {}
        self.total: float = 0
        self.least = float("inf")
        self.most = float("-inf")


class _Instrument:
    """Series by attributes, for one instrument."""

    def __init__(self, name: str, unit: str, description: str, buckets: int) -> None:
        self._named = name, description, unit
        self._size = buckets
        self._lock = threading.Lock()
        self._by_labels: dict[Labels, _Series] = {}
        self._by_content: dict[tuple[tuple[str, Any], ...], _Series] = {}
        self._since = time.time_ns()

    def _series(self, attributes: Attributes) -> _Series:
        """Those of these attributes; under the lock."""
        if type(attributes) is Labels:
            found = self._by_labels.get(attributes)
            if found is not None:
                return found
        key = tuple(sorted((attributes or {}).items()))
        series = self._by_content.get(key)
        if series is None:
            series = self._by_content[key] = _Series(attributes, self._size)
        if type(attributes) is Labels:
            self._by_labels[attributes] = series
        return series


class QuickCounter(_Instrument, metrics.Counter):
    """A counter."""

    def __init__(self, name: str, unit: str = "", description: str = "") -> None:
        _Instrument.__init__(self, name, unit, description, 0)

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """`amount` more."""
        with self._lock:
            self._series(attributes).total += amount

    def collect(self) -> Metric | None:
        """All so far; None: nothing was added yet."""
        now = time.time_ns()
        with self._lock:
            points = [NumberDataPoint(s.attributes, self._since, now, s.total) for s in self._by_content.values()]
        data = Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)
        return Metric(*self._named, data) if points else None


class QuickHistogram(_Instrument, metrics.Histogram):
    """A histogram of explicit boundaries."""

    def __init__(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
        exemplars: bool = True,
    ) -> None:
        """`exemplars`: keep the last traced value of each bucket."""
        self._bounds = tuple(_USUAL if explicit_bucket_boundaries_advisory is None else
                             explicit_bucket_boundaries_advisory)  # fmt: skip
        self._keeps_exemplars = exemplars
        _Instrument.__init__(self, name, unit, description, len(self._bounds) + 1)

    def record(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """One value."""
        bucket = bisect_left(self._bounds, amount)
        exemplar = self._exemplar(amount, context) if self._keeps_exemplars else None
        with self._lock:
            series = self._series(attributes)
            series.buckets[bucket] += 1
            series.total += amount
            if amount < series.least:
                series.least = amount
            if amount > series.most:
                series.most = amount
            if exemplar is not None:
                series.exemplars[bucket] = exemplar

    @staticmethod
    def _exemplar(amount: float, context: Context | None) -> tuple[float, int, int, int] | None:
        """Value, nanoseconds since 1970, span and trace."""
        if context is not None and not context:
            return None  # there is no span in it
        above = trace.get_current_span(context).get_span_context()
        if not above.trace_flags & 1:  # not sampled
            return None
        return amount, time.time_ns(), above.span_id, above.trace_id

    def collect(self) -> Metric | None:
        """All so far, with the last exemplars; None: nothing was recorded yet."""
        with self._lock:
            points = [self._point(series, time.time_ns()) for series in self._by_content.values()]
        data = Histogram(points, AggregationTemporality.CUMULATIVE)
        return Metric(*self._named, data) if points else None

    def _point(self, series: _Series, now: int) -> HistogramDataPoint:
        buckets, exemplars = tuple(series.buckets), [Exemplar({}, *said) for said in series.exemplars.values()]
        return HistogramDataPoint(
            attributes=series.attributes,
            start_time_unix_nano=self._since,
            time_unix_nano=now,
            count=sum(buckets),
            sum=series.total,
            bucket_counts=buckets,
            explicit_bounds=self._bounds,
            min=series.least,
            max=series.most,
            exemplars=exemplars,
        )


class QuickMeter(metrics.Meter):
    """Makes quick counters and histograms; all other instruments are the SDK's."""

    def __init__(self, name: str, inner: metrics.Meter, exemplars: bool) -> None:
        super().__init__(name)
        self._inner = inner
        self._exemplars = exemplars
        self._lock = threading.Lock()
        self._made: dict[str, QuickCounter | QuickHistogram] = {}

    def create_counter(self, name: str, unit: str = "", description: str = "") -> metrics.Counter:
        """The counter of that name."""
        return self._once(name, lambda: QuickCounter(name, unit, description))  # type: ignore[return-value]

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> metrics.Histogram:
        """The histogram of that name."""
        bounds = explicit_bucket_boundaries_advisory
        return self._once(  # type: ignore[return-value]
            name, lambda: QuickHistogram(name, unit, description, bounds, self._exemplars)
        )

    def _once(self, name: str, make: Callable[[], QuickCounter | QuickHistogram]) -> QuickCounter | QuickHistogram:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def collect(self) -> list[Metric]:
        """What the quick ones have counted."""
        with self._lock:
            made = list(self._made.values())
        return [metric for metric in (instrument.collect() for instrument in made) if metric is not None]

    def create_up_down_counter(self, *args: Any, **kwargs: Any) -> metrics.UpDownCounter:
        """The SDK's."""
        return self._inner.create_up_down_counter(*args, **kwargs)

    def create_gauge(self, *args: Any, **kwargs: Any) -> Any:
        """The SDK's."""
        return self._inner.create_gauge(*args, **kwargs)

    def create_observable_counter(self, *args: Any, **kwargs: Any) -> metrics.ObservableCounter:
        """The SDK's."""
        return self._inner.create_observable_counter(*args, **kwargs)

    def create_observable_gauge(self, *args: Any, **kwargs: Any) -> metrics.ObservableGauge:
        """The SDK's."""
        return self._inner.create_observable_gauge(*args, **kwargs)

    def create_observable_up_down_counter(self, *args: Any, **kwargs: Any) -> metrics.ObservableUpDownCounter:
        """The SDK's."""
        return self._inner.create_observable_up_down_counter(*args, **kwargs)


class QuickMeterProvider(metrics.MeterProvider):
    """Quick meters on top of the SDK's. Its readers must be given `joined` exporters, or their data to `join`."""

    def __init__(self, resource: Resource, exemplars: bool) -> None:
        """`exemplars`: histograms keep traces of their buckets."""
        self._resource = resource
        self._exemplars = exemplars
        self._inner: MeterProvider | None = None
        self._lock = threading.Lock()
        self._meters: dict[str, QuickMeter] = {}

    def use(self, inner: MeterProvider) -> None:
        """Have the SDK's provider make what is not quick. Before the first meter is asked for."""
        self._inner = inner

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> QuickMeter:
        """The meter of that name."""
        assert self._inner is not None
        with self._lock:
            if name not in self._meters:
                inner = self._inner.get_meter(name, version, schema_url, attributes)
                self._meters[name] = QuickMeter(name, inner, self._exemplars)
            return self._meters[name]

    def join(self, data: MetricsData | None) -> MetricsData:
        """What a reader of the SDK's has collected, and what the quick instruments have: a scope is named once, as the
        exporters keep only the last of a name."""
        with self._lock:
            collected = {name: meter.collect() for name, meter in self._meters.items()}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                collected.setdefault(scope.scope.name, []).extend(scope.metrics)
        scopes = [
            ScopeMetrics(InstrumentationScope(name), measured, "") for name, measured in collected.items() if measured
        ]
        return MetricsData([ResourceMetrics(self._resource, scopes, self._resource.schema_url)])

    def joined(self, exporter: MetricExporter) -> MetricExporter:
        """An exporter that sends both."""
        return _Joined(exporter, self.join)

    def shutdown(self) -> None:
        """Send what there is, for the last time."""
        assert self._inner is not None
        self._inner.shutdown()


class _Joined(MetricExporter):
    def __init__(self, inner: MetricExporter, join: Callable[[MetricsData | None], MetricsData]) -> None:
        super().__init__()
        self._inner = inner
        self._join = join

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        return self._inner.export(self._join(metrics_data), timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._inner.shutdown(timeout_millis, **kwargs)


def quick_suffices(environment: Mapping[str, str]) -> bool:
    """Whether the quick instruments say what the standard variables ask for: cumulative, with explicit boundaries."""
    temporality = environment.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative").lower()
    shape = environment.get("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram")
    return temporality == "cumulative" and shape.lower() == "explicit_bucket_histogram"
