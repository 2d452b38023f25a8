"""What decisions are told of kitchens, and what becomes of plans where kitchens are later than told."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.markets import PORTS
from tests.simulation.days import day
from tests.simulation.test_world import MINUTE, START, market, order, rules, shift

import matcher
from matcher.app.policies import built_in_policies
from matcher.domain import (
    Additions,
    CourierMove,
    CourierPlan,
    Decision,
    MoveReason,
    Order,
    PlannedStop,
    Policy,
    Snapshot,
    StopKind,
)
from matcher.simulation.additions import AddingCourier
from matcher.simulation.couriers import LockedCourier
from matcher.simulation.kitchens import MeanKitchens, PunctualKitchens
from matcher.simulation.market import Diversion
from matcher.simulation.mdrp.checks import OperatingMode, Rule, check_solution
from matcher.simulation.mdrp.day import run_day
from matcher.simulation.mdrp.reference import feasibility_report
from matcher.simulation.mdrp.solution import Move
from matcher.simulation.noise import Noise
from matcher.simulation.world import World

PICKUP, DROPOFF = StopKind.PICKUP, StopKind.DROPOFF
MEANS = Noise(store_mean=True, quantum_ms=MINUTE)
_MDRP = built_in_policies()["mdrp"]
CROWDED = day(
    orders=[
        (f"o{k}", 900 * k % 4000, -700 * k % 3000, 7 * k // 2, f"r{1 + k % 2}", 7 * k // 2 + 4 + 23 * k % 29)
        for k in range(40)
    ],
    couriers=[("c1", 0, 0, 0, 120), ("c2", 3000, 0, 0, 200), ("c3", 1500, 900, 10, 200)],
)
MODES = {
    OperatingMode(late_kitchens=True): _MDRP,
    OperatingMode(assignment_updates=True, late_kitchens=True): replace(
        _MDRP, holding=replace(_MDRP.holding, additions=Additions.SAME_PICKUP)
    ),
    OperatingMode(True, True, True): replace(
        _MDRP,
        holding=replace(_MDRP.holding, additions=Additions.SAME_PICKUP),
        positioning=replace(_MDRP.positioning, max_moves=3),
        readiness=replace(_MDRP.readiness, leave_permille=100),
    ),
}


class Engine:
    """The engine itself, remembering what it was shown."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.shown: list[Snapshot] = []

    def decide(self, snapshot: Snapshot) -> Decision:
        """One decision by the policy."""
        self.shown.append(snapshot)
        return matcher.decide(snapshot, self.policy, ports=PORTS)


def _orders(*preparation_minutes: int) -> list[Order]:
    return [
        Order(f"o{k}", store_id="s", placed_at_ms=START, ready_at_ms=START + minutes * MINUTE)
        for k, minutes in enumerate(preparation_minutes)
    ]


def _told(row: Order) -> list[float]:
    """Early, middle and late, in minutes from the placement."""
    times = (row.ready_early_at_ms, row.ready_at_ms, row.ready_late_at_ms)
    return [((time or 0) - START) / MINUTE for time in times]


def test_only_the_mean_is_known_until_the_order_is_ready() -> None:
    """Two orders of one store look alike whatever becomes of them; the true time shows when it has come."""
    quick, slow = _orders(10, 30)
    kitchens = MeanKitchens([quick, slow], MINUTE)
    for minute in range(10):
        at_ms = START + minute * MINUTE
        assert _told(kitchens.shown(quick, at_ms)) == _told(kitchens.shown(slow, at_ms))
    assert kitchens.shown(quick, START + 10 * MINUTE) is quick
    assert kitchens.shown(slow, START + 10 * MINUTE) is not slow
    assert kitchens.shown(slow, START + 30 * MINUTE) is slow
    early, middle, late = _told(kitchens.shown(slow, START))
    assert 8 <= early < 16 < middle < 20 < late <= 35


@given(st.integers(1, 60), st.integers(0, 300))
def test_what_is_told_lies_ahead_and_in_order(mean_minutes: int, elapsed_minutes: int) -> None:
    """An order that is late is still to come, sooner or later; the more it is late, the less is known."""
    late_one = _orders(mean_minutes + 1_000)[0]
    kitchens = MeanKitchens(_orders(mean_minutes), MINUTE)
    told = _told(kitchens.shown(late_one, START + elapsed_minutes * MINUTE))
    assert elapsed_minutes < told[0] <= told[1] <= told[2]
    later = _told(kitchens.shown(late_one, START + (elapsed_minutes + 10) * MINUTE))
    assert all(a <= b for a, b in zip(told, later, strict=True))


