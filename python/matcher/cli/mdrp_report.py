"""The report of ``matcher simulate mdrp``: figures, every instance, and the map and cycles of a single day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from matcher.console.view import (
    CourierTrack,
    CycleSeries,
    Figure,
    InstanceRow,
    MarketMap,
    MetricRow,
    OrderTrace,
    RunView,
    StoreMark,
)
from matcher.domain.policy import Policy
from matcher.simulation.mdrp.batch import DayRun
from matcher.simulation.mdrp.checks import OperatingMode
from matcher.simulation.mdrp.evaluation import METRIC_TEXTS, Metrics
from matcher.simulation.mdrp.instance import Instance, travel_minutes
from matcher.simulation.mdrp.solution import Move, Solution

_FIGURES = ("undelivered_pct", "click_to_door_mean", "ready_to_pickup_mean", "overage_mean", "cost_per_order")
_INSTANCE_METRICS = (
    "click_to_door_mean",
    "ready_to_pickup_mean",
    "overage_mean",
    "undelivered_pct",
    "cost_per_order",
    "decision_ms_p95",
)


def committed_when(mode: OperatingMode) -> str:
    """When an order is its courier's for good, in words."""
    when = "an order is committed when its courier sets off"
    if mode.assignment_updates:
        when += ", or is added before the pick-up"
    if mode.exchanges:
        when += "; a courier who waits for a kitchen may be given other orders, or none"
    return when


def run_view(runs: Sequence[DayRun], mean: Metrics, policy: Policy, mode: OperatingMode, command: str) -> RunView:
    """The report of a run over many days."""
    figures = []
    for name in _FIGURES:
        value, text = getattr(mean, name), METRIC_TEXTS[name]
        figures.append(Figure(text.label, "–" if value is None else f"{value:.2f}", text.unit, text.meaning))
    metrics = [
        MetricRow(text.label, float(getattr(mean, name)), text.unit, text.meaning)
        for name, text in METRIC_TEXTS.items()
        if getattr(mean, name) is not None
    ]
    return RunView(
        title=f"Day {runs[0].name}" if len(runs) == 1 else f"{len(runs)} days of meal delivery",
        subtitle=f"Operating mode: {mode}; {committed_when(mode)}. Means over days.",
        figures=tuple(figures),
        metrics=tuple(metrics),
        provenance=(("policy", policy.name), ("policy digest", policy.digest), ("command", command)),
        instance_columns=tuple((METRIC_TEXTS[name].label, METRIC_TEXTS[name].unit) for name in _INSTANCE_METRICS),
        instances=tuple(
            InstanceRow(day.name, tuple(float(getattr(day.metrics, name)) for name in _INSTANCE_METRICS))
            for day in runs
            if all(getattr(day.metrics, name) is not None for name in _INSTANCE_METRICS)
        ),
    )


def with_market(view: RunView, day: DayRun, instance: Instance, solution: Solution) -> RunView:
    """The same with one day's map and cycles."""
    return replace(view, market=_market(instance, solution), cycles=_cycles(day, instance, solution))


def _market(instance: Instance, solution: Solution) -> MarketMap:
    stores = {id_: k for k, id_ in enumerate(instance.restaurants.ids)}
    marks = zip(instance.restaurants.ids, instance.restaurants.x.tolist(), instance.restaurants.y.tolist(), strict=True)
    assigned = {order: a.time * 60.0 for a in solution.assignments for order in a.orders}
    delivered = {row.order: row for row in solution.orders}
    target = instance.parameters.target_click_to_door
    listed = instance.orders
    traces = []
    for k, id_ in enumerate(listed.ids):
        row = delivered.get(id_)
        traces.append(
            OrderTrace(
                store=stores[listed.restaurant[k]],
                east_m=float(listed.x[k]),
                north_m=float(listed.y[k]),
                placed_s=60.0 * int(listed.placement[k]),
                ready_s=60.0 * int(listed.ready[k]),
                promised_s=60.0 * (int(listed.placement[k]) + target),
                assigned_s=assigned.get(id_),
                pickup_s=60.0 * row.pickup if row else None,
                dropoff_s=60.0 * row.dropoff if row else None,
            )
        )
    return MarketMap(
        stores=tuple(StoreMark(name, x, y) for name, x, y in marks),
        orders=tuple(traces),
        couriers=tuple(_tracks(instance, solution)),
        starts_at="00:00",
    )


def _tracks(instance: Instance, solution: Solution) -> Iterator[CourierTrack]:
    """Straight drives, and waits between them."""
    places = instance.places()
    moves: dict[str, list[Move]] = defaultdict(list)
    for move in solution.moves:
        moves[move.courier].append(move)
    busy = _busy(instance, solution)
    couriers = instance.couriers
    for k, id_ in enumerate(couriers.ids):
        on_s, off_s = 60.0 * int(couriers.on[k]), 60.0 * int(couriers.off[k])
        points = [(on_s, *places[id_])]
        for move in moves[id_]:
            start, end = places[move.origin], places[move.destination]
            arrival = move.departure + travel_minutes(start, end, instance.parameters.meters_per_minute)
            points += [(60.0 * move.departure, *start), (60.0 * arrival, *end)]
        spans = tuple((60.0 * first, 60.0 * last) for first, last in busy.get(id_, ()))
        yield CourierTrack(id_, "car", on_s, max(off_s, points[-1][0]), tuple(points), spans)


def _busy(instance: Instance, solution: Solution) -> dict[str, list[tuple[int, int]]]:
    """Minutes from each assignment to the departure from its last drop-off."""
    dropoff = {row.order: row.dropoff for row in solution.orders}
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for a in solution.assignments:
        spans[a.courier].append((a.time, dropoff[a.orders[-1]] + instance.parameters.dropoff_service // 2))
    return spans


def _cycles(day: DayRun, instance: Instance, solution: Solution) -> CycleSeries:
    minutes = np.array([note.minute for note in day.cycles], dtype=np.int64)

    def during(first: npt.ArrayLike, last: npt.ArrayLike) -> tuple[int, ...]:
        """How many of the spans [first, last) hold each minute."""
        started = np.searchsorted(np.sort(np.asarray(first)), minutes, side="right")
        ended = np.searchsorted(np.sort(np.asarray(last)), minutes, side="right")
        return tuple((started - ended).tolist())

    assigned = {order: a.time for a in solution.assignments for order in a.orders}
    busy = [span for spans in _busy(instance, solution).values() for span in spans]
    return CycleSeries(
        at_s=tuple(60.0 * note.minute for note in day.cycles),
        open_orders=tuple(note.open_orders - note.assigned for note in day.cycles),
        active_orders=during(
            [assigned[row.order] for row in solution.orders], [row.dropoff for row in solution.orders]
        ),
        busy_couriers=during([first for first, _ in busy], [last for _, last in busy]),
        couriers_on_shift=during(instance.couriers.on, instance.couriers.off),
        decision_ms=tuple(note.decision_ms for note in day.cycles),
        gap=tuple(note.gap for note in day.cycles),
        rung=tuple(note.rung for note in day.cycles),
    )
