"""The summary table of ``matcher simulate mdrp``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.table import Table

from matcher.simulation.mdrp.batch import DayRun
from matcher.simulation.mdrp.evaluation import Metrics, mean_metrics

TABLE_COLUMNS = (
    ("orders", "orders", "{:.0f}"),
    ("undelivered_pct", "lost\n%", "{:.2f}"),
    ("click_to_door_mean", "click to\ndoor", "{:.2f}"),
    ("ready_to_pickup_mean", "ready to\npick-up", "{:.2f}"),
    ("overage_mean", "over 40\nmin", "{:.2f}"),
    ("cost_per_order", "$ per\norder", "{:.2f}"),
    ("orders_per_bundle", "in a\nbundle", "{:.2f}"),
    ("decision_ms_p50", "ms\np50", "{:.1f}"),
    ("decision_ms_p99", "ms\np99", "{:.1f}"),
    ("certified_gap_mean", "gap\n%", "{:.2%}"),
    ("strict_violations", "broken\nrules", "{:.0f}"),
)
"""Metric, heading and format."""
_CLASSES = re.compile(r"(?P<seed>\d)(?P<size>o100|o50|r50)(?P<travel>t\d+)(?P<shifts>s\d)(?P<prep>p\d+)$")
_SINGLE_ROWS = 24


def summary_table(runs: Sequence[DayRun], mean: Metrics) -> Table:
    """A row per day, or per class of days when there are many, and the mean."""
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{len(runs)} days", no_wrap=True)
    for _, label, _ in TABLE_COLUMNS:
        table.add_column(label, justify="right", no_wrap=True)
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
    values = [(getattr(metrics, name), text) for name, _, text in TABLE_COLUMNS]
    return ["–" if value is None else text.format(value) for value, text in values]