def test_the_quantiles_are_quantiles_also_of_what_remains() -> None:
    """Of all orders of the distribution that are not ready yet, one in ten is ready before early, after late."""
    draw = random.Random(5)
    kitchens = MeanKitchens(_orders(20), 1)
    scale = 20 * 0.9088  # of a log-logistic of shape 4.2 and mean 20: mean × sin(π/4.2) / (π/4.2)
    times = [scale * (u / (1 - u)) ** (1 / 4.2) for u in (draw.random() for _ in range(40_000))]
    for elapsed in (0, 15, 40):
        going_on = [time for time in times if time > elapsed]
        told = _told(kitchens.shown(_orders(10_000)[0], START + elapsed * MINUTE))
        shares = [sum(time <= limit for time in going_on) / len(going_on) for limit in told]
        assert shares == pytest.approx([0.1, 0.5, 0.9], abs=0.03)


def test_estimates_respect_hard_limits() -> None:
    """An estimate beyond the order's own limit would be refused as a snapshot."""
    row = replace(_orders(90)[0], pickup_by_ms=START + 12 * MINUTE)
    shown = MeanKitchens([row], MINUTE).shown(row, START)
    assert shown.ready_late_at_ms == row.pickup_by_ms


def test_punctual_kitchens_say_what_they_know() -> None:
    """Without noise nothing is hidden."""
    (row,) = _orders(10)
    assert PunctualKitchens().shown(row, START) is row


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_days_of_which_only_means_are_known_obey_their_rules(mode: OperatingMode) -> None:
    """Couriers wait at kitchens, some in vain until their shift ends, and no rule is broken; runs repeat."""
    engine = Engine(MODES[mode])
    solution, outcome = run_day(CROWDED, engine, noise=MEANS, mode=mode)
    assert check_solution(CROWDED, solution, mode) == ()
    assert feasibility_report(CROWDED, solution)[1]
    delivered = {row.order for row in solution.orders}
    assert delivered.isdisjoint(outcome.undelivered)
    assert len(delivered) + len(outcome.undelivered) == 40
    assert len(delivered) >= 36
    assert run_day(CROWDED, Engine(MODES[mode]), noise=MEANS, mode=mode) == (solution, outcome)
    assert run_day(CROWDED, Engine(MODES[mode]), mode=mode)[0] != solution
    truth = dict(zip(CROWDED.orders.ids, CROWDED.orders.ready.tolist(), strict=True))
    start = engine.shown[0].at_unix_ms
    hidden = 0
    for snapshot in engine.shown:
        now = (snapshot.at_unix_ms - start) // MINUTE + min(CROWDED.orders.placement.tolist())
        columns = snapshot.orders
        for name, early, late in zip(
            columns.ids, columns.ready_early_ms.tolist(), columns.ready_late_ms.tolist(), strict=True
        ):
            assert (truth[name] <= now) == (early <= 0), name
            hidden += early < late
    assert hidden > 50


def _stop(kind: StopKind, name: str, arrive: int, at: int, depart: int) -> PlannedStop:
    return PlannedStop(kind, name, START + arrive * MINUTE, START + at * MINUTE, START + depart * MINUTE)


class _OnePlan:
    """Gives "a" to each courier that it sees, first come first served, as if it were ready at minute 5."""

    def decide(self, snapshot: Snapshot) -> Decision:
        """The engine's decision by a policy that gives orders at once."""
        policy = replace(_MDRP, holding=replace(_MDRP.holding, commitment=matcher.domain.Commitment.IMMEDIATE))
        return matcher.decide(snapshot, policy, ports=PORTS)


