"""Write the Grafana dashboard, k8s/base/dashboard.json, from the table of panels below.

    dashboard.py [--check]      with --check: fail when the file is not what the table says

A dashboard saved by hand is a thousand lines of JSON that no review reads; this table is what is reviewed.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "k8s" / "base" / "dashboard.json"
NAMESPACE = 'namespace="$namespace"'
METHOD = f'{NAMESPACE}, rpc_method=~"matcher.v1..+"'
CALLS = "rpc_server_call_duration_seconds"
STAGES = "matcher_stage_duration_seconds"
COLUMNS = 24


@dataclass(frozen=True)
class Panel:
    """One picture; `queries` are PromQL with the legend of each."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    width: int = 8
    kind: str = "timeseries"
    stack: bool = False
    threshold: float | None = None
    exemplars: bool = False


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


def quantile(share: float, metric: str, by: str, labels: str) -> str:
    """PromQL of a quantile over the last minutes."""
    return f"histogram_quantile({share}, sum by ({by}) (rate({metric}_bucket{{{labels}}}[$__rate_interval])))"


def rate(metric: str, by: str, labels: str = NAMESPACE) -> str:
    """PromQL of events a second."""
    return f"sum by ({by}) (rate({metric}{{{labels}}}[$__rate_interval]))"


