"""The command line as a user meets it: what it prints, where it points, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.service.serving import addresses_of, serve_process

from matcher import wire
from matcher.cli.main import main

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "snapshot.json"
Output = pytest.CaptureFixture[str]


def test_match_prints_the_decision(capsys: Output) -> None:
    """In process by default; the printed JSON is a MatchResponse."""
    assert main(["match", str(EXAMPLE)]) == 0
    decision = json.loads(capsys.readouterr().out)["decision"]
    assert [outcome["orderId"] for outcome in decision["outcomes"]] == ["order-1001", "order-1002", "order-1003"]


def test_match_asks_a_server(capsys: Output) -> None:
    """--target gives the same decision."""
    with serve_process("--listen", "127.0.0.1:0") as process:
        assert main(["match", str(EXAMPLE), "--target", addresses_of(process)[0], "--timeout", "30"]) == 0
        remote = json.loads(capsys.readouterr().out)
    assert main(["match", str(EXAMPLE)]) == 0
    assert json.loads(capsys.readouterr().out) == remote


def test_match_says_when_there_is_no_server(capsys: Output) -> None:
    """A wrong address is one line, not a traceback."""
    assert main(["match", str(EXAMPLE), "--target", "127.0.0.1:1", "--timeout", "2"]) == 1
    assert capsys.readouterr().err.startswith("matcher match: UNAVAILABLE")


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ('"size": 2', '"size": "two"', ":32:17: ", '"size"'),
        ('"size": 2', '"size": -2', ":32:17: ", "snapshot.orders[2].size must be between 0"),
        ('"size": 2', '"size" 2', ":32:16: ", "delimiter"),
        ('"policy": "default"', '"policy": "nope"', ":57:13: ", "policy there is no policy 'nope'"),
    ],
)
def test_match_points_at_what_is_wrong(
    old: str, new: str, where: str, words: str, tmp_path: Path, capsys: Output
) -> None:
    """File, line and column, whether the text, a type or the meaning is wrong."""
    file = tmp_path / "bad.json"
    file.write_text(EXAMPLE.read_text().replace(old, new))
    assert main(["match", str(file)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{file}{where}"), said
    assert words in said


def test_match_only_validates_when_asked(tmp_path: Path, capsys: Output) -> None:
    """validateOnly in the file checks and decides nothing."""
    request = json.loads(EXAMPLE.read_text()) | {"validateOnly": True}
    (tmp_path / "v.json").write_text(json.dumps(request))
    assert main(["match", str(tmp_path / "v.json")]) == 0
    assert "valid, 4 orders and 2 couriers" in capsys.readouterr().out


def test_match_names_a_file_that_cannot_be_read(tmp_path: Path, capsys: Output) -> None:
    """Missing, a folder, not text."""
    (tmp_path / "b.json").write_bytes(b"\xff\xff")
    for file in (tmp_path / "none.json", tmp_path, tmp_path / "b.json"):
        assert main(["match", str(file)]) == 1
        assert capsys.readouterr().err.startswith(f"{file}: cannot be read")


def test_check_config(tmp_path: Path, capsys: Output) -> None:
    """Good: status 0 and the digest. Bad: status 1 and every problem on its line."""
    file = tmp_path / "m.toml"
    file.write_text("[policies.lunch.costs]\nlateness = 3\n")
    assert main(["check-config", str(file)]) == 0
    assert "policies default, lunch, mdrp" in capsys.readouterr().out
    assert main(["check-config", "--show", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["policies"]["lunch"]["costs"]["lateness"] == 3
    file.write_text("[serve]\n[policies.lunch.costs]\nlatness = 3\n")
    assert main(["check-config", str(file)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_configuration_that_we_ship_is_good(capsys: Output) -> None:
    """The commented example must start a server."""
    shipped = EXAMPLE.parent / "matcher.toml"
    assert main(["check-config", str(shipped)]) == 0
    capsys.readouterr()


def test_version_names_the_deciding_code(capsys: Output) -> None:
    """What replay compares."""
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("matcher 0.")


def test_the_example_is_canonical_json() -> None:
    """The shipped snapshot survives the JSON form and back."""
    data = wire.match_request_from_json(EXAMPLE.read_text())
    assert wire.match_request_from_json(wire.match_request_to_json(data)) == data


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["match"], ["check-config"]])
def test_wrong_arguments_end_with_2(arguments: list[str], capsys: Output) -> None:
    """As every command line does."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    capsys.readouterr()
