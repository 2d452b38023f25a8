"""Plans re-checked stop by stop: feasibility, times, quantities and cost, in plain Python from the snapshot's columns.

Written for reading, not speed: it visits only the couriers whose routes change. It is the definition of what a
schedule means; the kernels must agree with it to the millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from matcher.domain import NEVER_MS, Additions, CostPolicy, MatrixTravel, Policy, Snapshot, StopKind, Travel
from matcher.verify.terms import changed_announcements, floor_reached, pay_on_top, refusal_cost, unfairness

Stops = Sequence[tuple[StopKind, int]]
"""A route: kind and order index of each stop."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Times of a route, its quantities in ms, and by how much each limit is broken."""

    arrive: tuple[int, ...]
    at: tuple[int, ...]
    depart: tuple[int, ...]
    quantities: tuple[int, int, int, int, int, int]
    depart_by: int
    on_board: int
    """From hand-over to drop-off, summed over orders, in ms."""
    broken: dict[tuple[str, int], int]
    """(limit, order) → excess, for every limit that is not kept."""


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """Result of `check_plans`: sentences for what is wrong (none: the plans hold) and the recomputed cost."""

    faults: tuple[str, ...]
    cost_micros: int
    """Cost of all new routes less that of the old ones, summed over terms, rounded down per term and route."""
    timelines: dict[int, Timeline]
    """Courier → its new timeline."""


def travel_ms(snapshot: Snapshot, travel: Travel, courier: int, origin: int, destination: int) -> int:
    """Travel time between two locations for a courier, in ms."""
    if origin == destination:
        return 0
    if isinstance(travel, MatrixTravel):
        return int(travel.matrix_ms[travel.profile[courier], origin, destination])
    places = snapshot.locations
    dx = float(places.x[origin]) - float(places.x[destination])
    dy = float(places.y[origin]) - float(places.y[destination])
    dz = float(places.z[origin]) - float(places.z[destination])
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    if places.radius_m > 0:
        distance = 2 * places.radius_m * math.asin(min(1.0, distance / (2 * places.radius_m)))
    speed = int(travel.speed_mph[courier])
    return math.ceil(distance * travel.factor * 3.6e6 / (speed * travel.quantum_ms)) * travel.quantum_ms


def timeline(snapshot: Snapshot, travel: Travel, policy: Policy, courier: int, stops: Stops) -> Timeline:
    """Earliest times of a route and everything that follows from them."""
    orders, couriers = snapshot.orders, snapshot.couriers
    clock, place = int(couriers.free_ms[courier]), int(couriers.loc[courier])
    shift_end, capacity = int(couriers.shift_end_ms[courier]), int(couriers.capacity[courier])
    skills = int(couriers.skills[courier])
    severe_after = policy.costs.severe_lateness_after_ms
    picked = {order for kind, order in stops if kind == StopKind.PICKUP}
    load = sum(int(orders.size[order]) for kind, order in stops if kind == StopKind.DROPOFF and order not in picked)
    pickup_at = {
        order: int(orders.ready_ms[order]) for kind, order in stops if kind == StopKind.DROPOFF and order not in picked
    }

    arrive: list[int] = []
    at: list[int] = []
    depart: list[int] = []
    broken: dict[tuple[str, int], int] = {}
    click_to_door = lateness = severe = pickup_delay = driven = on_board = 0
    depart_by: int | None = None

    def limit(name: str, order: int, excess: int) -> None:
        if excess > 0:
            broken[name, order] = max(excess, broken.get((name, order), 0))

    first = 0
    while first < len(stops):
        kind, order = stops[first]
        here = int((orders.pickup_loc if kind == StopKind.PICKUP else orders.dropoff_loc)[order])
        last = first + 1
        if kind == StopKind.PICKUP or policy.bundling.share_dropoff_service:
            column = orders.pickup_loc if kind == StopKind.PICKUP else orders.dropoff_loc
            while last < len(stops) and stops[last][0] == kind and int(column[stops[last][1]]) == here:
                last += 1
        group = [order for _, order in stops[first:last]]
        if kind == StopKind.PICKUP:
            access = max(int(orders.pickup_access_ms[order]) for order in group)
            leave = max(int(orders.pickup_leave_ms[order]) for order in group)
            earliest = max(int(orders.ready_ms[order]) for order in group)
        else:
            access = max(int(orders.dropoff_access_ms[order]) for order in group)
            leave = max(int(orders.dropoff_leave_ms[order]) for order in group)
            earliest = max(int(orders.dropoff_not_before_ms[order]) for order in group)
        leg = travel_ms(snapshot, travel, courier, place, here)
        event = max(clock + leg + access, earliest)
        if depart_by is None:
            depart_by = event - access - leg
        arrive += [clock + leg] * len(group)
        at += [event] * len(group)
        depart += [event + leave] * len(group)
        driven += leg
        clock, place = event + leave, here
        for order in group:
            limit("skills", order, bin(int(orders.skills[order]) & ~skills).count("1"))
            if kind == StopKind.PICKUP:
                size = int(orders.size[order])
                load += size
                # What fills nothing can be on board of a courier that is over-full already.
                limit("capacity", order, load - capacity if size else 0)
                limit("pickup_by", order, event - int(orders.pickup_by_ms[order]))
                limit("shift_end", order, event - shift_end)
                pickup_at[order] = event
                pickup_delay += event - int(orders.ready_ms[order])
            else:
                load -= int(orders.size[order])
                if order not in pickup_at:
                    broken["order", order] = 1
                    continue
                limit("dropoff_by", order, event - int(orders.dropoff_by_ms[order]))
                limit("freshness", order, event - pickup_at[order] - int(orders.freshness_ms[order]))
                click_to_door += event - int(orders.placed_ms[order])
                on_board += event - pickup_at[order]
                promised = int(orders.promised_by_ms[order])
                if promised < NEVER_MS:
                    lateness += max(0, event - promised)
                    severe += max(0, event - promised - severe_after)
        first = last
    undropped = picked - {order for kind, order in stops if kind == StopKind.DROPOFF}
    for order in undropped:
        broken["order", order] = 1
    if depart_by is None:
        depart_by = clock
    quantities = (click_to_door, lateness, severe, pickup_delay, driven, clock - depart_by)
    return Timeline(tuple(arrive), tuple(at), tuple(depart), quantities, depart_by, on_board, broken)


