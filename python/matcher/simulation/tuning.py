"""Search for a policy that does best on recorded days: seeded, resumable, parallel.

A generation is the incumbent's neighbours: each changes a few knobs, by a factor drawn from a log-normal distribution
whose width shrinks with every generation that brings nothing. All are tried on a first share of the days; the better
half goes on to the rest; the incumbent is replaced when one beats it on all days. This is a (1, n) evolution strategy
with one rung of successive halving (Jamieson & Talwalkar, 2016).

What is proposed depends on the seed, the generation and the incumbent alone, never on which trial ends first. Every
evaluation is appended to a log; a search started again on the same log repeats nothing and continues where it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from matcher.domain.policy import Policy

Values = Mapping[str, float]
"""Value of each knob, by its dotted name."""
Evaluate = Callable[[Sequence[tuple[Policy, str]]], Iterable[float]]
"""Scores of (policy, day) pairs, lower is better, in the order given; may run them in parallel."""


@dataclass(frozen=True, slots=True)
class Knob:
    """One number of a policy that may be changed."""

    name: str
    """Dotted: "waiting.base_micros"."""
    low: float
    high: float
    floor: float = 1.0
    """Where multiplying starts from when the value is 0, and below which it becomes `low`."""


KNOBS: tuple[Knob, ...] = (
    Knob("costs.click_to_door", 100, 10_000),
    Knob("costs.lateness", 0, 20_000, floor=50),
    Knob("costs.severe_lateness", 0, 20_000, floor=50),
    Knob("costs.pickup_delay", 0, 10_000, floor=20),
    Knob("costs.travel", 0, 5_000, floor=20),
    Knob("costs.courier_time", 0, 5_000, floor=20),
    Knob("waiting.base_micros", 100_000, 1_000_000_000),
    Knob("waiting.per_second", 0, 50_000, floor=100),
    Knob("bundling.ready_spread_ms", 0, 3_600_000, floor=60_000),
    Knob("bundling.neighbours", 1, 20),
    Knob("bundling.max_orders", 1, 5),
    Knob("candidates.nearest_couriers", 8, 96),
    Knob("holding.slack_ms", 0, 600_000, floor=60_000),
)


def knob_value(policy: Policy, name: str) -> float:
    """The value of a dotted name. AttributeError when there is none."""
    value: Any = policy
    for part in name.split("."):
        value = getattr(value, part)
    return float(value)


def with_values(policy: Policy, values: Values) -> Policy:
    """`policy` with the values set; whole numbers where the policy has whole numbers."""

    def change(node: Any, prefix: str) -> Any:
        changed: dict[str, Any] = {}
        for field in fields(node):
            name, old = f"{prefix}{field.name}", getattr(node, field.name)
            if is_dataclass(old):
                changed[field.name] = change(old, f"{name}.")
            elif name in values:
                changed[field.name] = round(values[name]) if isinstance(old, int) else float(values[name])
        return replace(node, **changed)

    result: Policy = change(policy, "")
    return result


@dataclass(frozen=True, slots=True)
class Trial:
    """One policy as far as it was tried."""

    generation: int
    number: int
    values: dict[str, float]
    scores: dict[str, float]
    """By day."""

    @property
    def mean(self) -> float:
        """Mean over the days tried."""
        return float(np.mean(list(self.scores.values())))


@dataclass(frozen=True, slots=True)
class Progress:
    """After each generation."""

    generation: int
    best: Trial
    improved: bool
    spread: float
    """Width of the next generation's changes, as a standard deviation of the logarithm."""


