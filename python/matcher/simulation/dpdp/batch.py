"""Many days, each in a process of its own: what every truck did, as a file, and what it is worth."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from matcher.simulation.dpdp.dispatch import DispatchOptions, FleetDispatcher
from matcher.simulation.dpdp.evaluation import Score, evaluate
from matcher.simulation.dpdp.instance import Benchmark, Instance
from matcher.simulation.dpdp.world import Call, DpdpWorld

_COLUMNS = ("truck", "factory", "left_s", "arrive_s", "dock_s", "leave_s", "unload", "load")


@dataclass(frozen=True, slots=True)
class DpdpRun:
    """One day as it went."""

    name: str
    score: Score
    violations: tuple[str, ...]


def run_day(benchmark: Benchmark, name: str, options: DispatchOptions, folder: Path) -> DpdpRun:
    """Run one day, write `calls.csv` into `folder`, and judge it."""
    instance = benchmark.read(name)
    calls = DpdpWorld(instance).run(FleetDispatcher(instance.network, instance.capacity, options))
    folder.mkdir(parents=True, exist_ok=True)
    _write_calls(instance, calls, folder / "calls.csv")
    score, broken = evaluate(instance, calls)
    return DpdpRun(name, score, tuple(broken))


def run_days(
    benchmark: Benchmark, names: Sequence[str], options: DispatchOptions, out: Path, jobs: int
) -> Iterator[DpdpRun]:
    """Every day; yields each as it ends, in no fixed order. The results do not depend on `jobs`."""
    if jobs <= 1 or len(names) <= 1:
        for name in names:
            yield run_day(benchmark, name, options, out / name)
        return
    with ProcessPoolExecutor(max_workers=jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        # The names end in the size of the day in the published data: the last ones take longest.
        futures = [pool.submit(run_day, benchmark, name, options, out / name) for name in reversed(names)]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _write_calls(instance: Instance, calls: Sequence[Call], path: Path) -> None:
    """One line a call; orders in the sequence in which they are unloaded and loaded, those in parts once a part."""

    def orders(units: Sequence[int]) -> str:
        return " ".join(instance.order_ids[instance.units[unit].order] for unit in units)

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for call in sorted(calls, key=lambda call: (call.truck, call.arrive_s)):
            writer.writerow(
                (instance.vehicle_ids[call.truck], instance.network.ids[call.visit.factory], call.left_s, call.arrive_s,
                 call.dock_s, call.leave_s, orders(call.visit.unload), orders(call.visit.load))
            )  # fmt: skip
