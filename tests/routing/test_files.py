"""Files of problems and plans: every format reads, writes back, and says where it is wrong."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.routing.test_rungs import beyond
from tests.shared_data import shared_data

from matcher.cli.main import main
from matcher.routing import Solution, solve
from matcher.routing.formats import (
    UnreadableFile,
    problem_to_json,
    read_problem,
    read_published,
    solution_to_published,
    solution_to_vroom,
)

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


SOLOMON = """R1
VEHICLE
NUMBER     CAPACITY
  3         10
CUSTOMER
CUST NO.  XCOORD.  YCOORD.  DEMAND  READY TIME  DUE DATE  SERVICE TIME

    0      0         0          0          0       100          0
    1      0        10          6         20        60          5
    2      0        20          6          0        90          5
    3     10         0          4          0        90          5
"""
VRPLIB = """NAME : small
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 0 10
3 0 20
4 10 1
DEMAND_SECTION
1 0
2 6
3 4
4 5
DEPOT_SECTION
1
-1
EOF
"""


def test_customers_of_one_depot_become_requests(tmp_path: Path) -> None:
    """Solomon and VRPLIB: all is loaded at the start, so no vehicle comes back for more."""
    read = read_problem(write(tmp_path, SOLOMON, "r1.txt"))
    assert read.problem.name == "R1"
    plan = solve(read.problem, max_iterations=300, solver="native")
    plan.check()
    assert not plan.unserved
    assert plan.vehicles == 2, "16 units, and 10 a vehicle"
    for solver in ("ortools", "cpsat"):
        other = solve(read.problem, max_iterations=3_000, solver=solver)  # type: ignore[arg-type]
        assert (other.vehicles, other.distance) == (2, pytest.approx(plan.distance))
    read = read_problem(write(tmp_path, VRPLIB, "small.vrp"))
    out = tmp_path / "small.sol"
    assert main(["solve", str(tmp_path / "small.vrp"), "--max-iterations", "300", "--out", str(out)]) == 0
    assert out.read_text() in (
        "Route #1: 1 2\nRoute #2: 3\nCost 60\n",
        "Route #1: 3\nRoute #2: 1 2\nCost 60\n",
        "Route #1: 2 1\nRoute #2: 3\nCost 60\n",
        "Route #1: 3\nRoute #2: 2 1\nCost 60\n",
    )


@pytest.mark.parametrize(
    "shape", ["FULL_MATRIX", "LOWER_ROW", "UPPER_ROW", "LOWER_DIAG_ROW", "UPPER_DIAG_ROW", "LOWER_COL"]
)
def test_every_shape_of_explicit_weights_reads_alike(tmp_path: Path, shape: str) -> None:
    """The same symmetric matrix, written in every way."""
    d = read_problem(write(tmp_path, VRPLIB, "a.vrp")).problem.distance[:4, :4].astype(int)
    spans = {
        "FULL_MATRIX": lambda a: d[a],
        "LOWER_ROW": lambda a: d[a, :a],
        "UPPER_ROW": lambda a: d[a, a + 1 :],
        "LOWER_DIAG_ROW": lambda a: d[a, : a + 1],
        "UPPER_DIAG_ROW": lambda a: d[a, a:],
        "LOWER_COL": lambda a: d[a + 1 :, a],
    }
    cells = "\n".join(" ".join(map(str, spans[shape](a))) for a in range(4))
    text = VRPLIB.replace("EUC_2D", f"EXPLICIT\nEDGE_WEIGHT_FORMAT : {shape}")
    text = text.replace("DEMAND_SECTION", f"EDGE_WEIGHT_SECTION\n{cells}\nDEMAND_SECTION")
    assert np.array_equal(read_problem(write(tmp_path, text, "b.vrp")).problem.distance[:4, :4], d)


def test_windows_and_service_of_vrplib(tmp_path: Path) -> None:
    """The sections that VRPTW instances add."""
    more = "TIME_WINDOW_SECTION\n1 0 100\n2 5 50\n3 0 90\n4 0 90\nSERVICE_TIME_SECTION\n1 0\n2 7\n3 7\n4 7\nEOF"
    problem = read_problem(write(tmp_path, VRPLIB.replace("EOF", more), "w.vrp")).problem
    assert (problem.ready[1], problem.due[1], problem.service[1]) == (5.0, 50.0, 7.0)
    assert problem.due[4] == 0.0, "pick-ups are at the depot when vehicles leave"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (SOLOMON.replace("20        60", "60        20"), "p.txt:9:43: the window ends before it begins"),
        (SOLOMON.replace("    2      0", "    5      0"), "p.txt:10:5: customers are numbered in their order: 2"),
        (SOLOMON.replace("  3         10", "  3"), "p.txt:4:4: the line ends after 1 numbers; 2 are needed"),
        (SOLOMON.replace("          6         20", "          6.5         20"), "'6.5' is not an integer"),
        (VRPLIB.replace("EUC_2D", "GEO"), "p.txt:4:20: 'GEO' is not supported"),
        (VRPLIB.replace("CAPACITY : 10\n", ""), "p.txt: names no CAPACITY"),
        (VRPLIB.replace("3 0 20\n", ""), "p.txt:6:1: NODE_COORD_SECTION has 3 lines, and DIMENSION is 4"),
        (VRPLIB.replace("3 0 20", "2 0 20"), "p.txt:9:1: node 2 has a line before"),
        (VRPLIB.replace("4 5\n", "4 x\n"), "p.txt:15:3: 'x' is not a number"),
        (VRPLIB.replace("DEPOT_SECTION\n1", "DEPOT_SECTION\n2"), "p.txt:17:1: the one depot must be node 1"),
        (VRPLIB.replace("DEPOT_SECTION", "BACKHAUL_SECTION\n1\nDEPOT_SECTION"), "BACKHAUL_SECTION is not supported"),
        (VRPLIB.replace("TYPE : CVRP", "DISTANCE : 100"), "p.txt:2:1: DISTANCE is not supported"),
        (LI_LIM.replace("1 0 2", "1 0 1"), "p.txt:3:21: node 1 names node 1 as its partner, and that one names 0"),
    ],
)
def test_texts_that_cannot_be_read_say_where(tmp_path: Path, text: str, place: str) -> None:
    """File, line and column of Solomon's and VRPLIB's formats too."""
    with pytest.raises(UnreadableFile) as caught:
        read_problem(write(tmp_path, text, "p.txt"))
    assert place in str(caught.value)


def test_every_field_of_our_format_comes_back(tmp_path: Path) -> None:
    """Also those that only OR-Tools knows."""
    for field in ("windows", "breaks", "locked", "on_board", "late_cost", "bins"):
        problem = beyond(field, 3)
        again = read_problem(write(tmp_path, problem_to_json(problem), "own.json")).problem
        for item in dataclasses.fields(problem):
            ours, theirs = getattr(problem, item.name), getattr(again, item.name)
            assert np.array_equal(ours, theirs) if isinstance(ours, np.ndarray) else ours == theirs, item.name


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"types": [{"count": 1}]}, "types[0].capacity: is required"),
        ({"types": [{"count": 1, "capacity": [1], "wings": 2}]}, "types[0].wings: unknown field"),
        (
            {"types": [{"count": 1, "capacity": [1], "breaks": [{"latest": 1}]}]},
            "types[0].breaks[0]: must be an object",
        ),
        ({"windows": {"1": [[1]]}}, "windows.1: a window is a list of two numbers"),
        ({"windows": {"x": []}}, "windows.x: is no node"),
        ({"prize": 7}, "prize: must be a list"),
        ({"wings": 7}, "wings: unknown field"),
    ],
)
def test_our_format_names_the_path_of_what_is_wrong(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    """The path of the JSON value."""
    tree = json.loads(problem_to_json(beyond("windows", 3))) | change
    with pytest.raises(UnreadableFile) as caught:
        read_problem(write(tmp_path, json.dumps(tree)))
    assert sentence in str(caught.value)


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
        (("vehicles", 1, "capacity"), [5, 5], "shipments[0].amount: has 1 dimensions, vehicles have 2"),
        (("vehicles", 1, "profile"), "bike", "vehicles[1].profile: differs from that of vehicles[0]"),
        (("vehicles", 1, "start_index"), None, "vehicles[1].start_index: must be an integer"),
        (("vehicles", 1, "costs"), {"per_hour": 60}, "vehicles[1].costs.per_hour: only 3600"),
        (("vehicles", 1, "breaks"), [{"id": 1, "time_windows": []}], "vehicles[1].breaks[0].time_windows: exactly one"),
        (("shipments", 1, "pickup", "time_windows"), [[0, 9], [5, 20]], "two of them overlap at 5"),
        (("vehicles", 0, "speed_factor"), 2, "vehicles[0].speed_factor: is not supported"),
        (("shipments", 0, "amount"), [1, 2], "shipments[0].amount: has 2 dimensions, vehicles have 1"),
        (("shipments", 1, "pickup", "setup"), 5, "shipments[1].pickup.setup: is not supported"),
        (("shipments", 1, "pickup", "time_windows"), [[9, 3]], "the window [9, 3] ends before it begins"),
        (("shipments", 0, "delivery", "location_index"), 77, "location_index 77 is not a row of the matrix"),
        (("shipments", 0, "skills"), [3], "shipments[0].skills: no vehicle has all of them"),
        (("jobs",), [{}], "jobs[0].location_index: must be an integer"),
        (("jobs",), [{"id": 1, "location_index": 2, "priority": 3}], "jobs[0].priority: is not supported"),
        (("jobs",), [{"id": 1, "location_index": 2, "delivery": [1, 1]}], "jobs[0].delivery: has 2 dimensions"),
        (("jobs",), [{"id": 1, "location_index": 2, "delivery": [1], "pickup": [1]}], "jobs[0]: delivers and picks up"),
        (("jobs",), [{"id": 1, "location_index": 2, "skills": [9]}], "jobs[0].skills: no vehicle has all of them"),
        (("vehicle_steps",), [1], "vehicle_steps: routes are not taken as given"),
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


def jobs(places: list[int], **more: Any) -> dict[str, Any]:
    """Jobs on a line, one a place, and two vehicles of 5 units at 0."""
    return {
        "vehicles": [{"id": v, "start_index": 0, "end_index": 0, "capacity": [5]} for v in (1, 2)],
        "jobs": [{"id": 100 + k, "location_index": k} for k in range(1, len(places))],
        "matrices": {"car": {"durations": [[abs(a - b) for b in places] for a in places]}},
        **more,
    }


def answered(tmp_path: Path, tree: dict[str, Any], solver: Any = "native") -> dict[str, Any]:
    read = read_problem(write(tmp_path, json.dumps(tree)))
    plan = solve(read.problem, max_iterations=4_000, objective="distance", solver=solver)
    plan.check()
    answer: dict[str, Any] = json.loads(read.answer(plan))
    assert sum(route["cost"] for route in answer["routes"]) == plan.distance
    return answer


@pytest.mark.parametrize("solver", ["native", "ortools", "cpsat"])
@pytest.mark.parametrize(("kind", "first", "loads"), [("delivery", 4, [4, 2, 0, 0]), ("pickup", 0, [0, 2, 4, 4])])
def test_jobs_load_at_the_start_and_unload_at_the_end(
    tmp_path: Path, solver: Any, kind: str, first: int, loads: list[int]
) -> None:
    """Four jobs of two units: two vehicles take two each, nobody comes back for more, and loads are as VROOM's."""
    tree = jobs([0, 10, 20, -10, -20])
    for job in tree["jobs"]:
        job |= {kind: [2], "service": 3}
    answer = answered(tmp_path, tree, solver)
    assert answer["unassigned"] == []
    assert [route["cost"] for route in answer["routes"]] == [40, 40]
    for route in answer["routes"]:
        assert [step["type"] for step in route["steps"]] == ["start", "job", "job", "end"]
        assert [step["load"] for step in route["steps"]] == [[load] for load in loads]
        assert (route["service"], route["duration"], route["waiting_time"]) == (6, 40, 0)
        assert {step["id"] for step in route["steps"][1:3]} in ({101, 102}, {103, 104})


