"""The strict checker catches every broken rule; each test breaks one in a solution that obeys all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shared_data import shared_data
from tests.simulation.days import day, solved

from matcher.simulation.mdrp.checks import OperatingMode, Rule, check_solution
from matcher.simulation.mdrp.instance import Instance, find_instances
from matcher.simulation.mdrp.reference import feasibility_report
from matcher.simulation.mdrp.solution import Assignment, DeliveredOrder, Move, Solution, read_solution

ORDERS = (
    ("o1", 640, 0, 5, "r1", 10),
    ("o2", 1280, 0, 6, "r1", 12),
    ("o3", 3000, 320, 20, "r2", 25),
    ("o4", 1280, 640, 40, "r1", 50),
)
COURIERS = (("c1", 0, 0, 0, 100), ("c2", 3000, 0, 10, 60))
INSTANCE = day(ORDERS, COURIERS)
VALID = Solution(
    assignments=(
        Assignment(8, 12, "c1", ("o1", "o2")),
        Assignment(40, 50, "c1", ("o4",)),
        Assignment(20, 25, "c2", ("o3",)),
    ),
    orders=(
        DeliveredOrder("o1", 5, 10, 12, 18, "c1"),
        DeliveredOrder("o2", 6, 12, 12, 24, "c1"),
        DeliveredOrder("o3", 20, 25, 25, 30, "c2"),
        DeliveredOrder("o4", 40, 50, 50, 59, "c1"),
    ),
    moves=(
        Move("c1", 8, "c1", "r1"),
        Move("c1", 14, "r1", "o1"),
        Move("c1", 20, "o1", "o2"),
        Move("c1", 40, "o2", "r1"),
        Move("c1", 52, "r1", "o4"),
        Move("c2", 20, "c2", "r2"),
        Move("c2", 27, "r2", "o3"),
    ),
)


def with_assignment(at: int, **change: object) -> Solution:
    rows = list(VALID.assignments)
    rows[at] = replace(rows[at], **change)
    return replace(VALID, assignments=tuple(rows))


def with_order(at: int, solution: Solution = VALID, **change: object) -> Solution:
    rows = list(solution.orders)
    rows[at] = replace(rows[at], **change)
    return replace(solution, orders=tuple(rows))


def with_move(at: int, solution: Solution = VALID, **change: object) -> Solution:
    rows = list(solution.moves)
    rows[at] = replace(rows[at], **change)
    return replace(solution, moves=tuple(rows))


def with_moves(*moves: Move, courier: str = "c1") -> Solution:
    kept = tuple(move for move in VALID.moves if move.courier != courier)
    return replace(VALID, moves=(*moves, *kept))


def changed_day(**orders: tuple[int, int, int, str, int]) -> Instance:
    """The same day with the facts of some orders changed."""
    rows = [(id_, *orders.get(id_, facts)) for id_, *facts in ORDERS]
    return day(rows, COURIERS)


BROKEN: dict[str, tuple[Rule, str, Solution, Instance]] = {
    "unknown courier": (Rule.KNOWN_IDS, "c9", with_assignment(0, courier="c9"), INSTANCE),
    "unknown order": (Rule.KNOWN_IDS, "o9", with_assignment(0, orders=("o1", "o9")), INSTANCE),
    "unknown order among the delivered": (Rule.KNOWN_IDS, "o9", with_order(0, order="o9"), INSTANCE),
    "unknown place": (Rule.KNOWN_IDS, "r9", with_move(0, destination="r9"), INSTANCE),
    "unknown moving courier": (Rule.KNOWN_IDS, "c9", with_move(5, courier="c9"), INSTANCE),
    "order in two assignments": (
        Rule.ONE_ASSIGNMENT,
        "o3",
        replace(VALID, assignments=(*VALID.assignments, Assignment(70, 80, "c1", ("o3",)))),
        INSTANCE,
    ),
    "order twice in a bundle": (Rule.ONE_ASSIGNMENT, "o1", with_assignment(0, orders=("o1", "o2", "o1")), INSTANCE),
    "assigned before placed": (Rule.INFORMATION, "o4", with_assignment(1, time=39), INSTANCE),
    "bundle member placed after the assignment": (
        Rule.INFORMATION,
        "o2",
        with_order(1, placement=9),
        changed_day(o2=(1280, 0, 9, "r1", 12)),
    ),
    "sets off before the assignment": (Rule.FINAL_BEFORE_DEPARTURE, "c2", with_assignment(2, time=21), INSTANCE),
    "assigned in the middle of an assignment": (
        Rule.COURIER_FREE,
        "o4",
        with_order(3, with_assignment(1, time=25), placement=25),
        changed_day(o4=(1280, 640, 25, "r1", 50)),
    ),
    "assigned before the shift": (Rule.COURIER_FREE, "o3", with_assignment(2, time=9), INSTANCE),
    "two restaurants in a bundle": (Rule.ONE_RESTAURANT, "o2", VALID, changed_day(o2=(1280, 0, 6, "r3", 12))),
    "pick-up before the whole bundle is ready": (Rule.READY, "o2", VALID, changed_day(o2=(1280, 0, 6, "r1", 13))),
    "no half service before the pick-up": (
        Rule.PICKUP_SERVICE,
        "o1",
        with_move(0, departure=11),
        INSTANCE,
    ),
    "no half service after the pick-up": (
        Rule.PICKUP_SERVICE,
        "o1",
        with_move(1, departure=13),
        INSTANCE,
    ),
    "pick-up after the shift": (
        Rule.SHIFT_END,
        "o4",
        VALID,
        day(ORDERS, [("c1", 0, 0, 0, 49), COURIERS[1]]),
    ),
    "drop-off before half the service": (Rule.DROPOFF_SERVICE, "o1", with_order(0, dropoff=17), INSTANCE),
    "drop-off later than it must be": (Rule.DROPOFF_SERVICE, "o2", with_order(1, dropoff=25), INSTANCE),
    "no half service after a drop-off in the bundle": (
        Rule.DROPOFF_SERVICE,
        "o2",
        with_order(1, with_move(2, departure=19), dropoff=23),
        INSTANCE,
    ),
    "no half service after the last drop-off": (
        Rule.DROPOFF_SERVICE,
        "c1",
        with_move(3, departure=25),
        INSTANCE,
    ),
    "halt within a bundle": (Rule.SEQUENCE, "o2", with_order(1, with_move(2, departure=21), dropoff=25), INSTANCE),
    "halt at the restaurant": (Rule.SEQUENCE, "o3", with_order(2, with_move(6, departure=28), dropoff=31), INSTANCE),
    "drop-offs in another sequence": (Rule.OWN_MOVES, "c1", with_assignment(0, orders=("o2", "o1")), INSTANCE),
    "teleported": (Rule.CONTINUITY, "c1", with_move(3, origin="o1"), INSTANCE),
    "starts elsewhere": (Rule.CONTINUITY, "c2", with_move(5, origin="r1"), INSTANCE),
    "leaves before arriving": (Rule.DEPARTURE, "c1", with_move(2, departure=15), INSTANCE),
    "leaves before the shift": (Rule.DEPARTURE, "c2", with_move(5, departure=9), INSTANCE),
    "diverted on the way to the restaurant": (
        Rule.OWN_MOVES,
        "c1",
        with_moves(*VALID.moves[:3], Move("c1", 40, "o2", "o1"), Move("c1", 42, "o1", "r1"), VALID.moves[4]),
        INSTANCE,
    ),
    "prepositioned": (
        Rule.OWN_MOVES,
        "c1",
        with_moves(*VALID.moves[:5], Move("c1", 70, "o4", "r2")),
        INSTANCE,
    ),
    "prepositioned before the assignment": (
        Rule.OWN_MOVES,
        "c2",
        with_moves(Move("c2", 12, "c2", "r2"), Move("c2", 20, "r2", "r2"), VALID.moves[6], courier="c2"),
        INSTANCE,
    ),
    "assignment without moves": (Rule.OWN_MOVES, "c2", with_moves(courier="c2"), INSTANCE),
    "delivered without an assignment": (
        Rule.SAME_FILES,
        "o4",
        replace(VALID, assignments=(VALID.assignments[0], VALID.assignments[2])),
        INSTANCE,
    ),
    "assigned, not delivered": (Rule.SAME_FILES, "o4", replace(VALID, orders=VALID.orders[:3]), INSTANCE),
    "two rows for an order": (Rule.SAME_FILES, "o4", replace(VALID, orders=(*VALID.orders, VALID.orders[3])), INSTANCE),
    "files name different couriers": (Rule.SAME_FILES, "o3", with_order(2, courier="c1"), INSTANCE),
    "files name different pick-ups": (Rule.SAME_FILES, "o3", with_order(2, pickup=24), INSTANCE),
    "placement altered": (Rule.SAME_FILES, "o3", with_order(2, placement=21), INSTANCE),
    "readiness altered": (Rule.SAME_FILES, "o3", with_order(2, ready=24), INSTANCE),
}


UPDATES = OperatingMode(assignment_updates=True)
UPDATED = with_assignment(2, time=24)
"""o3's assignment became final after c2 had set off, before the pick-up."""
BROKEN_WITH_UPDATES: dict[str, tuple[Rule, str, Solution, Instance]] = {
    "assigned after the pick-up": (Rule.FINAL_BEFORE_PICKUP, "o3", with_assignment(2, time=26), INSTANCE),
    "sets off for nothing": (Rule.SETS_OFF_FOR_AN_ORDER, "o3", with_move(5, departure=19), INSTANCE),
    "added before it is placed": (
        Rule.INFORMATION,
        "o2",
        with_order(1, placement=9),
        changed_day(o2=(1280, 0, 9, "r1", 12)),
    ),
    "added from another restaurant": (Rule.ONE_RESTAURANT, "o2", VALID, changed_day(o2=(1280, 0, 6, "r3", 12))),
    "promise and update both listed": (
        Rule.ONE_ASSIGNMENT,
        "o1",
        replace(VALID, assignments=(Assignment(8, 12, "c1", ("o1",)), *VALID.assignments)),
        INSTANCE,
    ),
    "assigned in the middle of an assignment": BROKEN["assigned in the middle of an assignment"],
    "prepositioned": BROKEN["prepositioned"],
}


