"""From a RunView to one HTML file: data, charts, styles and scripts inside, and a policy that forbids the network."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from matcher.console.charts import Spec, cycle_charts, instance_chart, order_charts
from matcher.console.plan_charts import plan_charts
from matcher.console.view import MarketMap, RunView


def render_report(view: RunView) -> str:
    """The report as HTML text. Equal views give equal text."""
    charts: list[tuple[str, str, Spec]] = []
    if view.cycles is not None and view.cycles.at_s:
        charts += cycle_charts(view.cycles)
    if view.market is not None:
        charts += order_charts(view.market)
    spread = [
        (name, "Every instance is a tick.", instance_chart(name, unit, view.instances, index))
        for index, (name, unit) in enumerate(view.instance_columns)
    ]
    plan = [] if view.plan is None else plan_charts(view.plan)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            view=view,
            charts=[(title, text, _json(spec)) for title, text, spec in charts],
            spread=[(title, text, _json(spec)) for title, text, spec in spread] if len(view.instances) > 1 else [],
            plan=[(title, text, _json(spec)) for title, text, spec in plan],
            market=_json(_market(view.market)) if view.market is not None else None,
            vega=Markup(_vega()) if charts or spread or plan else "",
        )
    )


def write_report(view: RunView, path: Path) -> None:
    """Write the report to `path`; its folder is made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_report(view), encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("matcher.console", "page"),
        autoescape=select_autoescape(["html", "j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    return environment


@cache
def _vega() -> str:
    """Vega, Vega-Lite and vega-embed as one script that defines `vegaEmbed`."""
    # The snippet has a default that the library's own stub does not know.
    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return bundle.replace("</script", "<\\/script")


def _json(value: Any) -> Markup:
    """JSON that can stand in a script element whatever strings it holds."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _number(value: float) -> str:
    """A number as wide as a reader needs."""
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.4f}"


def _market(market: MarketMap) -> dict[str, Any]:
    """The market as short arrays: whole seconds and metres."""

    def whole(value: float | None) -> int | None:
        return None if value is None else round(value)

    return {
        "starts": market.starts_at,
        "stores": [[store.name, round(store.east_m), round(store.north_m)] for store in market.stores],
        "orders": [
            [
                order.store,
                round(order.east_m),
                round(order.north_m),
                *map(whole, (order.placed_s, order.ready_s, order.promised_s, order.assigned_s)),
                *map(whole, (order.pickup_s, order.dropoff_s)),
            ]
            for order in market.orders
        ],
        "couriers": [
            [
                courier.name,
                courier.mode,
                round(courier.on_s),
                round(courier.off_s),
                [round(value) for point in courier.points for value in point],
                [round(value) for span in courier.busy for value in span],
            ]
            for courier in market.couriers
        ],
    }
