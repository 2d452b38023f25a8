"""Read-only views for people: the report of a run, one HTML file that needs no network."""

from matcher.console.plan_view import LeftOut, PlanView, RouteTrack, StopMark
from matcher.console.report import render_report, write_report
from matcher.console.view import (
    CourierTrack,
    CycleSeries,
    Figure,
    InstanceRow,
    MarketMap,
    MetricRow,
    OrderTrace,
    RunView,
    StoreMark,
)

__all__ = [
    "CourierTrack",
    "CycleSeries",
    "Figure",
    "InstanceRow",
    "LeftOut",
    "MarketMap",
    "MetricRow",
    "OrderTrace",
    "PlanView",
    "RouteTrack",
    "RunView",
    "StopMark",
    "StoreMark",
    "render_report",
    "write_report",
]
