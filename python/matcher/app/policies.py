"""The policies that come with the product, and the sanity of any policy."""

from __future__ import annotations

import math
from dataclasses import fields, replace

from matcher.domain import (
    MOST_PAY,
    BundlingPolicy,
    CandidatePolicy,
    Commitment,
    CostPolicy,
    HoldingPolicy,
    Policy,
    TravelPolicy,
    WaitingPolicy,
)

MOST_ZONES = 64
"""Of a policy: every column is weighed against every cap."""
_MINUTE_MS = 60_000
_MOST_COSTS = {
    "pay": MOST_PAY,
    "fairness": 1e6,
    "earnings_floor": 1e6,
    "earnings_floor_per_hour": 1e12,
    "reoffer_ms": 86_400_000,
}
"""Largest values of costs that are not those of a weight per second or event."""


def built_in_policies() -> dict[str, Policy]:
    """By name: "default" for a market on roads, "mdrp" and "mdrp-cost" for the meal-delivery instances' plane and whole
    minutes, for the least click-to-door and for less pay."""
    mdrp = Policy(
        name="mdrp",
        travel=TravelPolicy(road_factor=1.0, round_up_to_ms=_MINUTE_MS),
        candidates=CandidatePolicy(nearest_couriers=48, reach_ms=90 * _MINUTE_MS),
        # Large bundles, and courier time at the price of the orders that queue for it: only where couriers are scarce.
        bundling=BundlingPolicy(max_orders=6, ready_spread_ms=40 * _MINUTE_MS),
        costs=CostPolicy(
            click_to_door=1_000, pickup_delay=0, travel=0, courier_time=0, standing=300, scarce_courier_time=3_000
        ),
        # About two hours of one order's click-to-door. Where orders outnumber couriers, a price above every delivery
        # would fill each courier with as many orders as fit; at this one an order waits until a courier is worth it.
        waiting=WaitingPolicy(base_micros=8_000_000, per_second=6_000),
        holding=HoldingPolicy(commitment=Commitment.LATEST_DEPARTURE, cycle_ms=_MINUTE_MS),
    )
    # The same, with the platform's money: orders go to couriers who are behind their guarantee.
    thrifty = replace(mdrp, name="mdrp-cost", costs=replace(mdrp.costs, pay=10))
    return {policy.name: policy for policy in (Policy(), mdrp, thrifty)}


def policy_problems(policy: Policy, path: str) -> list[str]:
    """What makes a policy unusable, by the path of the key."""
    problems: list[str] = []

    def least(section: object, name: str, *keys: str, low: float, high: float = 1e15) -> None:
        for key in keys:
            value = getattr(section, key)
            if not (math.isfinite(value) and low <= value <= high):
                problems.append(
                    f"{path}.{name + '.' if name else ''}{key}: must be between {low:,} and {high:,}, is {value}"
                )

    travel = policy.travel
    least(travel, "travel", "road_factor", low=0.01, high=100)
    least(travel, "travel", "round_up_to_ms", low=1, high=3_600_000)
    least(travel, "travel", "car_mph", "motorcycle_mph", "bicycle_mph", "foot_mph", low=1, high=1_000_000)
    if len(travel.hourly_factor) != 24:
        problems.append(f"{path}.travel.hourly_factor: must have 24 values, has {len(travel.hourly_factor)}")
    if not all(math.isfinite(factor) and 0.01 <= factor <= 100 for factor in travel.hourly_factor):
        problems.append(f"{path}.travel.hourly_factor: each value must be between 0.01 and 100")
    least(policy.candidates, "candidates", "nearest_couriers", low=1, high=100_000)
    least(policy.candidates, "candidates", "max_pairs", low=0, high=1e9)
    least(policy.candidates, "candidates", "max_columns", low=1, high=1e8)
    least(policy.candidates, "candidates", "reach_ms", low=0, high=86_400_000)
    least(policy.candidates, "candidates", "max_route_stops", low=2, high=1_000)
    least(policy.bundling, "bundling", "max_orders", low=1, high=6)
    least(policy.bundling, "bundling", "ready_spread_ms", low=0)
    least(policy.bundling, "bundling", "neighbours", low=0, high=1_000)
    for field in fields(policy.costs):
        least(policy.costs, "costs", field.name, low=0, high=_MOST_COSTS.get(field.name, 1e9))
    least(policy.bundling, "bundling", "max_bundles", low=0, high=1_000_000)
    least(policy.waiting, "waiting", "base_micros", "per_second", low=0, high=1e12)
    least(policy.holding, "holding", "slack_ms", "cycle_ms", low=0, high=86_400_000)
    least(policy.readiness, "readiness", "courier_wait", low=0, high=1e9)
    least(policy.readiness, "readiness", "leave_permille", low=0, high=1000)
    least(policy.positioning, "positioning", "max_moves", low=0, high=100_000)
    least(policy.positioning, "positioning", "horizon_ms", "lead_ms", low=1, high=86_400_000)
    least(policy.positioning, "positioning", "reach_ms", "least_shift_ms", low=0, high=86_400_000)
    least(policy.positioning, "positioning", "busy_permille", low=0, high=1000)
    least(policy, "", "solver_iterations", "exact_iterations", low=1, high=1e12)
    least(policy, "", "iterations_per_order", low=0, high=1e9)
    names = [zone.id for zone in policy.zones]
    for row, zone in enumerate(policy.zones):
        where = f"zones[{row}]"
        if not zone.id or names.index(zone.id) != row:
            problems.append(f"{path}.{where}.id: must be a name that no zone before has, is {zone.id!r}")
        least(zone, where, "latitude", "longitude", low=-1e7, high=1e7)
        least(zone, where, "radius_m", low=1, high=1e6)
        least(zone, where, "max_orders", "max_couriers", low=0, high=30_000)
        if not zone.max_orders and not zone.max_couriers:
            problems.append(f"{path}.{where}: must have a max_orders or a max_couriers")
    if len(policy.zones) > MOST_ZONES:
        problems.append(f"{path}.zones: at most {MOST_ZONES} are allowed, there are {len(policy.zones)}")
    if not policy.ladder or len(set(policy.ladder)) != len(policy.ladder):
        problems.append(f"{path}.ladder: must name at least one rung, and none twice")
    return problems