@pytest.mark.parametrize("diversion", [Diversion.LOCKED_PLAN, Diversion.ADDED_ORDERS])
def test_an_order_that_outlasts_its_courier_is_open_again(diversion: Diversion) -> None:
    """The kitchen is slower than its mean: the courier leaves when its shift ends, and another one takes the order."""
    slow = order("a", 0, 40 * 60, (600, 0), (1200, 0), store_id="s")
    quick = [order(f"q{k}", 0, 60, (600, 0), (600, 600 + k), store_id="s") for k in range(5)]
    shifts = [shift("early", (0, 0), 0, 30 * 60), shift("late", (5000, 0), 28 * 60, 7200)]
    world = World(market([slow, *quick], shifts), rules(diversion), Noise(store_mean=True))
    outcome = world.run(_OnePlan())
    assert outcome.undelivered == ()
    assert {visit.courier_id for visit in outcome.visits if visit.order_id == "a"} == {"late"}
    givers = [plan.courier_id for plan in outcome.commitments if "a" in plan.order_ids]
    assert givers == ["early", "late"]
    (drive,) = outcome.relocations
    assert drive.courier_id == "early"
    assert (drive.longitude, drive.latitude) == (600, 0)


def _waiting_in_vain(kind: type[LockedCourier | AddingCourier]) -> LockedCourier | AddingCourier:
    """On its way to "a", planned for minute 5, ready at minute 50; its shift ends at minute 30."""
    rows = {"a": order("a", 0, 3000, (600, 0), (1200, 0), store_id="s", courier_pay_micros=7)}
    kitchens = MeanKitchens(_orders(10), MINUTE)
    courier = kind(shift("c", (0, 0), 0, 1800), rows, late=kitchens)
    plan = CourierPlan("c", (_stop(PICKUP, "a", 1, 5, 6), _stop(DROPOFF, "a", 7, 8, 9)), ("a",), START)
    courier.commit(plan, START)
    return courier


@pytest.mark.parametrize("kind", [LockedCourier, AddingCourier])
def test_a_courier_waits_until_its_shift_ends_and_then_gives_up_once(kind: type[LockedCourier | AddingCourier]) -> None:
    """Until then nobody knows that it waits in vain, and what it would have earned is not earned."""
    courier = _waiting_in_vain(kind)
    for minute in range(1, 31):
        courier.advance(START + minute * MINUTE)
        assert courier.give_up(START + minute * MINUTE) is None
    row = courier.row(START + 20 * MINUTE)
    assert row is None or row.earned_micros == 7
    courier.advance(START + 31 * MINUTE)
    given_up = courier.give_up(START + 31 * MINUTE)
    assert given_up is not None
    assert given_up.order_ids == ("a",)
    assert [(drive.set_off_at_ms, drive.arrive_at_ms) for drive in given_up.drives] == [(START, START + MINUTE)]
    assert courier.give_up(START + 32 * MINUTE) is None
    assert courier.row(START + 32 * MINUTE) is None
    courier.finish()
    assert courier.visits == []


_EXCHANGED = {
    "a": order("a", 0, 3000, (600, 0), (1200, 0), store_id="s", courier_pay_micros=7),
    "b": order("b", 300, 900, (600, 0), (600, 600), store_id="s", courier_pay_micros=5),
    "z": order("z", 0, 60, (600, 600), (0, 0), store_id="t"),
}


def _at_the_kitchen() -> AddingCourier:
    """Came for "a" at minute 1, and waits for nothing but the kitchen; its shift ends at minute 30."""
    kitchens = MeanKitchens(_orders(10), MINUTE)
    courier = AddingCourier(shift("c", (0, 0), 0, 1800), _EXCHANGED, late=kitchens, exchanging=True)
    courier.commit(CourierPlan("c", (_stop(PICKUP, "a", 1, 5, 6), _stop(DROPOFF, "a", 7, 8, 9)), ("a",), START), START)
    assert courier.give_up(START + 30_000) is None, "on its way it keeps its promise"
    row = courier.row(START + 30_000)
    assert row is not None
    assert len(row.route) == 2
    courier.advance(START + 2 * MINUTE)
    let_go = courier.give_up(START + 2 * MINUTE)
    assert let_go is not None
    assert (let_go.order_ids, let_go.drives) == (("a",), ())
    row = courier.row(START + 2 * MINUTE)
    assert row is not None
    assert (row.longitude, row.free_at_ms, row.route, row.earned_micros) == (600, START + 2 * MINUTE, (), 0)
    return courier