def test_jobs_that_move_nothing_and_shipments_share_routes(tmp_path: Path) -> None:
    """A visit with a window, a delivery, a pick-up and a shipment in one route; what does not fit is named once."""
    tree = jobs([0, 10, 20, 30, 40, 50])
    tree["vehicles"] = tree["vehicles"][:1]
    tree["jobs"] = [
        {"id": 1, "location_index": 1, "time_windows": [[50, 60]], "description": "a visit"},
        {"id": 2, "location_index": 2, "delivery": [3]},
        {"id": 3, "location_index": 3, "pickup": [4]},
        {"id": 4, "location_index": 3, "delivery": [6]},
    ]
    tree["shipments"] = [
        {"amount": [2], "pickup": {"id": 9, "location_index": 4}, "delivery": {"id": 9, "location_index": 5}}
    ]
    answer = answered(tmp_path, tree)
    assert [(gone["id"], gone["type"]) for gone in answer["unassigned"]] == [(4, "job")]
    (route,) = answer["routes"]
    assert route["cost"] == 100
    steps = {(step["type"], step.get("id")): step for step in route["steps"]}
    assert len(route["steps"]) == 7
    visit = steps["job", 1]
    assert 50 <= visit["arrival"] + visit["waiting_time"] <= 60
    assert max(step["load"][0] for step in route["steps"]) <= 5
    assert steps["start", None]["load"] == [3]
    assert steps["end", None]["load"] == [4]


