"""Gap over CPU time: extra vehicles and distance over the best known plan, ours and each peer, one column a size."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

_MEASURES = (("vehicles above best known", 1), ("distance above best known, %", 2))


def points(outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over instances: of ours along the runs of the largest budget, of peers at each budget.

    A point stands only where every instance of its size has a plan that serves all by then.
    """
    found: list[dict[str, Any]] = []
    groups: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome["solver"], outcome["size"]].append(outcome)
    for (solver, size), group in groups.items():
        largest = max(outcome["budget"] for outcome in group)
        if solver == "matcher":
            traces = [outcome["trace"] for outcome in group if outcome["budget"] == largest]
            at = np.geomspace(min(0.001, largest / 100), largest, 60).tolist()
            reached = [(t, [[step for step in trace if step[0] <= t][-1:] for trace in traces]) for t in at]
            rows = [(t, [steps[0] for steps in plans]) for t, plans in reached if all(plans)]
        else:
            rows = []
            for budget in sorted({outcome["budget"] for outcome in group}):
                here = [outcome for outcome in group if outcome["budget"] == budget]
                if all(outcome["unserved"] == 0 and not outcome["invalid"] for outcome in here):
                    spent = mean(outcome["cpu_seconds"] for outcome in here)
                    rows.append((spent, [(0.0, o["extra_vehicles"], o["gap"]) for o in here]))
        for seconds, plans in rows:
            for name, column in _MEASURES:
                value = mean(plan[column] for plan in plans) * (100.0 if column == 2 else 1.0)
                found.append({"solver": solver, "size": size, "seconds": seconds, "measure": name, "value": value})
    return found


def draw(outcomes: list[dict[str, Any]], file: Path) -> None:
    """Write the chart as .svg or .png, by the name's ending."""
    import altair as alt

    file.parent.mkdir(parents=True, exist_ok=True)
    values = points(outcomes)
    solvers = sorted({point["solver"] for point in values} - {"matcher"})
    base = (
        alt.Chart()
        .mark_line()
        .encode(
            x=alt.X("seconds:Q", scale=alt.Scale(type="log"), title="CPU s"),
            y=alt.Y("value:Q", title=None),
            color=alt.Color("solver:N", sort=["matcher", *solvers], title=None),
            strokeWidth=alt.condition("datum.solver == 'matcher'", alt.value(3), alt.value(1)),
        )
        .properties(width=220, height=160)
    )
    # Ours is a trace; a mark for each of its points would be most of the file.
    marks = base.mark_point(size=18, filled=True).transform_filter("datum.solver != 'matcher'")
    chart = (
        alt.layer(base, marks, data=alt.Data(values=values))
        .facet(row=alt.Row("measure:N", title=None), column=alt.Column("size:O", title="tasks"))
        .resolve_scale(y="independent")
    )
    chart.configure(aria=False).save(str(file))
