"""``matcher simulate dpdp`` from the command line to the files it leaves."""

from __future__ import annotations

import csv
import json
from dataclasses import fields
from pathlib import Path

import pytest
from tests.simulation.dpdp_days import random_orders, write_benchmark

from matcher.cli.main import main
from matcher.simulation.dpdp.evaluation import Score


def test_the_files_it_leaves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Metrics of every day and the mean, and what every truck did; two processes give what one gives."""
    days = write_benchmark(tmp_path / "days", {f"day_{k}": random_orders(k, 25, 6) for k in range(2)})
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        assert main(["simulate", "dpdp", str(days), "--out", str(out), "--iterations", "20", "--jobs", jobs]) == 0
    one, two = (json.loads((tmp_path / jobs / "metrics.json").read_text()) for jobs in ("1", "2"))
    assert one == two
    assert one["instances"].keys() == {"day_0", "day_1"}
    assert one["mean"].keys() == {field.name for field in fields(Score)}
    for entry in one["instances"].values():
        assert entry["delivered"] == entry["orders"] == 25
        assert entry["violations"] == 0
    with (tmp_path / "1" / "day_0" / "calls.csv").open() as file:
        calls = list(csv.DictReader(file))
    assert sum(len(call["unload"].split()) for call in calls) >= 25
    page = (tmp_path / "1" / "report.html").read_text()
    assert all(text in page for text in ("2 days of trucks between factories", "day_0", "day_1", "Orders late"))
    shown = capsys.readouterr().out
    assert "score on" in shown
    assert all(name in shown for name in ("day_0", "day_1", "delivered", "arrival"))


def test_a_day_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence, and status 1."""
    days = write_benchmark(tmp_path / "days", {"day": random_orders(1, 3, 6)})
    assert main(["simulate", "dpdp", str(days), "--out", str(tmp_path / "out"), "--only", "night"]) == 1
    assert "no day's name contains 'night'" in capsys.readouterr().err
