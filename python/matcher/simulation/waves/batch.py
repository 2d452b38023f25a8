"""Many runs of dispatch waves, each in a process of its own where asked for."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matcher.routing.waves import HoldOptions
from matcher.simulation.waves.evaluation import WaveScore, evaluate
from matcher.simulation.waves.game import Dispatched, Dispatcher, Greedy, Holding, Lazy, play
from matcher.simulation.waves.instance import WaveInstance

By = Literal["holding", "greedy", "lazy"]


@dataclass(frozen=True, slots=True)
class WaveTask:
    """One run to be made."""

    instance: WaveInstance
    seed: int
    """Of the draws."""
    by: By
    options: HoldOptions
    ahead: int

    @property
    def name(self) -> str:
        """Names the run among others."""
        return f"{self.instance.name}-{self.seed}"

    def dispatcher(self) -> Dispatcher:
        """Who decides."""
        if self.by == "greedy":
            return Greedy(self.instance, self.options)
        if self.by == "lazy":
            return Lazy(self.instance, self.options)
        return Holding(self.instance, self.options, self.ahead)


@dataclass(frozen=True, slots=True)
class WaveRun:
    """One run as it went."""

    name: str
    waves: tuple[Dispatched, ...]
    score: WaveScore
    violations: tuple[str, ...]


def run_task(task: WaveTask) -> WaveRun:
    """Play one run and judge it."""
    waves = play(task.instance, task.seed, task.dispatcher())
    score, broken = evaluate(task.instance, task.seed, waves)
    return WaveRun(task.name, tuple(waves), score, tuple(broken))


def run_tasks(tasks: Sequence[WaveTask], jobs: int) -> Iterator[WaveRun]:
    """Every run, in order. The results do not depend on `jobs`."""
    if jobs <= 1 or len(tasks) <= 1:
        yield from map(run_task, tasks)
        return
    with ProcessPoolExecutor(max_workers=jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield from pool.map(run_task, tasks)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def write_waves(run: WaveRun, path: Path) -> None:
    """One line a trip: its wave, and the numbers of its requests in the order of service."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("epoch", "requests"))
        for wave in run.waves:
            writer.writerows((wave.epoch, " ".join(map(str, trip))) for trip in wave.trips)
