"""The report of many runs that are judged by a few figures each: trucks between factories, dispatch waves."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matcher.console import Figure, InstanceRow, MetricRow, RunView

Scores = Mapping[str, float | None]
"""By name of the figure; None: undefined for this run."""


@dataclass(frozen=True, slots=True)
class ScoreText:
    """How one figure is named and explained."""

    name: str
    label: str
    unit: str
    meaning: str
    form: str
    """Of the large number, e.g. "{:.1f}"."""


def scores_view(
    title: str, decided_by: str, runs: Mapping[str, Scores], mean: Scores, texts: Sequence[ScoreText]
) -> RunView:
    """Means on top, a row a run below; runs with an undefined figure are left out of the rows and said to be."""
    whole = {name: scores for name, scores in runs.items() if all(scores[text.name] is not None for text in texts)}
    missing = len(runs) - len(whole)
    figures, metrics = [], []
    for text in texts:
        value = mean[text.name]
        figures.append(Figure(text.label, "–" if value is None else text.form.format(value), text.unit, text.meaning))
        if value is not None:
            metrics.append(MetricRow(text.label, float(value), text.unit, text.meaning))
    return RunView(
        title=title,
        subtitle=f"Means over {len(runs)}." + (f" {missing} without every figure are not listed." if missing else ""),
        figures=tuple(figures),
        metrics=tuple(metrics),
        provenance=(("decided by", decided_by), ("command", " ".join(["matcher", *sys.argv[1:]]))),
        instance_columns=tuple((text.label, text.unit) for text in texts),
        instances=tuple(
            InstanceRow(name, tuple(float(scores[text.name] or 0.0) for text in texts))
            for name, scores in whole.items()
        ),
    )
