"""The charts of a plan: its routes on a map, what every vehicle does when, and the windows of each route's stops."""

from __future__ import annotations

from typing import Any

import altair as alt

from matcher.console.charts import AMBER, BLUE, GRID, INK, MUTED, RED, TEAL, VIOLET, Chart, Spec, dressed, inline
from matcher.console.plan_view import PlanView, RouteTrack, StopMark

_MAP_HEIGHT = 560
_DOING = {"driving": BLUE, "waiting": GRID, "service": TEAL, "break": AMBER}
_NAMED_ROUTES = 12
"""So many routes have a legend; more are told apart by pointing at them."""

_CHOSEN = "datum.route === chosen"
"""What the list of routes in the page is bound to. Each layer has rows of its own, so each filters them."""

Rows = list[dict[str, Any]]


def plan_charts(plan: PlanView) -> list[tuple[str, str, Spec]]:
    """(title, what it shows, specification); empty for a plan without routes and requests."""
    charts: list[tuple[str, str, Spec]] = []
    if plan.routes or plan.left_out:
        text = "Squares are where vehicles begin and end; filled dots are pick-ups, rings deliveries"
        text += "; red crosses are left out." if plan.left_out else "."
        text += "" if plan.to_scale else " The file has no places: these keep its distances as well as a plane can."
        charts.append(("Routes", text, _map(plan)))
    if plan.routes:
        charts.append(
            ("Vehicles over time", "From leaving to being back. Point at a bar for the stop.", _timeline(plan))
        )
        text = "Bars: when service may start. Thin bars: service; dashes: waiting for it; red: beyond the window."
        charts.append(("Windows of a route", text, _windows(plan)))
    return charts


def _map(plan: PlanView) -> Spec:
    names = [route.name for route in plan.routes]
    colour = alt.Color(
        "route:N",
        scale=alt.Scale(domain=names, scheme="tableau10"),
        legend=alt.Legend(title=None, orient="right") if len(names) <= _NAMED_ROUTES else None,
    )
    place = {"x": _place("x"), "y": _place("y")}
    lines = inline([row for route in plan.routes for row in _line(route)])
    layers: list[alt.Chart] = [
        lines.mark_line(strokeWidth=1.8, opacity=0.75).encode(
            **place, color=colour, order="step:Q", detail="route:N", tooltip=["route:N", "vehicle:N", _tip("distance")]
        )
    ]
    stops = [_stop_row(route, number, stop) for route in plan.routes for number, stop in enumerate(route.stops, 1)]
    tips = ["route:N", "stop:Q", "request:Q", "kind:N", _tip("start"), _tip("leave"), "load:N"]
    for kind, filled in (("pickup", True), ("delivery", False)):
        here = [row for row in stops if row["kind"] == kind]
        layers.append(
            inline(here)
            .mark_point(filled=filled, size=48, opacity=0.95, strokeWidth=1.8)
            .encode(**place, color=colour, tooltip=tips)
        )
    ends = {(x, y) for route in plan.routes for _, x, y in (route.begin, route.end)}
    depots: Rows = [{"x": x, "y": y} for x, y in sorted(ends)]
    layers.append(inline(depots).mark_square(size=95, color=INK, opacity=1).encode(**place))
    gone: Rows = [
        {"x": x, "y": y, "request": item.request, "why": item.why, "kind": kind}
        for item in plan.left_out
        for kind, (x, y) in (("pickup", item.pickup), ("delivery", item.delivery))
    ]
    if gone:
        mark = inline(gone).mark_point(shape="cross", size=70, filled=True, color=RED, angle=45)
        layers.append(mark.encode(**place, tooltip=["request:Q", "kind:N", "why:N"]))
    return _sized(alt.layer(*layers), _MAP_HEIGHT)


def _line(route: RouteTrack) -> Rows:
    places = [route.begin[1:], *((stop.x, stop.y) for stop in route.stops), route.end[1:]]
    return [
        {"route": route.name, "vehicle": route.vehicle, "distance": route.distance, "step": step, "x": x, "y": y}
        for step, (x, y) in enumerate(places)
    ]


def _stop_row(route: RouteTrack, number: int, stop: StopMark) -> dict[str, Any]:
    load = ", ".join(map(str, stop.load))
    row = {"route": route.name, "stop": number, "node": stop.node, "request": stop.request, "kind": stop.kind}
    return row | {"x": stop.x, "y": stop.y, "start": stop.start, "leave": stop.leave, "load": load}


