"""A played city as a RunView."""

from __future__ import annotations

import math
from dataclasses import asdict

from matcher.cli.demo_play import DemoRun, late_orders, rungs
from matcher.console import (
    CourierTrack,
    CycleSeries,
    Figure,
    MarketMap,
    MetricRow,
    OrderTrace,
    RunView,
    StoreMark,
)
from matcher.domain.enums import StopKind
from matcher.simulation.demo import RULES, Store
from matcher.simulation.market import Shift
from matcher.simulation.market_outcome import OrderLife, physical_stops, visits_by_courier
from matcher.simulation.mdrp.evaluation import METRIC_TEXTS
from matcher.simulation.outcome import Visit
from matcher.simulation.place import stop_place

_METERS_PER_DEGREE = 111_195.0
_START = RULES.start_at_ms


def demo_view(run: DemoRun, command: str) -> RunView:
    """The run, ready to be shown."""
    city, provenance = run.city, run.cycles[-1].decision.provenance
    return RunView(
        title="Demo market",
        subtitle=f"Two hours around lunch in a made-up city: {len(city.stores)} stores, {len(city.market.orders)} "
        f"orders, {len(city.market.shifts)} couriers on shifts, a decision every {RULES.cycle_ms // 1000} simulated "
        "seconds through a gRPC server. Couriers can be diverted at any stop that they are not yet driving to.",
        figures=_figures(run),
        metrics=_metrics(run),
        provenance=(
            ("command", command),
            ("policy", f"{provenance.policy} {provenance.policy_digest}"),
            ("build", f"{provenance.build_version} {provenance.build_digest}"),
            ("configuration", run.config_digest),
            ("seed", str(city.seed)),
            ("travel times", ", ".join(provenance.models.values())),
        ),
        market=_market(run),
        cycles=_cycles(run),
    )


def _figures(run: DemoRun) -> tuple[Figure, ...]:
    metrics, late = run.metrics, late_orders(run.lives)
    delivered = max(1, int(metrics.delivered))
    proven = sum(cycle.decision.gap <= 0.0 for cycle in run.cycles)
    used = ", ".join(f"{count} {name}" for name, count in rungs(run).items())
    return (
        Figure("Delivered", f"{metrics.delivered:.0f}", f"of {metrics.orders:.0f}", f"{len(run.broken)} rules broken"),
        Figure("Click-to-door", _one(metrics.click_to_door_mean), "min", f"p90 {_one(metrics.click_to_door_p90)}"),
        Figure("Ready-to-pickup", _one(metrics.ready_to_pickup_mean), "min", "mean"),
        Figure("Late", f"{100 * len(late) / delivered:.1f}", "%", f"by {sum(late) / max(1, len(late)):.1f} min, mean"),
        Figure("Batched", f"{100 * sum(life.shared for life in run.lives) / delivered:.0f}", "%", "shared a trip"),
        Figure("Utilisation", f"{100 * (metrics.utilization or 0):.0f}", "%", "of courier time"),
        Figure("Decision p50", _one(metrics.decision_ms_p50), "ms",
               f"p95 {_one(metrics.decision_ms_p95)}, p99 {_one(metrics.decision_ms_p99)}"),
        Figure("Certified gap", f"{100 * (metrics.certified_gap_mean or 0):.2f}", "%",
               f"{proven} of {len(run.cycles)} proven; {used}"),
    )  # fmt: skip


def _metrics(run: DemoRun) -> tuple[MetricRow, ...]:
    values = asdict(run.metrics)
    return tuple(
        MetricRow(text.label, float(values[name]), text.unit, text.meaning)
        for name, text in METRIC_TEXTS.items()
        if values[name] is not None
    )