def test_who_exchanges_orders_set_off_for_any_that_was_there() -> None:
    """The courier went to r2 for an order that another one took, or nobody; for none that came later or had gone."""
    mode = OperatingMode(True, True, True)
    early = with_move(5, departure=19)
    other = ("o5", 3000, 0, 15, "r2", 90)
    for placed, picked_up, broken in ((15, None, False), (19, None, False), (20, None, True), (15, 18, True)):
        instance = day(
            (*ORDERS, (*other[:3], placed, *other[4:5], 17 if picked_up else 90)), (*COURIERS, ("c3", 3000, 320, 0, 99))
        )
        solution = early
        if picked_up is not None:
            solution = replace(
                early,
                assignments=(*early.assignments, Assignment(placed, picked_up, "c3", ("o5",))),
                orders=(*early.orders, DeliveredOrder("o5", placed, 17, picked_up, 22, "c3")),
                moves=(*early.moves, Move("c3", placed, "c3", "r2"), Move("c3", 20, "r2", "o5")),
            )
        found = {violation.rule for violation in check_solution(instance, solution, mode)}
        assert found == ({Rule.SETS_OFF_FOR_AN_ORDER} if broken else set()), (placed, picked_up)
    instance = day((*ORDERS, other), COURIERS)
    told = replace(mode, late_kitchens=False)
    assert {v.rule for v in check_solution(instance, early, told)} == {Rule.SETS_OFF_FOR_AN_ORDER}


