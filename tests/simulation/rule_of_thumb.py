"""A decider that shares nothing with the engine: orders first come first served, each at the end of the route of the
courier who can be at the pick-up first. Gives the world, the checker and the files something to work on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matcher.domain import (
    CourierPlan,
    Decision,
    Effort,
    OrderOutcome,
    OrderStatus,
    PlannedStop,
    Provenance,
    Rung,
    Snapshot,
    SpatialFrame,
    StopKind,
    WaitReason,
)


@dataclass
class _Route:
    """A courier's schedule so far, in milliseconds from now."""

    loc: int
    clock: int
    stops: list[tuple[StopKind, int, int, int, int]]
    new: list[int]


class FirstComeFirstServed:
    """See the module's text. `speed_mph` drives couriers without their own speed; `quantum_ms` rounds travel up."""

    def __init__(self, *, quantum_ms: int, speed_mph: int = 25_000, only_free: bool = False) -> None:
        self._quantum_ms = quantum_ms
        self._speed_mph = speed_mph
        self._only_free = only_free

    def decide(self, snapshot: Snapshot) -> Decision:
        """Every open order that some courier can still pick up before its shift ends is assigned."""
        orders, couriers = snapshot.orders, snapshot.couriers
        routes = [self._current(snapshot, c) for c in range(len(couriers))]
        given: dict[int, int] = {}
        for o in sorted((int(orders.placed_ms[k]), k) for k in range(len(orders)) if orders.courier[k] < 0):
            order = o[1]
            best: tuple[int, int] | None = None
            for c, route in enumerate(routes):
                if self._only_free and (route.clock > 0 or route.new):
                    continue
                at = self._pickup_at(snapshot, c, route, order)
                if at <= couriers.shift_end_ms[c] and (best is None or (at, c) < best):
                    best = (at, c)
            if best is not None:
                given[order] = best[1]
                for kind in (StopKind.PICKUP, StopKind.DROPOFF):
                    self._append(snapshot, best[1], routes[best[1]], kind, order)
                routes[best[1]].new.append(order)
        return self._decision(snapshot, routes, given)

    def _travel(self, snapshot: Snapshot, courier: int, start: int, end: int) -> int:
        place = snapshot.locations
        chord = math.dist((place.x[start], place.y[start], place.z[start]), (place.x[end], place.y[end], place.z[end]))
        if snapshot.frame is SpatialFrame.WGS84:
            chord = 2 * place.radius_m * math.asin(chord / (2 * place.radius_m))
        speed = int(snapshot.couriers.speed_mph[courier]) or self._speed_mph
        return math.ceil(chord * 3.6e6 / (speed * self._quantum_ms)) * self._quantum_ms

    def _current(self, snapshot: Snapshot, courier: int) -> _Route:
        route = _Route(int(snapshot.couriers.loc[courier]), int(snapshot.couriers.free_ms[courier]), [], [])
        for k in range(int(snapshot.routes.ptr[courier]), int(snapshot.routes.ptr[courier + 1])):
            kind, order = StopKind(int(snapshot.routes.stop_kind[k])), int(snapshot.routes.stop_order[k])
            self._append(snapshot, courier, route, kind, order)
        return route

    def _pickup_at(self, snapshot: Snapshot, courier: int, route: _Route, order: int) -> int:
        orders = snapshot.orders
        arrive = route.clock + self._travel(snapshot, courier, route.loc, int(orders.pickup_loc[order]))
        return max(arrive + int(orders.pickup_access_ms[order]), int(orders.ready_ms[order]))

    def _append(self, snapshot: Snapshot, courier: int, route: _Route, kind: StopKind, order: int) -> None:
        orders = snapshot.orders
        if kind is StopKind.PICKUP:
            loc, at = int(orders.pickup_loc[order]), self._pickup_at(snapshot, courier, route, order)
            arrive = route.clock + self._travel(snapshot, courier, route.loc, loc)
            leave = at + int(orders.pickup_leave_ms[order])
        else:
            loc = int(orders.dropoff_loc[order])
            arrive = route.clock + self._travel(snapshot, courier, route.loc, loc)
            at = max(arrive + int(orders.dropoff_access_ms[order]), int(orders.dropoff_not_before_ms[order]))
            leave = at + int(orders.dropoff_leave_ms[order])
        route.stops.append((kind, order, arrive, at, leave))
        route.loc, route.clock = loc, leave

    def _decision(self, snapshot: Snapshot, routes: list[_Route], given: dict[int, int]) -> Decision:
        now, ids = snapshot.at_unix_ms, snapshot.orders.ids
        plans, dropoff_at = [], {}
        for c, route in enumerate(routes):
            if not route.new:
                continue
            stops = tuple(
                PlannedStop(kind, ids[order], now + arrive, now + at, now + leave)
                for kind, order, arrive, at, leave in route.stops
            )
            dropoff_at |= {stop.order_id: stop.at_ms for stop in stops if stop.kind is StopKind.DROPOFF}
            new = tuple(sorted(ids[order] for order in route.new))
            plans.append(CourierPlan(snapshot.couriers.ids[c], stops, new, now))
        outcomes = []
        for order, order_id in enumerate(ids):
            if order in given:
                courier_id = snapshot.couriers.ids[given[order]]
                outcomes.append(
                    OrderOutcome(order_id, OrderStatus.ASSIGNED, None, courier_id, 0, dropoff_at[order_id], 0)
                )
            elif snapshot.orders.courier[order] < 0:
                reason = WaitReason.NO_FEASIBLE_COURIER
                outcomes.append(OrderOutcome(order_id, OrderStatus.WAITING, reason, "", 0, 0, 0))
        return Decision(
            decision_id=snapshot.digest.hex(),
            market_id=snapshot.market_id,
            at_ms=now,
            plans=tuple(plans),
            outcomes=tuple(outcomes),
            cost_terms=(),
            total_cost_micros=0,
            lower_bound_micros=0,
            gap=0.0,
            rung=Rung.GREEDY,
            degradations=(),
            effort=Effort(
                nearest_couriers=len(routes),
                max_bundle_orders=1,
                first_rung=Rung.GREEDY,
                rung=Rung.GREEDY,
                iterations=0,
            ),
            provenance=Provenance("first-come-first-served", "", "", "", snapshot.digest.hex()),
        )
