"""What a day's log is worth, and whether it keeps every rule: recomputed from the instance and the log alone."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matcher.simulation.dpdp.instance import DECISION_S, DOCKING_S, Instance
from matcher.simulation.dpdp.world import Call

HOUR_LATE = 10_000.0
"""What an hour of lateness costs; a kilometre costs one, divided by the number of trucks."""


@dataclass(frozen=True, slots=True)
class Score:
    """Of one day, or the mean of several."""

    orders: float
    delivered: float
    """Orders of which every part has been delivered."""
    late: float
    """Orders whose last part was unloaded too late."""
    late_hours: float
    km: float
    calls: float
    score: float | None
    """km / trucks + 10,000 × late_hours, an order being delivered when its last part is unloaded; None: some is not."""
    score_on_arrival: float | None
    """The same where it counts as delivered when its truck arrives, as the competition's simulator has it."""
    violations: float = 0.0


def evaluate(instance: Instance, calls: Sequence[Call]) -> tuple[Score, list[str]]:
    """The day's figures, and every rule that the log breaks, as sentences."""
    broken = [*_roads(instance, calls), *_docks(instance, calls), *_loads(instance, calls), *_splits(instance)]
    unloaded: dict[int, tuple[int, int]] = {}
    for call in calls:
        at = call.dock_s + DOCKING_S
        for number in call.visit.unload:
            at += instance.units[number].unload_s
            unloaded[number] = (at, call.arrive_s)
    ends: dict[int, list[tuple[int, int]]] = {}
    due: dict[int, int] = {}
    for number, unit in enumerate(instance.units):
        due[unit.order] = unit.due_s
        ends.setdefault(unit.order, [])
        if number in unloaded:
            ends[unit.order].append(unloaded[number])
    parts = [unit.order for unit in instance.units]
    delivered = {order for order, times in ends.items() if len(times) == parts.count(order)}
    late = [max(0, max(end for end, _ in ends[order]) - due[order]) for order in sorted(delivered)]
    late_on_arrival = [max(0, max(end for _, end in ends[order]) - due[order]) for order in sorted(delivered)]
    km = sum(
        float(instance.network.km[came, call.visit.factory])
        for came, call in zip(_came_from(instance, calls), calls, strict=True)
    )
    whole = len(delivered) == len(ends)
    if not whole:
        broken.append(f"{len(ends) - len(delivered)} orders are not delivered")
    per_truck = km / len(instance.vehicle_ids)
    return (
        Score(
            orders=float(len(ends)),
            delivered=float(len(delivered)),
            late=float(sum(seconds > 0 for seconds in late)),
            late_hours=sum(late) / 3600,
            km=km,
            calls=float(len(calls)),
            score=per_truck + HOUR_LATE * sum(late) / 3600 if whole else None,
            score_on_arrival=per_truck + HOUR_LATE * sum(late_on_arrival) / 3600 if whole else None,
            violations=float(len(broken)),
        ),
        broken,
    )


def mean_score(scores: Sequence[Score]) -> Score:
    """Figure by figure; a score that one day lacks, the mean lacks."""

    def mean(name: str) -> float | None:
        values = [getattr(score, name) for score in scores]
        return None if None in values else sum(values) / len(values)

    return Score(**{name: mean(name) for name in Score.__dataclass_fields__})  # type: ignore[arg-type]


def _came_from(instance: Instance, calls: Sequence[Call]) -> list[int]:
    """The factory that each call's truck came from. Calls of one truck in the order of their arrival."""
    at = dict(enumerate(instance.starts))
    found = [-1] * len(calls)
    for k in sorted(range(len(calls)), key=lambda k: calls[k].arrive_s):
        found[k] = at[calls[k].truck]
        at[calls[k].truck] = calls[k].visit.factory
    return found


def _roads(instance: Instance, calls: Sequence[Call]) -> Iterator[str]:
    free: dict[int, int] = {}
    came = _came_from(instance, calls)
    for k in sorted(range(len(calls)), key=lambda k: calls[k].arrive_s):
        call = calls[k]
        name = f"truck {instance.vehicle_ids[call.truck]}, call at {call.arrive_s} s"
        if call.left_s < free.get(call.truck, 0):
            yield f"{name}: set off before it was done where it was"
        if call.arrive_s - call.left_s != int(instance.network.drive_s[came[k], call.visit.factory]):
            yield f"{name}: the way takes another time"
        service = sum(instance.units[n].unload_s for n in call.visit.unload)
        service += sum(instance.units[n].load_s for n in call.visit.load)
        if call.dock_s < call.arrive_s or call.leave_s != call.dock_s + DOCKING_S + service:
            yield f"{name}: docking, unloading and loading take another time"
        free[call.truck] = call.leave_s


def _docks(instance: Instance, calls: Sequence[Call]) -> Iterator[str]:
    """Trucks take docks in the order of arrival, each as soon as one is free."""
    free = [[0] * int(docks) for docks in instance.network.docks]
    for call in sorted(calls, key=lambda call: (call.arrive_s, call.dock_s, call.truck)):
        docks = free[call.visit.factory]
        if call.dock_s != max(call.arrive_s, heapq.heappop(docks)):
            where = instance.network.ids[call.visit.factory]
            yield f"factory {where}: the truck that arrived at {call.arrive_s} s does not dock in its turn"
        heapq.heappush(docks, call.leave_s)


def _loads(instance: Instance, calls: Sequence[Call]) -> Iterator[str]:
    """Stacks, capacity, factories, and that nothing is known before it is created."""
    stacks: dict[int, list[int]] = {}
    loaded: set[int] = set()
    for call in sorted(calls, key=lambda call: call.arrive_s):
        stack = stacks.setdefault(call.truck, [])
        name = f"truck {instance.vehicle_ids[call.truck]}, call at {call.arrive_s} s"
        for number in call.visit.unload:
            if instance.units[number].delivery != call.visit.factory:
                yield f"{name}: unloads unit {number} at the wrong factory"
            if not stack or stack.pop() != number:
                yield f"{name}: unloads unit {number}, which is not on top"
        for number in call.visit.load:
            unit = instance.units[number]
            if unit.pickup != call.visit.factory:
                yield f"{name}: loads unit {number} at the wrong factory"
            if number in loaded:
                yield f"{name}: loads unit {number} a second time"
            if call.arrive_s < -(-unit.created_s // DECISION_S) * DECISION_S:
                yield f"{name}: comes for unit {number} before a decision knew of it"
            loaded.add(number)
            stack.append(number)
        if sum(instance.units[number].quarters for number in stack) > instance.capacity:
            yield f"{name}: carries more than it holds"
    for truck, stack in stacks.items():
        if stack:
            yield f"truck {instance.vehicle_ids[truck]} ends the day with {len(stack)} units on board"


def _splits(instance: Instance) -> Iterator[str]:
    """Units of one order add up to it, and only an order that is larger than a truck has several."""
    whole: dict[int, list[int]] = {}
    for unit in instance.units:
        whole.setdefault(unit.order, []).append(unit.quarters)
    for order, quarters in whole.items():
        if len(quarters) > 1 and sum(quarters) <= instance.capacity:
            yield f"order {instance.order_ids[order]} fits a truck, and is split"