def test_a_courier_at_a_kitchen_takes_what_is_ready_first() -> None:
    """Another order of the place, by the drive that was made, as soon as it is ready; nothing is left to give up."""
    courier = _at_the_kitchen()
    plan = CourierPlan("c", (_stop(PICKUP, "b", 6, 8, 9), _stop(DROPOFF, "b", 10, 11, 12)), ("b",), START)
    assert courier.may_take(plan, START + 6 * MINUTE)
    courier.commit(plan, START + 6 * MINUTE)
    let_go = courier.give_up(START + 7 * MINUTE)
    assert let_go is not None, "what it waits for may change with every decision"
    assert let_go.order_ids == ("b",)
    later = (_stop(PICKUP, "b", 14, 15, 16), _stop(DROPOFF, "b", 17, 18, 19))
    courier.commit(replace(plan, stops=later), START + 14 * MINUTE)
    courier.advance(START + 15 * MINUTE)
    assert courier.give_up(START + 15 * MINUTE) is None
    assert [(v.order_id, v.set_off_at_ms, v.arrive_at_ms, v.at_ms) for v in courier.visits[:1]] == [
        ("b", START, START + MINUTE, START + 15 * MINUTE)
    ]
    row = courier.row(START + 20 * MINUTE)
    assert row is not None
    assert row.earned_micros == 5


def test_a_pickup_is_not_before_the_decision_for_it() -> None:
    """The food has been ready for long and the courier there: it is handed over when that is decided."""
    courier = _at_the_kitchen()
    plan = CourierPlan("c", (_stop(PICKUP, "b", 20, 20, 21), _stop(DROPOFF, "b", 22, 23, 24)), ("b",), START)
    courier.commit(plan, START + 20 * MINUTE)
    courier.advance(START + 21 * MINUTE)
    assert [visit.at_ms for visit in courier.visits] == [START + 20 * MINUTE, START + 23 * MINUTE]


@pytest.mark.parametrize("sent", ["with an order", "without one", "home"])
def test_a_courier_who_leaves_a_kitchen_has_driven_there_in_vain(sent: str) -> None:
    """Told once, when it has left; at the end of its shift too."""
    courier = _at_the_kitchen()
    if sent == "with an order":
        stops = (_stop(PICKUP, "z", 4, 4, 5), _stop(DROPOFF, "z", 6, 7, 8))
        courier.commit(CourierPlan("c", stops, ("z",), START), START + 3 * MINUTE)
    elif sent == "without one":
        courier.relocate(
            CourierMove("c", 600.0, 600.0, START + 4 * MINUTE, MoveReason.EXPECTED_DEMAND, 0), START + 3 * MINUTE
        )
    asked = START + (31 if sent == "home" else 3) * MINUTE
    courier.advance(asked)
    left = courier.give_up(asked)
    assert left is not None
    assert left.order_ids == ()
    assert [(d.set_off_at_ms, d.arrive_at_ms, d.longitude) for d in left.drives] == [(START, START + MINUTE, 600)]
    courier.advance(START + 40 * MINUTE)
    assert courier.give_up(START + 40 * MINUTE) is None
    courier.finish()
    assert [visit.order_id for visit in courier.visits] == (["z", "z"] if sent == "with an order" else [])


def test_a_busy_courier_is_expected_when_the_kitchen_is() -> None:
    """A plan that should have ended says nothing any more; what is known of the order does."""
    courier = _waiting_in_vain(LockedCourier)
    free = [(row.free_at_ms or 0) - START for m in (1, 9, 15) if (row := courier.row(START + m * MINUTE)) is not None]
    assert free == sorted(free)
    assert free[0] < free[-1]
    assert free[-1] > 15 * MINUTE


def test_a_drive_in_vain_is_the_last_of_its_courier() -> None:
    """Where ready times are not known, one such drive is no rule broken; any other still is."""
    mode = OperatingMode(late_kitchens=True)
    instance = day(orders=[("o0", 900, 0, 0, "r1", 12)], couriers=[("c1", 0, 0, 0, 300)])
    solution, _ = run_day(instance, Engine(_MDRP))
    assert check_solution(instance, solution) == ()
    in_vain = Move("c1", 200, "o0", "r3")
    longer = replace(solution, moves=(*solution.moves, in_vain))
    assert check_solution(instance, longer, mode) == ()
    assert {found.rule for found in check_solution(instance, longer)} == {Rule.OWN_MOVES}
    twice = replace(longer, moves=(*longer.moves, replace(in_vain, departure=250, origin="r3")))
    assert {found.rule for found in check_solution(instance, twice, mode)} == {Rule.OWN_MOVES}