ROWS = (
    Row(
        "Objectives",
        (
            Panel(
                "Error budget burn", "How many times as fast as it may; 14.4 pages.",
                tuple((f"matcher:calls_failed:ratio_rate{window}{{{NAMESPACE}}} / 0.001", window)
                      for window in ("5m", "1h", "6h", "3d")),
                threshold=14.4,
            ),
            Panel(
                "Latency budget burn", "Match calls above 0.5 s, as a multiple of what the objective allows.",
                tuple((f"matcher:match_slow:ratio_rate{window}{{{NAMESPACE}}} / 0.01", window)
                      for window in ("5m", "1h", "6h", "3d")),
                threshold=14.4,
            ),
            Panel(
                "Firing", "Alerts of this namespace.",
                ((f'ALERTS{{{NAMESPACE}, alertname=~"Matcher.+", alertstate="firing"}}', "{{alertname}}"),),
                kind="stat",
            ),
        ),
    ),
    Row(
        "Calls",
        (
            Panel(
                "Calls a second", "By method.",
                ((rate(f"{CALLS}_count", "rpc_method", METHOD), "{{rpc_method}}"),), "reqps",
            ),
            Panel(
                "Refused and failed", "By status; INVALID_ARGUMENT and CANCELLED are the caller's.",
                ((rate(f"{CALLS}_count", "rpc_response_status_code", f'{METHOD}, rpc_response_status_code!="OK"'),
                  "{{rpc_response_status_code}}"),),
                "reqps", stack=True,
            ),
            Panel(
                "Duration", "Median and 99th percentile by method, from arrival to reply.",
                ((quantile(0.5, CALLS, "rpc_method, le", METHOD), "{{rpc_method}} p50"),
                 (quantile(0.99, CALLS, "rpc_method, le", METHOD), "{{rpc_method}} p99")),
                "s",
            ),
        ),
    ),
    Row(
        "Stages",
        (
            Panel(
                "What the time goes to", "Seconds a second in each stage of calls; several threads may be in one.",
                ((rate(f"{STAGES}_sum", "matcher_stage", METHOD), "{{matcher_stage}}"),), "s", width=12, stack=True,
            ),
            Panel(
                "Slowest of each stage", "99th percentile; the dots are sampled calls, and lead to their traces.",
                ((quantile(0.99, STAGES, "matcher_stage, le", METHOD), "{{matcher_stage}}"),), "s", width=12,
                exemplars=True,
            ),
        ),
    ),
    Row(
        "Saturation",
        (
            Panel(
                "Wait for a thread", "What a call that came now would wait; the autoscaler holds the mean at 20 ms.",
                ((f"matcher_queue_expected_wait_seconds{{{NAMESPACE}}}", "{{pod}}"),), "s", threshold=0.1,
            ),
            Panel(
                "Calls admitted", "Being worked on or waiting, by pod.",
                ((f"matcher_calls_admitted{{{NAMESPACE}}}", "{{pod}}"),),
            ),
            Panel(
                "Pods up", "Targets that answered their last scrape.",
                ((f'sum(up{{{NAMESPACE}, job="matcher"}})', "up"),
                 (f'count(up{{{NAMESPACE}, job="matcher"}})', "known")),
            ),
        ),
    ),
    Row(
        "Decisions",
        (
            Panel(
                "Rungs", "Share of decisions by the solver that answered.",
                ((f"matcher:decisions:rung_share5m{{{NAMESPACE}}}", "{{matcher_rung}}"),), "percentunit", stack=True,
            ),
            Panel(
                "Made with less", "Share of decisions by what they lacked.",
                ((f"matcher:degradations:share5m{{{NAMESPACE}}}", "{{matcher_degradation}}"),), "percentunit",
            ),
            Panel(
                "Certified gap", "How far above the best a decision may be, at most.",
                ((quantile(0.5, "matcher_decision_gap", "le", NAMESPACE), "p50"),
                 (quantile(0.9, "matcher_decision_gap", "le", NAMESPACE), "p90"),
                 (quantile(0.99, "matcher_decision_gap", "le", NAMESPACE), "p99")),
                "percentunit", threshold=0.05,
            ),
            Panel(
                "Orders", "Assigned, or why they wait.",
                ((rate("matcher_orders_total", "matcher_outcome"), "{{matcher_outcome}}"),),
                "cps", width=12, stack=True,
            ),
            Panel(
                "Policies", "Decisions a second by policy.",
                ((rate("matcher_decisions_total", "matcher_policy"), "{{matcher_policy}}"),), "cps", width=12,
            ),
        ),
    ),
    Row(
        "Journal",
        (
            Panel(
                "Records lost", "Dropped or refused by the disk: holes that no replay fills.",
                ((f"sum by (pod) (increase(matcher_journal_lost_total{{{NAMESPACE}}}[$__rate_interval]))",
                  "{{pod}} lost"),
                 (f"sum by (pod) (increase(matcher_journal_refused_total{{{NAMESPACE}}}[$__rate_interval]))",
                  "{{pod}} refused")),
                width=24,
            ),
        ),
    ),
)  # fmt: skip


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    custom: dict[str, Any] = {"fillOpacity": 20 if panel.stack else 0, "lineWidth": 1}
    if panel.stack:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    defaults: dict[str, Any] = {"unit": panel.unit, "custom": custom, "min": 0}
    if panel.threshold is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.threshold}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        custom["thresholdsStyle"] = {"mode": "line"}
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": source,
        "gridPos": {"h": 8, "w": panel.width, "x": x, "y": y},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}} if panel.kind == "timeseries" else {},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": source, "expr": query, "legendFormat": legend}
            | ({"exemplar": True} if panel.exemplars else {})
            for index, (query, legend) in enumerate(panel.queries)
        ],
    }


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in ROWS:
        place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
        panels.append({"id": len(panels) + 1, "type": "row", "title": row.title, "gridPos": place, "panels": []})
        y, x = y + 1, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + 8
            panels.append(_panel(panel, len(panels) + 1, x, y))
            x += panel.width
        y += 8
    variables = [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
        {
            "name": "namespace", "type": "query", "label": "Namespace", "refresh": 2,
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "query": {"query": "label_values(matcher_calls_admitted, namespace)", "refId": "namespace"},
        },
    ]  # fmt: skip
    return {
        "uid": "matcher",
        "title": "Matcher",
        "tags": ["matcher"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": variables},
        "panels": panels,
    }


def text() -> str:
    """The file's text."""
    return json.dumps(dashboard(), indent=1) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the Grafana dashboard.")
    parser.add_argument("--check", action="store_true", help="fail when the file is not up to date; write nothing")
    if parser.parse_args().check:
        return 0 if FILE.read_text() == text() else 1
    FILE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
