"""The synthetic fleets of pdptw/insertion: 1,000 running routes, 200 new orders, and the exact answers."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

from matcher.domain import StopKind
from matcher.routing import Fleet, FleetOptions, Order

MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Answer:
    """The exactly best insertion of one query; courier -1: there is none."""

    added_ms: float
    courier: int
    pickup_pos: int
    dropoff_pos: int


def _ms(minutes: str) -> int:
    return round(float(minutes) * MINUTE)


def read_fleet(path: Path, copies: int = 1) -> tuple[Fleet, list[Order]]:
    """The fleet (`copies` times side by side) and the orders of the queries."""
    lines = iter(gzip.decompress(path.read_bytes()).decode().split("\n"))
    head = next(lines).split()
    couriers, queries, ride = int(head[0]), int(head[1]), _ms(head[3])
    # The rate is given as minutes per metre, rounded; it is 4 m/s.
    fleet = Fleet(FleetOptions(weights={"travel": 1_000}))
    routes = []
    for _ in range(couriers):
        stops, x, y, start, capacity, locked = next(lines).split()
        rows = [next(lines).split() for _ in range(int(stops))]
        routes.append(((float(x), float(y)), _ms(start), int(capacity), int(locked), rows))
    for copy in range(copies):
        for (x_m, y_m), start_ms, room, fixed, rows in routes:
            shift = copy * 100_000.0
            courier = fleet.add_courier((x_m + shift, y_m), free_ms=start_ms, capacity=room, speed_mph=14_400)
            handle: dict[int, int] = {}
            plan: list[tuple[StopKind, int]] = []
            for index, row in enumerate(rows):
                if row[5] != "-1":
                    plan.append((StopKind.DROPOFF, handle[int(row[5]) - 1]))
                    continue
                drop = next(r for r in rows[index + 1 :] if r[5] == str(index + 1))
                order = _order(row[:5], drop[:5], ride, shift)
                handle[index] = fleet.add_order(order)
                plan.append((StopKind.PICKUP, handle[index]))
            fleet.set_route(courier, plan, fixed)
    orders = []
    for _ in range(queries):
        q = next(lines).split()
        orders.append(_order([q[0], q[1], q[4], q[5], q[6]], [q[2], q[3], "0", q[7], q[8]], ride, 0.0))
    return fleet, orders


def _order(pickup: list[str], dropoff: list[str], ride: int, shift: float) -> Order:
    return Order(
        pickup=(float(pickup[0]) + shift, float(pickup[1])),
        dropoff=(float(dropoff[0]) + shift, float(dropoff[1])),
        ready_ms=_ms(pickup[2]),
        pickup_by_ms=_ms(pickup[3]),
        pickup_leave_ms=_ms(pickup[4]),
        dropoff_not_before_ms=_ms(dropoff[2]),
        dropoff_by_ms=_ms(dropoff[3]),
        dropoff_leave_ms=_ms(dropoff[4]),
        freshness_ms=ride + _ms(pickup[4]),  # the ride starts when the pick-up's service ends
        size=1,
    )


def read_answers(path: Path) -> list[Answer]:
    """One answer a query."""
    answers = []
    for row in csv.DictReader(path.read_text().splitlines()):
        if row["added_minutes"] == "none":
            answers.append(Answer(0.0, -1, -1, -1))
        else:
            added = float(row["added_minutes"]) * MINUTE
            answers.append(Answer(added, int(row["route"]), int(row["pickup_pos"]), int(row["delivery_pos"])))
    return answers
