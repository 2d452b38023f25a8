"""The quick instruments say what the SDK's own would say of the same values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from matcher.app import Labels
from matcher.app.instruments import QuickMeterProvider, quick_suffices

BOUNDS = (0.0, 0.125, 0.5, 2.0)
LABELS = [Labels(method="a"), Labels(method="b", status="OK"), {"method": "a"}, None]
# Sums of these are exact, in whatever order they are added.
values = st.lists(
    st.tuples(st.sampled_from((0.0, 0.125, 0.0625, 0.5, 1.0, 2.0, 3.5)), st.integers(0, len(LABELS) - 1)), max_size=30
)


def points(data: MetricsData | None) -> dict[str, list[tuple[Any, ...]]]:
    """What was counted, by instrument; times left out."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                assert (scope.scope.name, metric.unit, metric.description) == ("test", "s", "what")
                found[metric.name] = sorted(
                    (
                        sorted((point.attributes or {}).items()),
                        getattr(point, "value", None),
                        *(getattr(point, name, None) for name in ("count", "sum", "bucket_counts", "explicit_bounds")),
                        *(getattr(point, name, None) for name in ("min", "max")),
                    )
                    for point in metric.data.data_points
                )
    return found


@given(values, values)
def test_they_count_as_the_sdk_does(first: list[tuple[float, int]], second: list[tuple[float, int]]) -> None:
    """Sums, buckets, extremes and series, whether attributes are Labels or not; what is collected is cumulative."""
    reader, readers_too = InMemoryMetricReader(), InMemoryMetricReader()
    quick = QuickMeterProvider(Resource({}), exemplars=True)
    quick.use(MeterProvider([readers_too], shutdown_on_exit=False))
    meters: list[Meter] = [quick.get_meter("test"), MeterProvider([reader], shutdown_on_exit=False).get_meter("test")]
    instruments = [
        (
            meter.create_counter("counter", "s", "what"),
            meter.create_histogram("histogram", "s", "what", explicit_bucket_boundaries_advisory=BOUNDS),
            meter.create_histogram("usual", "s", "what"),
        )
        for meter in meters
    ]
    for recorded in (first, second):
        for value, which in recorded:
            for counter, histogram, usual in instruments:
                counter.add(value, LABELS[which])
                histogram.record(value, LABELS[which])
                usual.record(value * 1024, LABELS[which])
        assert points(quick.join(readers_too.get_metrics_data())) == points(reader.get_metrics_data())


def test_other_instruments_are_the_sdks() -> None:
    """Observable ones are asked when somebody collects, and are among what is collected."""
    reader = InMemoryMetricReader()
    quick = QuickMeterProvider(Resource({}), exemplars=False)
    quick.use(MeterProvider([reader], shutdown_on_exit=False))
    meter = quick.get_meter("test")
    meter.create_up_down_counter("up", "s", "what").add(3)
    assert meter.create_counter("counter") is meter.create_counter("counter")
    assert points(quick.join(reader.get_metrics_data()))["up"][0][1] == 3


def test_a_bucket_keeps_the_last_call_that_was_sampled() -> None:
    """From a slow bucket to a trace that says why; a call that is not sampled has none to show."""
    quick = QuickMeterProvider(Resource({}), exemplars=True)
    quick.use(MeterProvider([], shutdown_on_exit=False))
    histogram = quick.get_meter("test").create_histogram("h", explicit_bucket_boundaries_advisory=BOUNDS)
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    histogram.record(1.0)
    for _ in range(2):
        with tracer.start_as_current_span("call") as span:
            histogram.record(0.7)
    context = span.get_span_context()
    with trace.use_span(trace.NonRecordingSpan(trace.SpanContext(7, 7, is_remote=False))):
        histogram.record(0.6)
    (metric,) = quick.join(None).resource_metrics[0].scope_metrics[0].metrics
    (exemplar,) = metric.data.data_points[0].exemplars  # type: ignore[union-attr]
    assert (exemplar.trace_id, exemplar.span_id, exemplar.value) == (context.trace_id, context.span_id, 0.7)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram"),
    ],
)
def test_what_only_the_sdk_can_do_is_left_to_it(variable: str, value: str) -> None:
    """Deltas and exponential buckets: slower, and what was asked for."""
    assert quick_suffices({})
    assert not quick_suffices({variable: value})
