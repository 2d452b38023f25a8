"""Files of problems and plans: every format reads, writes back, and says where it is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.shared_data import shared_data

from matcher.cli.main import main
from matcher.routing import solve
from matcher.routing.formats import UnreadableFile, problem_to_json, read_problem, solution_to_vroom

LI_LIM = """2 10 1
0 0 0 0 0 1000 0 0 0
1 10 0 5 0 1000 1 0 2
2 20 0 -5 0 1000 1 1 0
"""


def vroom() -> dict[str, Any]:
    """Two shipments on a line, one of which no vehicle can carry."""
    places = [0, 10, 20, 30, 40]
    return {
        "vehicles": [
            {"id": 7, "start_index": 0, "end_index": 0, "capacity": [4], "time_window": [0, 500]},
            {"id": 8, "start_index": 0, "end_index": 0, "capacity": [4], "time_window": [0, 500]},
        ],
        "shipments": [
            {
                "amount": [amount],
                "pickup": {"id": 10 * n, "location_index": 2 * n + 1, "service": 5, "time_windows": [[50, 400]]},
                "delivery": {"id": 10 * n, "location_index": 2 * n + 2, "service": 5},
            }
            for n, amount in enumerate((3, 9))
        ],
        "matrices": {"car": {"durations": [[abs(a - b) for b in places] for a in places]}},
    }


def write(tmp_path: Path, text: str, name: str = "problem.json") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_vroom_in_and_out(tmp_path: Path) -> None:
    """A VROOM problem gets a VROOM answer: its ids, arrivals, loads and waiting, and what is unassigned."""
    path, out = write(tmp_path, json.dumps(vroom())), tmp_path / "out.json"
    assert main(["solve", str(path), "--max-iterations", "20", "--out", str(out)]) == 1  # one cannot be served
    answer = json.loads(out.read_text())
    assert answer["code"] == 0
    (route,) = answer["routes"]
    assert route["vehicle"] == 7
    assert [step["type"] for step in route["steps"]] == ["start", "pickup", "delivery", "end"]
    assert [step.get("id") for step in route["steps"]] == [None, 0, 0, None]
    assert [step["arrival"] for step in route["steps"]] == [0, 10, 65, 90]
    assert [step["waiting_time"] for step in route["steps"]] == [0, 40, 0, 0]
    assert [step["load"] for step in route["steps"]] == [[0], [3], [0], [0]]
    assert (route["cost"], route["service"], route["waiting_time"]) == (40, 10, 40)
    assert [(gone["id"], gone["type"]) for gone in answer["unassigned"]] == [(10, "pickup"), (10, "delivery")]
    assert answer["summary"]["unassigned"] == 2


def test_our_own_format_comes_back_as_it_went(tmp_path: Path) -> None:
    """Every field of the problem, bit for bit."""
    problem = read_problem(write(tmp_path, json.dumps(vroom()))).problem
    again = read_problem(write(tmp_path, problem_to_json(problem), "own.json")).problem
    for name in ("distance", "duration", "ready", "due", "service", "demand", "pickup", "delivery"):
        assert np.array_equal(getattr(problem, name), getattr(again, name)), name
    assert (again.vehicles, again.capacity, again.name) == (problem.vehicles, problem.capacity, problem.name)


def test_li_lim_and_sartori_buriol_are_known_by_their_content(tmp_path: Path) -> None:
    """One reader for all: published files and a small one."""
    assert len(read_problem(write(tmp_path, LI_LIM, "a.txt")).problem.pickup) == 1
    assert len(read_problem(shared_data("pdptw", "sartori_buriol", "bar-n100-1.txt")).problem.pickup) == 50


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        (LI_LIM.replace("20", "2O"), "a.txt", "a.txt:4:3: '2O' is not a number"),
        (LI_LIM.replace(" 1 1 0", " 1"), "a.txt", "a.txt:4:19: the line ends after 7 numbers; 9 are needed"),
        ("", "a.txt", "a.txt:1:1: is no problem"),
        ('{"vehicles": [}', "a.json", "a.json:1:15: "),
        ('{"format": "matcher.problem/9"}', "a.json", "a.json: format: must be 'matcher.problem/1'"),
        ("\x00", "a.gz", "a.gz: is no text"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(tmp_path: Path, text: str, name: str, place: str) -> None:
    """File, line and column."""
    with pytest.raises(UnreadableFile) as caught:
        read_problem(write(tmp_path, text, name))
    assert place in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("vehicles", 1, "capacity"), [5], "vehicles[1].capacity: differs from that of vehicles[0]"),
        (("vehicles", 0, "speed_factor"), 2, "vehicles[0].speed_factor: is not supported"),
        (("shipments", 0, "amount"), [1, 2], "shipments[0].amount: must be a list of one integer"),
        (("shipments", 1, "pickup", "setup"), 5, "shipments[1].pickup.setup: is not supported"),
        (("shipments", 1, "pickup", "time_windows"), [[9, 3]], "the window [9, 3] ends before it begins"),
        (("shipments", 0, "delivery", "location_index"), 77, "location_index 77 is not a row of the matrix"),
        (("shipments", 0, "skills"), [3], "shipments[0].skills: no vehicle has all of them"),
        (("jobs",), [{}], "jobs: only shipments can be planned"),
        (("matrices",), {}, "matrices.car.durations: is required"),
    ],
)
def test_what_vroom_allows_and_we_do_not_is_named(
    tmp_path: Path, path: tuple[Any, ...], value: Any, sentence: str
) -> None:
    """Nothing that would change the plan is passed over in silence."""
    tree = vroom()
    target: Any = tree
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(UnreadableFile) as caught:
        read_problem(write(tmp_path, json.dumps(tree)))
    assert sentence in str(caught.value)


def test_every_vroom_arrival_keeps_the_windows(tmp_path: Path) -> None:
    """The written plan is the solver's: recomputed arrivals lie in the windows that it was solved for."""
    tree = vroom()
    tree["shipments"][1]["amount"] = [1]
    read = read_problem(write(tmp_path, json.dumps(tree)))
    solution = solve(read.problem, max_iterations=30)
    solution.check()
    assert read.vroom is not None
    steps = [step for route in json.loads(solution_to_vroom(solution, read.vroom))["routes"] for step in route["steps"]]
    pickups = [step for step in steps if step["type"] == "pickup"]
    assert len(pickups) == 2
    assert all(50 <= step["arrival"] + step["waiting_time"] <= 400 for step in pickups)
