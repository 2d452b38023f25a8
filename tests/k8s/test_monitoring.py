"""Dashboard, rules, alerts and scaling ask for what the server exports, and every alert says what to do."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from bench.instances import snapshot
from tests.k8s.rendering import K8S, ROOT, tool
from tests.service.serving import addresses_of, serve_process

from matcher.client import Client

RULES = K8S / "base" / "prometheusrule.yaml"
RULES_TESTS = sorted(Path(__file__).parent.glob("rules_*test.yaml"))
PROMTOOL = "Debian and Ubuntu keep it in the package prometheus"
TARGET_LABELS = {"namespace", "pod", "job", "le", "rollouts_pod_template_hash", "alertname", "alertstate"}
"""What Prometheus adds to a series, or to an alert, by itself."""
OWN = {"up", "ALERTS"}
"""Series of Prometheus itself."""
WORDS = {"and", "or", "unless", "on", "by", "offset", "group_left", "ignoring", "bool", "without"}


def spec() -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["spec"]["groups"]
    return groups


def rules(kind: str) -> list[dict[str, Any]]:
    """Those that `record`, or those that `alert`."""
    return [rule for group in spec() for rule in group["rules"] if kind in rule]


def selectors(query: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(metric, its label matchers as label → text) of everything that a PromQL expression reads."""
    query = re.sub(r"\b(by|on|without|ignoring|group_left)\s*\([^)]*\)", " ", query)
    query = re.sub(r"\[[^\]]*\]", "", query)
    for name, braces in re.findall(
        r'(?<![\w":.])([a-zA-Z_:][\w:]*)(?![\w:])\s*(\{(?:[^}"]|"[^"]*")*\}|)(?!\s*\()', query
    ):
        if name not in WORDS and not re.fullmatch(r"\d+[smhd]", name):
            yield name, dict(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', braces))


def asked() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of every query that is shipped."""
    for group in spec():
        for rule in group["rules"]:
            yield rule.get("record") or rule["alert"], rule["expr"]
    for panel in json.loads((K8S / "base" / "dashboard.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield f"dashboard: {panel['title']}", target["expr"]
    for metric in yaml.safe_load((K8S / "overlays" / "canary" / "analysistemplate.yaml").read_text())["spec"][
        "metrics"
    ]:
        yield f"canary: {metric['name']}", metric["provider"]["prometheus"]["query"]
    for rule in yaml.safe_load((K8S / "prometheus-adapter.yaml").read_text())["rules"]["custom"]:
        yield "prometheus-adapter", rule["seriesQuery"]
    for metric in yaml.safe_load((K8S / "base" / "horizontalpodautoscaler.yaml").read_text())["spec"]["metrics"]:
        if "pods" in metric:
            yield "autoscaler", metric["pods"]["metric"]["name"]


@functools.cache
def exported() -> dict[str, dict[str, set[str]]]:
    """metric → label → values on the /metrics page of a real server that has made one decision."""
    with serve_process("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0") as process:
        assert process.stdout is not None
        admin = process.stdout.readline().split("http://")[1].strip().rstrip("/")
        with Client(addresses_of(process)[0]) as client:
            client.match(snapshot("village-6x4"), timeout=30)
        with urllib.request.urlopen(f"http://{admin}/metrics", timeout=10) as reply:
            page: str = reply.read().decode()
    found: dict[str, dict[str, set[str]]] = {}
    for name, labels in re.findall(r"^([a-zA-Z_:][\w:]*)(\{.*\})? \S+$", page, re.MULTILINE):
        values = found.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            values.setdefault(label, set()).add(value)
    assert found, page
    return found


@pytest.mark.parametrize(("where", "query"), [pytest.param(*one, id=f"{i}-{one[0]}") for i, one in enumerate(asked())])
def test_queries_ask_for_what_there_is(where: str, query: str) -> None:
    """A renamed metric or label leaves an empty panel and an alert that never fires, and nothing says so."""
    records = {rule["record"] for rule in rules("record")}
    read = list(selectors(query))
    assert read
    for metric, labels in read:
        if metric in OWN | records:
            continue
        assert metric in exported(), f"{where}: the server exports no {metric}"
        there = exported()[metric]
        assert set(labels) <= set(there) | TARGET_LABELS, f"{where}: {metric} has no such label"
        if "le" in labels:
            assert labels["le"] in there["le"], f"{where}: {metric} has no bucket up to {labels['le']}"
        if "rpc_method" in labels:
            assert any(re.fullmatch(labels["rpc_method"], value) for value in there["rpc_method"])


def test_a_renamed_metric_is_found() -> None:
    """The reading of PromQL above could pass by finding nothing."""
    query = (
        'sum by (a, le) (rate(x_total{b="c{}", d=~"e"}[5m] offset 10m)) / on (f) group_left () y:z > 0 or absent(up)'
    )
    assert list(selectors(query)) == [("x_total", {"b": "c{}", "d": "e"}), ("y:z", {}), ("up", {})]


def test_every_alert_has_its_section_in_the_runbook() -> None:
    """Whoever is woken follows the alert's link; and a section without an alert is about something that is gone."""
    page = (ROOT / "docs" / "operations.md").read_text()
    sections = set(re.findall(r"^#+ (Matcher\w+)$", page, re.MULTILINE))
    alerts = {rule["alert"]: rule for rule in rules("alert")}
    assert sections == set(alerts)
    for name, rule in alerts.items():
        assert rule["annotations"]["runbook_url"].endswith(f"/docs/operations.md#{name.lower()}")
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert {"summary", "description"} <= set(rule["annotations"])
        section = page.split(f" {name}\n")[1].split("\n### ")[0]
        assert "**Do.**" in section, f"{name}: what is to be done?"


def test_the_rules_say_what_they_are_meant_to(tmp_path: Path) -> None:
    """promtool plays series against the rules: which alerts fire, when, and which stay silent."""
    promtool = tool("promtool", PROMTOOL)
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": spec()}))
    for path in RULES_TESTS:
        (tmp_path / path.name).write_text(path.read_text())
    for arguments in (["check", "rules", "rules.yaml"], ["test", "rules", *[path.name for path in RULES_TESTS]]):
        done = subprocess.run([promtool, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    tested = {
        test["alertname"]
        for path in RULES_TESTS
        for one in yaml.safe_load(path.read_text())["tests"]
        for test in one.get("alert_rule_test", ())
        if test.get("exp_alerts")
    }
    assert tested == {rule["alert"] for rule in rules("alert")}, "an alert that no test has seen firing may never fire"


def test_every_query_is_promql(tmp_path: Path) -> None:
    """Panels and analyses are parsed by Prometheus' own parser, with values in place of their variables."""
    promtool = tool("promtool", PROMTOOL)
    filled = [
        re.sub(r"\{\{args\.[\w-]+\}\}|\$namespace", "x", query).replace("$__rate_interval", "5m")
        for _, query in asked()
    ]
    numbered = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(filled)]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": numbered}]}))
    done = subprocess.run(
        [promtool, "check", "rules", tmp_path / "queries.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_up_to_date() -> None:
    """It is written by tools/dashboard.py; an edit by hand would be lost with the next change."""
    done = subprocess.run([sys.executable, ROOT / "tools" / "dashboard.py", "--check"], check=False)
    assert done.returncode == 0, "run: .venv/bin/python tools/dashboard.py"
