"""``matcher tune`` from days to a policy that can be served."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from tests.simulation.days import instance_files

from matcher.app import load_config
from matcher.cli.main import main

ORDERS = [(f"o{k}", 700 * (k % 5) - 1400, 500 * (k % 7) - 1500, 4 * k, f"r{k % 3 + 1}", 4 * k + 9) for k in range(5)]
COURIERS = [("c1", 0, 0, 0, 60), ("c2", 2000, 0, 10, 60)]


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """Two small days."""
    for shift in range(2):
        folder = tmp_path / "days" / f"day-{shift}"
        folder.mkdir(parents=True)
        for file, text in instance_files(ORDERS[shift:], COURIERS).items():
            (folder / file).write_bytes(text)
    return tmp_path / "days"


def test_the_best_policy_can_be_served_and_the_search_continued(
    days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """best.toml is a configuration; started again, the search only adds rounds."""
    out = tmp_path / "out"
    command = ["tune", str(days), "--out", str(out), "--trials", "2", "--jobs", "1", "--knob", "costs.travel"]
    command += ["--knob", "waiting.base_micros"]
    assert main([*command, "--generations", "1"]) == 0
    first = (out / "trials.jsonl").read_text()
    assert main([*command, "--generations", "2"]) == 0
    second = (out / "trials.jsonl").read_text()
    assert second.startswith(first)
    assert len(second) > len(first)
    tuned = load_config(out / "best.toml").policies["mdrp"]
    section = tomllib.loads((out / "best.toml").read_text())["policies"]["mdrp"]
    assert tuned.costs.travel == section["costs"]["travel"]
    assert section.keys() == {"costs", "waiting"}
    assert "best score" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weight", "speed=1"], "there is no metric 'speed'"),
        (["--weight", "overage_mean=much"], "METRIC=NUMBER is expected"),
        (["--knob", "costs.nothing"], "there is no such knob"),
        (["--only", "zz"], "no instance's name matches 'zz'"),
        (["--only", "("], "missing )"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(
    options: list[str], message: str, days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search for hours on the wrong goal is the dearest error."""
    assert main(["tune", str(days), "--out", str(tmp_path / "out"), *options]) == 1
    assert message in capsys.readouterr().err