def test_updates_are_final_before_the_pickup() -> None:
    """What the mode permits, the other one does not."""
    assert check_solution(INSTANCE, VALID, UPDATES) == ()
    assert check_solution(INSTANCE, UPDATED, UPDATES) == ()
    assert {v.rule for v in check_solution(INSTANCE, UPDATED)} == {Rule.FINAL_BEFORE_DEPARTURE}
    assert feasibility_report(INSTANCE, UPDATED)[1]


@pytest.mark.parametrize("name", BROKEN_WITH_UPDATES)
def test_each_rule_of_updates_is_caught_and_named(name: str) -> None:
    """A mode with more freedom is no mode without rules."""
    rule, who, solution, instance = BROKEN_WITH_UPDATES[name]
    found = check_solution(instance, solution, UPDATES)
    assert [v for v in found if v.rule is rule and who in (v.order, v.courier, *v.detail.split())], found


def test_the_valid_solution_is_valid() -> None:
    """Otherwise the tests below would prove nothing."""
    assert check_solution(INSTANCE, VALID) == ()
    assert feasibility_report(INSTANCE, VALID)[1]


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_rule_is_caught_and_named(name: str) -> None:
    """The violation names the rule, and the order or courier whose it is."""
    rule, who, solution, instance = BROKEN[name]
    found = check_solution(instance, solution)
    named = [v for v in found if v.rule is rule and who in (v.order, v.courier, *v.detail.split())]
    assert named, [str(v) for v in found]
    assert who in str(named[0])


