"""A fleet known by the callers' ids: taken over from a Snapshot, kept up to date by smaller ones, asked for insertions.

`Fleet` knows handles and times relative to one clock; here these are ids and Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matcher.domain import (
    NEVER_MS,
    CourierPlan,
    ErrorReason,
    InvalidRequest,
    MatrixTravel,
    MetricTravel,
    OrderCandidate,
    OrderInsertion,
    PlannedStop,
    Policy,
    Snapshot,
    SpatialFrame,
    StopKind,
    Travel,
    Violation,
    WaitReason,
)
from matcher.kernels.insertion import QUANTITIES, REJECTIONS
from matcher.routing.fleet import Fleet, FleetOptions, Insertion, Order, PlannedRoute

_REASONS = {name: WaitReason[name] for name in REJECTIONS}


class FleetOutgrown(RuntimeError):  # noqa: N818 - what happened to the fleet
    """The fleet cannot take the change over; it has to be made again from a snapshot. Nothing was changed."""


class LiveFleet:
    """Couriers and their routes under one policy. Not safe for use by several threads at once."""

    def __init__(self, snapshot: Snapshot, travel: Travel, policy: Policy) -> None:
        """Take over the couriers of a snapshot, with the orders in their routes."""
        self._fleet = Fleet(fleet_options(snapshot, travel, policy))
        self._rates = (travel.factor, travel.quantum_ms) if isinstance(travel, MetricTravel) else None
        self._weights = policy_weights(policy)
        self._base_ms = snapshot.at_unix_ms
        self.policy = policy
        self.market_id = snapshot.market_id
        self.frame: SpatialFrame = snapshot.frame
        self.at_unix_ms = snapshot.at_unix_ms
        """The fleet's clock."""
        orders, couriers = self._fleet.load(snapshot, travel)
        self._skills = {name: bit for bit, name in enumerate(snapshot.skills)}
        self._courier = dict(zip(snapshot.couriers.ids, couriers.tolist(), strict=True))
        self._courier_id = {handle: name for name, handle in self._courier.items()}
        self._order = {
            name: handle for name, handle in zip(snapshot.orders.ids, orders.tolist(), strict=True) if handle >= 0
        }
        self._order_id = {handle: name for name, handle in self._order.items()}

    @property
    def can_change(self) -> bool:
        """Whether `update` is possible: a table of travel times knows no places but its own."""
        return self._rates is not None

    @property
    def couriers(self) -> int:
        """How many there are."""
        return len(self._courier)

    def knows_order(self, order_id: str) -> bool:
        """Whether the order is in a route."""
        return order_id in self._order

    def update(self, changes: Snapshot, travel: Travel, removed_courier_ids: Iterable[str] = ()) -> None:
        """Set the clock to that of `changes`, and put its couriers with their routes in the place of their namesakes.

        Orders that are in no route afterwards are forgotten. All or nothing: raises FleetOutgrown when travel times
        have changed or skills are too many, and InvalidRequest (paths as in a FleetUpdate) for a removed courier that
        is not there, an order that is in the route of yet another courier, or a clock that goes back.
        """
        if not isinstance(travel, MetricTravel) or self._rates != (travel.factor, travel.quantum_ms):
            raise FleetOutgrown("travel times are others now")
        removed = list(dict.fromkeys(removed_courier_ids))
        self._check(changes, removed)
        bits = self._skill_bits(changes.skills)
        self._advance(changes.at_unix_ms)
        for name in removed:
            handle = self._courier.pop(name)
            self._forget_route(handle)
            self._fleet.remove_courier(handle)
            del self._courier_id[handle]
        for name in changes.couriers.ids:
            if name in self._courier:
                self._forget_route(self._courier[name])
        shift = self.at_unix_ms - self._base_ms
        in_routes = sorted(set(changes.routes.stop_order.tolist()))
        for row, order in zip(in_routes, self._orders(changes, in_routes, bits, shift), strict=True):
            handle = self._fleet.add_order(order)
            self._order[changes.orders.ids[row]] = handle
            self._order_id[handle] = changes.orders.ids[row]
        self._put_couriers(changes, travel, bits, shift)

    def insertions(self, orders: Snapshot, order_ids: Sequence[str], k: int) -> list[OrderInsertion]:
        """The k cheapest ways to serve each of the orders, which `orders` describes, each on its own."""
        bits = self._skill_bits(orders.skills)
        shift = orders.at_unix_ms - self._base_ms
        row_of = {name: row for row, name in enumerate(orders.orders.ids)}
        wanted = self._orders(orders, [row_of[name] for name in order_ids], bits, shift)
        found = self._fleet.cheapest_routes(wanted, k) if wanted else []
        return [
            self._insertion(name, order, ways, k) for name, order, ways in zip(order_ids, wanted, found, strict=True)
        ]

    def _insertion(
        self, order_id: str, order: Order, ways: Sequence[tuple[Insertion, PlannedRoute]], k: int
    ) -> OrderInsertion:
        candidates = tuple(self._candidate(order_id, way, route) for way, route in ways)
        refused: tuple[tuple[WaitReason, int], ...] = ()
        reason: WaitReason | None = None
        if len(ways) < min(k, self.couriers):
            counts = self._fleet.refusals(order)
            refused = tuple((_REASONS[name], count) for name, count in counts.items() if count)
        if not ways:
            reason = refused[0][0] if len(refused) == 1 else WaitReason.NO_FEASIBLE_COURIER
            reason = reason if self.couriers else WaitReason.NO_COURIERS
        return OrderInsertion(order_id, candidates, reason, refused)

    def _candidate(self, order_id: str, way: Insertion, route: PlannedRoute) -> OrderCandidate:
        base = self._base_ms
        stops = tuple(
            PlannedStop(kind, self._order_id.get(handle, order_id), base + arrive, base + at, base + depart)
            for (kind, handle), arrive, at, depart in zip(
                route.stops, route.arrive_ms, route.at_ms, route.depart_ms, strict=True
            )
        )
        return OrderCandidate(
            plan=CourierPlan(self._courier_id[way.courier], stops, (order_id,), base + route.depart_by_ms),
            pickup_pos=way.pickup_pos,
            dropoff_pos=way.dropoff_pos,
            cost_terms=tuple((name, delta * self._weights[name] // 1000) for name, delta in way.delta_ms.items()),
            pickup_at_ms=base + way.pickup_at_ms,
            dropoff_at_ms=base + way.dropoff_at_ms,
            finish_at_ms=base + way.finish_ms,
        )

    def _check(self, changes: Snapshot, removed: Sequence[str]) -> None:
        wrong = []
        if changes.at_unix_ms < self.at_unix_ms:
            sentence = f"{changes.at_unix_ms} is before the fleet's time, {self.at_unix_ms}"
            wrong.append(Violation("update.at_ms", sentence, ErrorReason.OUT_OF_RANGE))
        for position, name in enumerate(removed):
            path = f"update.removed_courier_ids[{position}]"
            if name not in self._courier:
                wrong.append(Violation(path, f"there is no courier {name!r}", ErrorReason.UNKNOWN_REFERENCE))
            elif name in set(changes.couriers.ids):
                wrong.append(Violation(path, f"{name!r} is among update.couriers, too", ErrorReason.DUPLICATE))
        free = {name for name in (*changes.couriers.ids, *removed) if name in self._courier}
        leaving = {order for name in free for _, order in self._fleet.route(self._courier[name]).stops}
        for row in sorted(set(changes.routes.stop_order.tolist())):
            name = changes.orders.ids[row]
            if name in self._order and self._order[name] not in leaving:
                sentence = f"order {name!r} is in the route of a courier that is not in the update"
                wrong.append(Violation("update.couriers", sentence, ErrorReason.INVALID_ROUTE))
        if wrong:
            raise InvalidRequest(wrong)

    def _skill_bits(self, names: Sequence[str]) -> list[int]:
        """The fleet's bit of each skill; new skills get the next ones."""
        known = dict(self._skills)
        for name in names:
            known.setdefault(name, len(known))
        if len(known) > 63:
            raise FleetOutgrown(f"the fleet has known {len(known)} skills; at most 63 are possible")
        self._skills = known
        return [known[name] for name in names]

    def _advance(self, at_unix_ms: int) -> None:
        if at_unix_ms > self.at_unix_ms:
            self.at_unix_ms = at_unix_ms
            self._fleet.advance(at_unix_ms - self._base_ms)

    def _forget_route(self, courier: int) -> None:
        gone = {order for _, order in self._fleet.route(courier).stops}
        self._fleet.set_route(courier, [])
        for handle in sorted(gone):
            self._fleet.remove_order(handle)
            del self._order[self._order_id.pop(handle)]

    def _put_couriers(self, changes: Snapshot, travel: MetricTravel, bits: Sequence[int], shift: int) -> None:
        places, columns, routes = changes.locations, changes.couriers, changes.routes
        for row, name in enumerate(columns.ids):
            place = int(columns.loc[row])
            at = (float(places.x[place]), float(places.y[place]), float(places.z[place]))
            end = int(columns.shift_end_ms[row])
            free_ms, shift_end_ms = int(columns.free_ms[row]) + shift, end if end == NEVER_MS else end + shift
            capacity, skills = int(columns.capacity[row]), _moved(int(columns.skills[row]), bits)
            speed = int(travel.speed_mph[row])
            if name in self._courier:
                handle = self._courier[name]
                self._fleet.update_courier(
                    handle, at, free_ms=free_ms, shift_end_ms=shift_end_ms, capacity=capacity, skills=skills,
                    speed_mph=speed,
                )  # fmt: skip
            else:
                handle = self._fleet.add_courier(
                    at, free_ms=free_ms, shift_end_ms=shift_end_ms, capacity=capacity, skills=skills, speed_mph=speed
                )
                self._courier[name] = handle
                self._courier_id[handle] = name
            begin, end_at = int(routes.ptr[row]), int(routes.ptr[row + 1])
            stops = [
                (StopKind(kind), self._order[changes.orders.ids[order]])
                for kind, order in zip(
                    routes.stop_kind[begin:end_at].tolist(), routes.stop_order[begin:end_at].tolist(), strict=True
                )
            ]
            self._fleet.set_route(handle, stops, int(routes.locked[row]))

    def _orders(self, snapshot: Snapshot, rows: Sequence[int], bits: Sequence[int], shift: int) -> list[Order]:
        return order_rows(snapshot, rows, bits, shift, as_rows=self._rates is None)


def order_rows(
    snapshot: Snapshot, rows: Sequence[int], bits: Sequence[int], shift: int = 0, *, as_rows: bool = False
) -> list[Order]:
    """Orders of a snapshot as a `Fleet` takes them, times later by `shift`, skills moved to other bits.

    as_rows: places are rows of a travel matrix.
    """
    orders, places = snapshot.orders, snapshot.locations

    def place(row: int) -> tuple[float, float, float] | int:
        if as_rows:
            return row
        return float(places.x[row]), float(places.y[row]), float(places.z[row])

    def limit(value: int) -> int:
        return value if value == NEVER_MS else value + shift

    return [
        Order(
            pickup=place(int(orders.pickup_loc[row])),
            dropoff=place(int(orders.dropoff_loc[row])),
            placed_ms=int(orders.placed_ms[row]) + shift,
            ready_ms=int(orders.ready_ms[row]) + shift,
            promised_by_ms=limit(int(orders.promised_by_ms[row])),
            dropoff_not_before_ms=int(orders.dropoff_not_before_ms[row]) + shift,
            pickup_by_ms=limit(int(orders.pickup_by_ms[row])),
            dropoff_by_ms=limit(int(orders.dropoff_by_ms[row])),
            freshness_ms=int(orders.freshness_ms[row]),
            size=int(orders.size[row]),
            skills=_moved(int(orders.skills[row]), bits),
            pickup_access_ms=int(orders.pickup_access_ms[row]),
            pickup_leave_ms=int(orders.pickup_leave_ms[row]),
            dropoff_access_ms=int(orders.dropoff_access_ms[row]),
            dropoff_leave_ms=int(orders.dropoff_leave_ms[row]),
        )
        for row in rows
    ]


def fleet_options(snapshot: Snapshot, travel: Travel, policy: Policy) -> FleetOptions:
    """How a `Fleet` of the snapshot's couriers measures under a policy."""
    metric = travel if isinstance(travel, MetricTravel) else None
    return FleetOptions(
        radius_m=snapshot.locations.radius_m,
        road_factor=metric.factor if metric else 1.0,
        quantum_ms=metric.quantum_ms if metric else 1,
        matrix_ms=travel.matrix_ms if isinstance(travel, MatrixTravel) else None,
        weights=policy_weights(policy),
        share_dropoff_service=policy.bundling.share_dropoff_service,
        severe_after_ms=policy.costs.severe_lateness_after_ms,
        max_route_stops=policy.candidates.max_route_stops,
    )


def policy_weights(policy: Policy) -> dict[str, int]:
    """Micros per second of each quantity."""
    return {name: int(getattr(policy.costs, name)) for name in QUANTITIES}


def _moved(skills: int, bits: Sequence[int]) -> int:
    """A bit set over the snapshot's skills as one over the fleet's."""
    if not skills:
        return 0
    return sum(1 << bit for position, bit in enumerate(bits) if skills >> position & 1)
