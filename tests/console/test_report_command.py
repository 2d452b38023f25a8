"""`matcher report`: a page from the metrics.json of any run, and a sentence for what is none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from matcher.cli.main import main
from matcher.simulation.mdrp.evaluation import METRIC_TEXTS

Output = pytest.CaptureFixture[str]


def test_a_report_from_metrics(tmp_path: Path, capsys: Output) -> None:
    """Figures, columns and instances come from the file; a metric that one instance has not is no column."""
    days = {
        "day-a": {"orders": 240, "click_to_door_mean": 31.25, "strict_violations": 0, "cost_per_order": 11.5},
        "day-b": {"orders": 180, "click_to_door_mean": 28.5, "strict_violations": 0, "cost_per_order": None},
    }
    mean = {"orders": 210, "click_to_door_mean": 29.875, "strict_violations": 0, "cost_per_order": 11.5}
    (tmp_path / "metrics.json").write_text(json.dumps({"instances": days, "mean": mean}))
    out = tmp_path / "pages" / "report.html"
    assert main(["report", str(tmp_path), "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    html = out.read_text(encoding="utf-8")
    for text in ("day-a", "day-b", "31.25", "29.9", "mean of 2"):
        assert text in html
    columns = re.findall(r'<th class="n">([^<]+)<', html)
    assert METRIC_TEXTS["click_to_door_mean"].label in columns
    assert METRIC_TEXTS["cost_per_order"].label not in columns


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("{", "Expecting"),
        ("[]", '"instances" and "mean"'),
        ('{"instances": {"day": {"orders": "many"}}, "mean": {}}', "metrics of day are not numbers"),
    ],
)
def test_what_is_no_metrics_file_is_named(text: str | None, words: str, tmp_path: Path, capsys: Output) -> None:
    """File and reason on one line, exit status 1, and no half-written page."""
    if text is not None:
        (tmp_path / "metrics.json").write_text(text)
    out = tmp_path / "report.html"
    assert main(["report", str(tmp_path), "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert "metrics.json" in said
    assert words in said
    assert not out.exists()
