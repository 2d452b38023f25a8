"""Seeded pickup-and-delivery problems, one for each field that every rung knows, and all mixed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matcher.routing import OnBoard, Problem, VehicleType

FEATURES = ("plain", "matrix", "dimensions", "skills", "depots", "open", "rides", "prizes", "fixed_costs",
            "mixed", "windows", "lateness", "under_way", "bins")  # fmt: skip


def delivery_problem(feature: str, requests: int, seed: int) -> Problem:
    """`requests` pairs on a square of 100, windows of half an hour to five, a vehicle for every four requests."""
    rng = np.random.default_rng([seed, requests, FEATURES.index(feature)])
    n = 2 * requests + 2
    xy = rng.uniform(0, 100, (n, 2))
    distance = np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1])
    pickup = np.arange(1, requests + 1, dtype=np.int32)
    delivery = pickup + np.int32(requests)
    ready, due = np.zeros(n), np.full(n, 1000.0)
    ready[pickup] = rng.uniform(0, 600, requests)
    due[pickup] = ready[pickup] + rng.uniform(30, 300, requests)
    demand = np.zeros(n, np.int32)
    demand[pickup] = rng.integers(1, 8, requests)
    demand[delivery] = -demand[pickup]
    service = np.where(np.arange(n) % (n - 1) > 0, 5.0, 0.0)
    fleet = max(2, requests // 4)
    kind = VehicleType(fleet, (14,))
    plain = Problem(
        f"{feature}-{requests}-{seed}", distance, ready, due, service, demand, pickup, delivery, 0, 0,
        types=(kind,), xy=xy,
    )  # fmt: skip
    half = (replace(kind, count=fleet - fleet // 2), replace(kind, count=fleet // 2, start=n - 1, end=n - 1))
    straight = distance[pickup, delivery]
    if feature == "matrix":
        return replace(plain, distance=distance * rng.uniform(0.8, 1.5, distance.shape), duration=distance)
    if feature == "dimensions":
        more = np.zeros((n, 1), np.int32)
        more[pickup, 0] = rng.integers(0, 5, requests)
        more[delivery] = -more[pickup]
        return replace(plain, types=(replace(kind, capacity=(14, 8)),), more_demand=more)
    if feature == "skills":
        return replace(
            plain, types=(half[0], replace(half[0], count=fleet // 2)), allowed=rng.random((requests, 2)) < 0.7
        )
    if feature == "depots":
        return replace(plain, types=half)
    if feature == "open":
        return replace(plain, types=(replace(kind, end=None),))
    if feature == "rides":
        return replace(plain, max_ride=straight * rng.uniform(1.1, 2.0, requests) + 5.0)
    if feature == "prizes":
        return replace(plain, prize=rng.uniform(20, 150, requests))
    if feature == "mixed":
        more = np.zeros((n, 1), np.int32)
        more[pickup, 0] = rng.integers(0, 5, requests)
        more[delivery] = -more[pickup]
        return replace(
            plain,
            distance=distance * rng.uniform(0.8, 1.5, distance.shape),
            duration=distance,
            more_demand=more,
            types=(replace(half[0], capacity=(14, 8), fixed_cost=60.0),
                   replace(half[1], capacity=(9, 9), fixed_cost=25.0, end=None)),
            allowed=rng.random((requests, 2)) < 0.8,
            max_ride=straight * rng.uniform(1.3, 2.5, requests) + 10.0,
            prize=rng.uniform(40, 400, requests),
        )  # fmt: skip
    if feature == "windows":
        # Half an hour early in the day, or as long later.
        later = ready + rng.uniform(100, 300, n)
        spans = {int(p): ((ready[p], ready[p] + 30.0), (later[p], later[p] + 30.0)) for p in pickup}
        due = due.copy()
        due[pickup] = later[pickup] + 30.0
        return replace(plain, due=due, windows=spans)
    if feature == "lateness":
        due = due.copy()
        due[pickup] = ready[pickup] + rng.uniform(10, 60, requests)
        due[delivery] = due[pickup] + straight * rng.uniform(1.0, 1.5, requests) + 10.0
        return replace(plain, due=due, late_cost=np.where(np.arange(n) > 0, 0.5, np.inf))
    if feature == "bins":
        # Everywhere slower around the middle of the day, in some places more than in others.
        slow = np.stack([np.ones((n, n)), rng.uniform(1.2, 2.0, (n, n)), rng.uniform(1.0, 1.3, (n, n))])
        return replace(plain, bins=np.array([0.0, 250.0, 500.0]), bin_duration=distance * slow)
    if feature == "under_way":
        return replace(plain, types=_under_way(plain, kind), max_ride=np.full(requests, 500.0))
    if feature == "fixed_costs":
        return replace(plain, types=(replace(half[0], fixed_cost=60.0), replace(half[1], fixed_cost=25.0)))
    return plain


def _under_way(plain: Problem, kind: VehicleType) -> tuple[VehicleType, ...]:
    """At time 60 half of the fleet carries a request each, picked up at 50, and the rest stands at the depot."""
    carrying = [
        replace(kind, count=1, earliest=60.0, on_board=(OnBoard(request, 50.0),))
        for request in range(min(kind.count // 2, len(plain.pickup)))
    ]
    return (*carrying, replace(kind, count=kind.count - len(carrying), earliest=60.0))
