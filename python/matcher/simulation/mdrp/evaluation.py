"""The published measures of a day, per order and per courier, and the summary that `metrics.json` holds.

Definitions are those of the reference evaluator: click-to-door is drop-off minus placement, ready-to-door drop-off
minus ready, ready-to-pickup pick-up minus ready, overage what click-to-door exceeds its target by; a courier's
utilization is its minutes driving and serving by its scheduled shift (0 for one that never moves); it is paid the
larger of its orders' pay and its shift's guarantee, used or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from matcher.domain.snapshot import F64
from matcher.simulation.equality import gini
from matcher.simulation.mdrp.instance import Instance, travel_minutes
from matcher.simulation.mdrp.solution import Solution


@dataclass(frozen=True, slots=True)
class DayMeasures:
    """Minutes and dollars. Orders: delivered ones as listed in the solution. Couriers: the whole roster."""

    click_to_door: F64
    ready_to_door: F64
    ready_to_pickup: F64
    overage: F64
    orders_per_bundle: F64
    """One entry per assignment."""
    orders_per_hour: F64
    """NaN for a shift of no length without orders."""
    bundles_per_hour: F64
    utilization: F64
    guaranteed_earnings: F64
    order_earnings: F64
    payment: F64


def measure(instance: Instance, solution: Solution) -> DayMeasures:
    """All measures of one solution. KeyError when it names ids that the instance does not have."""
    rules = instance.parameters
    places = instance.places()
    row = {order: k for k, order in enumerate(instance.orders.ids)}
    at = np.array([row[o.order] for o in solution.orders], dtype=np.int64)
    pickup = np.array([o.pickup for o in solution.orders], dtype=np.float64)
    dropoff = np.array([o.dropoff for o in solution.orders], dtype=np.float64)
    placement, ready = instance.orders.placement[at], instance.orders.ready[at]
    click_to_door = dropoff - placement

    shift = (instance.couriers.off - instance.couriers.on).astype(np.float64)
    driving: Counter[str] = Counter()
    for move in solution.moves:
        driving[move.courier] += travel_minutes(places[move.origin], places[move.destination], rules.meters_per_minute)
    served = Counter(o.courier for o in solution.orders)
    bundles = Counter(a.courier for a in solution.assignments)
    moved = {move.courier for move in solution.moves}

    def per_courier(counts: Counter[str]) -> F64:
        return np.array([counts[courier] for courier in instance.couriers.ids], dtype=np.float64)

    orders, bundle_counts = per_courier(served), per_courier(bundles)
    busy = per_courier(driving) + rules.dropoff_service * orders + rules.pickup_service * bundle_counts
    with np.errstate(divide="ignore", invalid="ignore"):
        orders_per_hour, bundles_per_hour = 60 * orders / shift, 60 * bundle_counts / shift
        utilization = np.nan_to_num(busy / shift, nan=0.0, posinf=np.inf)
    utilization[[courier not in moved for courier in instance.couriers.ids]] = 0.0
    guaranteed = shift * rules.guaranteed_pay_per_hour / 60.0
    earnings = orders * rules.pay_per_order
    return DayMeasures(
        click_to_door=click_to_door,
        ready_to_door=dropoff - ready,
        ready_to_pickup=pickup - ready,
        overage=np.maximum(0.0, click_to_door - rules.target_click_to_door),
        orders_per_bundle=np.array([len(a.orders) for a in solution.assignments], dtype=np.float64),
        orders_per_hour=orders_per_hour,
        bundles_per_hour=bundles_per_hour,
        utilization=utilization,
        guaranteed_earnings=guaranteed,
        order_earnings=earnings,
        payment=np.maximum(earnings, guaranteed),
    )


@dataclass(frozen=True, slots=True)
class Metrics:
    """One instance's entry in `metrics.json`, or the mean of many. Minutes, dollars, milliseconds.

    None: undefined, e.g. a mean over no orders.
    """

    orders: float
    delivered: float
    undelivered_pct: float | None
    click_to_door_mean: float | None
    click_to_door_p90: float | None
    overage_mean: float | None
    ready_to_pickup_mean: float | None
    ready_to_door_mean: float | None
    cost_per_order: float | None
    """Total payment by orders delivered."""
    orders_per_bundle: float | None
    orders_per_hour: float | None
    """Mean over the roster, as is utilization."""
    utilization: float | None
    decision_ms_p50: float | None
    decision_ms_p95: float | None
    decision_ms_p99: float | None
    certified_gap_mean: float | None
    """Mean over the decisions of the day."""
    earnings_gini: float | None
    """Of what couriers earn with orders by hour of shift; guarantees and tips are not in it."""
    earnings_per_hour_p10: float | None
    """What all but a tenth of the couriers earn by hour of shift, at the least."""
    strict_violations: float


@dataclass(frozen=True, slots=True)
class MetricText:
    """How a metric is shown to people."""

    label: str
    unit: str
    meaning: str


METRIC_TEXTS: dict[str, MetricText] = {
    "orders": MetricText("orders", "", "Orders placed"),
    "delivered": MetricText("delivered", "", "Orders delivered"),
    "undelivered_pct": MetricText("undelivered", "%", "Orders never picked up, of all"),
    "click_to_door_mean": MetricText("click to door", "min", "From placement to drop-off"),
    "click_to_door_p90": MetricText("click to door, p90", "min", "The same, 90th percentile"),
    "overage_mean": MetricText("overage", "min", "Click-to-door beyond its target"),
    "ready_to_pickup_mean": MetricText("ready to pick-up", "min", "From being ready to the pick-up"),
    "ready_to_door_mean": MetricText("ready to door", "min", "From being ready to the drop-off"),
    "cost_per_order": MetricText("cost per order", "$", "Pay of all couriers by orders delivered"),
    "orders_per_bundle": MetricText("orders per bundle", "", "Orders picked up together"),
    "orders_per_hour": MetricText("orders per hour", "", "Per courier and hour of shift, mean over the roster"),
    "utilization": MetricText("utilization", "", "Minutes driving and serving by minutes of shift, roster mean"),
    "decision_ms_p50": MetricText("decision, p50", "ms", "Time of a decision, median"),
    "decision_ms_p95": MetricText("decision, p95", "ms", "The same, 95th percentile"),
    "decision_ms_p99": MetricText("decision, p99", "ms", "The same, 99th percentile"),
    "certified_gap_mean": MetricText("certified gap", "", "Proven distance from the best decision over the candidates"),
    "earnings_gini": MetricText("earnings, Gini", "", "Inequality of couriers' earnings with orders by hour of shift"),
    "earnings_per_hour_p10": MetricText("earnings, p10", "$/h", "What nine in ten couriers earn with orders, at least"),
    "strict_violations": MetricText("rules broken", "", "By the strict checker"),
}
"""Every metric, in the order in which they are shown."""


def summarize(
    instance: Instance,
    solution: Solution,
    *,
    decision_ms: Sequence[float],
    gaps: Sequence[float],
    strict_violations: int,
) -> Metrics:
    """The metrics of one day. `decision_ms` and `gaps` have one entry per decision."""
    day = measure(instance, solution)
    orders, delivered = len(instance.orders.ids), len(solution.orders)
    times = np.asarray(decision_ms, dtype=np.float64)
    hours = (instance.couriers.off - instance.couriers.on) / 60.0
    hourly = day.order_earnings[hours > 0] / hours[hours > 0]
    return Metrics(
        orders=orders,
        delivered=delivered,
        undelivered_pct=100.0 * (orders - delivered) / orders if orders else None,
        click_to_door_mean=_mean(day.click_to_door),
        click_to_door_p90=_percentile(day.click_to_door, 90),
        overage_mean=_mean(day.overage),
        ready_to_pickup_mean=_mean(day.ready_to_pickup),
        ready_to_door_mean=_mean(day.ready_to_door),
        cost_per_order=float(day.payment.sum()) / delivered if delivered else None,
        orders_per_bundle=_mean(day.orders_per_bundle),
        orders_per_hour=_mean(day.orders_per_hour[np.isfinite(day.orders_per_hour)]),
        utilization=_mean(day.utilization[np.isfinite(day.utilization)]),
        decision_ms_p50=_percentile(times, 50),
        decision_ms_p95=_percentile(times, 95),
        decision_ms_p99=_percentile(times, 99),
        certified_gap_mean=_mean(np.asarray(gaps, dtype=np.float64)),
        earnings_gini=gini(hourly),
        earnings_per_hour_p10=_percentile(hourly, 10),
        strict_violations=strict_violations,
    )


def mean_metrics(metrics: Sequence[Metrics]) -> Metrics:
    """The plain mean over instances of each figure, as the published tables give it; undefined entries left out."""
    rows = [asdict(entry) for entry in metrics]
    means: dict[str, float | None] = {}
    for name in Metrics.__dataclass_fields__:
        known = [row[name] for row in rows if row[name] is not None]
        means[name] = float(np.mean(known)) if known else None
    return Metrics(**means)  # type: ignore[arg-type]  # the names are those of the fields


def _mean(values: F64) -> float | None:
    return float(values.mean()) if len(values) else None


def _percentile(values: F64, q: float) -> float | None:
    return float(np.percentile(values, q)) if len(values) else None
