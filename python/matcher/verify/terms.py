"""The terms of a plan's cost that depend on courier and orders, one at a time from the snapshot's columns.

Each says again, in plain Python, what matcher.assignment computes for all candidates at once, and shares no code with
it. Every result is in micros for one courier who gains the orders `added`.
"""

from __future__ import annotations

from collections.abc import Set

from matcher.domain import CostPolicy, Snapshot


def pay_on_top(snapshot: Snapshot, courier: int, added: Set[int]) -> int:
    """Pay of the orders added that is expected to come on top of the courier's guarantee; see CostPolicy.pay."""
    ahead = int(snapshot.couriers.earned_micros[courier]) - int(snapshot.couriers.guaranteed_micros[courier])
    pays = [int(snapshot.orders.pay_micros[order]) for order in sorted(added)]
    return sum(min(max((pay + ahead) // 2, 0), pay) for pay in pays)


def refusal_cost(snapshot: Snapshot, costs: CostPolicy, courier: int, added: Set[int]) -> int:
    """Expected cost of the offer's being refused; see CostPolicy.acceptance."""
    permille = int(snapshot.couriers.acceptance_permille[courier])
    if permille == 0:
        return 0
    refused = 0
    for order in added:
        later = _picked_and_dropped_at(snapshot, costs, order, costs.reoffer_ms)
        refused += costs.acceptance + later - _picked_and_dropped_at(snapshot, costs, order, 0)
    return refused * (1000 - permille) // 1000


def _picked_and_dropped_at(snapshot: Snapshot, costs: CostPolicy, order: int, at: int) -> int:
    orders = snapshot.orders
    overdue = at - int(orders.promised_by_ms[order])
    cost = 0
    for weight, passed_ms in (
        (costs.click_to_door, at - int(orders.placed_ms[order])),
        (costs.lateness, overdue),
        (costs.severe_lateness, overdue - costs.severe_lateness_after_ms),
        (costs.pickup_delay, at - int(orders.ready_ms[order])),
    ):
        if passed_ms > 0:
            cost += weight * passed_ms // 1000
    return cost


def unfairness(snapshot: Snapshot, costs: CostPolicy, courier: int, added: Set[int]) -> int:
    """How much farther from the mean the pay of the orders takes the courier's earnings; see CostPolicy.fairness."""
    workers = [
        (int(earned), int(on_shift_ms) // 1000)
        for earned, on_shift_ms in zip(snapshot.couriers.earned_micros, snapshot.couriers.on_shift_ms, strict=True)
        if on_shift_ms >= 1000
    ]
    seconds = int(snapshot.couriers.on_shift_ms[courier]) // 1000
    if not seconds:
        return 0
    an_hour = min(10**12, 3600 * sum(earned for earned, _ in workers) // sum(worked for _, worked in workers))
    due = an_hour * seconds // 3600
    earned = int(snapshot.couriers.earned_micros[courier])
    after = earned + sum(int(snapshot.orders.pay_micros[order]) for order in added)
    return costs.fairness * (abs(after - due) - abs(earned - due)) // 1000


def floor_reached(snapshot: Snapshot, costs: CostPolicy, courier: int, added: Set[int]) -> int:
    """What of the pay brings the courier up to the floor, as a negative cost; see CostPolicy.earnings_floor."""
    floor = costs.earnings_floor_per_hour * (int(snapshot.couriers.on_shift_ms[courier]) // 1000) // 3600
    earned = int(snapshot.couriers.earned_micros[courier])
    after = earned + sum(int(snapshot.orders.pay_micros[order]) for order in added)
    raised = max(0, floor - earned) - max(0, floor - after)
    return costs.earnings_floor * -raised // 1000


def changed_announcements(snapshot: Snapshot, costs: CostPolicy, courier: int, added: Set[int]) -> int:
    """The price of giving orders to another courier than announced; see CostPolicy.sticky."""
    others = [order for order in added if int(snapshot.orders.announced[order]) not in (-1, courier)]
    return costs.sticky * len(others)