def route_of(snapshot: Snapshot, courier: int) -> list[tuple[StopKind, int]]:
    """The present route of a courier."""
    begin, end = int(snapshot.routes.ptr[courier]), int(snapshot.routes.ptr[courier + 1])
    kinds = snapshot.routes.stop_kind[begin:end].tolist()
    return [
        (StopKind(kind), order)
        for kind, order in zip(kinds, snapshot.routes.stop_order[begin:end].tolist(), strict=True)
    ]


def end_ms(snapshot: Snapshot, travel: Travel, courier: int, stops: Stops) -> int:
    """Weighted mean travel time from the end of a route to the expected demand, 0 when there is none."""
    place = int(snapshot.couriers.loc[courier])
    for kind, order in stops[-1:]:
        place = int((snapshot.orders.pickup_loc if kind == StopKind.PICKUP else snapshot.orders.dropoff_loc)[order])
    to, weight = snapshot.demand.loc, snapshot.demand.weight.astype(np.uint64)
    weights = int(weight.sum())
    if not weights:
        return 0
    # Weights add up to at most 5e9 and no value is above 2^31 (ms, or centimetres across the Earth): sums fit 64 bits.
    if isinstance(travel, MatrixTravel):
        row = np.maximum(travel.matrix_ms[travel.profile[courier], place, to], 0).astype(np.uint64)
        return int(np.dot(weight, row)) // weights
    x, y, z = snapshot.locations.x, snapshot.locations.y, snapshot.locations.z
    dx, dy, dz = x[place] - x[to], y[place] - y[to], z[place] - z[to]
    chord = np.floor(np.sqrt(dx * dx + dy * dy + dz * dz) * 100.0).astype(np.uint64)
    mean = int(np.dot(weight, chord)) // weights
    return math.floor(float(mean) * (travel.factor * 36000.0 / int(travel.speed_mph[courier])))


def detours(snapshot: Snapshot, stops: Stops, added: Set[int]) -> list[int]:
    """Added orders whose pick-up, before the last stop of the present route, is a visit of its own."""
    last = max((k for k, (_, order) in enumerate(stops) if order not in added), default=-1)
    found = []
    first = 0
    while first <= last:
        kind, order = stops[first]
        place = int(snapshot.orders.pickup_loc[order])
        end = first + 1
        while kind == StopKind.PICKUP and end < len(stops) and stops[end][0] == kind:
            if int(snapshot.orders.pickup_loc[stops[end][1]]) != place:
                break
            end += 1
        visit = [order for _, order in stops[first:end]]
        if kind == StopKind.PICKUP and added >= set(visit):
            found += visit
        first = end
    return found


