"""Days of trucks between factories: what the world carries out, what decisions know, and what the evaluator refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.simulation.dpdp_days import ORDER_HEADER, day, order_row, random_orders, write_benchmark

from matcher.simulation.couriers import PlanError
from matcher.simulation.dpdp.dispatch import DispatchOptions, FleetDispatcher
from matcher.simulation.dpdp.evaluation import evaluate
from matcher.simulation.dpdp.instance import DOCKING_S, Instance, open_benchmark
from matcher.simulation.dpdp.world import Call, DayNeverEndsError, DpdpWorld, Moment, Visit
from matcher.simulation.tables import TableError

QUICK = DispatchOptions(iterations=40)


class Scripted:
    """The same plans at every decision, as far as they are not done."""

    def __init__(self, plans: Sequence[Sequence[Visit]]) -> None:
        self._plans = plans

    def plan(self, moment: Moment) -> list[list[Visit]]:
        """What of the plans has units that are to be loaded or unloaded still."""
        left = moment.open.keys() | moment.aboard.keys()

        def is_left(visit: Visit) -> bool:
            return not moment.open.keys().isdisjoint(visit.load) or not left.isdisjoint(visit.unload)

        return [[visit for visit in plan if is_left(visit)] for plan in self._plans]


def run(instance: Instance, options: DispatchOptions = QUICK) -> list[Call]:
    return DpdpWorld(instance).run(FleetDispatcher(instance.network, instance.capacity, options))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("hold_s", [0, 3600, 86400])
def test_every_order_is_delivered_and_no_rule_is_broken(tmp_path: Path, seed: int, hold_s: int) -> None:
    """Orders of all sizes through few docks; the evaluator shares nothing with the world but the instance."""
    instance = day(tmp_path, random_orders(seed, 60, 6), docks=1)
    score, broken = evaluate(instance, run(instance, replace(QUICK, hold_s=hold_s)))
    assert broken == []
    assert score.delivered == score.orders == 60
    assert score.score is not None
    assert score.score_on_arrival is not None
    assert score.score >= score.score_on_arrival > 0


def test_a_decision_knows_no_order_before_it_is_created(tmp_path: Path) -> None:
    """Two days that differ only after noon are the same until noon; and no order is shown before its time."""
    noon = 12 * 3600
    orders = [row for row in random_orders(4, 80, 6) if row.split(",")[5] < "12:00:00"]
    later = [order_row(f"x{k}", (5, 0, 0), noon + 1 + 60 * k, (k % 6, (k + 1) % 6)) for k in range(20)]
    seen: list[Moment] = []

    def calls(folder: Path, rows: list[str]) -> list[Call]:
        instance = day(folder, rows)
        dispatcher = FleetDispatcher(instance.network, instance.capacity, QUICK)
        return DpdpWorld(instance).run(dispatcher, seen.append)

    quiet, busy = calls(tmp_path / "a", orders), calls(tmp_path / "b", orders + later)
    assert any(moment.now_s > noon and moment.open for moment in seen)
    assert all(unit.created_s <= moment.now_s for moment in seen for unit in moment.open.values())
    before = [call for call in quiet if call.left_s < noon and call.arrive_s <= noon]
    assert before
    assert before == [call for call in busy if call.left_s < noon and call.arrive_s <= noon]


def test_waiting_pays_where_orders_can_travel_together(tmp_path: Path) -> None:
    """Ten orders for one way, one every hundred minutes, and four hours for each: who waits drives less."""
    seconds = day(tmp_path / "way", [order_row("o", (1, 0, 0), 0, (0, 1))]).network.drive_s
    near = next((a, b) for a in range(6) for b in range(6) if a != b and seconds[a, b] < 2400)
    rows = [order_row(f"o{k}", (1, 0, 0), 6000 * k, near) for k in range(10)]
    instance = day(tmp_path / "day", rows, trucks=2)
    eager, _ = evaluate(instance, run(instance, replace(QUICK, hold_s=86400)))
    patient, broken = evaluate(instance, run(instance, replace(QUICK, hold_s=3600)))
    assert broken == []
    assert patient.late == eager.late == 0
    assert patient.km < eager.km


def test_an_order_larger_than_a_truck_travels_in_parts_and_no_other_does(tmp_path: Path) -> None:
    """20 pallets and 3 boxes are more than 15; 14 pallets and 4 boxes are exactly 15."""
    rows = [order_row("big", (20, 0, 3), 0, (0, 1)), order_row("full", (14, 0, 4), 0, (2, 3))]
    instance = day(tmp_path, rows)
    assert [(unit.order, unit.quarters) for unit in instance.units] == [(0, 60), (0, 23), (1, 60)]
    assert sum(unit.load_s for unit in instance.units if unit.order == 0) == 240 * 20 + 180
    score, broken = evaluate(instance, run(instance))
    assert (score.delivered, broken) == (2.0, [])


def test_the_score_is_distance_by_truck_and_ten_thousand_an_hour_late(tmp_path: Path) -> None:
    """One order of one pallet that cannot be in time, with every figure by hand."""
    rows = [order_row("o", (1, 0, 0), 0, (0, 1), due_s=600)]
    instance = day(tmp_path, rows, trucks=2)
    (score, broken), calls = evaluate(instance, run(instance)), run(instance)
    assert broken == []
    first, last = calls
    km = instance.network.km[instance.starts[first.truck], 0] + instance.network.km[0, 1]
    drive_s = instance.network.drive_s
    ends_s = int(drive_s[instance.starts[first.truck], 0] + drive_s[0, 1]) + 2 * (DOCKING_S + 240)
    assert last.leave_s == ends_s
    assert score.score == pytest.approx(km / 2 + 10_000 * (ends_s - 600) / 3600)
    assert score.score_on_arrival == pytest.approx(km / 2 + 10_000 * (ends_s - 600 - DOCKING_S - 240) / 3600)


def test_trucks_queue_for_a_dock(tmp_path: Path) -> None:
    """Two trucks for one dock: the second docks when the first has left."""
    rows = [order_row("a", (1, 0, 0), 0, (0, 1)), order_row("b", (1, 0, 0), 0, (0, 1))]
    instance = day(tmp_path, rows, trucks=2, docks=1)
    plans = [[Visit(0, (), (k,)), Visit(1, (k,))] for k in range(2)]
    calls = DpdpWorld(instance).run(Scripted(plans))
    assert evaluate(instance, calls)[1] == []
    at_first = sorted((call for call in calls if call.visit.factory == 0), key=lambda call: call.arrive_s)
    assert at_first[1].dock_s == max(at_first[1].arrive_s, at_first[0].leave_s)
    assert at_first[1].dock_s > at_first[1].arrive_s


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        ([Visit(0, (), (0, 1)), Visit(1, (0,)), Visit(1, (1,))], "not on top"),
        ([Visit(0, (), (0, 1, 2)), Visit(1, (2, 1, 0))], "carries more than it holds"),
        ([Visit(3, (), (0,)), Visit(1, (0,))], "wrong factory"),
        ([Visit(0, (), (0,)), Visit(2, (0,))], "not for that factory"),
        ([Visit(0, (), (0,)), Visit(1, (0,)), Visit(0, (), (0,))], "planned twice"),
    ],
)
def test_the_world_refuses_what_cannot_be(tmp_path: Path, plan: list[Visit], sentence: str) -> None:
    """Stacks, capacity, places and orders, each broken once."""
    rows = [order_row(f"o{k}", (7, 0, 0), 0, (0, 1)) for k in range(3)]
    with pytest.raises(PlanError, match=sentence):
        DpdpWorld(day(tmp_path, rows, trucks=1)).run(Scripted([plan]))


def test_a_truck_under_way_is_not_diverted(tmp_path: Path) -> None:
    """The factory ahead stays, whatever the next plan says; what is done there may change."""
    rows = [order_row("a", (1, 0, 0), 0, (0, 1)), order_row("b", (1, 0, 0), 0, (0, 2))]
    instance = day(tmp_path, rows, trucks=1)

    class Fickle(Scripted):
        def plan(self, moment: Moment) -> list[list[Visit]]:
            away = (instance.starts[0] + 1) % 6
            if moment.trucks[0].heading is not None:
                return [[Visit((moment.trucks[0].factory + 1) % 6)]]
            return [[Visit(away)]]

    with pytest.raises(PlanError, match="drives to a factory that its plan does not begin with"):
        DpdpWorld(instance).run(Fickle([]))


def test_a_dispatcher_that_leaves_orders_out_is_told_so(tmp_path: Path) -> None:
    """Not an endless day."""
    with pytest.raises(DayNeverEndsError, match="order o is not delivered"):
        DpdpWorld(day(tmp_path, [order_row("o", (1, 0, 0), 0, (0, 1))])).run(Scripted([[]] * 4))


def _swap_unload(call: Call) -> Call:
    return replace(call, visit=replace(call.visit, unload=tuple(reversed(call.visit.unload))))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda call: replace(call, arrive_s=call.arrive_s - 60), "the way takes another time"),
        (lambda call: replace(call, leave_s=call.leave_s - 60), "docking, unloading and loading take another time"),
        (lambda call: replace(call, dock_s=call.dock_s + 60, leave_s=call.leave_s + 60), "does not dock in its turn"),
        (lambda call: replace(call, visit=replace(call.visit, factory=call.visit.factory ^ 1)), "wrong factory"),
        (_swap_unload, "which is not on top"),
        (lambda call: replace(call, visit=replace(call.visit, unload=())), "not delivered"),
    ],
)
def test_the_evaluator_refuses_a_log_that_was_changed(
    tmp_path: Path, change: Callable[[Call], Call], sentence: str
) -> None:
    """Each rule, broken in the call that unloads most of an honest day."""
    instance = day(tmp_path, random_orders(2, 60, 4, last_s=6 * 3600), trucks=3, factories=4)
    calls = run(instance)
    most = max(range(len(calls)), key=lambda k: len(calls[k].visit.unload))
    assert len(calls[most].visit.unload) > 1
    calls[most] = change(calls[most])
    score, broken = evaluate(instance, calls)
    assert any(sentence in rule for rule in broken), broken
    assert score.violations == len(broken)


def test_the_evaluator_refuses_foresight(tmp_path: Path) -> None:
    """The same log, had one order been created later."""
    instance = day(tmp_path, random_orders(3, 20, 6))
    calls = run(instance)
    number = calls[3].visit.load[0] if calls[3].visit.load else calls[0].visit.load[0]
    units = list(instance.units)
    arrive = next(call.arrive_s for call in calls if number in call.visit.load)
    units[number] = replace(units[number], created_s=arrive + 1)
    assert any("before a decision knew" in rule for rule in evaluate(replace(instance, units=tuple(units)), calls)[1])


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """File, line and what was expected."""
    good = order_row("o", (1, 0, 0), 0, (0, 1))
    for bad, sentence in (
        (good.replace(",f1", ",f9"), "expected a factory"),
        (good.replace(",1.0,", ",2.0,"), "what its parts come to"),
        (good.replace("00:00:00", "noon"), "expected HH:MM:SS"),
        (good.replace(",f1", ",f0"), "another factory"),
    ):
        with pytest.raises(TableError, match=f"orders.csv, line 2.*{sentence}"):
            day(tmp_path, [bad])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="no day here"):
        open_benchmark(empty)
    folder = write_benchmark(tmp_path / "b", {"day": [good]})
    (folder / "day" / "more.csv").write_text(ORDER_HEADER + "\n")
    with pytest.raises(ValueError, match="2 of orders"):
        open_benchmark(folder).read("day")