def test_every_rule_has_a_test() -> None:
    """A rule that no test breaks may never have worked."""
    broken = [*BROKEN.values(), *BROKEN_WITH_UPDATES.values(), *BROKEN_WITH_PREPOSITIONING.values()]
    assert {rule for rule, *_ in broken} == set(Rule)


_GAPS = (
    "no half service before the pick-up",
    "no half service after the pick-up",
    "no half service after the last drop-off",
    "two restaurants in a bundle",
    "assigned in the middle of an assignment",
    "prepositioned",
    "drop-off later than it must be",
)


@pytest.mark.parametrize("name", _GAPS)
def test_the_strict_checker_closes_gaps_of_the_reference(name: str) -> None:
    """These pass the published evaluator; figures made with them would not be comparable to anything."""
    _, _, solution, instance = BROKEN[name]
    assert feasibility_report(instance, solution)[1]
    assert check_solution(instance, solution)


PREPOSITIONING = OperatingMode(prepositioning=True)
WAITING_PLACES = with_moves(
    *VALID.moves[:3], Move("c1", 30, "o2", "r1"), Move("c1", 45, "r1", "r1"), VALID.moves[4], Move("c1", 70, "o4", "r2")
)
"""c1 waits at r1 before its second assignment, and goes to r2 after it."""
BROKEN_WITH_PREPOSITIONING: dict[str, tuple[Rule, str, Solution]] = {
    "given an order on the way": (
        Rule.NOT_DIVERTED,
        "o4",
        with_moves(*VALID.moves[:3], Move("c1", 37, "o2", "r1"), Move("c1", 45, "r1", "r1"), VALID.moves[4]),
    ),
    "leaves before it has arrived": (
        Rule.DEPARTURE,
        "c1",
        with_moves(*VALID.moves[:3], Move("c1", 38, "o2", "r2"), Move("c1", 40, "r2", "r1"), VALID.moves[4]),
    ),
    "sent off before the last service is over": (
        Rule.DROPOFF_SERVICE,
        "c1",
        with_moves(*VALID.moves[:5], Move("c1", 60, "o4", "r2")),
    ),
    "sent beyond the shift": (Rule.SHIFT_END, "c1", with_moves(*VALID.moves[:5], Move("c1", 99, "o4", "r2"))),
    "sent to a door": (Rule.OWN_MOVES, "c1", with_moves(*VALID.moves[:5], Move("c1", 70, "o4", "o3"))),
    "updated after it has set off": (
        Rule.FINAL_BEFORE_DEPARTURE,
        "o3",
        replace(WAITING_PLACES, assignments=UPDATED.assignments),
    ),
}


def test_idle_couriers_may_wait_elsewhere_where_that_is_the_mode() -> None:
    """What the mode permits, the others do not."""
    assert check_solution(INSTANCE, VALID, PREPOSITIONING) == ()
    assert check_solution(INSTANCE, WAITING_PLACES, PREPOSITIONING) == ()
    assert feasibility_report(INSTANCE, WAITING_PLACES)[1]
    for mode in (OperatingMode(), UPDATES):
        assert {v.rule for v in check_solution(INSTANCE, WAITING_PLACES, mode)} == {Rule.OWN_MOVES}


@pytest.mark.parametrize("name", BROKEN_WITH_PREPOSITIONING)
def test_each_rule_of_prepositioning_is_caught_and_named(name: str) -> None:
    """A courier on its way to wait is as little free as one with an order."""
    rule, who, solution = BROKEN_WITH_PREPOSITIONING[name]
    found = check_solution(INSTANCE, solution, PREPOSITIONING)
    assert [v for v in found if v.rule is rule and who in (v.order, v.courier)], [str(v) for v in found]


def test_both_powers_together() -> None:
    """An update does not make a way without an order a way for one."""
    both = replace(WAITING_PLACES, assignments=UPDATED.assignments)
    assert check_solution(INSTANCE, both, OperatingMode(prepositioning=True, assignment_updates=True)) == ()


