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
        ("1,2\n3\n", "a.csv", "row 1 has 1 cells"),
        ("1,x\n", "a.csv", "row 0, column 1: 'x' is not a number"),
        ("1,nan\n", "a.csv", r"costs[0, 1] is NaN"),
        ("", "a.xls", "must end in"),
    ],
)
def test_bad_files_are_refused(
    text: str, name: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1 and one sentence that names the place."""
    (tmp_path / name).write_text(text)
    assert main(["solve", str(tmp_path / name)]) == 1
    assert sentence in capsys.readouterr().err


def test_infeasible_prints_its_witness(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two rows that reach one column: exit status 1, and the two are named."""
    (tmp_path / "a.csv").write_text("1,inf\n2,inf\n")
    assert main(["solve", str(tmp_path / "a.csv")]) == 1
    assert "witness     0 1" in capsys.readouterr().out