def _timeline(plan: PlanView) -> Spec:
    bars: Rows = []
    for route in plan.routes:
        at = route.begin[0]
        for number, stop in enumerate(route.stops, 1):
            named = {"route": route.name, "stop": f"{number}, {stop.kind} of request {stop.request}"}
            for doing, a, b in (("driving", at, stop.arrive), ("waiting", stop.arrive, stop.start),
                                ("service", stop.start, stop.leave)):  # fmt: skip
                if b > a:
                    bars.append(named | {"doing": doing, "from": a, "to": b})
            at = stop.leave
        bars.append({"route": route.name, "stop": "end", "doing": "driving", "from": at, "to": max(at, route.end[0])})
        bars += [{"route": route.name, "stop": "", "doing": "break", "from": a, "to": b} for a, b in route.breaks]
    order = [route.name for route in plan.routes]
    chart = (
        inline(bars)
        .mark_bar(height={"band": 0.72})
        .encode(
            x=alt.X("from:Q", title="time", scale=alt.Scale(zero=False, nice=False)),
            x2="to:Q",
            y=alt.Y("route:N", title=None, sort=order),
            color=alt.Color(
                "doing:N",
                scale=alt.Scale(domain=list(_DOING), range=list(_DOING.values())),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=["route:N", "stop:N", "doing:N", _tip("from"), _tip("to")],
        )
    )
    return _sized(chart, alt.Step(20))


def _windows(plan: PlanView) -> Spec:
    """One route at a time, chosen from a list: its stops from top to bottom."""
    rows: Rows = []
    spans: Rows = []
    for route in plan.routes:
        shown = [t for stop in route.stops for t in (stop.arrive, stop.leave)]
        reach = max(shown) - min(shown) + 1.0
        for number, stop in enumerate(route.stops, 1):
            label = f"{number:>2}  {stop.kind} {stop.request}"
            late = stop.start > stop.windows[-1][1] + 1e-6
            named = {"route": route.name, "stop": label, "number": number, "request": stop.request}
            rows.append(named | {"arrive": stop.arrive, "start": stop.start, "leave": stop.leave,
                                 "state": "late" if late else "in time"})  # fmt: skip
            for begin, end in stop.windows:
                # A window that never closes would leave no room for the others.
                drawn = {"from": max(begin, min(shown) - reach), "to": min(end, max(shown) + reach)}
                if drawn["from"] < drawn["to"] or begin == end:
                    spans.append(named | drawn | {"opens": begin, "closes": end})
    names = [route.name for route in plan.routes]
    chosen = alt.param(name="chosen", value=names[0], bind=alt.binding_select(options=names, name="Route "))
    y = alt.Y("stop:N", title=None, sort=alt.SortField("number"))
    time = alt.X("arrive:Q", title="time", scale=alt.Scale(zero=False))
    tips = ["stop:N", _tip("opens"), _tip("closes")]
    bars = (
        inline(spans)
        .transform_filter(_CHOSEN)
        .mark_bar(color=VIOLET, opacity=0.25, height={"band": 0.8})
        .encode(y=y, x=alt.X("from:Q", title="time"), x2="to:Q", tooltip=tips)
    )
    colours = alt.Color("state:N", scale=alt.Scale(domain=["in time", "late"], range=[BLUE, RED]), legend=None)
    base = inline(rows).transform_filter(_CHOSEN)
    tips = ["stop:N", _tip("arrive"), _tip("start"), _tip("leave")]
    wait = base.mark_rule(color=MUTED, strokeDash=[3, 3]).encode(y=y, x=time, x2="start:Q")
    serve = base.mark_bar(height={"band": 0.34}).encode(y=y, x="start:Q", x2="leave:Q", color=colours, tooltip=tips)
    begin = base.mark_tick(thickness=2.5).encode(y=y, x="start:Q", color=colours, tooltip=tips)
    layers = alt.layer(bars, wait, serve, begin).add_params(chosen)
    return _sized(layers, alt.Step(20))


def _place(axis: str) -> Any:
    kind = alt.X if axis == "x" else alt.Y
    return kind(f"{axis}:Q", axis=None, scale=alt.Scale(zero=False, nice=False, padding=14))


def _tip(field: str) -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", format=".2f")


def _sized(chart: Chart, height: int | alt.Step) -> Spec:
    return dressed(chart.properties(height=height))