def test_waiting_at_the_last_door_and_at_the_restaurant_is_allowed() -> None:
    """Rules 4 and 7: couriers may wait where they are, and a pick-up may be later than it could be."""
    assert check_solution(INSTANCE, with_move(3, departure=44)) == ()
    later = replace(VALID.assignments[2], pickup=26)
    solution = replace(VALID, assignments=(*VALID.assignments[:2], later))
    solution = with_order(2, with_move(6, solution, departure=28), pickup=26, dropoff=31)
    assert check_solution(INSTANCE, solution) == ()


def test_a_pickup_at_the_very_end_of_the_shift_is_allowed() -> None:
    """Rule 6: equal is allowed, and drop-offs may come after it."""
    orders = [("o1", 640, 0, 5, "r1", 10)]
    solution = Solution((VALID.assignments[0],), (VALID.orders[0],), VALID.moves[:2])
    solution = replace(solution, assignments=(Assignment(8, 12, "c1", ("o1",)),))
    assert check_solution(day(orders=orders, couriers=[("c1", 0, 0, 0, 12)]), solution) == ()
    assert check_solution(day(orders=orders, couriers=[("c1", 0, 0, 0, 11)]), solution)


def test_the_golden_solution_breaks_the_one_gap_its_authors_could_not_see() -> None:
    """It passes the published evaluator, and assigns orders to couriers who are still on their way."""
    (source,) = [s for s in find_instances([shared_data("mdrp", "seed0.tar.gz")]) if s.name == "0o100t100s1p100"]
    found = check_solution(source.read(), read_solution(shared_data("mdrp", "golden", "0o100t100s1p100")))
    assert {v.rule for v in found} == {Rule.COURIER_FREE}


def _shift_dropoff(solution: Solution, at: int, by: int) -> Solution:
    k = at % len(solution.orders)
    return with_order(k, solution, dropoff=solution.orders[k].dropoff + by)


def _shift_pickup(solution: Solution, at: int, by: int) -> Solution:
    rows = list(solution.assignments)
    k = at % len(rows)
    rows[k] = replace(rows[k], pickup=rows[k].pickup + by)
    orders = tuple(replace(o, pickup=rows[k].pickup) if o.order in rows[k].orders else o for o in solution.orders)
    return replace(solution, assignments=tuple(rows), orders=orders)


def _lose_move(solution: Solution, at: int, by: int) -> Solution:
    k = at % len(solution.moves)
    return replace(solution, moves=solution.moves[:k] + solution.moves[k + 1 :])


def _lose_assignment(solution: Solution, at: int, by: int) -> Solution:
    k = at % len(solution.assignments)
    return replace(solution, assignments=solution.assignments[:k] + solution.assignments[k + 1 :])


def _lose_order(solution: Solution, at: int, by: int) -> Solution:
    k = at % len(solution.orders)
    return replace(solution, orders=solution.orders[:k] + solution.orders[k + 1 :])


def _swap_orders(solution: Solution, at: int, by: int) -> Solution:
    rows = list(solution.assignments)
    one, two = at % len(rows), (at + by) % len(rows)
    if rows[one].orders == rows[two].orders:
        two = (one + 1) % len(rows)
    rows[one], rows[two] = replace(rows[one], orders=rows[two].orders), replace(rows[two], orders=rows[one].orders)
    return replace(solution, assignments=tuple(rows))


def _drive_early(solution: Solution, at: int, by: int) -> Solution:
    """Leaves a restaurant before the hand-over is complete."""
    leaving = [k for k, move in enumerate(solution.moves) if move.origin.startswith("r")]
    k = leaving[at % len(leaving)]
    return with_move(k, solution, departure=solution.moves[k].departure - abs(by))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [_shift_dropoff, _shift_pickup, _lose_move, _lose_assignment, _lose_order, _swap_orders, _drive_early]
    ),
    st.integers(0, 1000),
    st.integers(1, 30).flatmap(lambda k: st.sampled_from([k, -k])),
)
def test_no_falsified_number_passes(falsify: Callable[[Solution, int, int], Solution], at: int, by: int) -> None:
    """Wherever one entry of a real solution is falsified, the checker sees it."""
    instance, solution = solved()
    assert check_solution(instance, solution) == ()
    assert check_solution(instance, falsify(solution, at, by)) != ()
