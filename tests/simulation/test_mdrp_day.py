"""A day run in the world obeys the problem's rules, whatever decides."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.shared_data import shared_data
from tests.simulation.days import day
from tests.simulation.rule_of_thumb import FirstComeFirstServed

from matcher.domain import Decision, OrderStatus, PlannedStop, Snapshot, StopKind
from matcher.simulation import Cycle
from matcher.simulation.mdrp.checks import check_solution
from matcher.simulation.mdrp.day import BUSINESS_START_MS, MINUTE_MS, day_market, run_day
from matcher.simulation.mdrp.instance import Instance, find_instances
from matcher.simulation.mdrp.reference import feasibility_report
from matcher.simulation.mdrp.solution import Assignment, DeliveredOrder, Move


class _Bundling:
    """Picks up all orders of the first store with open ones together, with the first courier who is free."""

    def decide(self, snapshot: Snapshot) -> Decision:
        """One bundle a cycle, dropped off in the order of ids."""
        alone = FirstComeFirstServed(quantum_ms=MINUTE_MS, only_free=True).decide(snapshot)
        if not alone.plans:
            return alone
        orders = snapshot.orders
        plan = alone.plans[0]
        lead = orders.ids.index(plan.new_order_ids[0])
        members = [k for k in range(len(orders)) if orders.store[k] == orders.store[lead]]
        pickup, first_drop = plan.stops
        at = max(pickup.at_ms, *(snapshot.at_unix_ms + int(orders.ready_ms[k]) for k in members))
        leave = at + 2 * MINUTE_MS
        stops = [PlannedStop(StopKind.PICKUP, orders.ids[k], pickup.arrive_at_ms, at, leave) for k in members]
        clock, place = leave, int(orders.pickup_loc[lead])
        locations = snapshot.locations
        for k in members:
            door = int(orders.dropoff_loc[k])
            east, north = locations.x[place] - locations.x[door], locations.y[place] - locations.y[door]
            clock += math.ceil(math.hypot(east, north) / 320) * MINUTE_MS
            stops.append(PlannedStop(StopKind.DROPOFF, orders.ids[k], clock, clock + 120_000, clock + 240_000))
            clock, place = clock + 240_000, door
        taken = {orders.ids[k] for k in members}
        outcomes = []
        for outcome in alone.outcomes:
            if outcome.order_id in taken:
                status = replace(outcome, status=OrderStatus.ASSIGNED, reason=None, courier_id=plan.courier_id)
            else:
                status = replace(outcome, status=OrderStatus.WAITING, reason=None, courier_id="")
            outcomes.append(status)
        whole = replace(plan, stops=tuple(stops), new_order_ids=tuple(sorted(taken)))
        assert first_drop.kind is StopKind.DROPOFF
        return replace(alone, plans=(whole,), outcomes=tuple(outcomes))


@pytest.mark.parametrize("decider", [FirstComeFirstServed(quantum_ms=MINUTE_MS, only_free=True), _Bundling()])
def test_solutions_obey_every_rule(decider: FirstComeFirstServed | _Bundling) -> None:
    """World, solution files and both checkers agree on what a day may be."""
    instance = day()
    cycles: list[Cycle] = []
    solution, outcome = run_day(instance, decider, cycles.append)
    assert check_solution(instance, solution) == ()
    assert feasibility_report(instance, solution)[1]
    assert len(solution.orders) + len(outcome.undelivered) == len(instance.orders.ids)
    if isinstance(decider, _Bundling):
        assert max(len(a.orders) for a in solution.assignments) > 1
    minutes = [(cycle.at_ms - BUSINESS_START_MS) / MINUTE_MS for cycle in cycles]
    assert minutes == sorted({int(minute) for minute in minutes})


def test_a_day_by_hand() -> None:
    """The clock of one courier, worked out on paper: half services, rounding up, waiting at the restaurant."""
    instance = day(orders=[("o1", 641, 0, 5, "r1", 20), ("o2", 0, 320, 6, "r1", 10)], couriers=[("c1", 320, 0, 7, 100)])
    solution, outcome = run_day(instance, FirstComeFirstServed(quantum_ms=MINUTE_MS, only_free=True))
    assert outcome.undelivered == ()
    assert solution.assignments == (Assignment(7, 20, "c1", ("o1",)), Assignment(29, 34, "c1", ("o2",)))
    assert solution.orders == (
        DeliveredOrder("o1", 5, 20, 20, 27, "c1"),
        DeliveredOrder("o2", 6, 10, 34, 39, "c1"),
    )
    assert solution.moves == (
        Move("c1", 7, "c1", "r1"),
        Move("c1", 22, "r1", "o1"),
        Move("c1", 29, "o1", "r1"),
        Move("c1", 36, "r1", "o2"),
    )


def test_the_market_states_the_problem_s_rules() -> None:
    """Half services, the 40-minute promise, the shift as the latest pick-up, bundles by restaurant, straight travel."""
    instance = day(orders=[("o1", 640, 10, 5, "r2", 20)], couriers=[("c1", 320, 0, 7, 100)])
    market = day_market(instance)
    (order,), (shift,) = market.orders, market.shifts
    assert (order.pickup_longitude, order.pickup_latitude) == (3000, 0)
    assert (order.dropoff_longitude, order.dropoff_latitude) == (640, 10)
    times = (order.placed_at_ms, order.ready_at_ms, order.promised_by_ms)
    assert [(t or 0) - BUSINESS_START_MS for t in times] == [5 * MINUTE_MS, 20 * MINUTE_MS, 45 * MINUTE_MS]
    assert {order.pickup_access_ms, order.pickup_leave_ms, order.dropoff_access_ms, order.dropoff_leave_ms} == {120_000}
    assert order.store_id == "r2"
    assert (shift.on_at_ms, shift.off_at_ms) == (BUSINESS_START_MS + 7 * MINUTE_MS, BUSINESS_START_MS + 100 * MINUTE_MS)
    assert shift.courier.speed_meters_per_hour == 320 * 60


@pytest.mark.parametrize("name", ["0o50t100s1p100", "1o50t100s1p100", "5r50t75s2p125"])
def test_real_days_obey_every_rule(name: str) -> None:
    """Real data has what seeded days lack: shared doors, shifts of every length, orders nobody can reach in time."""
    (source,) = find_instances([shared_data("mdrp", "plain", name)])
    instance: Instance = source.read()
    solution, _ = run_day(instance, FirstComeFirstServed(quantum_ms=MINUTE_MS, only_free=True))
    assert check_solution(instance, solution) == ()
    assert feasibility_report(instance, solution)[1]
    assert len(solution.orders) > 0.8 * len(instance.orders.ids)
