"""What came of a market with divertible couriers: the life of every order, the figures, and the rules that were broken.

The rules are checked from the visits alone, by code that shares nothing with the engine: what the market promises its
customers and couriers, and that nobody moves faster than its mode allows.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from matcher.domain import EARTH_RADIUS_M, Policy
from matcher.domain.enums import StopKind, TravelMode
from matcher.domain.rows import Order
from matcher.domain.snapshot import F64
from matcher.simulation.equality import gini
from matcher.simulation.market import Market, Shift
from matcher.simulation.mdrp.evaluation import Metrics
from matcher.simulation.outcome import Outcome, Visit
from matcher.simulation.place import Place, stop_place

_MINUTE_MS = 60_000.0


@dataclass(frozen=True, slots=True)
class OrderLife:
    """One order from placement to door; None where it never came to that. Unix ms."""

    order: Order
    courier_id: str | None
    assigned_at_ms: int | None
    pickup_at_ms: int | None
    dropoff_at_ms: int | None
    shared: bool
    """Whether another order was on board at the same time."""


def order_lives(market: Market, outcome: Outcome) -> tuple[OrderLife, ...]:
    """Every order of the market, as listed."""
    assigned = {order_id: plan for plan in outcome.commitments for order_id in plan.order_ids}
    pickup = {visit.order_id: visit.at_ms for visit in outcome.visits if visit.kind is StopKind.PICKUP}
    dropoff = {visit.order_id: visit.at_ms for visit in outcome.visits if visit.kind is StopKind.DROPOFF}
    aboard: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for order_id, plan in assigned.items():
        if order_id in dropoff:
            aboard[plan.courier_id].append((pickup[order_id], dropoff[order_id], order_id))
    shared = set()
    for spans in aboard.values():
        for first, second in ((a, b) for a in spans for b in spans if a[2] < b[2]):
            if first[0] < second[1] and second[0] < first[1]:
                shared |= {first[2], second[2]}
    return tuple(
        OrderLife(
            order=order,
            courier_id=assigned[order.id].courier_id if order.id in assigned else None,
            assigned_at_ms=assigned[order.id].at_ms if order.id in assigned else None,
            pickup_at_ms=pickup.get(order.id),
            dropoff_at_ms=dropoff.get(order.id),
            shared=order.id in shared,
        )
        for order in market.orders
    )


def physical_stops(visits: Sequence[Visit]) -> list[list[Visit]]:
    """Visits of one courier by the stop at which they were made, in order of time.

    An order that joins a stop while it is being served has its own time of arrival.
    """
    return [list(stop) for _, stop in groupby(visits, key=lambda visit: (visit.kind, visit.set_off_at_ms, visit.at_ms))]


def visits_by_courier(outcome: Outcome) -> dict[str, list[Visit]]:
    """Couriers who made a stop, with their visits in order of time."""
    found: dict[str, list[Visit]] = defaultdict(list)
    for visit in outcome.visits:
        found[visit.courier_id].append(visit)
    return dict(found)


def market_metrics(
    market: Market,
    outcome: Outcome,
    *,
    pay_per_hour: float,
    decision_ms: Sequence[float],
    gaps: Sequence[float],
    violations: int,
) -> Metrics:
    """The figures of a run, by the same names as those of meal-delivery days; the target of an order is its promise."""
    lives = order_lives(market, outcome)
    done = [life for life in lives if life.dropoff_at_ms is not None]
    door = _minutes([_since(life.dropoff_at_ms, life.order.placed_at_ms) for life in done])
    promised = [life for life in done if life.order.promised_by_ms is not None]
    late = _minutes([max(0, _since(life.dropoff_at_ms, life.order.promised_by_ms)) for life in promised])
    to_pickup = _minutes([_since(life.pickup_at_ms, life.order.ready_at_ms) for life in done])
    to_door = _minutes([_since(life.dropoff_at_ms, life.order.ready_at_ms) for life in done])
    visits = visits_by_courier(outcome)
    orders = {order.id: order for order in market.orders}
    bundles = [len(s) for own in visits.values() for s in physical_stops(own) if s[0].kind is StopKind.PICKUP]
    hours = np.array([(shift.off_at_ms - shift.on_at_ms) / 3.6e6 for shift in market.shifts])
    busy = np.array([_busy_ms(visits.get(shift.courier.id, []), orders) / 3.6e6 for shift in market.shifts])
    count = np.array([
        sum(visit.kind is StopKind.DROPOFF for visit in visits.get(shift.courier.id, []))
        for shift in market.shifts
    ])  # fmt: skip
    earned = np.array([_earned(visits.get(shift.courier.id, []), orders) for shift in market.shifts])
    worked = hours > 0.0
    times = np.asarray(decision_ms, dtype=np.float64)
    return Metrics(
        orders=len(lives),
        delivered=len(done),
        undelivered_pct=100.0 * (len(lives) - len(done)) / len(lives),
        click_to_door_mean=_mean(door),
        click_to_door_p90=_quantile(door, 0.9),
        overage_mean=_mean(late),
        ready_to_pickup_mean=_mean(to_pickup),
        ready_to_door_mean=_mean(to_door),
        cost_per_order=float(hours.sum()) * pay_per_hour / len(done) if done else None,
        orders_per_bundle=_mean(np.array(bundles, dtype=np.float64)),
        orders_per_hour=_mean(count[worked] / hours[worked]),
        utilization=_mean(busy[worked] / hours[worked]),
        decision_ms_p50=_quantile(times, 0.5),
        decision_ms_p95=_quantile(times, 0.95),
        decision_ms_p99=_quantile(times, 0.99),
        certified_gap_mean=_mean(np.asarray(gaps, dtype=np.float64)),
        earnings_gini=gini(earned[worked] / hours[worked]),
        earnings_per_hour_p10=_quantile(earned[worked] / hours[worked], 0.1) if earned.any() else None,
        strict_violations=violations,
    )


def broken_rules(market: Market, outcome: Outcome, policy: Policy) -> list[str]:
    """Every rule of the market that the visits break, a sentence each. `policy` gives the speeds of the modes."""
    orders = {order.id: order for order in market.orders}
    shifts = {shift.courier.id: shift for shift in market.shifts}
    seen: dict[tuple[StopKind, str], Visit] = {}
    broken = []
    for visit in outcome.visits:
        if (visit.kind, visit.order_id) in seen:
            broken.append(f"{visit.order_id}: {visit.kind.name.lower()} made twice")
        seen[visit.kind, visit.order_id] = visit
    for (kind, order_id), visit in seen.items():
        order = orders[order_id]
        if kind is StopKind.PICKUP:
            if (StopKind.DROPOFF, order_id) not in seen:
                broken.append(f"{order_id}: picked up and never dropped off")
            if visit.at_ms < max(order.ready_at_ms or 0, visit.arrive_at_ms + order.pickup_access_ms):
                broken.append(f"{order_id}: picked up before it was ready or the courier there")
            if visit.at_ms > shifts[visit.courier_id].off_at_ms:
                broken.append(f"{order_id}: picked up after the shift of {visit.courier_id}")
            continue
        start = seen.get((StopKind.PICKUP, order_id))
        if start is None or start.courier_id != visit.courier_id or start.at_ms > visit.at_ms:
            broken.append(f"{order_id}: dropped off by {visit.courier_id} without having been picked up by them")
        elif order.freshness_limit_ms is not None and visit.at_ms - start.at_ms > order.freshness_limit_ms:
            broken.append(f"{order_id}: on board longer than its freshness limit")
        if visit.at_ms < visit.arrive_at_ms + order.dropoff_access_ms:
            broken.append(f"{order_id}: dropped off before the courier was there")
    for courier_id, visits in visits_by_courier(outcome).items():
        broken += _broken_by(shifts[courier_id], visits, orders, policy)
    return broken


def _broken_by(shift: Shift, visits: list[Visit], orders: dict[str, Order], policy: Policy) -> list[str]:
    broken = []
    courier_id = shift.courier.id
    load = 0
    for visit in visits:
        order = orders[visit.order_id]
        load += order.size if visit.kind is StopKind.PICKUP else -order.size
        if load > shift.courier.capacity:
            broken.append(f"{courier_id}: carries {load} of {shift.courier.capacity} after {visit.order_id}")
        if not set(order.required_skills) <= set(shift.courier.skills):
            broken.append(f"{courier_id}: lacks a skill for {visit.order_id}")
    speed = _speed(policy, shift.courier.mode)
    here, free = Place(shift.courier.latitude, shift.courier.longitude), shift.on_at_ms
    for stop in physical_stops(visits):
        there = stop_place(orders[stop[0].order_id], stop[0].kind)
        least = _meters(here, there) * policy.travel.road_factor / speed * 3.6e6
        # Times are rounded up, so only positions taken on the way can make a leg seem short: by their last digit.
        arrived = min(visit.arrive_at_ms for visit in stop)
        if arrived - stop[0].set_off_at_ms < least - 50.0:
            broken.append(f"{courier_id}: reaches {stop[0].order_id} faster than its mode allows")
        if stop[0].set_off_at_ms < free:
            broken.append(f"{courier_id}: leaves for {stop[0].order_id} before it is free")
        here, free = there, max(visit.depart_at_ms for visit in stop)
    for one, other in pairwise(visits):
        if one.at_ms > other.at_ms:
            broken.append(f"{courier_id}: {other.order_id} is visited before {one.order_id} and listed after")
    return broken


def _speed(policy: Policy, mode: TravelMode) -> int:
    travel = policy.travel
    return {
        TravelMode.CAR: travel.car_mph,
        TravelMode.MOTORCYCLE: travel.motorcycle_mph,
        TravelMode.BICYCLE: travel.bicycle_mph,
        TravelMode.FOOT: travel.foot_mph,
    }[mode]


def _meters(a: Place, b: Place) -> float:
    """Great circle, by the haversine formula."""
    north = math.radians(b.latitude - a.latitude)
    east = math.radians(b.longitude - a.longitude)
    cosines = math.cos(math.radians(a.latitude)) * math.cos(math.radians(b.latitude))
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(math.sin(north / 2) ** 2 + cosines * math.sin(east / 2) ** 2))


def _busy_ms(visits: list[Visit], orders: dict[str, Order]) -> float:
    """Driving and serving; waiting for goods is neither."""
    total = 0
    for stop in physical_stops(visits):
        served = [orders[visit.order_id] for visit in stop]
        pickup = stop[0].kind is StopKind.PICKUP
        access = max(order.pickup_access_ms if pickup else order.dropoff_access_ms for order in served)
        leave = max(visit.depart_at_ms - visit.at_ms for visit in stop)
        arrived = min(visit.arrive_at_ms for visit in stop)
        total += arrived - stop[0].set_off_at_ms + access + leave
    return float(total)


def _earned(visits: list[Visit], orders: dict[str, Order]) -> float:
    """With orders dropped off, in units of money."""
    done = (visit.order_id for visit in visits if visit.kind is StopKind.DROPOFF)
    return sum(orders[order_id].courier_pay_micros for order_id in done) / 1e6


def _since(later: int | None, earlier: int | None) -> int:
    assert later is not None
    assert earlier is not None
    return later - earlier


def _minutes(values: list[int]) -> F64:
    return np.array(values, dtype=np.float64) / _MINUTE_MS


def _mean(values: F64) -> float | None:
    return float(values.mean()) if len(values) else None


def _quantile(values: F64, q: float) -> float | None:
    return float(np.quantile(values, q)) if len(values) else None