def test_jobs_on_open_routes_and_from_different_starts(tmp_path: Path) -> None:
    """Pick-ups stay on board where a route ends; a delivery needs to know where it is loaded."""
    tree = jobs([0, 10, 20])
    for vehicle in tree["vehicles"]:
        del vehicle["end_index"]
    for job in tree["jobs"]:
        job["pickup"] = [1]
    (route,) = answered(tmp_path, tree)["routes"]
    assert [step["type"] for step in route["steps"]] == ["start", "job", "job"]
    assert (route["cost"], route["steps"][-1]["load"]) == (20, [2])
    tree["vehicles"][1]["start_index"] = 2
    assert answered(tmp_path, tree)["unassigned"] == []
    tree["jobs"][1] = {"id": 5, "location_index": 2, "delivery": [1]}
    with pytest.raises(
        UnreadableFile, match=r"jobs\[1\]\.delivery: is loaded where the vehicle starts, and vehicles\[1\]"
    ):
        answered(tmp_path, tree)


def test_plans_as_benchmarks_publish_them_come_back(tmp_path: Path) -> None:
    """Written and read again; the published best plans read, hold, and have the published distance."""
    path, out = write(tmp_path, LI_LIM, "tiny.txt"), tmp_path / "tiny.sol"
    assert main(["solve", str(path), "--max-iterations", "20", "--out", str(out)]) == 0
    again = read_published(out)
    assert (again.instance, again.routes) == ("tiny", [[1, 2]])
    assert again.reference == "matcher, solver native"
    assert out.read_text().startswith("Instance name : tiny\nAuthors       :\n")
    with shared_data("pdptw", "bks.csv").open() as file:
        best = {row["instance"]: row for row in csv.DictReader(file)}
    for name, family in (("lr109", "lilim"), ("lrc203", "lilim"), ("bar-n100-1", "sartori_buriol")):
        found = read_published(shared_data("pdptw", "solutions", f"{name}.sol"))
        problem = read_problem(shared_data("pdptw", family, f"{name}.txt")).problem
        plan = Solution(problem, found.routes, [], 0, [])
        plan.check()
        assert plan.distance == pytest.approx(float(best[name]["distance"]), abs=0.01)
        (tmp_path / "again.sol").write_text(solution_to_published(plan, authors=found.authors, date=found.date))
        back = read_published(tmp_path / "again.sol")
        assert (back.routes, back.authors, back.date) == (found.routes, found.authors, found.date)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Instance name : x\nRoute 1 : 1 2\n", "x.sol:1:1: has no line Solution"),
        ("Instance name\nSolution\n", "x.sol:1:1: expected a name, a colon and a value"),
        ("Solution\nRoute 1 : 1 two\n", "x.sol:2:13: 'two' is not a number"),
        ("Solution\nRoute 1 : 0 2\n", "x.sol:2:11: '0' is not within 1"),
        ("Solution\n1 2 3\n", "x.sol:2:1: expected Route, its number, a colon and its nodes"),
    ],
)
def test_published_plans_that_cannot_be_read_say_where(tmp_path: Path, text: str, place: str) -> None:
    """File, line and column."""
    with pytest.raises(UnreadableFile) as caught:
        read_published(write(tmp_path, text, "x.sol"))
    assert place in str(caught.value)


