"""``matcher solve``: the three file forms give one answer, and a bad file is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from matcher.cli.main import main

COSTS = np.array([[4, 1, 3], [2, 7, 5]])


@pytest.mark.parametrize("form", ["npy", "csv", "mtx"])
def test_every_form_gives_the_certified_answer(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same matrix in each form: same total, proven, and written where asked."""
    path, out = tmp_path / f"costs.{form}", tmp_path / "answer.json"
    if form == "npy":
        np.save(path, COSTS)
    elif form == "csv":
        path.write_text("4,1,3\n2, 7,5\n")
    else:
        scipy.io.mmwrite(path, scipy.sparse.coo_array(COSTS))
    assert main(["solve", str(path), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "OPTIMAL" in said
    assert "proves the optimum" in said
    assert json.loads(out.read_text())["col_for_row"] == [1, 0]
    assert json.loads(out.read_text())["total_cost"] == 3


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ("1,2\n\n3\n", "a.csv", "a.csv: line 3: 1 cells where line 1 has 2"),
        ("1,2\n1, x\n", "a.csv", "a.csv: line 2, column 2: 'x' is not a number"),
        ("1,\n", "a.csv", "line 1, column 2: '' is not a number"),
        ("1,nan\n", "a.csv", "line 1, column 2: NaN is no cost"),
        ("1,-inf\n", "a.csv", "costs[0, 1] is -inf"),
        (f"{1 << 70},1\n", "a.csv", "it holds an integer beyond 64 bits"),
        ("\udcff", "a.csv", "byte 0 is no UTF-8 text"),
        ("%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 x\n", "a.mtx", "a.mtx: no Matrix Market file: "),
        ("%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 3\n3 1 4\n", "a.mtx", "Line 4"),
        ("%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 3\n", "a.mtx", "no Matrix Market file"),
        ("%%MatrixMarket matrix coordinate real general\n1 1 2\n1 1 3\n1 1 4\n", "a.mtx", "costs[0, 0] is stored more"),
        ("plain text", "a.mtx", "no Matrix Market file"),
        ("no array", "a.npy", "a.npy: no array can be read from it"),
        ("", "a.npy", "a.npy: no array can be read from it"),
        ("", "a.xls", "must end in"),
    ],
)
def test_bad_files_are_refused(
    text: str, name: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1 and one sentence that names the place."""
    (tmp_path / name).write_text(text, errors="surrogateescape")
    assert main(["solve", str(tmp_path / name)]) == 1
    assert sentence in capsys.readouterr().err


def test_infeasible_prints_its_witness(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two rows that reach one column: exit status 1, and the two are named."""
    (tmp_path / "a.csv").write_text("1,inf\n2,inf\n")
    assert main(["solve", str(tmp_path / "a.csv")]) == 1
    out = tmp_path / "answer.json"
    assert main(["solve", str(tmp_path / "a.csv"), "--out", str(out)]) == 1
    assert "witness     rows 0 1: together they reach fewer columns than they are" in capsys.readouterr().out
    written = json.loads(out.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (written["status"], written["total_cost"], written["witness"]) == ("INFEASIBLE", None, [0, 1])
    (tmp_path / "b.csv").write_text("1,2\ninf,inf\ninf,inf\n")
    assert main(["solve", str(tmp_path / "b.csv")]) == 1
    assert "witness     columns 0 1: together they reach fewer rows" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a.csv", "a.npy", "a.mtx"])
def test_a_missing_file_is_said_plainly(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same sentence whatever would have read it."""
    assert main(["solve", str(tmp_path / name)]) == 1
    assert capsys.readouterr().err == f"{tmp_path / name}: No such file or directory\n"


def test_capacities_and_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Capacities reach solver and verifier; a stopped solve says so and exits with 1, its bound still checked."""
    path = tmp_path / "a.csv"
    path.write_text("4,9\n5,6\n3,8\n")
    assert main(["solve", str(path), "--capacities", "2,1"]) == 0
    said = capsys.readouterr().out
    assert "total       13" in said
    assert "proves the optimum" in said
    assert main(["solve", str(path), "--capacities", "1,2,3"]) == 1
    assert "capacities must be one integer or 2" in capsys.readouterr().err
    for limit in (["--max-iterations", "0"], ["--time-limit", "0"]):
        np.save(tmp_path / "b.npy", np.random.default_rng(1).random((40, 40)))
        assert main(["solve", str(tmp_path / "b.npy"), *limit]) == 1
        said = capsys.readouterr().out
        assert "STOPPED early" in said
        assert "bounds the total" in said
