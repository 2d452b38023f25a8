"""Slow reference for matcher.kernels.insertion: every position and every sequence, one route simulated at a time.

Written from the statement of the problem, sharing nothing with the kernel: whole routes are rebuilt as lists of stops
and simulated from the start, limits are looked up, and minima are taken over plain loops with Python integers.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

NEVER = 1 << 50
PICKUP, DROPOFF = 1, 2
REASONS = ("OUT_OF_REACH", "SKILLS", "CAPACITY", "SHIFT_END", "TIME_WINDOW", "FRESHNESS", "ROUTE_FULL")

Stop = tuple[int, int]
"""(kind, order)"""


@dataclass
class Simulated:
    """One route as it would happen."""

    groups: list[list[int]] = field(default_factory=list)
    """Indices of stops per visit."""
    arrive: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    depart: list[int] = field(default_factory=list)
    load: list[int] = field(default_factory=list)
    """After each stop."""
    quantities: list[int] = field(default_factory=lambda: [0] * 6)
    depart_by: int = 0


def last_in_first_out(route: list[tuple[int, int]]) -> bool:
    """Whether no order leaves while one that came later is on board."""
    at = {stop: k for k, stop in enumerate(route)}
    spans = [(at.get((PICKUP, order), -1), k) for (kind, order), k in at.items() if kind == DROPOFF]
    return not any(a < c < b < d for a, b in spans for c, d in spans)


class Oracle:
    """The market, with methods that answer by enumeration."""

    def __init__(
        self,
        market: Any,
        travel: Any,
        *,
        share_dropoffs: bool = False,
        severe_after_ms: int = 0,
        detours: bool = True,
        stacked: bool = False,
    ) -> None:
        self.places, self.orders, self.couriers, self.routes = (
            market.locations,
            market.orders,
            market.couriers,
            market.routes,
        )
        self.travel_model = travel
        self.share_dropoffs = share_dropoffs
        self.severe_after = severe_after_ms
        self.detours = detours
        self.stacked = stacked

    def travel(self, courier: int, a: int, b: int) -> int:
        """Milliseconds from place a to place b."""
        if a == b:
            return 0
        t = self.travel_model
        if hasattr(t, "matrix_ms"):
            return int(t.matrix_ms[t.profile[courier], a, b])
        p = self.places
        chord = math.sqrt((p.x[a] - p.x[b]) ** 2 + (p.y[a] - p.y[b]) ** 2 + (p.z[a] - p.z[b]) ** 2)
        arc = 2.0 * p.radius_m * math.asin(min(1.0, chord / (2.0 * p.radius_m))) if p.radius_m > 0 else chord
        return math.ceil(arc * t.factor * 3.6e6 / (int(t.speed_mph[courier]) * t.quantum_ms)) * t.quantum_ms

    def route(self, courier: int) -> list[Stop]:
        """Present stops of a courier."""
        begin, end = int(self.routes.ptr[courier]), int(self.routes.ptr[courier + 1])
        return [(int(self.routes.stop_kind[k]), int(self.routes.stop_order[k])) for k in range(begin, end)]

    def place(self, stop: Stop) -> int:
        """Where a stop is."""
        kind, order = stop
        return int(self.orders.pickup_loc[order] if kind == PICKUP else self.orders.dropoff_loc[order])

    def on_board(self, stops: list[Stop]) -> list[int]:
        """Orders that are dropped off but not picked up on the route."""
        picked = {order for kind, order in stops if kind == PICKUP}
        return [order for kind, order in stops if kind == DROPOFF and order not in picked]

    def simulate(self, courier: int, stops: list[Stop]) -> Simulated:
        """Times of the whole route."""
        o, result = self.orders, Simulated()
        for index, stop in enumerate(stops):
            mergeable = stop[0] == PICKUP or self.share_dropoffs
            before = stops[index - 1] if index else None
            if before and before[0] == stop[0] and self.place(before) == self.place(stop) and mergeable:
                result.groups[-1].append(index)
            else:
                result.groups.append([index])
        clock, where = int(self.couriers.free_ms[courier]), int(self.couriers.loc[courier])
        result.depart_by = clock
        for number, group in enumerate(result.groups):
            members = [stops[index] for index in group]
            here = self.place(members[0])
            leg = self.travel(courier, where, here)
            pickup = members[0][0] == PICKUP
            access = max(int((o.pickup_access_ms if pickup else o.dropoff_access_ms)[order]) for _, order in members)
            leave = max(int((o.pickup_leave_ms if pickup else o.dropoff_leave_ms)[order]) for _, order in members)
            earliest = max(int((o.ready_ms if pickup else o.dropoff_not_before_ms)[order]) for _, order in members)
            arrive = clock + leg
            event = max(arrive + access, earliest)
            if number == 0:
                result.depart_by = event - access - leg
            result.quantities[4] += leg
            for kind, order in members:
                result.arrive.append(arrive)
                result.at.append(event)
                result.depart.append(event + leave)
                if kind == PICKUP:
                    result.quantities[3] += event - int(o.ready_ms[order])
                else:
                    late = event - int(o.promised_by_ms[order])
                    result.quantities[0] += event - int(o.placed_ms[order])
                    if int(o.promised_by_ms[order]) < NEVER:
                        result.quantities[1] += max(0, late)
                        result.quantities[2] += max(0, late - self.severe_after)
            clock, where = event + leave, here
        if stops:
            result.quantities[5] = clock - result.depart_by
        load = sum(int(o.size[order]) for order in self.on_board(stops))
        for kind, order in stops:
            load += int(o.size[order]) if kind == PICKUP else -int(o.size[order])
            result.load.append(load)
        return result

    def picked_at(self, stops: list[Stop], simulated: Simulated, order: int) -> int:
        """When the order's ride starts."""
        if (PICKUP, order) in stops:
            return simulated.at[stops.index((PICKUP, order))]
        return int(self.orders.ready_ms[order])

    def excesses(self, courier: int, stops: list[Stop], simulated: Simulated) -> dict[tuple[str, int, int], int]:
        """By how much each limit is exceeded (0: kept), keyed by (reason, kind, order)."""
        o, result = self.orders, {}
        for index, (kind, order) in enumerate(stops):
            at = simulated.at[index]
            key = (kind, order)
            result["CAPACITY", *key] = max(0, simulated.load[index] - int(self.couriers.capacity[courier]))
            if kind == PICKUP:
                result["SHIFT_END", *key] = max(0, at - int(self.couriers.shift_end_ms[courier]))
                result["TIME_WINDOW", *key] = max(0, at - int(o.pickup_by_ms[order]))
            else:
                result["TIME_WINDOW", *key] = max(0, at - int(o.dropoff_by_ms[order]))
                ride = at - self.picked_at(stops, simulated, order)
                result["FRESHNESS", *key] = max(0, ride - int(o.freshness_ms[order]))
        return result

    def refusal(self, courier: int, new: list[Stop]) -> tuple[int, int] | None:
        """(progress, reason) of the first limit that gets worse than on the present route; None: feasible."""
        present = self.route(courier)
        allowed = self.excesses(courier, present, self.simulate(courier, present))
        simulated = self.simulate(courier, new)
        now = self.excesses(courier, new, simulated)
        for group in simulated.groups:
            loads = [k for k in group if new[k][0] == PICKUP and self.orders.size[new[k][1]] > 0]
            checks = [("CAPACITY", index) for index in loads]
            checks += [(r, index) for index in group for r in ("SHIFT_END", "TIME_WINDOW", "FRESHNESS")]
            for reason, index in checks:
                key = (reason, *new[index])
                if now.get(key, 0) > allowed.get(key, 0):
                    return group[0], REASONS.index(reason)
        return None

    def earliest_arrival(self, courier: int, place: int) -> int:
        """Earliest arrival of a pick-up there over all insertable positions, other limits aside."""
        present = self.route(courier)
        arrivals = []
        for position in range(int(self.routes.locked[courier]), len(present) + 1):
            head = present[:position]
            simulated = self.simulate(courier, head)
            if not head:
                start, where = int(self.couriers.free_ms[courier]), int(self.couriers.loc[courier])
                arrivals.append(start + self.travel(courier, where, place))
            elif head[-1][0] == PICKUP and self.place(head[-1]) == place:
                arrivals.append(simulated.arrive[-1])
            else:
                arrivals.append(simulated.depart[-1] + self.travel(courier, self.place(head[-1]), place))
        return min(arrivals)

    def joins(self, present: list[Stop], i: int, order: int) -> bool:
        """Whether a pick-up of the order before stop i follows one at the same place."""
        return i > 0 and present[i - 1][0] == PICKUP and self.place(present[i - 1]) == self.place((PICKUP, order))

    def best_position(self, courier: int, unit: list[int], weights: Any) -> tuple[Any, ...] | int:
        """(cost, i, j, sequence, delta, route) of the cheapest feasible insertion, or the index of a reason."""
        present = self.route(courier)
        before = self.simulate(courier, present).quantities
        best, furthest = None, (-1, 0)
        for i in range(int(self.routes.locked[courier]), len(present) + 1):
            if not self.detours and i < len(present) and not self.joins(present, i, unit[0]):
                continue
            for j in range(i, len(present) + 1):
                for sequence in itertools.permutations(sorted(unit)):
                    new = [
                        *present[:i],
                        *((PICKUP, order) for order in sequence),
                        *present[i:j],
                        *((DROPOFF, order) for order in sequence),
                        *present[j:],
                    ]
                    if self.stacked and not last_in_first_out(new):
                        continue
                    refused = self.refusal(courier, new)
                    if refused:
                        progress, reason = refused
                        furthest = max(furthest, (progress, -reason))
                        continue
                    after = self.simulate(courier, new).quantities
                    delta = [a - b for a, b in zip(after, before, strict=True)]
                    cost = sum(int(w) * q for w, q in zip(weights, delta, strict=True))
                    if best is None or (cost, i, j, sequence) < best[:4]:
                        best = (cost, i, j, sequence, delta, new)
        return best if best is not None else -furthest[1]

    def candidates(
        self, unit: list[int], *, nearest: int, reach_ms: int, max_route_stops: int, weights: Any
    ) -> tuple[dict[int, tuple[Any, ...]], list[int], int]:
        """({courier: best position}, rejected by reason, pruned) of one unit."""
        o, c = self.orders, self.couriers
        rejected, eligible = [0] * len(REASONS), []
        pickup = int(o.pickup_loc[unit[0]])
        for courier in range(len(c.loc)):
            arrival = self.earliest_arrival(courier, pickup)
            event = max(arrival + max(int(o.pickup_access_ms[k]) for k in unit), max(int(o.ready_ms[k]) for k in unit))
            if arrival > reach_ms:
                rejected[0] += 1
            elif any(int(o.skills[k]) & ~int(c.skills[courier]) for k in unit):
                rejected[1] += 1
            elif sum(int(o.size[k]) for k in unit) > int(c.capacity[courier]):
                rejected[2] += 1
            elif event > int(c.shift_end_ms[courier]):
                rejected[3] += 1
            elif event > min(int(o.pickup_by_ms[k]) for k in unit):
                rejected[4] += 1
            elif len(self.route(courier)) + 2 * len(unit) > max_route_stops:
                rejected[6] += 1
            else:
                eligible.append((arrival, courier))
        found = {}
        for _, courier in sorted(eligible)[:nearest]:
            best = self.best_position(courier, unit, weights)
            if isinstance(best, int):
                rejected[best] += 1
            else:
                found[courier] = best
        return found, rejected, max(0, len(eligible) - nearest)