class TrialLog:
    """Scores already known, kept in a file of one JSON object a line."""

    def __init__(self, path: Path, goal: str = "") -> None:
        """`goal` says what scores mean: those of another goal are of no use.

        ValueError when the file holds another goal's, or a line other than a torn last one cannot be read.
        """
        self._path = path
        self._goal = goal
        self._known: dict[tuple[str, str], float] = {}
        if not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
                found, key = str(entry["goal"]), (str(entry["policy"]), str(entry["day"]))
                self._known[key] = float(entry["score"])
            except (json.JSONDecodeError, KeyError, TypeError, ValueError):
                if number == len(lines):
                    path.write_text("".join(f"{kept}\n" for kept in lines[:-1]), encoding="utf-8")
                    break
                raise ValueError(f"{path}, line {number}: expected a trial of an earlier search") from None
            if found != goal:
                raise ValueError(f"{path}, line {number}: a trial for another goal: {found!r}, not {goal!r}")

    def __len__(self) -> int:
        return len(self._known)

    def get(self, policy: Policy, day: str) -> float | None:
        """The score, if known."""
        return self._known.get((policy.digest, day))

    def add(self, policy: Policy, day: str, score: float, values: Values) -> None:
        """Remember and write down."""
        self._known[policy.digest, day] = score
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            entry = {"goal": self._goal, "policy": policy.digest, "day": day, "score": score, "values": dict(values)}
            file.write(json.dumps(entry) + "\n")


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched, and how."""

    base: Policy
    knobs: tuple[Knob, ...]
    days: tuple[str, ...]
    """Names; the first share of them decides who goes on."""
    seed: int = 0
    generation_size: int = 8
    first_share: float = 0.4
    changed_knobs: int = 3
    """Of each proposal, on average."""
    spread: float = 0.6
    least_spread: float = 0.1

    def run(self, evaluate: Evaluate, log: TrialLog, generations: int) -> Iterator[Progress]:
        """Search; yields after every generation. The first one, numbered 0, is the base policy itself."""
        start = {knob.name: knob_value(self.base, knob.name) for knob in self.knobs}
        best = self._tried(evaluate, log, [Trial(0, 0, start, {})], self.days)[0]
        spread = self.spread
        yield Progress(0, best, True, spread)
        for generation in range(1, generations + 1):
            proposals = self._propose(generation, best.values, spread)
            first = self.days[: max(1, math.ceil(self.first_share * len(self.days)))]
            tried = self._tried(evaluate, log, proposals, first)
            tried.sort(key=lambda trial: (trial.mean, trial.number))
            finalists = self._tried(evaluate, log, tried[: -(-len(tried) // 2)], self.days)
            winner = min(finalists, key=lambda trial: (trial.mean, trial.number))
            improved = winner.mean < best.mean
            best = winner if improved else best
            spread = spread if improved else max(self.least_spread, spread * 0.8)
            yield Progress(generation, best, improved, spread)

    def _propose(self, generation: int, values: Values, spread: float) -> list[Trial]:
        draw = np.random.default_rng([self.seed, generation])
        trials: list[Trial] = []
        for number in range(self.generation_size):
            changed = draw.random(len(self.knobs)) < self.changed_knobs / len(self.knobs)
            changed[draw.integers(len(self.knobs))] = True
            proposal = dict(values)
            for knob, change, step in zip(self.knobs, changed, draw.normal(0.0, spread, len(self.knobs)), strict=True):
                if change:
                    proposal[knob.name] = _moved(knob, values[knob.name], float(step))
            trials.append(Trial(generation, number, proposal, {}))
        return trials

    def _tried(self, evaluate: Evaluate, log: TrialLog, trials: Sequence[Trial], days: Sequence[str]) -> list[Trial]:
        """The trials with scores for all `days`; what the log knows is not done again."""
        policies = [with_values(self.base, trial.values) for trial in trials]
        missing: dict[tuple[str, str], tuple[Policy, str, Trial]] = {}
        for trial, policy in zip(trials, policies, strict=True):
            for day in days:
                if log.get(policy, day) is None:
                    missing.setdefault((policy.digest, day), (policy, day, trial))
        wanted = list(missing.values())
        for (policy, day, trial), score in zip(
            wanted, evaluate([(policy, day) for policy, day, _ in wanted]), strict=True
        ):
            log.add(policy, day, score, trial.values)
        done = []
        for trial, policy in zip(trials, policies, strict=True):
            scores = {day: log.get(policy, day) for day in days}
            done.append(replace(trial, scores={day: score for day, score in scores.items() if score is not None}))
        return done


def _moved(knob: Knob, value: float, step: float) -> float:
    """`value` times exp(step), at least one whole step of a small whole number, within the knob's range."""
    if value < knob.floor:
        return min(knob.high, knob.floor * math.exp(abs(step))) if step > 0 else knob.low
    moved = value * math.exp(step)
    if abs(moved - value) < 1.0 and value < 100:
        moved = value + math.copysign(1.0, step)
    if moved < knob.floor:
        return knob.low
    return min(knob.high, max(knob.low, float(round(moved, 6))))
