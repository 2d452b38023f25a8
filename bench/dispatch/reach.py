"""The figures to be reached on the Grubhub days, and the policies that leave one part of the decision out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from matcher.simulation.mdrp.checks import NO_POWERS, OperatingMode
from matcher.simulation.mdrp.day import MINUTE_MS
from matcher.simulation.mdrp.evaluation import Metrics
from matcher.simulation.noise import Noise

ABLATIONS: dict[str, tuple[str, ...]] = {
    "whole": (),
    "no bundles": ("bundling.max_orders=1",),
    "pairs only": ("bundling.max_orders=2",),
    "no holding": ("holding.commitment=immediate",),
    "assignment only": ("bundling.max_orders=1", "holding.commitment=immediate"),
    "no price on standing": ("costs.standing=0",),
    "no price on scarce courier time": ("costs.scarce_courier_time=0",),
    "greedy": ("ladder=['greedy']",),
    "nearest courier": ("ladder=['greedy']", "candidates.nearest_couriers=1", "bundling.max_orders=1"),
    "exact rung": ("ladder=['ortools']",),
}
"""Settings on top of the policy."""

MODES = {
    "none": NO_POWERS,
    "updates": OperatingMode(assignment_updates=True),
    "prepositioning": OperatingMode(prepositioning=True),
    "both": OperatingMode(prepositioning=True, assignment_updates=True),
}
"""Operating modes by the powers that they use."""

MEAN_KITCHENS = Noise(store_mean=True, quantum_ms=MINUTE_MS)
"""Until an order is ready, decisions know its restaurant's mean preparation time and nothing else."""

Rows = Mapping[str, Mapping[str, str]]
_UNDERSTAFFED = "1o50t100s1p100"


@dataclass(frozen=True, slots=True)
class Reach:
    """One measure: what is to be reached on the public days, what others reached, and the bound's column."""

    measure: str
    metric: str
    reach: float
    reyes: str
    others: str
    bound: str


REACH: tuple[Reach, ...] = (
    Reach("undelivered %", "undelivered_pct", 0.10, "0.25", "", ""),
    Reach("click to door, min", "click_to_door_mean", 32.3, "32.74", "31.68 (Zhou)", "ctd_floor"),
    Reach("overage over 40 min", "overage_mean", 2.45, "2.77", "", "overage_floor"),
    Reach("ready to pick-up, min", "ready_to_pickup_mean", 1.3, "1.93", "", ""),
    Reach("$ per order", "cost_per_order", 10.85, "11.42", "", "cost_floor"),
)
"""Public 144 days. The published means are over all 240."""


def reach_rows(metrics: Mapping[str, Metrics], index: Rows, exact: Rows) -> Iterator[tuple[str, ...]]:
    """Rows of the table: measure, ours, reach, whether reached, published, best known, bound."""
    for reach in REACH:
        bounds = [float(index[name][reach.bound]) for name in metrics] if reach.bound else []
        bound = f"{np.mean(bounds):.2f}" if bounds else ""
        yield _row(reach.measure, _mean(metrics, reach.metric), reach.reach, reach.reyes, reach.others, bound)
    small = {name: entry for name, entry in metrics.items() if name in exact and exact[name]["exact_ctd"]}
    if small:
        for label, metric, column, target in (
            ("click to door", "click_to_door_mean", "ctd", 31.28),
            ("ready to pick-up", "ready_to_pickup_mean", "rtp", 1.0),
        ):
            reyes = np.mean([float(exact[name][f"r18_{column}"]) for name in small])
            optimum = np.mean([float(exact[name][f"exact_{column}"]) for name in small])
            yield _row(
                f"{len(small)} small days of seed 0: {label}",
                _mean(small, metric),
                target,
                f"{reyes:.2f}",
                "",
                f"{optimum:.2f} (clairvoyant)",
            )
    if _UNDERSTAFFED in metrics:
        only = {_UNDERSTAFFED: metrics[_UNDERSTAFFED]}
        yield _row(f"{_UNDERSTAFFED}: undelivered %", _mean(only, "undelivered_pct"), 1.5, "3.35", "", "")
        yield _row(f"{_UNDERSTAFFED}: click to door", _mean(only, "click_to_door_mean"), 38.0, "38.24", "", "")


def mean_kitchen_rows(metrics: Mapping[str, Metrics]) -> Iterator[tuple[str, ...]]:
    """The rows of days run with `MEAN_KITCHENS`. Both published means are over all 240."""
    label = "only mean preparation times known: "
    yield _row(label + "undelivered %", _mean(metrics, "undelivered_pct"), 0.30, "0.62", "", "")
    yield _row(label + "click to door", _mean(metrics, "click_to_door_mean"), 33.3, "34.03", "", "")


def _mean(metrics: Mapping[str, Metrics], name: str) -> float:
    values = [getattr(entry, name) for entry in metrics.values()]
    return float(np.mean([value for value in values if value is not None]))


def _row(measure: str, ours: float, reach: float, reyes: str, others: str, bound: str) -> tuple[str, ...]:
    return measure, f"{ours:.2f}", f"≤ {reach:.2f}", "yes" if ours <= reach else "no", reyes, others, bound