def check_plans(
    snapshot: Snapshot, travel: Travel, policy: Policy, plans: dict[int, list[tuple[StopKind, int]]]
) -> PlanCheck:
    """Check the new routes of the couriers in `plans` (courier → stops) against the snapshot.

    A new order must break no limit. What a route carried already may go on breaking a limit that reality has broken,
    never by more than before.
    """
    weights = (
        policy.costs.click_to_door,
        policy.costs.lateness,
        policy.costs.severe_lateness,
        policy.costs.pickup_delay,
        policy.costs.travel,
        policy.costs.courier_time,
    )
    faults: list[str] = []
    taken: set[int] = set()
    cost = 0
    timelines: dict[int, Timeline] = {}
    refused: dict[int, set[int]] = {}
    for order, courier in zip(snapshot.refusals.order.tolist(), snapshot.refusals.courier.tolist(), strict=True):
        refused.setdefault(courier, set()).add(order)
    for courier in sorted(plans):
        name = snapshot.couriers.ids[courier]
        stops, present = plans[courier], route_of(snapshot, courier)
        locked = int(snapshot.routes.locked[courier])
        kept = [stop for stop in stops if int(snapshot.orders.courier[stop[1]]) == courier]
        added = [stop for stop in stops if int(snapshot.orders.courier[stop[1]]) != courier]
        if stops[:locked] != present[:locked]:
            faults.append(f"courier {name}: the locked stops have changed")
        if kept != present:
            faults.append(f"courier {name}: stops of the present route were dropped or reordered")
        for order in sorted({order for _, order in added}):
            if int(snapshot.orders.courier[order]) >= 0 or order in taken:
                faults.append(f"order {snapshot.orders.ids[order]}: given to courier {name} and to another")
            if sorted(kind for kind, other in added if other == order) != [StopKind.PICKUP, StopKind.DROPOFF]:
                faults.append(f"order {snapshot.orders.ids[order]}: not picked up once and dropped off once")
            if order in refused.get(courier, ()):
                faults.append(f"order {snapshot.orders.ids[order]}: given to courier {name}, who refused it")
            taken.add(order)
        if policy.holding.additions is Additions.SAME_PICKUP:
            faults += [
                f"courier {name}, order {snapshot.orders.ids[order]}: not added at a pick-up of its place"
                for order in detours(snapshot, stops, {order for _, order in added})
            ]
        if len(stops) > policy.candidates.max_route_stops and added:
            faults.append(
                f"courier {name}: {len(stops)} stops, more than the policy's {policy.candidates.max_route_stops}"
            )
        before = timeline(snapshot, travel, policy, courier, present)
        after = timeline(snapshot, travel, policy, courier, stops)
        timelines[courier] = after
        for (limit, order), excess in sorted(after.broken.items()):
            if excess > before.broken.get((limit, order), 0):
                faults.append(f"courier {name}, order {snapshot.orders.ids[order]}: {limit} broken by {excess}")
        cost += sum(
            weight * (new - old) // 1000
            for weight, new, old in zip(weights, after.quantities, before.quantities, strict=True)
        )
        if policy.costs.standing:
            ends = [end_ms(snapshot, travel, courier, route) for route in (present, stops)]
            cost += policy.costs.standing * (ends[1] - ends[0]) // 1000
        if policy.costs.pay:
            cost += policy.costs.pay * pay_on_top(snapshot, courier, {order for _, order in added}) // 1000
        cost += _optional_terms(snapshot, policy.costs, courier, {order for _, order in added}, before, after)
    return PlanCheck(tuple(faults), cost, timelines)


def _optional_terms(
    snapshot: Snapshot, costs: CostPolicy, courier: int, added: Set[int], before: Timeline, after: Timeline
) -> int:
    """Cost in micros of the terms that a policy asks for by giving them a weight."""
    cost = costs.freshness * (after.on_board - before.on_board) // 1000
    if costs.acceptance:
        cost += refusal_cost(snapshot, costs, courier, added)
    if costs.fairness:
        cost += unfairness(snapshot, costs, courier, added)
    if costs.earnings_floor:
        cost += floor_reached(snapshot, costs, courier, added)
    if costs.sticky:
        cost += changed_announcements(snapshot, costs, courier, added)
    return cost
