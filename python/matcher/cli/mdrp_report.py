"""Days of the delivery-routing problem as people see them: the summary table and the report."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.table import Table

from matcher.console.view import CycleSeries, Figure, InstanceRow, MetricRow, RunView
from matcher.domain.policy import Policy
from matcher.simulation.mdrp.batch import DayRun
from matcher.simulation.mdrp.day import MODE
from matcher.simulation.mdrp.evaluation import METRIC_TEXTS, Metrics, mean_metrics

_TABLE = (
    ("orders", "orders", "{:.0f}"),
    ("undelivered_pct", "undeliv. %", "{:.2f}"),
    ("click_to_door_mean", "click-to-door", "{:.2f}"),
    ("click_to_door_p90", "p90", "{:.1f}"),
    ("overage_mean", "overage", "{:.2f}"),
    ("ready_to_pickup_mean", "ready-to-pickup", "{:.2f}"),
    ("cost_per_order", "$/order", "{:.2f}"),
    ("orders_per_bundle", "bundle", "{:.2f}"),
    ("utilization", "util.", "{:.2f}"),
    ("decision_ms_p50", "ms p50", "{:.1f}"),
    ("decision_ms_p99", "ms p99", "{:.1f}"),
    ("certified_gap_mean", "gap", "{:.4f}"),
    ("strict_violations", "broken", "{:.0f}"),
)
_CLASSES = re.compile(r"(?P<seed>\d)(?P<size>o100|o50|r50)(?P<travel>t\d+)(?P<shifts>s\d)(?P<prep>p\d+)$")
_SINGLE_ROWS = 24
_INSTANCE_METRICS = (
    "click_to_door_mean",
    "ready_to_pickup_mean",
    "overage_mean",
    "undelivered_pct",
    "cost_per_order",
    "decision_ms_p95",
)


def summary_table(runs: Sequence[DayRun], mean: Metrics) -> Table:
    """A row per day, or per class of days when there are many, and the mean."""
    table = Table(title=f"{len(runs)} days", box=None, pad_edge=False)
    table.add_column("")
    for _, label, _ in _TABLE:
        table.add_column(label, justify="right")
    for name, metrics in _rows(runs):
        table.add_row(name, *_cells(metrics))
    table.add_row("mean", *_cells(mean), style="bold")
    return table


def _rows(runs: Sequence[DayRun]) -> list[tuple[str, Metrics]]:
    classes = [_CLASSES.match(day.name) for day in runs]
    if len(runs) <= _SINGLE_ROWS or not all(classes):
        return [(day.name, day.metrics) for day in runs]
    rows = []
    for group in ("seed", "size", "travel", "shifts", "prep"):
        values = [found[group] for found in classes if found is not None]
        for value in sorted(set(values)):
            days = [day.metrics for day, own in zip(runs, values, strict=True) if own == value]
            rows.append((f"seed {value}" if group == "seed" else value, mean_metrics(days)))
    return rows


def _cells(metrics: Metrics) -> list[str]:
    values = [(getattr(metrics, name), text) for name, _, text in _TABLE]
    return ["–" if value is None else text.format(value) for value, text in values]


def day_view(runs: Sequence[DayRun], mean: Metrics, policy: Policy, command: str) -> RunView:
    """The report of a run over one or many days; the cycles only of a single one."""
    shown = ("undelivered_pct", "click_to_door_mean", "ready_to_pickup_mean", "overage_mean", "cost_per_order")
    labels = {name: label for name, label, _ in _TABLE}
    figures = []
    for name in shown:
        value = getattr(mean, name)
        figures.append(Figure(labels[name], "–" if value is None else f"{value:.2f}", METRIC_TEXTS[name][0]))
    metrics = [
        MetricRow(name, float(getattr(mean, name)), unit, meaning)
        for name, (unit, meaning) in METRIC_TEXTS.items()
        if getattr(mean, name) is not None
    ]
    title = f"Day {runs[0].name}" if len(runs) == 1 else f"{len(runs)} days of meal delivery"
    subtitle = f"Operating mode: {MODE}; orders are committed when the courier sets off; means over days."
    return RunView(
        title=title,
        subtitle=subtitle,
        figures=tuple(figures),
        metrics=tuple(metrics),
        provenance=(("policy", policy.name), ("policy digest", policy.digest), ("command", command)),
        cycles=_cycles(runs[0]) if len(runs) == 1 else None,
        instance_columns=tuple((labels.get(name, name), METRIC_TEXTS[name][0]) for name in _INSTANCE_METRICS),
        instances=tuple(
            InstanceRow(day.name, tuple(float(getattr(day.metrics, name) or 0.0) for name in _INSTANCE_METRICS))
            for day in runs
        ),
    )
