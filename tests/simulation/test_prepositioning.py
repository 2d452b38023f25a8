"""Days on which idle couriers are told where to wait."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.engine.markets import PORTS
from tests.shared_data import shared_data
from tests.simulation.days import day
from tests.simulation.rule_of_thumb import FirstComeFirstServed
from tests.simulation.test_world import MINUTE, START, market, order, rules, shift

import matcher
from matcher.app.policies import built_in_policies
from matcher.domain import Additions, CourierMove, Decision, MoveReason, Policy, PositioningPolicy, Snapshot
from matcher.simulation import Diversion, PlanError, World
from matcher.simulation.mdrp.checks import OperatingMode, check_solution
from matcher.simulation.mdrp.day import run_day
from matcher.simulation.mdrp.instance import find_instances
from matcher.simulation.mdrp.reference import feasibility_report

_MDRP = built_in_policies()["mdrp"]
_MOVING = replace(_MDRP, positioning=PositioningPolicy(max_moves=3))
POLICIES = {
    OperatingMode(prepositioning=True): _MOVING,
    OperatingMode(prepositioning=True, assignment_updates=True): replace(
        _MOVING, holding=replace(_MOVING.holding, additions=Additions.SAME_PICKUP)
    ),
}


class Engine:
    """The engine itself."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def decide(self, snapshot: Snapshot) -> Decision:
        """One decision."""
        return matcher.decide(snapshot, self._policy, ports=PORTS)


class Sending:
    """First come, first served; and one courier is sent to a place at the first decision."""

    def __init__(self, move: CourierMove) -> None:
        self._served = FirstComeFirstServed(quantum_ms=1000, only_free=True)
        self._moves = [move]

    def decide(self, snapshot: Snapshot) -> Decision:
        """The rule of thumb's decision with the move."""
        moves, self._moves = tuple(self._moves), []
        return replace(self._served.decide(snapshot), moves=moves)


def to(courier: str, seconds: int) -> CourierMove:
    """There in so long."""
    return CourierMove(courier, 0.0, 600.0, START + seconds * 1000, MoveReason.EXPECTED_DEMAND, 1)


def test_a_courier_on_its_way_is_not_free_before_it_is_there() -> None:
    """The order placed meanwhile waits for it, and the drive is part of what happened."""
    world = market([order("a", 40, 40, (600, 0), (0, 0))], [shift("c", (0, 0), 0, 3600)])
    moving = rules(Diversion.LOCKED_PLAN, only_free_couriers=True, prepositioning=True)
    outcome = World(world, moving).run(Sending(to("c", 100)))
    (relocation,) = outcome.relocations
    assert (relocation.set_off_at_ms, relocation.arrive_at_ms, relocation.longitude) == (START, START + 100_000, 600)
    assert [visit.set_off_at_ms for visit in outcome.visits][:1] == [START + 2 * MINUTE], "the first cycle after 100 s"
    assert outcome.visits[0].arrive_at_ms == START + 2 * MINUTE
    assert World(world, replace(moving, prepositioning=False)).run(Sending(to("c", 100))).relocations == ()


@pytest.mark.parametrize(
    ("diversion", "courier", "seconds", "reason"),
    [
        (Diversion.LOCKED_PLAN, "z", 100, "there is no courier z"),
        (Diversion.LOCKED_PLAN, "late", 100, "not idle"),
        (Diversion.ADDED_ORDERS, "late", 100, "not idle"),
        (Diversion.ADDED_ORDERS, "c", -1, "cannot"),
        (Diversion.LOCKED_PLAN, "c", 4000, "cannot"),
        (Diversion.LIVE_ROUTE, "c", 100, "live routes"),
    ],
)
def test_moves_that_cannot_be_are_a_defect(diversion: Diversion, courier: str, seconds: int, reason: str) -> None:
    """As with plans: whoever decides is told, nothing is quietly dropped."""
    shifts = [shift("c", (0, 0), 0, 3600), shift("late", (0, 0), 600, 3600)]
    world = market([order("a", 40, 40, (600, 0), (0, 0))], shifts)
    with pytest.raises(PlanError, match=reason):
        World(world, rules(diversion, prepositioning=True)).run(Sending(to(courier, seconds)))


@pytest.mark.parametrize("mode", POLICIES, ids=str)
def test_days_with_prepositioning_obey_the_rules_of_their_mode(mode: OperatingMode) -> None:
    """Couriers do move without an order, which the other modes forbid."""
    instance = day()
    solution, outcome = run_day(instance, Engine(POLICIES[mode]), mode=mode)
    assert outcome.relocations
    assert check_solution(instance, solution, mode) == ()
    assert check_solution(instance, solution, replace(mode, prepositioning=False))
    assert feasibility_report(instance, solution)[1]
    assert run_day(instance, Engine(POLICIES[mode]), mode=mode) == (solution, outcome)


def test_a_real_day_with_both_powers_obeys_the_rules() -> None:
    """The understaffed day, where waiting in the right place matters."""
    (source,) = find_instances([shared_data("mdrp", "plain", "1o50t100s1p100")])
    instance = source.read()
    mode = OperatingMode(prepositioning=True, assignment_updates=True)
    solution, outcome = run_day(instance, Engine(POLICIES[mode]), mode=mode)
    assert len(outcome.relocations) > 50
    assert check_solution(instance, solution, mode) == ()
    assert feasibility_report(instance, solution)[1]
