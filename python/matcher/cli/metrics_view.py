"""A metrics.json as a RunView: the mean, its spread over instances, and every instance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matcher.console import Figure, InstanceRow, MetricRow, RunView
from matcher.simulation.mdrp.evaluation import METRIC_TEXTS

_COLUMNS = (
    "orders",
    "undelivered_pct",
    "click_to_door_mean",
    "click_to_door_p90",
    "overage_mean",
    "ready_to_pickup_mean",
    "ready_to_door_mean",
    "cost_per_order",
    "orders_per_bundle",
    "utilization",
    "decision_ms_p99",
    "certified_gap_mean",
    "strict_violations",
)
_FIGURES = (
    ("undelivered_pct", 2),
    ("click_to_door_mean", 1),
    ("ready_to_pickup_mean", 2),
    ("overage_mean", 2),
    ("cost_per_order", 2),
    ("orders_per_bundle", 2),
    ("decision_ms_p99", 1),
    ("strict_violations", 0),
)
"""Metric and digits shown."""


class MetricsError(ValueError):
    """The file is no metrics.json; says which and why."""


def read_metrics(path: Path) -> dict[str, Any]:
    """The contents of a metrics.json. Raises MetricsError, OSError when it cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MetricsError(f"{path}: {error}") from None
    if not (
        isinstance(value, dict) and isinstance(value.get("instances"), dict) and isinstance(value.get("mean"), dict)
    ):
        raise MetricsError(f'{path}: an object with "instances" and "mean" is expected')
    for name, entry in {**value["instances"], "mean": value["mean"]}.items():
        if not isinstance(entry, dict) or not all(isinstance(v, int | float | None) for v in entry.values()):
            raise MetricsError(f"{path}: the metrics of {name} are not numbers by name")
    return value


def metrics_view(
    metrics: Mapping[str, Any], title: str, subtitle: str, provenance: tuple[tuple[str, str], ...]
) -> RunView:
    """The view of `{"instances": {name: metrics}, "mean": metrics}`; undefined values are left out."""
    mean, instances = metrics["mean"], metrics["instances"]
    shown = [name for name in _COLUMNS if all(entry.get(name) is not None for entry in instances.values())]
    return RunView(
        title=title,
        subtitle=subtitle,
        figures=tuple(
            Figure(
                METRIC_TEXTS[name].label,
                f"{mean[name]:.{digits}f}",
                METRIC_TEXTS[name].unit,
                f"mean of {len(instances)}",
            )
            for name, digits in _FIGURES
            if mean.get(name) is not None
        ),
        metrics=tuple(
            MetricRow(text.label, float(mean[name]), text.unit, text.meaning)
            for name, text in METRIC_TEXTS.items()
            if mean.get(name) is not None
        ),
        provenance=provenance,
        instance_columns=tuple((METRIC_TEXTS[name].label, METRIC_TEXTS[name].unit) for name in shown),
        instances=tuple(
            InstanceRow(name, tuple(float(entry[column]) for column in shown)) for name, entry in instances.items()
        ),
    )
