"""The search finds what is better, repeats nothing, and is the same whenever and however it is run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from matcher.domain import Policy
from matcher.simulation.tuning import KNOBS, Knob, Progress, Search, TrialLog, knob_value, with_values

DAYS = ("a", "b", "c", "d", "e")


class Valley:
    """A known landscape: a bowl in the logarithm of two knobs, lowest at travel 40 and waiting 7 million."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, pairs: Sequence[tuple[Policy, str]]) -> Iterator[float]:
        for policy, day in pairs:
            self.asked.append((policy.digest, day))
            travel, waiting = policy.costs.travel, policy.waiting.base_micros
            yield math.log((1 + travel) / 41) ** 2 + math.log(waiting / 7e6) ** 2 + 0.1 * DAYS.index(day)


def search(seed: int = 0) -> Search:
    return Search(Policy(), KNOBS, DAYS, seed=seed, generation_size=10)


def run(path: Path, generations: int, seed: int = 0) -> tuple[list[Progress], Valley]:
    valley = Valley()
    return list(search(seed).run(valley, TrialLog(path), generations)), valley


def test_it_comes_down_into_the_valley(tmp_path: Path) -> None:
    """Eleven other knobs change nothing and must not keep it from finding the two that matter."""
    states, _ = run(tmp_path / "log", 60)
    assert states[0].best.mean > 8
    assert states[-1].best.mean < 0.2 + 0.25
    means = [state.best.mean for state in states]
    assert means == sorted(means, reverse=True)
    assert all(set(state.best.scores) == set(DAYS) for state in states)


def test_no_evaluation_is_made_twice(tmp_path: Path) -> None:
    """A day of a market takes seconds to minutes; the log is there to be used."""
    _, valley = run(tmp_path / "log", 8)
    assert len(valley.asked) == len(set(valley.asked)) == len(TrialLog(tmp_path / "log"))


def test_a_search_cut_off_anywhere_continues_as_if_it_had_not_been(tmp_path: Path) -> None:
    """Machines are taken away; the log's last line may be torn."""
    whole, _ = run(tmp_path / "whole", 6)
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    for kept in (0, 1, len(lines) // 3, len(lines) - 1):
        path = tmp_path / f"cut-{kept}"
        path.write_bytes(b"".join(lines[:kept]) + lines[kept][: len(lines[kept]) // 2])
        again, valley = run(path, 6)
        assert again == whole
        assert len(valley.asked) == len(lines) - kept
        assert path.read_bytes() == b"".join(lines)


def test_a_foreign_log_is_refused(tmp_path: Path) -> None:
    """Scores of something else would steer the search."""
    path = tmp_path / "log"
    path.write_text('{"policy": "x"}\n{"policy": "x", "day": "a", "score": 1}\n')
    with pytest.raises(ValueError, match="line 1: expected a trial"):
        TrialLog(path)
    path.unlink()
    list(search().run(Valley(), TrialLog(path, "cost"), 0))
    assert len(TrialLog(path, "cost")) == len(DAYS)
    with pytest.raises(ValueError, match="line 1: a trial for another goal: 'cost', not 'speed'"):
        TrialLog(path, "speed")


def test_the_seed_decides_what_is_tried(tmp_path: Path) -> None:
    """Equal seeds, equal searches; others differ."""
    one, _ = run(tmp_path / "1", 3)
    same, _ = run(tmp_path / "2", 3)
    other, _ = run(tmp_path / "3", 3, seed=1)
    assert one == same
    assert one[-1].best.values != other[-1].best.values


def test_values_keep_their_range_and_kind(tmp_path: Path) -> None:
    """A policy out of its range is refused by the service that is to use it."""
    tried: list[Policy] = []

    def note(pairs: Sequence[tuple[Policy, str]]) -> Iterator[float]:
        for policy, day in pairs:
            tried.append(policy)
            yield float(np.random.default_rng(len(tried)).random() + DAYS.index(day))

    list(search().run(note, TrialLog(tmp_path / "log"), 25))
    for knob in KNOBS:
        values = [knob_value(policy, knob.name) for policy in tried]
        assert all(knob.low <= value <= knob.high and value.is_integer() for value in values), knob
        assert len(set(values)) > 3, f"{knob.name} was hardly ever changed"


def test_dotted_names_reach_into_the_policy() -> None:
    """What is written into the configuration must be what was tried."""
    policy = with_values(Policy(), {"waiting.base_micros": 5.4, "travel.road_factor": 2.0, "solver_iterations": 7})
    assert policy.waiting.base_micros == 5
    assert policy.travel.road_factor == 2.0
    assert policy.solver_iterations == 7
    assert with_values(policy, {}) == policy
    with pytest.raises(AttributeError):
        knob_value(policy, "waiting.nothing")


def test_a_knob_at_zero_can_leave_it_and_come_back(tmp_path: Path) -> None:
    """Factors alone would keep a zero for ever."""
    knob = (Knob("costs.travel", 0, 5_000, floor=20),)
    seen: set[int] = set()

    def note(pairs: Sequence[tuple[Policy, str]]) -> Iterator[float]:
        for policy, _ in pairs:
            seen.add(policy.costs.travel)
            yield abs(policy.costs.travel - (0 if len(seen) > 12 else 400))

    base = with_values(Policy(), {"costs.travel": 0})
    list(Search(base, knob, ("a",), generation_size=6).run(note, TrialLog(tmp_path / "log"), 20))
    assert 0 in seen
    assert any(20 <= value < 400 for value in seen)
