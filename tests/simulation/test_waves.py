"""Dispatch waves: the published draws, the rules, and what holding is worth."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.shared_data import shared_data

from matcher.cli.main import main
from matcher.routing.waves import Depot, HoldOptions, Requests, leaving, reachable, routes
from matcher.simulation.waves.batch import WaveTask, run_task, run_tasks
from matcher.simulation.waves.evaluation import evaluate
from matcher.simulation.waves.game import Epoch, Greedy, play
from matcher.simulation.waves.instance import WaveInstance, read_wave_instance, read_wave_instances

QUICK = HoldOptions(futures=3, iterations=300, plan_iterations=1_000)


def instance(customers: int = 12) -> WaveInstance:
    """Customers in two clusters half an hour apart; windows of two hours that open between 1:00 and 4:00."""
    rng = np.random.default_rng(5)
    xy = rng.integers(-200, 200, size=(customers + 1, 2)) + np.where(np.arange(customers + 1) % 2, 1800, -1800)[:, None]
    xy[0] = 0
    away = np.abs(xy[:, None] - xy[None, :]).sum(axis=2).astype(np.float64)
    opens = np.concatenate([[0.0], np.sort(rng.integers(2, 9, customers)) * 1800.0])
    return WaveInstance(
        name="clusters",
        duration=away,
        opens=opens,
        closes=np.concatenate([[12 * 3600.0], opens[1:] + 7200.0]),
        service=np.concatenate([[0.0], np.full(customers, 120.0)]),
        demand=np.concatenate([[0], rng.integers(1, 4, customers)]),
        capacity=60,
    )


def as_text(given: WaveInstance) -> str:
    """The same as a file in VRPLIB's format."""
    n = len(given.opens)

    def rows(*columns: np.ndarray) -> list[str]:
        return [" ".join(f"{k + 1 if not j else int(c[k])}" for j, c in enumerate((opens, *columns))) for k in range(n)]

    opens = given.opens
    lines = ["NAME : clusters", "TYPE : VRPTW", f"DIMENSION : {n}", f"CAPACITY : {given.capacity}"]
    lines += ["EDGE_WEIGHT_TYPE : EXPLICIT", "EDGE_WEIGHT_FORMAT : FULL_MATRIX", "EDGE_WEIGHT_SECTION"]
    lines += [" ".join(str(int(cell)) for cell in row) for row in given.duration]
    lines += ["DEMAND_SECTION", *rows(given.demand), "DEPOT_SECTION", "1", "-1"]
    lines += ["SERVICE_TIME_SECTION", *rows(given.service), "TIME_WINDOW_SECTION", *rows(opens, given.closes), "EOF"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("by", ["holding", "greedy", "lazy"])
def test_every_dispatcher_obeys_the_rules(by: str) -> None:
    """Judged by code that draws the requests again; every request is served once, and the cost is what was driven."""
    run = run_task(WaveTask(instance(), 3, by, QUICK, 1))  # type: ignore[arg-type]
    assert run.violations == ()
    served = [number for wave in run.waves for trip in wave.trips for number in trip]
    assert sorted(served) == list(range(1, int(run.score.requests) + 1))
    assert run.score.cost > 0
    assert (run.score.held > 0) == (by != "greedy")


def test_holding_beats_leaving_at_once_and_waiting_to_the_last() -> None:
    """With two clusters half an hour off, company is worth waiting for, and the last moment is too late to choose."""
    cost = {
        by: np.mean([run_task(WaveTask(instance(), seed, by, QUICK, 1)).score.cost for seed in range(3)])  # type: ignore[arg-type]
        for by in ("holding", "greedy", "lazy")
    }
    assert cost["holding"] < cost["greedy"]
    assert cost["holding"] < cost["lazy"]


def test_runs_are_deterministic_and_do_not_depend_on_processes() -> None:
    """The same task gives the same waves, here or elsewhere; another seed of the draws gives others."""
    tasks = [WaveTask(instance(), seed, "holding", QUICK, 1) for seed in (1, 2)]
    first = [run_task(task) for task in tasks]
    assert list(run_tasks(tasks, 2)) == first
    assert first[0].waves != first[1].waves


def test_requests_are_drawn_as_published() -> None:
    """Four draws an epoch, in the order of the competition, for a generator of the run's seed."""
    given, seen = instance(), []

    class Watching(Greedy):
        def dispatch(self, epoch: Epoch) -> list[list[int]]:
            seen.append(epoch)
            return [[row] for row in range(len(epoch.ids))]

    play(given, 42, Watching(given, QUICK))
    rng = np.random.default_rng(42)
    for epoch in seen:
        place, window, load, service = (rng.integers(12, size=100) + 1 for _ in range(4))
        assert epoch.leaves_at == 3600.0 * (epoch.number + 1)
        start = np.maximum(epoch.leaves_at + given.duration[0, place], given.opens[window])
        good = (start <= given.closes[window]) & (start + given.service[service] + given.duration[place, 0] <= 43_200)
        assert epoch.requests.place.tolist() == place[good].tolist()
        assert epoch.requests.earliest.tolist() == given.opens[window][good].tolist()
        assert epoch.requests.load.tolist() == given.demand[load][good].tolist()
    assert [epoch.number for epoch in seen] == list(given.epochs)
    assert seen[-1].must.all()


TAMPERED = {
    "is not dispatched, and the next wave is too late": lambda waves: [
        *waves[:-1],
        replace(waves[-1], trips=waves[-1].trips[1:]),
    ],
    "is not open": lambda waves: [replace(waves[0], trips=(*waves[0].trips, waves[0].trips[0])), *waves[1:]],
    "serves nobody": lambda waves: [replace(waves[0], trips=(*waves[0].trips, ())), *waves[1:]],
    "a trip carries": lambda waves: [
        replace(waves[0], trips=(tuple(number for trip in waves[0].trips for number in trip),)),
        *waves[1:],
    ],
    "the waves are not those of the epochs": lambda waves: waves[:-1],
}


@pytest.mark.parametrize("sentence", TAMPERED)
def test_the_judge_sees_what_is_wrong(sentence: str) -> None:
    """A judge that never objects proves nothing: each tampered run breaks the rule that was tampered with."""
    given = replace(instance(), capacity=40)
    waves = play(given, 3, Greedy(given, QUICK))
    assert evaluate(given, 3, waves)[1] == []
    assert any(sentence in broken for broken in evaluate(given, 3, TAMPERED[sentence](waves))[1])


def test_what_is_served_late_is_seen() -> None:
    """One vehicle for a whole wave: it could carry everything, and its last stops and its way home are too late."""
    given = replace(instance(), capacity=10**6)
    first, *others = play(given, 3, Greedy(given, QUICK))
    everything = tuple(number for trip in first.trips for number in trip)
    _, broken = evaluate(given, 3, [replace(first, trips=(everything,)), *others])
    assert any("s late" in sentence for sentence in broken)
    assert any("after the depot closes" in sentence for sentence in broken)


def _two(latest: float) -> tuple[Depot, Requests]:
    """Two requests at one far place: one that must leave now, one with time until `latest`."""
    far = 1500.0
    duration = np.array([[0.0, far], [far, 0.0]])
    zeros = np.zeros(2)
    requests = Requests(np.array([1, 1]), zeros, np.array([2000.0, latest]), zeros, np.array([1, 1]))
    return Depot(duration, 10, 40_000.0, 3600.0), requests


def test_who_can_go_along_leaves_and_who_gains_nothing_waits() -> None:
    """The second has all day. With the first, who must leave, it costs nothing; alone, it waits for the company that
    every future brings."""
    depot, requests = _two(30_000.0)
    assert reachable(depot, requests, 0.0).all()
    must = ~reachable(depot, requests, 3600.0)
    assert must.tolist() == [True, False]

    def nobody(_: int) -> list[Requests]:
        return [requests.of(np.zeros(2, dtype=np.bool_))]

    assert leaving(depot, requests, 0.0, must, nobody, QUICK).tolist() == [True, True]
    alone = requests.of(np.array([1]))
    company = Requests(np.array([1]), np.zeros(1), np.full(1, 30_000.0), np.zeros(1), np.array([1]))
    assert not leaving(depot, alone, 0.0, np.zeros(1, dtype=np.bool_), lambda _: [company], QUICK).any()
    assert routes(depot, requests, 0.0, QUICK) in ([[0, 1]], [[1, 0]])


def test_a_request_that_nobody_can_serve_is_an_error() -> None:
    """The caller drops those; to plan as if they were not there would lose them silently."""
    depot, requests = _two(100.0)
    with pytest.raises(ValueError, match="1 requests cannot be served"):
        routes(depot, requests, 0.0, QUICK)


def test_files_are_read_and_the_command_writes_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The instance of a file is the one written; the trips stand in a file a run, the costs in metrics.json."""
    (tmp_path / "clusters.txt").write_text(as_text(instance()))
    given, read = instance(), read_wave_instance(tmp_path / "clusters.txt")
    for name in ("duration", "opens", "closes", "service", "demand"):
        assert np.array_equal(getattr(given, name), getattr(read, name)), name
    runs = tmp_path / "runs.csv"
    runs.write_text("instance,instance_seed,other\nclusters.txt,4,1000\nelsewhere.txt,5,7\n")
    out = tmp_path / "out"
    quick = ["--futures", "2", "--iterations", "200", "--plan-iterations", "500"]
    command = ["simulate", "waves", str(tmp_path), "--out", str(out), "--runs", str(runs), "--beside", "other", *quick]
    assert main(command) == 0
    entry = json.loads((out / "metrics.json").read_text())["instances"]["clusters-4"]
    assert entry["violations"] == 0
    with (out / "clusters-4.csv").open() as file:
        assert len(list(csv.reader(file))) == entry["trips"] + 1
    assert "1,000" in capsys.readouterr().out
    page = (out / "report.html").read_text()
    assert all(text in page for text in ("Dispatch waves of clusters-4", "clusters-4", "holding; HoldOptions", "Held"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--futures", "0"], "must be at least 1"),
        (["--beside", "x"], "there is none"),
        (["--runs", "runs.csv"], "has no column 'instance_seed'"),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    """One line, and exit status 1."""
    (tmp_path / "clusters.txt").write_text(as_text(instance()))
    (tmp_path / "runs.csv").write_text("instance\nclusters\n")
    arguments = [str(tmp_path / word) if word == "runs.csv" else word for word in arguments]
    assert main(["simulate", "waves", str(tmp_path), "--out", str(tmp_path / "out"), *arguments]) == 1
    assert sentence in capsys.readouterr().err


def test_the_published_instances_have_the_published_epochs() -> None:
    """The archive is read whole: six instances, hours from the first opening window to the last."""
    found = {
        given.name: given for given in read_wave_instances(shared_data("euro_neurips_2022", "instances_public.tar.gz"))
    }
    assert len(found) == 6
    given = found["ORTEC-VRPTW-ASYM-6a265c9a-d1-n201-k13"]
    assert (len(given.demand), given.capacity, list(given.epochs)) == (202, 125, [2, 3, 4, 5, 6])
