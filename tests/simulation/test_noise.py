"""Noise disturbs what decisions are told and nothing else, by its seed alone; without it nothing changes."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
from tests.simulation.days import day
from tests.simulation.rule_of_thumb import FirstComeFirstServed

from matcher.app import built_in_policies, this_build
from matcher.domain import Decision, Order, Snapshot, StopKind
from matcher.engine import decide
from matcher.ports import Ports
from matcher.simulation.kitchens import EstimatedKitchens
from matcher.simulation.market import Diversion, Market, Rules
from matcher.simulation.mdrp.checks import OperatingMode, check_solution
from matcher.simulation.mdrp.day import MINUTE_MS, day_market, run_day
from matcher.simulation.noise import Noise, parse_noise
from matcher.simulation.world import World
from matcher.travel import StraightLine

LATE_KITCHENS = Noise(ready=0.4, seed=3, quantum_ms=MINUTE_MS)


class Engine:
    """The engine under policy "mdrp", remembering what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Snapshot] = []

    def decide(self, snapshot: Snapshot) -> Decision:
        self.shown.append(snapshot)
        ports = Ports(travel=StraightLine(), build=this_build())
        return decide(snapshot, built_in_policies()["mdrp"], ports=ports)


def test_no_noise_is_no_noise() -> None:
    """The published results are of a world that keeps its word: asking for none of it changes no file."""
    decider = FirstComeFirstServed(quantum_ms=MINUTE_MS, only_free=True)
    assert run_day(day(), decider, noise=Noise()) == run_day(day(), decider)


def test_estimates_are_right_in_the_mean_and_do_not_depend_on_order() -> None:
    """Estimates that are off in the mean would be a policy question, not noise; two runs see the same kitchens."""
    orders = [Order(f"o{k}", placed_at_ms=1_000_000, ready_at_ms=2_000_000) for k in range(2_000)]
    noise = EstimatedKitchens(Noise(ready=0.4, seed=1, quantum_ms=1))
    told = [noise.shown(order, 1_000_000).ready_at_ms for order in orders]
    errors = [(ready or 0) - 2_000_000 for ready in told]
    assert abs(statistics.mean(errors)) < 40_000
    assert 350_000 < statistics.stdev(errors) < 500_000
    assert told == [noise.shown(order, 1_000_000).ready_at_ms for order in reversed(orders)][::-1]
    other = EstimatedKitchens(Noise(ready=0.4, seed=2, quantum_ms=1))
    assert told != [other.shown(order, 1_000_000).ready_at_ms for order in orders]


def test_decisions_never_see_the_future_nor_an_estimate_that_has_passed() -> None:
    """Until an order is ready its true time must not show; afterwards it is known, and in between it is not "ready"."""
    truth = {order.id: order.ready_at_ms or 0 for order in day_market(day()).orders}
    engine = Engine()
    run_day(day(), engine, noise=LATE_KITCHENS)
    seen = right = 0
    for snapshot in engine.shown:
        for name, ready in zip(snapshot.orders.ids, snapshot.orders.ready_ms.tolist(), strict=True):
            if truth[name] <= snapshot.at_unix_ms:
                assert snapshot.at_unix_ms + ready == truth[name]
            else:
                assert ready >= 0
                seen += 1
                right += snapshot.at_unix_ms + ready == truth[name]
    assert seen > 50
    assert right < seen / 4


def test_a_late_kitchen_delays_what_follows_and_no_rule_is_broken() -> None:
    """Hand-overs wait for the true time, drop-offs come later by as much, and the solution is one of the true day."""
    instance = day()
    solution, outcome = run_day(instance, Engine(), noise=LATE_KITCHENS)
    assert check_solution(instance, solution, OperatingMode(late_kitchens=True)) == ()
    truth = {order.id: order.ready_at_ms or 0 for order in day_market(instance).orders}
    pickups = [visit for visit in outcome.visits if visit.kind is StopKind.PICKUP]
    assert all(visit.at_ms >= truth[visit.order_id] for visit in pickups)
    assert run_day(instance, Engine(), noise=LATE_KITCHENS) == (solution, outcome)
    assert run_day(instance, Engine())[0] != solution


def test_refused_orders_go_to_others() -> None:
    """A courier who refused is not asked again about that order; with others about, nearly all of it is delivered."""
    noise = Noise(refusal=0.3, seed=5)
    engine = Engine()
    solution, outcome = run_day(day(), engine, noise=noise)
    assert outcome.refusals > 3
    for plan in outcome.commitments:
        assert not any(noise.refuses(plan.courier_id, order) for order in plan.order_ids)
    assert len(engine.shown[-1].refusals) or any(len(snapshot.refusals) for snapshot in engine.shown)
    _, without = run_day(day(), Engine())
    assert len(outcome.undelivered) <= len(without.undelivered) + 2
    assert not check_solution(day(), solution)


def test_live_routes_do_not_meet_late_kitchens() -> None:
    """A courier that can be diverted has no way yet to be late: said at once, not simulated wrongly."""
    market = Market("m", day_market(day()).frame, (), ())
    with pytest.raises(ValueError, match="LIVE_ROUTE"):
        World(market, Rules(0, 1, Diversion.LIVE_ROUTE), LATE_KITCHENS)


@pytest.mark.parametrize(
    "text", ["ready", "ready=x", "speed=1", "ready=-1", "refusal=1", "seed=1.5", "ready=restaurant_mean,ready=0.3"]
)
def test_noise_that_makes_no_sense_is_refused(text: str) -> None:
    """A mistyped option must not run as no noise at all."""
    with pytest.raises(ValueError, match="noise"):
        parse_noise(text, MINUTE_MS)


def test_noise_reads_as_it_is_written(tmp_path: Path) -> None:
    """All keys, any order."""
    assert parse_noise("seed=7,ready=0.25,refusal=0.05", 60_000) == Noise(0.25, 0.05, 7, 60_000)
    assert parse_noise("ready=restaurant_mean,refusal=0.1", 60_000) == Noise(0.0, 0.1, 0, 60_000, store_mean=True)
