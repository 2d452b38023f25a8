"""Many days through one decider, each in a process of its own: solution files, both checks, metrics."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from matcher.domain.decision import Decision
from matcher.domain.enums import OrderStatus
from matcher.domain.snapshot import Snapshot
from matcher.simulation.mdrp.checks import NO_POWERS, OperatingMode, check_solution
from matcher.simulation.mdrp.day import BUSINESS_START_MS, MINUTE_MS, run_day
from matcher.simulation.mdrp.evaluation import Metrics, summarize
from matcher.simulation.mdrp.instance import Instance, InstanceSource
from matcher.simulation.mdrp.reference import feasibility_report
from matcher.simulation.mdrp.solution import Solution, read_solution, write_solution
from matcher.simulation.noise import Noise
from matcher.simulation.outcome import Cycle, Outcome


class MeasuredDecider(Protocol):
    """A decider that knows how long its decisions took."""

    decision_ms: list[float]
    """One entry per decision."""

    def decide(self, snapshot: Snapshot) -> Decision:
        """What becomes of the snapshot's open orders."""
        ...


DeciderFactory = Callable[[], AbstractContextManager[MeasuredDecider]]
"""Opens a decider for one day; sent to other processes, so it must be picklable."""


@dataclass(frozen=True, slots=True)
class CycleNote:
    """One decision of a day."""

    minute: int
    open_orders: int
    assigned: int
    held: int
    decision_ms: float
    gap: float
    rung: str


@dataclass(frozen=True, slots=True)
class DayRun:
    """One day as it went."""

    name: str
    metrics: Metrics
    violations: tuple[str, ...]
    """Of the strict checker; and the reference evaluator's verdict when that differs."""
    undelivered: tuple[str, ...]
    cycles: tuple[CycleNote, ...]


def simulate_day(
    source: InstanceSource,
    factory: DeciderFactory,
    folder: Path,
    noise: Noise | None = None,
    mode: OperatingMode = NO_POWERS,
) -> DayRun:
    """Run one day, write its solution into `folder`, and judge what stands in the files by the rules of the mode.

    TableError or ValueError: the instance cannot be read. PlanError: the decider decided the impossible.
    """
    instance = source.read()
    solution, outcome, notes = _run(instance, factory, noise, mode)
    write_solution(solution, folder)
    metrics, violations = _judge(instance, read_solution(folder), notes, mode)
    return DayRun(instance.name, metrics, violations, outcome.undelivered, tuple(notes))


def day_metrics(source: InstanceSource, factory: DeciderFactory) -> Metrics:
    """Run one day and judge it, leaving no files."""
    instance = source.read()
    solution, _, notes = _run(instance, factory, None, NO_POWERS)
    return _judge(instance, solution, notes, NO_POWERS)[0]


def _run(
    instance: Instance, factory: DeciderFactory, noise: Noise | None, mode: OperatingMode
) -> tuple[Solution, Outcome, list[CycleNote]]:
    notes: list[CycleNote] = []
    with factory() as decider:
        solution, outcome = run_day(
            instance, decider, lambda cycle: notes.append(_note(cycle, decider.decision_ms[-1])), noise, mode
        )
    return solution, outcome, notes


def _judge(
    instance: Instance, solution: Solution, notes: list[CycleNote], mode: OperatingMode
) -> tuple[Metrics, tuple[str, ...]]:
    violations = tuple(str(violation) for violation in check_solution(instance, solution, mode))
    if not violations and not feasibility_report(instance, solution)[1]:
        violations = ("the reference evaluator calls the solution infeasible",)
    metrics = summarize(
        instance,
        solution,
        decision_ms=[note.decision_ms for note in notes],
        gaps=[note.gap for note in notes],
        strict_violations=len(violations),
    )
    return metrics, violations


def simulate_days(
    sources: Sequence[InstanceSource],
    factory: DeciderFactory,
    out: Path,
    jobs: int,
    noise: Noise | None = None,
    mode: OperatingMode = NO_POWERS,
) -> Iterator[DayRun]:
    """Run every day in one of `jobs` processes, the largest first; yields each as it ends, in no fixed order.

    Days share nothing, so the results do not depend on `jobs`. The first error ends the run.
    """
    if jobs <= 1 or len(sources) <= 1:
        for source in sources:
            yield simulate_day(source, factory, out / source.name, noise, mode)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=jobs, mp_context=context) as pool:
        largest_first = sorted(sources, key=lambda source: (-source.bytes, source.name))
        futures = [
            pool.submit(simulate_day, source, factory, out / source.name, noise, mode) for source in largest_first
        ]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _note(cycle: Cycle, decision_ms: float) -> CycleNote:
    outcomes = cycle.decision.outcomes
    assigned = sum(outcome.status is OrderStatus.ASSIGNED for outcome in outcomes)
    held = sum(outcome.status is not OrderStatus.ASSIGNED and outcome.courier_id != "" for outcome in outcomes)
    return CycleNote(
        minute=(cycle.at_ms - BUSINESS_START_MS) // MINUTE_MS,
        open_orders=len(outcomes),
        assigned=assigned,
        held=held,
        decision_ms=decision_ms,
        gap=cycle.decision.gap,
        rung=cycle.decision.rung.name.lower(),
    )