def test_a_plan_that_the_published_format_cannot_say_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Requests left out, and problems of no benchmark."""
    path = write(tmp_path, LI_LIM.replace("2 10 1", "2 4 1"), "small.txt")
    assert main(["solve", str(path), "--max-iterations", "5", "--out", str(tmp_path / "a.sol")]) == 1
    assert "1 requests are left out" in capsys.readouterr().err
    path = write(tmp_path, json.dumps(vroom()))
    assert main(["solve", str(path), "--max-iterations", "5", "--out", str(tmp_path / "a.sol")]) == 1
    assert "of no benchmark" in capsys.readouterr().err


def test_vroom_vehicles_may_differ(tmp_path: Path) -> None:
    """Start, open end, dimensions, skills, several windows, breaks and fixed cost; steps as VROOM writes them."""
    tree = vroom()
    tree["vehicles"] = [
        {"id": 7, "start_index": 0, "capacity": [4, 9], "skills": [1], "time_window": [0, 500]},
        {
            "id": 8, "start_index": 4, "end_index": 0, "capacity": [9, 9], "costs": {"fixed": 30},
            "breaks": [{"id": 3, "time_windows": [[60, 70]], "service": 25}],
        },
    ]  # fmt: skip
    for shipment, amount in zip(tree["shipments"], ([3, 1], [9, 2]), strict=True):
        shipment["amount"] = amount
        shipment["pickup"]["time_windows"] = [[0, 5], [50, 400]]
    tree["shipments"][0]["skills"] = [1]
    read = read_problem(write(tmp_path, json.dumps(tree)))
    assert [kind.end for kind in read.problem.types] == [None, 0]
    assert read.problem.timetabled == ("windows", "breaks")
    plan = solve(read.problem, max_iterations=40_000, objective="cost")
    plan.check()
    first, second = sorted(json.loads(read.answer(plan))["routes"], key=lambda route: route["vehicle"])
    assert [step["type"] for step in first["steps"]] == ["start", "pickup", "delivery"]
    assert [step["load"] for step in first["steps"]] == [[0, 0], [3, 1], [0, 0]]
    assert (first["cost"], second["cost"]) == (20, 90)
    assert [step["type"] for step in second["steps"]] == ["start", "pickup", "break", "delivery", "end"]
    assert [step["arrival"] for step in second["steps"]] == [0, 10, 60, 90, 135]
    assert second["steps"][1]["waiting_time"] == 40


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
