"""Small random markets with everything in them: live routes, locks, goods on board, skills, windows, freshness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np

from matcher.domain import Build, MetricTravel, Snapshot, SpatialFrame, StopKind
from matcher.domain.builder import build_snapshot
from matcher.domain.policy import TravelPolicy
from matcher.domain.rows import Courier, DemandPoint, Order, RouteStop
from matcher.ports import Ports

NOW = 1_700_000_000_000
MINUTE = 60_000


class PlainTravel:
    """A travel-time port for tests: one speed for all."""

    def travel(self, snapshot: Snapshot, policy: TravelPolicy) -> MetricTravel:
        """Metric times at the policy's car speed."""
        speed = np.full(len(snapshot.couriers), policy.car_mph, dtype=np.int32)
        own = snapshot.couriers.speed_mph
        return MetricTravel("plain/1", policy.road_factor, policy.round_up_to_ms, np.where(own > 0, own, speed))


PORTS = Ports(travel=PlainTravel(), build=Build("0", "test"))


def an_order(name: str, **changes: object) -> Order:
    """A plain order of one kilometre, ready now."""
    values: dict[str, object] = {
        "id": name,
        "pickup_longitude": 0.0,
        "dropoff_longitude": 1000.0,
        "placed_at_ms": NOW - 5 * MINUTE,
        "ready_at_ms": NOW,
        "promised_by_ms": NOW + 30 * MINUTE,
        "size": 1,
        "store_id": "s",
    }
    return Order(**{**values, **changes})  # type: ignore[arg-type]


def a_courier(name: str, **changes: object) -> Courier:
    """A courier at the origin with room for four."""
    return Courier(**{"id": name, "capacity": 4, **changes})  # type: ignore[arg-type]


def plane(orders: list[Order], couriers: list[Courier], demand: Sequence[DemandPoint] = ()) -> Snapshot:
    """A snapshot on a plane in metres."""
    return build_snapshot("m", NOW, orders, couriers, expected_demand=demand, frame=SpatialFrame.PLANE_METERS)


def random_demand(seed: int) -> list[DemandPoint]:
    """Where orders are expected in a random market; nowhere in every fourth."""
    random = Random(seed)
    return [
        DemandPoint(float(random.randint(0, 6000)), float(random.randint(0, 6000)), random.randint(1, 9))
        for _ in range(random.randint(0, 3))
    ]


def with_dealings(orders: list[Order], couriers: list[Courier], seed: int) -> tuple[list[Order], list[Courier]]:
    """The same market with plans announced, acceptance known of most couriers, and time on shift."""
    random = Random(seed)
    names = [courier.id for courier in couriers] + ["", "gone"]
    return (
        [replace(order, announced_courier_id=random.choice(names)) for order in orders],
        [
            replace(
                courier,
                acceptance_permille=random.choice([0, 1, 400, 900, 1000]),
                on_shift_ms=random.choice([0, 999, 40 * MINUTE, 300 * MINUTE]),
            )
            for courier in couriers
        ],
    )


def random_market(seed: int) -> tuple[list[Order], list[Courier]]:
    """Orders and couriers of a random market, small enough for oracles."""
    random = Random(seed)
    stores = [(random.randint(0, 6000), random.randint(0, 6000)) for _ in range(random.randint(1, 5))]
    orders: list[Order] = []

    def new_order(prefix: str) -> Order:
        store = random.randrange(len(stores))
        ready = NOW + random.randint(-10, 25) * MINUTE
        order = Order(
            id=f"{prefix}{len(orders)}",
            pickup_longitude=float(stores[store][0]),
            pickup_latitude=float(stores[store][1]),
            dropoff_longitude=float(random.randint(0, 6000)),
            dropoff_latitude=float(random.randint(0, 6000)),
            placed_at_ms=min(ready, NOW) - random.randint(0, 20) * MINUTE,
            ready_at_ms=ready,
            promised_by_ms=ready + random.randint(10, 40) * MINUTE if random.random() < 0.8 else None,
            dropoff_by_ms=ready + random.randint(30, 90) * MINUTE if random.random() < 0.2 else None,
            freshness_limit_ms=random.randint(10, 40) * MINUTE if random.random() < 0.3 else None,
            size=random.randint(0, 3),
            required_skills=("cold",) if random.random() < 0.2 else (),
            priority=random.choice([0, 0, 0, 5]),
            store_id=f"s{store}" if random.random() < 0.9 else "",
            pickup_access_ms=random.choice([0, 2 * MINUTE]),
            pickup_leave_ms=random.choice([0, MINUTE]),
            dropoff_access_ms=random.choice([0, MINUTE]),
            dropoff_leave_ms=random.choice([0, MINUTE]),
            courier_pay_micros=random.choice([0, 5_000_000, 10_000_000]),
        )
        orders.append(order)
        return order

    for _ in range(random.randint(0, 12)):
        new_order("o")
    couriers = []
    for index in range(random.randint(0, 8)):
        route: list[RouteStop] = []
        if random.random() < 0.5:
            carried = [new_order("r") for _ in range(random.randint(1, 2))]
            route = [RouteStop(StopKind.PICKUP, order.id) for order in carried if random.random() < 0.6]
            route += [RouteStop(StopKind.DROPOFF, order.id) for order in carried]
        couriers.append(
            Courier(
                id=f"c{index}",
                longitude=float(random.randint(0, 6000)),
                latitude=float(random.randint(0, 6000)),
                free_at_ms=NOW + random.randint(-5, 20) * MINUTE,
                shift_end_at_ms=NOW + random.randint(5, 200) * MINUTE if random.random() < 0.7 else None,
                capacity=random.randint(0, 6),
                skills=("cold",) if random.random() < 0.5 else (),
                route=tuple(route),
                locked_stops=random.randint(0, len(route)),
                earned_micros=random.choice([0, 40_000_000]),
                guaranteed_micros=random.choice([0, 35_000_000, 42_000_000]),
            )
        )
    return orders, couriers
