"""A plan for a whole market re-checked from the snapshot alone: every rule, every order, the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from matcher.domain import Policy, Snapshot, StopKind, Travel
from matcher.verify.plan import Timeline, route_of, timeline


@dataclass(frozen=True, slots=True)
class RoutesCheck:
    """Sentences for what is wrong (none: the routes hold), and what the routes cost."""

    faults: tuple[str, ...]
    quantities: tuple[int, ...]
    """Sums over all routes, ms, in the order of the policy's first six weights."""
    timelines: dict[int, Timeline]


def check_routes(
    snapshot: Snapshot,
    travel: Travel,
    policy: Policy,
    routes: Mapping[int, Sequence[tuple[StopKind, int]]],
    left_out: Set[int],
) -> RoutesCheck:
    """Check the routes of all couriers (courier → stops; empty when not named), which serve every order but `left_out`.

    Orders may have changed couriers, except those on board and those with a locked stop; locked stops stay first.
    Nothing breaks a limit that its order, or its courier's route, did not break before by as much.
    """
    ids = snapshot.orders.ids
    faults: list[str] = []
    where: dict[int, int] = {}
    totals = [0] * 6
    timelines: dict[int, Timeline] = {}
    for courier in range(len(snapshot.couriers)):
        name = snapshot.couriers.ids[courier]
        stops, present = list(routes.get(courier, ())), route_of(snapshot, courier)
        locked = int(snapshot.routes.locked[courier])
        if stops[:locked] != present[:locked]:
            faults.append(f"courier {name}: the locked stops have changed")
        picked = {order for kind, order in present if kind == StopKind.PICKUP}
        aboard = {order for kind, order in present if kind == StopKind.DROPOFF} - picked
        for order in sorted({order for _, order in stops}):
            kinds = [kind for kind, other in stops if other == order]
            if kinds != ([StopKind.DROPOFF] if order in aboard else [StopKind.PICKUP, StopKind.DROPOFF]):
                faults.append(f"order {ids[order]}: not picked up and dropped off once by courier {name}")
            if order in where:
                faults.append(f"order {ids[order]}: in the routes of two couriers")
            where[order] = courier
        for order in sorted(aboard - {order for _, order in stops}):
            faults.append(f"order {ids[order]}: on board of courier {name}, who does not drop it off")
        if len(stops) > max(policy.candidates.max_route_stops, len(present)):
            faults.append(f"courier {name}: {len(stops)} stops, more than {policy.candidates.max_route_stops}")
        before = timeline(snapshot, travel, policy, courier, present)
        after = timeline(snapshot, travel, policy, courier, stops)
        timelines[courier] = after
        for (limit, order), excess in sorted(after.broken.items()):
            if excess > before.broken.get((limit, order), 0):
                faults.append(f"courier {name}, order {ids[order]}: {limit} broken by {excess}")
        totals = [total + part for total, part in zip(totals, after.quantities, strict=True)]
    for order in range(len(ids)):
        if (order in where) == (order in left_out):
            faults.append(f"order {ids[order]}: neither served nor left out, or both")
    return RoutesCheck(tuple(faults), tuple(totals), timelines)
