"""``matcher simulate mdrp`` from the command line to the files it leaves."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from tests.simulation.days import instance_files

from matcher.cli.main import main
from matcher.simulation.mdrp.checks import OperatingMode, check_solution
from matcher.simulation.mdrp.evaluation import Metrics
from matcher.simulation.mdrp.instance import find_instances
from matcher.simulation.mdrp.reference import feasibility_report
from matcher.simulation.mdrp.solution import read_solution

ORDERS = [
    (f"o{k}", 700 * (k % 5) - 1400, 500 * (k % 7) - 1500, 9 * k, f"r{k % 3 + 1}", 9 * k + 5 + 4 * (k % 4))
    for k in range(25)
]
COURIERS = [("c1", 0, 0, 0, 250), ("c2", 2000, 0, 10, 260), ("c3", 0, 2000, 60, 180)]


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """A folder of two small days."""
    for name, orders in (("day-a", ORDERS), ("day-b", ORDERS[:10])):
        folder = tmp_path / "days" / name
        folder.mkdir(parents=True)
        for file, text in instance_files(orders, COURIERS).items():
            (folder / file).write_bytes(text)
    return tmp_path / "days"


def solution_texts(out: Path) -> dict[str, str]:
    return {str(path.relative_to(out)): path.read_text() for path in sorted(out.glob("*/solution_info_*.txt"))}


def test_the_files_it_leaves_are_the_contract(days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Others read solution files and metrics.json; their names and shapes are fixed."""
    out = tmp_path / "out"
    assert main(["simulate", "mdrp", str(days), "--out", str(out), "--jobs", "1"]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics.keys() == {"instances", "mean"}
    assert metrics["instances"].keys() == {"day-a", "day-b"}
    names = {field.name for field in fields(Metrics)}
    for entry in (metrics["mean"], *metrics["instances"].values()):
        assert entry.keys() == names
        assert entry["strict_violations"] == 0
        assert entry["decision_ms_p99"] >= entry["decision_ms_p50"] > 0
    for source in find_instances([days]):
        instance, solution = source.read(), read_solution(out / source.name)
        assert len(solution.orders) == metrics["instances"][source.name]["delivered"] > 0
        assert check_solution(instance, solution) == ()
        assert feasibility_report(instance, solution)[1]
    assert "<html" in (out / "report.html").read_text()
    shown = capsys.readouterr().out
    assert "without prepositioning, without assignment updates" in shown
    assert "day-b" in shown


def test_the_operating_mode_is_stated_wherever_figures_are(
    days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures of different modes must not be mistaken for each other."""
    out = tmp_path / "out"
    assert main(["simulate", "mdrp", str(days), "--out", str(out), "--jobs", "1", "--updates"]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["mode"] == {"prepositioning": False, "assignment_updates": True}
    for text in (capsys.readouterr().out, (out / "report.html").read_text()):
        assert "without prepositioning, with assignment updates" in text
    for source in find_instances([days]):
        solution = read_solution(out / source.name)
        assert check_solution(source.read(), solution, OperatingMode(assignment_updates=True)) == ()


def test_both_powers_are_the_same_through_a_live_server(tmp_path: Path) -> None:
    """Routes in progress and moves without an order cross the wire."""
    days = tmp_path / "quiet"
    days.mkdir()
    orders = [(f"o{k}", 500 * k, 500, 40 + 2 * k, "r2", 50 + 2 * k) for k in range(5)]
    couriers = [(f"c{k}", 0, 0, 0, 200) for k in range(3)]
    for name, data in instance_files(orders, couriers).items():
        (days / name).write_bytes(data)
    powers = ["--preposition", "--updates", "--jobs", "1", "--set", "positioning.busy_permille=0"]
    for via in ("engine", "grpc"):
        assert main(["simulate", "mdrp", str(days), "--out", str(tmp_path / via), "--via", via, *powers]) == 0
    assert solution_texts(tmp_path / "engine") == solution_texts(tmp_path / "grpc")
    mode = OperatingMode(prepositioning=True, assignment_updates=True)
    waits = 0
    for source in find_instances([days]):
        instance, solution = source.read(), read_solution(tmp_path / "grpc" / source.name)
        assert check_solution(instance, solution, mode) == ()
        waits += len(solution.moves) - sum(1 + len(a.orders) for a in solution.assignments)
    assert waits > 0, "some moves are without an order"


def test_a_live_server_and_worker_processes_change_nothing(days: Path, tmp_path: Path) -> None:
    """One decide(): in this process, in two others, or behind gRPC, the days are the same to the byte."""
    runs = {"one": ["--jobs", "1"], "two": ["--jobs", "2"], "grpc": ["--jobs", "1", "--via", "grpc"]}
    for name, options in runs.items():
        assert main(["simulate", "mdrp", str(days), "--out", str(tmp_path / name), *options]) == 0
    expected = solution_texts(tmp_path / "one")
    assert len(expected) == 6
    assert solution_texts(tmp_path / "two") == expected
    assert solution_texts(tmp_path / "grpc") == expected


def test_the_policy_s_values_can_be_set(days: Path, tmp_path: Path) -> None:
    """Ablations are policies: here, nothing is worth doing, so nothing is done."""
    out = tmp_path / "out"
    assert main(["simulate", "mdrp", str(days / "day-b"), "--out", str(out)]) == 0
    assert json.loads((out / "metrics.json").read_text())["mean"]["delivered"] > 0
    assert "day-b" in (out / "report.html").read_text()
    settings = ["--set", "waiting.base_micros=0", "--set", "waiting.per_second=0", "--set", "ladder=['greedy']"]
    assert main(["simulate", "mdrp", str(days), "--only", "y-b", "--out", str(out), *settings]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["instances"].keys() == {"day-b"}
    assert metrics["mean"]["delivered"] == 0
    assert metrics["mean"]["click_to_door_mean"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "waiting.base=1"], "waiting.base: unknown key"),
        (["--set", "waiting"], "waiting: KEY=VALUE is expected"),
        (["--set", "holding.commitment=later"], "must be one of"),
        (["--set", "candidates.nearest_couriers=0"], "must be between"),
        (["--set", "a b=1"], "anything but TOML"),
        (["--policy", "nobody"], "there is no policy 'nobody'"),
        (["--only", "zz"], "no instance's name contains 'zz'"),
        (["--only", "["], "unterminated character set"),
        (["--jobs", "0"], "--jobs must be at least 1"),
        (["--via", "grpc", "--target", "127.0.0.1:1", "--set", "bundling.max_orders=1"], "the server at --target"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(
    options: list[str], message: str, days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is run on half of what was asked for."""
    assert main(["simulate", "mdrp", str(days), "--out", str(tmp_path / "out"), *options]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "metrics.json").exists()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_unreadable_instance_names_file_line_and_column(
    jobs: str, days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also when it is read in another process."""
    path = days / "day-b" / "couriers.txt"
    path.write_text(path.read_text().replace("\t260", "\tsoon"))
    assert main(["simulate", "mdrp", str(days), "--out", str(tmp_path / "out"), "--jobs", jobs]) == 1
    assert f"{path}, line 3, column 14: expected a whole number, found 'soon'" in capsys.readouterr().err


def test_noise_is_seeded_and_said(days: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One seed, one world, in one process or in two; another seed, another; a mistyped key ends the run."""
    noise = "ready=0.5,refusal=0.1,seed="
    for name, options in {
        "one": [noise + "1", "--jobs", "1"],
        "same": [noise + "1", "--jobs", "2"],
        "other": [noise + "2", "--jobs", "1"],
    }.items():
        main(["simulate", "mdrp", str(days), "--out", str(tmp_path / name), "--noise", *options])
    assert solution_texts(tmp_path / "one") == solution_texts(tmp_path / "same")
    assert solution_texts(tmp_path / "one") != solution_texts(tmp_path / "other")
    assert "Noise(ready=0.5" in capsys.readouterr().out
    assert main(["simulate", "mdrp", str(days), "--out", str(tmp_path / "odd"), "--noise", "redy=1"]) == 1
    assert "redy" in capsys.readouterr().err
    hidden = ["--noise", "ready=restaurant_mean", "--updates"]
    assert main(["simulate", "mdrp", str(days), "--out", str(tmp_path / "hidden"), *hidden]) == 0
    assert "ready times not known before they come" in capsys.readouterr().out
    mode = json.loads((tmp_path / "hidden" / "metrics.json").read_text())["mode"]
    assert mode == {"prepositioning": False, "assignment_updates": True, "late_kitchens": True}
