"""The benchmarks run, assert their answers and leave their figures; what they measure is not judged here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.simulation.days import instance_files

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("bench.engine", ("--rounds", "2")), ("bench.service", ("--calls", "3", "--callers", "2"))],
)
def test_a_benchmark_runs_and_stores_where_it_ran(module: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A figure without machine, compiler and commit cannot be compared; a benchmark that has rotted helps nobody."""
    out = tmp_path / "figures.json"
    command = [sys.executable, "-m", module, "--instances", "village-6x4", *arguments, "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    stored = json.loads(out.read_text())
    assert all(stored[name] for name in ("machine", "compiler", "libraries", "commit", "figures"))
    assert "village-6x4" in done.stdout


def test_the_insertion_benchmark_runs(tmp_path: Path) -> None:
    """It asserts every answer of the server; a small fleet is enough to see that it still does."""
    out = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench.service.insertion", "--couriers", "20", "--calls", "60", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    stored = json.loads(out.read_text())
    always = {"here", "by token", "by token, plan accepted", "whole snapshot"}
    from_go = {"by token, from Go", "transport alone, from Go"} if shutil.which("go") else set()
    assert set(stored["figures"]) == always | from_go


def test_the_packing_benchmark_runs_on_seeded_families_and_on_cycles_of_a_day(tmp_path: Path) -> None:
    """Every packing is re-checked in it; every back end takes part on every instance."""
    day = tmp_path / "0tiny"
    day.mkdir()
    orders = [(f"o{k}", 500 * k, 900, 2 * k, f"r{1 + k % 3}", 2 * k + 9) for k in range(12)]
    for name, content in instance_files(orders, [("c1", 0, 0, 0, 300), ("c2", 2000, 0, 0, 300)]).items():
        (day / name).write_bytes(content)
    out = tmp_path / "figures.json"
    chosen = ["--families", "cycle", "--seeds", "1", "--days", str(day), "--apart", "1", "--open-orders", "1"]
    budgets = ["--iterations", "500", "--seconds", "1", "--backends", "highs"]
    command = [sys.executable, "-m", "bench.packing", *chosen, *budgets, "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    runs = json.loads(out.read_text())["figures"]
    assert {run["family"] for run in runs} == {"cycle", "captured"}
    for family in ("cycle", "captured"):
        assert {run["solver"] for run in runs if run["family"] == family} == {"native", "ortools-highs"}