def _market(run: DemoRun) -> MarketMap:
    stores = {store.id: k for k, store in enumerate(run.city.stores)}
    visits = visits_by_courier(run.outcome)
    orders = {life.order.id: life for life in run.lives}
    hours, minutes = divmod(_START // 60_000 % 1_440, 60)
    return MarketMap(
        stores=tuple(StoreMark(store.id, *_meters(run, store.latitude, store.longitude)) for store in run.city.stores),
        orders=tuple(_trace(run, life, stores[life.order.store_id]) for life in run.lives),
        couriers=tuple(
            _track(run, shift, visits.get(shift.courier.id, []), orders) for shift in run.city.market.shifts
        ),
        starts_at=f"{hours:02d}:{minutes:02d}",
    )


def _trace(run: DemoRun, life: OrderLife, store: int) -> OrderTrace:
    order = life.order
    return OrderTrace(
        store,
        *_meters(run, order.dropoff_latitude, order.dropoff_longitude),
        placed_s=_seconds(order.placed_at_ms or _START),
        ready_s=_seconds(order.ready_at_ms or _START),
        promised_s=None if order.promised_by_ms is None else _seconds(order.promised_by_ms),
        assigned_s=None if life.assigned_at_ms is None else _seconds(life.assigned_at_ms),
        pickup_s=None if life.pickup_at_ms is None else _seconds(life.pickup_at_ms),
        dropoff_s=None if life.dropoff_at_ms is None else _seconds(life.dropoff_at_ms),
    )


def _track(run: DemoRun, shift: Shift, visits: list[Visit], lives: dict[str, OrderLife]) -> CourierTrack:
    here = _meters(run, shift.courier.latitude, shift.courier.longitude)
    points = [(_seconds(shift.on_at_ms), *here)]
    for stop in physical_stops(visits):
        place = stop_place(lives[stop[0].order_id].order, stop[0].kind)
        points.append((_seconds(stop[0].set_off_at_ms), *here))
        here = _meters(run, place.latitude, place.longitude)
        points += [
            (_seconds(min(v.arrive_at_ms for v in stop)), *here),
            (_seconds(max(v.depart_at_ms for v in stop)), *here),
        ]
    return CourierTrack(
        name=shift.courier.id,
        mode=shift.courier.mode.name.lower(),
        on_s=_seconds(shift.on_at_ms),
        off_s=_seconds(shift.off_at_ms),
        points=tuple(points),
        busy=_busy(visits, lives),
    )


def _busy(visits: list[Visit], lives: dict[str, OrderLife]) -> tuple[tuple[float, float], ...]:
    """Spans from an order's assignment to its door, joined where they touch."""
    doors = {visit.order_id: visit.depart_at_ms for visit in visits if visit.kind is StopKind.DROPOFF}
    spans = sorted((_seconds(lives[id_].assigned_at_ms or _START), _seconds(end)) for id_, end in doors.items())
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def _cycles(run: DemoRun) -> CycleSeries:
    visits = visits_by_courier(run.outcome)
    lives = {life.order.id: life for life in run.lives}
    spans = [_busy(visits[courier], lives) for courier in visits]
    at = [_seconds(cycle.at_ms) for cycle in run.cycles]
    doors = sorted(life.dropoff_at_ms for life in run.lives if life.dropoff_at_ms is not None)
    return CycleSeries(
        at_s=tuple(at),
        open_orders=tuple(cycle.placed - cycle.committed for cycle in run.cycles),
        active_orders=tuple(c.committed - sum(door <= c.at_ms for door in doors) for c in run.cycles),
        busy_couriers=tuple(sum(any(a <= t < b for a, b in own) for own in spans) for t in at),
        couriers_on_shift=tuple(
            sum(shift.on_at_ms <= cycle.at_ms < shift.off_at_ms for shift in run.city.market.shifts)
            for cycle in run.cycles
        ),
        decision_ms=run.decision_ms,
        gap=tuple(cycle.decision.gap for cycle in run.cycles),
        rung=tuple(cycle.decision.rung.name.lower() for cycle in run.cycles),
    )


def _meters(run: DemoRun, latitude: float, longitude: float) -> tuple[float, float]:
    """East and north of the first store; over a city a plane is as good as the globe."""
    origin: Store = run.city.stores[0]
    shrink = math.cos(math.radians(origin.latitude))
    return (
        (longitude - origin.longitude) * _METERS_PER_DEGREE * shrink,
        (latitude - origin.latitude) * _METERS_PER_DEGREE,
    )


def _seconds(at_ms: int) -> float:
    return (at_ms - _START) / 1e3


def _one(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
