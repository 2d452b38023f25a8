"""Caps of zones, counted again over all routes, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Mapping

from matcher.domain import Policy, Snapshot, StopKind, Zone
from matcher.verify.plan import Stops

_SLACK_M = 1e-3
"""Distances are computed in another way than by those who are checked: what lies on the circle may be in or out."""


def check_zones(snapshot: Snapshot, policy: Policy, plans: Mapping[int, Stops]) -> list[str]:
    """What the new routes of the couriers in `plans` make of the policy's zones; empty where every cap is kept.

    A zone that routes in progress have over-filled already may stay so, and gains nothing.
    """
    present = _pick_ups(snapshot)
    planned = {courier: [order for kind, order in stops if kind == StopKind.PICKUP] for courier, stops in plans.items()}
    faults = []
    for zone in policy.zones:
        before, after = (_counts(snapshot, zone, routes) for routes in (present, present | planned))
        for what, limit, old, new in zip(
            ("orders", "couriers"), (zone.max_orders, zone.max_couriers), before, after, strict=True
        ):
            if limit and new > max(limit, old):
                faults.append(f"zone {zone.id}: {new} {what} to be picked up there, at most {limit} are allowed")
    return faults


def _pick_ups(snapshot: Snapshot) -> dict[int, list[int]]:
    """Orders that each courier's route in progress has still to pick up; couriers without any left out."""
    found: dict[int, list[int]] = {}
    ptr = snapshot.routes.ptr.tolist()
    courier = 0
    for stop, (kind, order) in enumerate(
        zip(snapshot.routes.stop_kind.tolist(), snapshot.routes.stop_order.tolist(), strict=True)
    ):
        while stop >= ptr[courier + 1]:
            courier += 1
        if kind == StopKind.PICKUP:
            found.setdefault(courier, []).append(order)
    return found


def _counts(snapshot: Snapshot, zone: Zone, routes: Mapping[int, list[int]]) -> tuple[int, int]:
    """Orders to be picked up in the zone, and couriers who do so."""
    here = [sum(_inside(snapshot, zone, order) for order in orders) for orders in routes.values()]
    return sum(here), sum(count > 0 for count in here)


def _inside(snapshot: Snapshot, zone: Zone, order: int) -> bool:
    place = int(snapshot.orders.pickup_loc[order])
    latitude, longitude = float(snapshot.locations.latitude[place]), float(snapshot.locations.longitude[place])
    radius = snapshot.locations.radius_m
    if radius == 0.0:
        away = math.hypot(latitude - zone.latitude, longitude - zone.longitude)
    else:
        north = math.radians(latitude - zone.latitude)
        east = math.radians(longitude - zone.longitude)
        cosines = math.cos(math.radians(latitude)) * math.cos(math.radians(zone.latitude))
        away = 2 * radius * math.asin(math.sqrt(math.sin(north / 2) ** 2 + cosines * math.sin(east / 2) ** 2))
    return away <= zone.radius_m - _SLACK_M
