"""The report is one file that shows what it is given, safely, without a network, for full and for partial runs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from matcher.console import (
    CourierTrack,
    CycleSeries,
    Figure,
    InstanceRow,
    MarketMap,
    MetricRow,
    OrderTrace,
    RunView,
    StoreMark,
    render_report,
    write_report,
)

EVIL = "</script><script>alert(1)</script>&amp;"


def market(delivered: bool = True) -> MarketMap:
    """Two orders of one store, delivered or not."""
    first = OrderTrace(0, 500.0, 500.0, 0.0, 300.0, 2400.0, 30.0, 400.0, 900.0)
    second = OrderTrace(0, -500.0, 400.0, 60.0, 360.0, None, 90.0, 420.0, 2700.0)
    if not delivered:
        first, second = (replace(one, assigned_s=None, pickup_s=None, dropoff_s=None) for one in (first, second))
    points = ((0.0, 100.0, 100.0), (400.0, 0.0, 0.0), (900.0, 500.0, 500.0))
    return MarketMap(
        stores=(StoreMark(EVIL, 0.0, 0.0),),
        orders=(first, second),
        couriers=(CourierTrack("c1", "bicycle", 0.0, 7200.0, points, ((30.0, 900.0),)),),
        starts_at="11:30",
    )


def cycles() -> CycleSeries:
    """Three decisions, one of them with a gap and by another solver."""
    return CycleSeries(
        at_s=(0.0, 30.0, 60.0),
        open_orders=(1, 1, 0),
        active_orders=(0, 1, 2),
        busy_couriers=(0, 1, 1),
        couriers_on_shift=(1, 1, 1),
        decision_ms=(2.0, 3.0, 9.5),
        gap=(0.0, 0.0, 0.01),
        rung=("native", "native", "ortools"),
    )


def view() -> RunView:
    """A run with every part."""
    return RunView(
        title="A run",
        subtitle=f"With {EVIL} in it",
        figures=(Figure("Delivered", "2", "of 2", "all"),),
        metrics=(MetricRow("click_to_door_mean", 29.94999, "min", EVIL),),
        provenance=(("policy", "default"),),
        market=market(),
        cycles=cycles(),
        instance_columns=(("click_to_door_mean", "min"),),
        instances=(InstanceRow("day-a", (31.25,)), InstanceRow("day-b", (28.5,))),
    )


def scripts(html: str) -> dict[str, Any]:
    """The JSON parts of a page by id."""
    found = re.findall(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', html, re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def test_a_full_run_has_every_part(tmp_path: Path) -> None:
    """What is in the view is in the page: figures, charts, map, tables."""
    path = tmp_path / "new" / "report.html"
    write_report(view(), path)
    html = path.read_text(encoding="utf-8")
    parts = scripts(html)
    charts = [name for name in parts if name.startswith("chart-")]
    assert len(charts) == 8
    assert all("/vega-lite/" in parts[chart]["$schema"] for chart in charts)
    assert "spread-1" in parts
    shown = parts["market"]
    assert shown["orders"][0] == [0, 500, 500, 0, 300, 2400, 30, 400, 900]
    assert shown["orders"][1][5] is None
    assert shown["couriers"][0][4] == [0, 100, 100, 400, 0, 0, 900, 500, 500]
    for text in ("A run", "29.95", "day-a", "31.25", "2 of 3 are proven optimal"):
        assert text in html


def test_nothing_is_loaded_from_anywhere() -> None:
    """A report must open on a machine without a network, and must not tell anyone that it was opened."""
    html = render_report(view())
    assert "default-src 'none'" in html
    # The charts' library knows how to show pictures in tooltips; the policy above forbids it to fetch them.
    own = max(re.split(r"</script>", html), key=len)
    assert not re.search(r"<(script|img|link|iframe)[^>]+(src|href)=", html.replace(own, ""))
    assert "window.vegaEmbed" in html


def test_names_cannot_break_out() -> None:
    """Store names and meanings are other people's text; none of it may become markup or script."""
    html = render_report(view())
    assert "<script>alert(1)" not in html
    assert scripts(html)["market"]["stores"][0][0] == EVIL


def test_parts_that_a_run_has_not_are_left_out() -> None:
    """A run over instances has no map; a market in which nothing was delivered has no distributions."""
    bare = replace(view(), market=None, cycles=None, instances=(), instance_columns=())
    html = render_report(bare)
    assert scripts(html) == {}
    assert "window.vegaEmbed" not in html
    nothing = render_report(replace(bare, market=market(delivered=False)))
    assert list(scripts(nothing)) == ["market"]


def test_equal_runs_give_equal_reports() -> None:
    """Reports are compared and kept; no clock and no random id may be in them."""
    assert render_report(view()) == render_report(view())


def test_series_of_different_lengths_are_refused() -> None:
    """A shifted series would show a lie."""
    with pytest.raises(ValueError, match=r"CycleSeries\.gap has 2 values for 3 cycles"):
        replace(cycles(), gap=(0.0, 0.0))
