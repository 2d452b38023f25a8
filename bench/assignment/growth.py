"""Cost growth: seconds against size, log-log, ours and each peer, one panel a family."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

FAMILIES = ("uniform", "integers 0-100", "geometric", "geometric + price", "Machol-Wien", "kNN + price")


def points(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Family, rows, solver and milliseconds of each square cold problem of the table."""
    found = []
    for row in rows:
        match = re.fullmatch(r"(.+?) (\d+)(?: k=\d+)?", row["name"])
        if match is None or match[1] not in FAMILIES:
            continue
        found += [
            {"family": match[1], "n": int(match[2]), "solver": solver, "ms": ms} for solver, ms in row["ms"].items()
        ]
    return found


def draw(rows: list[dict[str, Any]], file: Path) -> None:
    """Write the chart as .svg or .png, by the name's ending."""
    import altair as alt

    solvers = sorted({point["solver"] for point in points(rows)} - {"ours"})
    base = alt.Chart(alt.Data(values=points(rows))).encode(
        x=alt.X("n:Q", scale=alt.Scale(type="log"), title="rows"),
        y=alt.Y("ms:Q", scale=alt.Scale(type="log"), title="CPU ms"),
        color=alt.Color("solver:N", sort=["ours", *solvers], title=None),
        strokeWidth=alt.condition("datum.solver == 'ours'", alt.value(3), alt.value(1)),
    )
    panels = base.mark_line(point=True).properties(width=220, height=180)
    chart = panels.facet(facet=alt.Facet("family:N", sort=list(FAMILIES), title=None), columns=3)
    chart.resolve_scale(x="independent", y="independent").save(str(file))
