"""The charts of a report, as Vega-Lite specifications made with Altair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from matcher.console.view import CycleSeries, InstanceRow, MarketMap, OrderTrace

INK, MUTED, GRID = "#1c2733", "#5f6f80", "#e6ebf0"
BLUE, TEAL, AMBER, RED, VIOLET = "#2f6fdb", "#1f9d8a", "#e39b1e", "#d1495b", "#7a5cc9"
_FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_MINUTE = 60.0

Spec = dict[str, Any]
Chart = alt.Chart | alt.LayerChart | alt.FacetChart


def cycle_charts(cycles: CycleSeries) -> list[tuple[str, str, Spec]]:
    """(title, what it shows, specification) of the charts over time."""
    minutes = [at / _MINUTE for at in cycles.at_s]
    orders = [
        {"t": t, "value": value, "what": what}
        for what, values in (
            ("waiting for a courier", cycles.open_orders),
            ("with a courier", cycles.active_orders),
        )
        for t, value in zip(minutes, values, strict=True)
    ]
    couriers = [
        {"t": t, "busy": busy, "on_shift": on}
        for t, busy, on in zip(minutes, cycles.busy_couriers, cycles.couriers_on_shift, strict=True)
    ]
    decisions = [
        {"t": t, "ms": ms, "rung": rung, "gap": gap * 100}
        for t, ms, rung, gap in zip(minutes, cycles.decision_ms, cycles.rung, cycles.gap, strict=True)
    ]
    area = (
        inline(orders)
        .mark_area(interpolate="step-after", opacity=0.85)
        .encode(
            x=_time(),
            y=alt.Y("value:Q", title="orders", stack=True),
            color=_colour("what", ["waiting for a courier", "with a courier"], [AMBER, BLUE]),
            tooltip=[_minute_tip(), alt.Tooltip("what:N", title="state"), alt.Tooltip("value:Q", title="orders")],
        )
    )
    base = inline(couriers).encode(x=_time())
    tips = [
        _minute_tip(),
        alt.Tooltip("busy:Q", title="busy"),
        alt.Tooltip("on_shift:Q", title="on shift"),
    ]
    fleet = alt.layer(
        base.mark_line(interpolate="step-after", color=MUTED, strokeDash=[4, 3]).encode(
            y=alt.Y("on_shift:Q", title="couriers"), tooltip=tips
        ),
        base.mark_area(interpolate="step-after", color=TEAL, opacity=0.75).encode(y="busy:Q", tooltip=tips),
    )
    p50, p95, p99 = (float(np.quantile(cycles.decision_ms, q)) for q in (0.5, 0.95, 0.99))
    rules = [{"ms": p95, "label": f"p95 {p95:.1f} ms"}]
    speed = alt.layer(
        inline(decisions)
        .mark_circle(size=26, opacity=0.75)
        .encode(
            x=_time(),
            y=alt.Y("ms:Q", title="milliseconds", scale=alt.Scale(type="log", nice=True)),
            color=_colour("rung", ["native", "ortools", "greedy"], [BLUE, VIOLET, RED]),
            tooltip=[
                _minute_tip(),
                alt.Tooltip("ms:Q", title="milliseconds", format=".2f"),
                alt.Tooltip("rung:N", title="rung"),
                alt.Tooltip("gap:Q", title="gap %", format=".4f"),
            ],
        ),
        inline(rules).mark_rule(color=INK, strokeDash=[5, 3]).encode(y="ms:Q"),
        inline(rules)
        .mark_text(align="right", baseline="bottom", dx=-2, dy=-2, color=INK, fontSize=11)
        .encode(y="ms:Q", x=alt.value("width"), text="label:N"),
    )
    gap = (
        inline(decisions)
        .mark_area(line={"color": VIOLET, "strokeWidth": 1.5}, color=VIOLET, opacity=0.25, interpolate="step-after")
        .encode(
            x=_time(),
            y=alt.Y("gap:Q", title="percent", scale=alt.Scale(domainMin=0, domainMax=max(0.1, *map(_gap, decisions)))),
            tooltip=[_minute_tip(), alt.Tooltip("gap:Q", title="gap %", format=".4f")],
        )
    )
    proven = sum(value <= 0 for value in cycles.gap)
    return [
        ("Orders in the market", "By what they wait for, at each decision.", dressed(area)),
        ("Couriers", "On shift (dashed) and carrying or fetching an order (filled).", dressed(fleet)),
        ("Time of a decision", f"As the caller saw it: p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} ms.",
         dressed(speed)),
        ("Certified gap", f"How far a decision could at most be from the best over its candidates: "
         f"{proven} of {len(cycles.gap)} are proven optimal.", dressed(gap)),
    ]  # fmt: skip


def order_charts(market: MarketMap) -> list[tuple[str, str, Spec]]:
    """(title, what it shows, specification) of the charts over delivered orders."""
    done = [order for order in market.orders if order.dropoff_s is not None and order.pickup_s is not None]
    if not done:
        return []
    door = np.array([(order.dropoff_s or 0) - order.placed_s for order in done]) / _MINUTE
    wait = np.array([(order.pickup_s or 0) - order.ready_s for order in done]) / _MINUTE
    promised = [order for order in done if order.promised_s is not None]
    late = np.array([(order.dropoff_s or 0) - (order.promised_s or 0) for order in promised]) / _MINUTE
    charts = [
        ("Click-to-door over time", "By time of order: median (line) and the middle 80 % (band); dots are orders.",
         dressed(_door_over_time(done, door))),
        ("Click-to-door", "From the order placed to the drop-off, delivered orders.", dressed(_histogram(door, BLUE))),
        ("Ready-to-pickup", "How long goods stood ready until they were handed over.", dressed(_histogram(wait, TEAL))),
    ]  # fmt: skip
    if promised:
        text = "Drop-off against the end of the promise window: left of 0 is early."
        charts.append(("Against the promise", text, dressed(_histogram(late, AMBER, split=0.0))))
    return charts


def instance_chart(column: str, unit: str, rows: Sequence[InstanceRow], index: int) -> Spec:
    """All instances on one line per column, to see spread and outliers."""
    values = [{"name": row.name, "value": row.values[index]} for row in rows]
    return dressed(
        inline(values)
        .mark_tick(thickness=2, size=26, color=BLUE, opacity=0.6)
        .encode(
            x=alt.X("value:Q", title=unit or None, scale=alt.Scale(zero=False)),
            tooltip=[alt.Tooltip("name:N", title="instance"), alt.Tooltip("value:Q", title=column, format=".3f")],
        )
        .properties(height=40)
    )


def _door_over_time(done: Sequence[OrderTrace], door: np.ndarray[Any, np.dtype[np.float64]]) -> Chart:
    placed = np.array([order.placed_s for order in done]) / _MINUTE
    width = max(5.0, float(np.ceil(np.ptp(placed) / 40)))
    bins = np.floor(placed / width)
    bands = []
    for number in np.unique(bins):
        low, middle, high = np.quantile(door[bins == number], (0.1, 0.5, 0.9))
        bands.append({"t": (number + 0.5) * width, "low": low, "median": middle, "high": high})
    step = max(1, len(done) // 2_000)
    dots = [{"t": float(t), "door": float(value)} for t, value in zip(placed[::step], door[::step], strict=True)]
    tips = [_minute_tip(), *(alt.Tooltip(f"{name}:Q", format=".1f") for name in ("low", "median", "high"))]
    base = inline(bands).encode(x=_time())
    return alt.layer(
        inline(dots).mark_circle(size=12, color=MUTED, opacity=0.3).encode(x=_time(), y=alt.Y("door:Q")),
        base.mark_area(color=BLUE, opacity=0.18, interpolate="monotone").encode(
            y=alt.Y("low:Q", title="minutes"), y2="high:Q", tooltip=tips
        ),
        base.mark_line(color=BLUE, strokeWidth=2.5, interpolate="monotone").encode(y="median:Q", tooltip=tips),
    )


def _histogram(values: np.ndarray[Any, np.dtype[np.float64]], colour: str, split: float | None = None) -> Chart:
    low, high = np.quantile(values, (0.0, 0.998))
    width = max(0.5, float(np.ceil((high - low) / 36 * 2) / 2))
    first = np.floor(low / width) * width
    edges = np.arange(first, max(high, first) + 2 * width, width)
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1] - width / 2), edges)
    bars = [
        {
            "from": float(a),
            "to": float(b),
            "orders": int(n),
            "side": "late" if split is not None and a >= split else "in",
        }
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
        if n
    ]
    p50, p90 = np.quantile(values, (0.5, 0.9))
    marks = [{"at": float(p50), "label": f"p50 {p50:.1f}"}, {"at": float(p90), "label": f"p90 {p90:.1f}"}]
    colours = alt.Scale(domain=["in", "late"], range=[colour if split is None else TEAL, RED])
    bar = (
        inline(bars)
        .mark_rect(stroke="white", strokeWidth=1)
        .encode(
            x=alt.X("from:Q", title="minutes", scale=alt.Scale(nice=False, zero=False)),
            x2="to:Q",
            y=alt.Y("orders:Q", title="orders"),
            y2=alt.datum(0),
            color=alt.Color("side:N", scale=colours, legend=None),
            tooltip=[alt.Tooltip("from:Q", title="from min"), alt.Tooltip("to:Q", title="to min"), "orders:Q"],
        )
    )
    rule = inline(marks).mark_rule(color=INK, strokeDash=[5, 3]).encode(x="at:Q")
    text = (
        inline(marks)
        .mark_text(align="left", baseline="top", dx=4, color=INK, fontSize=11)
        .encode(x="at:Q", y=alt.value(0), text="label:N")
    )
    return alt.layer(bar, rule, text)


def _gap(row: dict[str, Any]) -> float:
    return float(row["gap"])


def inline(values: list[dict[str, Any]]) -> alt.Chart:
    """A chart of rows that stand in the page."""
    return alt.Chart(alt.InlineData(values=values))


def _time() -> alt.X:
    return alt.X("t:Q", title="minutes since start", scale=alt.Scale(nice=False))


def _minute_tip() -> alt.Tooltip:
    return alt.Tooltip("t:Q", title="minute", format=".1f")


def _colour(field: str, domain: list[str], colours: list[str]) -> alt.Color:
    return alt.Color(
        f"{field}:N", scale=alt.Scale(domain=domain, range=colours), legend=alt.Legend(title=None, orient="top")
    )


def dressed(chart: Chart) -> Spec:
    """The chart as wide as its place in the page, in the report's dress."""
    height = {} if getattr(chart, "height", alt.Undefined) is not alt.Undefined else {"height": 210}
    dressed = (
        chart.properties(width="container", **height)
        .configure(font=_FONT, background="transparent", autosize=alt.AutoSizeParams(type="fit", contains="padding"))
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED, titleColor=MUTED, titleFontWeight="normal", labelFontSize=11, titleFontSize=11,
            gridColor=GRID, domainColor="#c7d0d9", tickColor="#c7d0d9", titlePadding=8, labelPadding=4,
        )
        .configure_axisX(grid=False)
        .configure_legend(labelColor=INK, labelFontSize=11, symbolType="circle", offset=4)
    )  # fmt: skip
    return dict(dressed.to_dict())
