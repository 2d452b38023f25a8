"""Couriers whose plan may gain orders until the pick-up, and days run with that power."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.engine.markets import PORTS
from tests.shared_data import shared_data
from tests.simulation.days import day
from tests.simulation.test_world import MINUTE, START, order, shift

import matcher
from matcher.app.policies import built_in_policies
from matcher.domain import Additions, CourierPlan, Decision, PlannedStop, Snapshot, StopKind
from matcher.simulation import Cycle, PlanError
from matcher.simulation.additions import AddingCourier
from matcher.simulation.mdrp.checks import OperatingMode, check_solution
from matcher.simulation.mdrp.day import run_day
from matcher.simulation.mdrp.instance import find_instances
from matcher.simulation.mdrp.reference import feasibility_report

PICKUP, DROPOFF = StopKind.PICKUP, StopKind.DROPOFF
UPDATES = OperatingMode(assignment_updates=True)
_MDRP = built_in_policies()["mdrp"]
POLICY = replace(_MDRP, holding=replace(_MDRP.holding, additions=Additions.SAME_PICKUP))
CROWDED = day(
    orders=[
        (f"o{k}", 900 * k % 4000, -700 * k % 3000, 7 * k // 2, f"r{1 + k % 2}", 7 * k // 2 + 12) for k in range(40)
    ],
    couriers=[("c1", 0, 0, 0, 200), ("c2", 3000, 0, 0, 200), ("c3", 1500, 900, 10, 200)],
)


class Engine:
    """The engine itself."""

    def decide(self, snapshot: Snapshot) -> Decision:
        """One decision by the meal-delivery policy with additions."""
        return matcher.decide(snapshot, POLICY, ports=PORTS)


def stop(kind: StopKind, order_id: str, arrive: int, at: int, depart: int) -> PlannedStop:
    """A stop at minutes from the start."""
    return PlannedStop(kind, order_id, START + arrive * MINUTE, START + at * MINUTE, START + depart * MINUTE)


ORDERS = {
    row.id: row
    for row in (
        order("a", 0, 600, (600, 0), (1200, 0)),
        order("b", 60, 300, (600, 0), (600, 600)),
        order("z", 60, 60, (0, 600), (0, 0)),
    )
}
PROMISED = (stop(PICKUP, "a", 1, 10, 11), stop(DROPOFF, "a", 12, 13, 14))


def a_courier_on_the_way() -> AddingCourier:
    """Sets off at the start for "a", a minute away, ready in ten."""
    courier = AddingCourier(shift("c", (0, 0), 0, 3600), ORDERS)
    courier.commit(CourierPlan("c", PROMISED, ("a",), START), START)
    return courier


def test_a_courier_is_seen_at_its_pickup_until_it_is_made() -> None:
    """Then where and when the plan ends, as a courier who cannot be diverted."""
    courier = a_courier_on_the_way()
    row = courier.row(START + 30_000)
    assert row is not None
    assert (row.longitude, row.free_at_ms, row.locked_stops) == (600, START + MINUTE, 1)
    assert [(s.kind, s.order_id) for s in row.route] == [(PICKUP, "a"), (DROPOFF, "a")]
    (carried,) = courier.order_rows(START + 90_000)
    assert carried.pickup_access_ms == 30_000, "half a minute of it has been spent"
    courier.advance(START + 10 * MINUTE)
    row = courier.row(START + 10 * MINUTE)
    assert row is not None
    assert (row.longitude, row.free_at_ms, row.route) == (1200, START + 14 * MINUTE, ())
    assert courier.order_rows(START + 10 * MINUTE) == []


def test_additions_keep_what_was_promised() -> None:
    """The longer plan is carried out from the departure that was; the promise stays."""
    courier = a_courier_on_the_way()
    joined = (
        stop(PICKUP, "a", 5, 10, 11),
        stop(PICKUP, "b", 5, 10, 11),
        stop(DROPOFF, "b", 12, 13, 14),
        stop(DROPOFF, "a", 16, 17, 18),
    )
    plan = CourierPlan("c", joined, ("b",), START)
    assert courier.may_take(plan, START + 5 * MINUTE)
    courier.commit(plan, START + 5 * MINUTE)
    courier.finish()
    assert [(v.order_id, v.set_off_at_ms, v.at_ms) for v in courier.visits] == [
        ("a", START, START + 10 * MINUTE),
        ("b", START, START + 10 * MINUTE),
        ("b", START + 11 * MINUTE, START + 13 * MINUTE),
        ("a", START + 14 * MINUTE, START + 17 * MINUTE),
    ]


def test_a_courier_on_the_way_takes_no_second_pickup() -> None:
    """Where only free couriers are given plans; and in no world does a plan drop what was promised."""
    courier = a_courier_on_the_way()
    more = (stop(PICKUP, "a", 5, 10, 11), PROMISED[1], stop(PICKUP, "z", 16, 17, 18), stop(DROPOFF, "z", 19, 20, 21))
    plan = CourierPlan("c", more, ("z",), START)
    assert not courier.may_take(plan, START + 5 * MINUTE)
    with pytest.raises(PlanError, match="not those of its orders"):
        courier.commit(CourierPlan("c", more[2:], ("z",), START), START + 5 * MINUTE)
    detour = (stop(PICKUP, "z", 6, 7, 8), stop(PICKUP, "a", 9, 10, 11), PROMISED[1], stop(DROPOFF, "z", 16, 17, 18))
    with pytest.raises(PlanError, match="changes the pick-up"):
        courier.commit(CourierPlan("c", detour, ("z",), START), START + 5 * MINUTE)
    courier.advance(START + 10 * MINUTE)
    assert not courier.may_take(plan, START + 12 * MINUTE)
    assert courier.may_take(plan, START + 14 * MINUTE)


def test_days_with_updates_obey_the_rules_of_their_mode() -> None:
    """Some assignment grows after its courier has set off, which the stricter mode forbids."""
    cycles: list[Cycle] = []
    solution, outcome = run_day(CROWDED, Engine(), cycles.append, mode=UPDATES)
    assert outcome.undelivered == ()
    assert check_solution(CROWDED, solution, UPDATES) == ()
    assert feasibility_report(CROWDED, solution)[1]
    assert {v.rule.name for v in check_solution(CROWDED, solution)} == {"FINAL_BEFORE_DEPARTURE"}
    assert any(np.any(cycle.snapshot.routes.locked > 0) for cycle in cycles)
    assert run_day(CROWDED, Engine(), mode=UPDATES) == (solution, outcome)
    promised: dict[str, str] = {}
    for plan in outcome.commitments:
        for order_id in plan.order_ids:
            promised[order_id] = plan.courier_id
    assert all(promised[order_id] == a.courier for a in solution.assignments for order_id in a.orders)


def test_a_real_day_with_updates_obeys_the_rules_of_its_mode() -> None:
    """The understaffed day, where couriers on their way are most in demand."""
    (source,) = find_instances([shared_data("mdrp", "plain", "1o50t100s1p100")])
    instance = source.read()
    solution, _ = run_day(instance, Engine(), mode=UPDATES)
    assert check_solution(instance, solution, UPDATES) == ()
    assert feasibility_report(instance, solution)[1]
