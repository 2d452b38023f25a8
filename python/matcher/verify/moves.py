"""Moves without an order, re-checked: who moves, where to, and when they arrive."""

from __future__ import annotations

from collections.abc import Iterable, Set

from matcher.domain import Policy, Snapshot, Travel
from matcher.verify.plan import travel_ms


def check_moves(
    snapshot: Snapshot, travel: Travel, policy: Policy, moves: Iterable[tuple[int, int, int]], planned: Set[int]
) -> tuple[str, ...]:
    """Sentences for what is wrong with moves (courier, place, arrival in ms since the snapshot); none: they hold.

    `planned`: couriers whom the decision gives orders, held ones included; they are not moved, nor are busy ones.
    """
    couriers, routes = snapshot.couriers, snapshot.routes
    demand = set(snapshot.demand.loc.tolist())
    faults: list[str] = []
    seen: set[int] = set()
    for courier, place, arrive in moves:
        name = couriers.ids[courier]
        if courier in seen:
            faults.append(f"courier {name}: moved twice")
        seen.add(courier)
        if courier in planned or routes.ptr[courier] != routes.ptr[courier + 1] or couriers.free_ms[courier] > 0:
            faults.append(f"courier {name}: moved, but not idle")
        if place not in demand:
            faults.append(f"courier {name}: moved to where no demand is expected")
        due = travel_ms(snapshot, travel, courier, int(couriers.loc[courier]), place)
        if arrive != due:
            faults.append(f"courier {name}: arrives at {arrive}, not at {due}")
        if arrive > couriers.shift_end_ms[courier]:
            faults.append(f"courier {name}: arrives after its shift")
    if len(seen) > policy.positioning.max_moves:
        faults.append(f"{len(seen)} couriers are moved, the policy has {policy.positioning.max_moves}")
    return tuple(faults)
