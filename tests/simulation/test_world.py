"""The simulated market keeps its own rules whatever decides in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulation.rule_of_thumb import FirstComeFirstServed

from matcher.domain import CourierPlan, Decision, PlannedStop, Snapshot, SpatialFrame, StopKind
from matcher.domain.rows import Courier, DemandPoint, Order
from matcher.simulation import Cycle, Diversion, Market, Outcome, PlanError, Rules, Shift, World

START = 1_700_000_000_000
SECOND, MINUTE = 1_000, 60_000


def order(
    name: str, placed: int, ready: int, pickup: tuple[int, int], dropoff: tuple[int, int], **more: object
) -> Order:
    """An order on the plane (x, y in metres, times in seconds from the start); two minutes at each stop."""
    row = Order(
        id=name,
        pickup_longitude=pickup[0],
        pickup_latitude=pickup[1],
        dropoff_longitude=dropoff[0],
        dropoff_latitude=dropoff[1],
        placed_at_ms=START + placed * SECOND,
        ready_at_ms=START + ready * SECOND,
        size=1,
        pickup_access_ms=60_000,
        pickup_leave_ms=60_000,
        dropoff_access_ms=60_000,
        dropoff_leave_ms=60_000,
    )
    return replace(row, **more)


def shift(name: str, at: tuple[int, int], on: int, off: int) -> Shift:
    """A courier at 10 m/s."""
    courier = Courier(name, latitude=at[1], longitude=at[0], capacity=100, speed_meters_per_hour=36_000)
    return Shift(courier, START + on * SECOND, START + off * SECOND)


def market(orders: list[Order], shifts: list[Shift]) -> Market:
    return Market("test", SpatialFrame.PLANE_METERS, tuple(orders), tuple(shifts))


def rules(diversion: Diversion, **more: object) -> Rules:
    return replace(Rules(START, 30 * SECOND, diversion), **more)


def run(world_market: Market, world_rules: Rules, *, only_free: bool = False) -> tuple[Outcome, list[Cycle]]:
    cycles: list[Cycle] = []
    decider = FirstComeFirstServed(quantum_ms=SECOND, only_free=only_free)
    return World(world_market, world_rules).run(decider, cycles.append), cycles


def test_a_locked_courier_is_seen_where_and_when_its_plan_ends() -> None:
    """The rule of the delivery-routing problem: no diversion, and the next plan starts at the last drop-off."""
    orders = [order("a", 0, 0, (100, 0), (200, 0)), order("b", 40, 40, (300, 0), (400, 0))]
    outcome, cycles = run(market(orders, [shift("c", (0, 0), 0, 3600)]), rules(Diversion.LOCKED_PLAN))
    assert [c.at_ms - START for c in cycles] == [0, 60 * SECOND]
    second = cycles[1].snapshot
    assert second.orders.ids == ("b",)
    assert second.couriers.free_ms.tolist() == [(10 + 120 + 10 + 120 - 60) * SECOND]
    assert second.locations.x[second.couriers.loc[0]] == 200
    assert len(second.routes.stop_order) == 0
    assert [
        (v.order_id, v.kind.name, (v.set_off_at_ms - START) // SECOND, (v.at_ms - START) // SECOND)
        for v in outcome.visits
    ] == [
        ("a", "PICKUP", 0, 70),
        ("a", "DROPOFF", 130, 200),
        ("b", "PICKUP", 260, 330),
        ("b", "DROPOFF", 390, 460),
    ]


def test_a_live_courier_is_seen_on_its_way_with_the_stop_it_drives_to_locked() -> None:
    """A platform's snapshot shows where couriers are now; what is driven to cannot be preceded by another stop."""
    orders = [
        order("a", 0, 600, (1000, 0), (2000, 0)),
        *(order(f"b{t}", t, t, (0, 500), (0, 900)) for t in (50, 130, 500, 690)),
    ]
    outcome, cycles = run(market(orders, [shift("c", (0, 0), 0, 36_000)]), rules(Diversion.LIVE_ROUTE))
    driving, waiting, handed_over = cycles[1].snapshot, cycles[2].snapshot, cycles[4].snapshot
    assert driving.at_unix_ms == START + 60 * SECOND
    assert driving.locations.x[driving.couriers.loc[0]] == pytest.approx(600)
    assert driving.couriers.free_ms.tolist() == [0]
    assert driving.routes.locked.tolist() == [1]
    assert waiting.at_unix_ms == START + 150 * SECOND
    assert waiting.locations.x[waiting.couriers.loc[0]] == 1000
    assert waiting.orders.pickup_access_ms[waiting.orders.ids.index("a")] == 10 * SECOND, "50 of 60 s have been spent"
    assert waiting.routes.locked.tolist() == [1]
    assert handed_over.at_unix_ms == START + 690 * SECOND
    assert handed_over.routes.locked.tolist() == [1], "on the way to the drop-off since 660 s"
    on_board = handed_over.orders.ids.index("a")
    assert handed_over.orders.ready_ms[on_board] == -90 * SECOND, "handed over when it was ready"
    first = [v for v in outcome.visits if v.order_id == "a"]
    assert [(v.set_off_at_ms - START, v.arrive_at_ms - START, v.at_ms - START) for v in first] == [
        (0, 100 * SECOND, 600 * SECOND),
        (660 * SECOND, 760 * SECOND, 820 * SECOND),
    ], "re-planning other orders does not move the stops that were already planned"


def test_a_courier_still_leaving_a_stop_is_free_when_it_drives_off() -> None:
    """Between the hand-over and driving off nothing is locked, and the position is the stop's."""
    orders = [order("a", 0, 0, (100, 0), (200, 0)), order("b", 80, 80, (300, 0), (400, 0))]
    _, cycles = run(market(orders, [shift("c", (0, 0), 0, 3600)]), rules(Diversion.LIVE_ROUTE))
    leaving = cycles[1].snapshot
    assert leaving.at_unix_ms == START + 90 * SECOND
    assert leaving.couriers.free_ms.tolist() == [40 * SECOND]
    assert leaving.routes.locked.tolist() == [0]
    assert leaving.locations.x[leaving.couriers.loc[0]] == 100


def test_no_order_is_seen_before_it_is_placed_and_idle_cycles_ask_for_nothing() -> None:
    """Foresight in a simulation makes every figure of it worthless."""
    orders = [order("a", 10, 500, (0, 0), (9, 0)), order("b", 1000, 1000, (0, 0), (9, 0))]
    _, cycles = run(market(orders, [shift("c", (0, 0), 0, 3600)]), rules(Diversion.LOCKED_PLAN))
    assert [(c.at_ms - START) // SECOND for c in cycles] == [30, 1020]
    for cycle in cycles:
        assert all(cycle.snapshot.orders.placed_ms <= 0)


def test_couriers_come_and_go_with_their_shifts() -> None:
    """Couriers of later shifts are shown when the rules say so, those whose shift is over never."""
    shifts = [shift("early", (0, 0), 0, 20), shift("late", (0, 0), 600, 3600)]
    orders = [order("a", 30, 30, (0, 0), (9, 0))]
    outcome, cycles = run(market(orders, shifts), rules(Diversion.LOCKED_PLAN))
    assert cycles[0].snapshot.couriers.ids == ()
    assert (outcome.commitments[0].at_ms - START) // SECOND == 600
    outcome, cycles = run(market(orders, shifts), rules(Diversion.LOCKED_PLAN, coming_shifts_ms=10 * MINUTE))
    assert cycles[0].snapshot.couriers.ids == ("late",)
    assert cycles[0].snapshot.couriers.free_ms.tolist() == [570 * SECOND]
    assert outcome.visits[0].set_off_at_ms == START + 600 * SECOND


def test_plans_for_busy_couriers_are_not_carried_out_when_only_free_ones_may_be_given_any() -> None:
    """A courier in the middle of an assignment takes no other; its order stays open for the next decision."""
    orders = [order("a", 0, 0, (100, 0), (200, 0)), order("b", 40, 40, (300, 0), (400, 0))]
    held, cycles = run(
        market(orders, [shift("c", (0, 0), 0, 3600)]), rules(Diversion.LOCKED_PLAN, only_free_couriers=True)
    )
    assert [(c.at_ms - START) // SECOND for c in held.commitments] == [0, 270]
    assert len(cycles) == 1 + (270 - 60) // 30 + 1
    assert held.undelivered == ()


def test_orders_nobody_can_pick_up_any_more_end_the_run() -> None:
    """A simulation must end: no shift left, no further cycle."""
    orders = [order("a", 0, 7200, (0, 0), (9, 0)), order("b", 9000, 9000, (0, 0), (9, 0))]
    outcome, cycles = run(market(orders, [shift("c", (0, 0), 0, 3600)]), rules(Diversion.LOCKED_PLAN))
    assert outcome.undelivered == ("a", "b")
    assert cycles[-1].at_ms == START + 3600 * SECOND
    assert run(market([], []), rules(Diversion.LIVE_ROUTE))[0].cycles == 0


class _Tampering:
    """Hands on the rule of thumb's decision with its first plan changed."""

    def __init__(self, change: object) -> None:
        self._inner = FirstComeFirstServed(quantum_ms=SECOND)
        self._change = change

    def decide(self, snapshot: Snapshot) -> Decision:
        """The changed decision."""
        decision = self._inner.decide(snapshot)
        assert callable(self._change)
        return replace(decision, plans=(self._change(decision.plans[0]), *decision.plans[1:]))


def _without_last(plan: CourierPlan) -> CourierPlan:
    return replace(plan, stops=plan.stops[:-1])


def _reversed(plan: CourierPlan) -> CourierPlan:
    times = [(s.arrive_at_ms, s.at_ms, s.depart_at_ms) for s in plan.stops]
    swapped = [PlannedStop(s.kind, s.order_id, *t) for s, t in zip(reversed(plan.stops), times, strict=True)]
    return replace(plan, stops=tuple(swapped))


def _instant(plan: CourierPlan) -> CourierPlan:
    first = replace(plan.stops[0], arrive_at_ms=START - 1)
    return replace(plan, stops=(first, *plan.stops[1:]))


def _stranger(plan: CourierPlan) -> CourierPlan:
    return replace(plan, courier_id="nobody")


def _unknown_order(plan: CourierPlan) -> CourierPlan:
    return replace(plan, stops=(*plan.stops, replace(plan.stops[0], order_id="ghost")))


@pytest.mark.parametrize("diversion", list(Diversion))
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_last, "not those of its orders"),
        (_reversed, "before it is picked up"),
        (_instant, "out of order"),
        (_stranger, "disagree on a"),
        (_unknown_order, "no order ghost"),
    ],
)
def test_impossible_plans_are_refused(change: object, message: str, diversion: Diversion) -> None:
    """A world that carried out whatever it is told would hide defects of the decider."""
    orders = [order("a", 0, 0, (100, 0), (200, 0))]
    world = World(market(orders, [shift("c", (0, 0), 0, 3600)]), rules(diversion))
    with pytest.raises(PlanError, match=message):
        world.run(_Tampering(change))


def test_the_locked_stop_cannot_be_replanned() -> None:
    """Who drives to a stop goes there first."""
    orders = [order("a", 0, 600, (1000, 0), (2000, 0)), order("b", 50, 50, (0, 500), (0, 900))]

    def b_first(plan: CourierPlan) -> CourierPlan:
        if plan.new_order_ids != ("b",):
            return plan
        times = [(s.arrive_at_ms, s.at_ms, s.depart_at_ms) for s in plan.stops]
        sequence = [s for name in "ba" for s in plan.stops if s.order_id == name]
        return replace(
            plan, stops=tuple(PlannedStop(s.kind, s.order_id, *t) for s, t in zip(sequence, times, strict=True))
        )

    world = World(market(orders, [shift("c", (0, 0), 0, 3600)]), rules(Diversion.LIVE_ROUTE))
    with pytest.raises(PlanError, match="driven to or served"):
        world.run(_Tampering(b_first))


_COORDINATE = st.integers(0, 20).map(lambda k: 100 * k)
_ORDERS = st.lists(
    st.tuples(
        st.integers(0, 3000),
        st.integers(0, 900),
        st.tuples(_COORDINATE, _COORDINATE),
        st.tuples(_COORDINATE, _COORDINATE),
    ),
    max_size=12,
)
_SHIFTS = st.lists(
    st.tuples(st.tuples(_COORDINATE, _COORDINATE), st.integers(0, 1800), st.integers(0, 3600)), max_size=4
)


@settings(max_examples=150, deadline=None)
@given(_ORDERS, _SHIFTS, st.sampled_from(list(Diversion)), st.booleans())
def test_what_happened_is_possible(
    some_orders: list[tuple[int, int, tuple[int, int], tuple[int, int]]],
    some_shifts: list[tuple[tuple[int, int], int, int]],
    diversion: Diversion,
    only_free: bool,
) -> None:
    """Whatever the market: orders are delivered once or reported undelivered, couriers drive no faster than they can,
    serve as long as they must, start within their shift, and the run is the same twice."""
    orders = [order(f"o{k}", placed, placed + prep, p, d) for k, (placed, prep, p, d) in enumerate(some_orders)]
    shifts = [shift(f"c{k}", at, on, on + length) for k, (at, on, length) in enumerate(some_shifts)]
    world_market = market(orders, shifts)
    world_rules = rules(diversion, only_free_couriers=only_free, coming_shifts_ms=5 * MINUTE)
    outcome, cycles = run(world_market, world_rules)
    assert outcome == run(market(orders[::-1], shifts[::-1]), world_rules)[0]
    by_id = {o.id: o for o in orders}
    dropped = sorted(v.order_id for v in outcome.visits if v.kind is StopKind.DROPOFF)
    assert sorted([*dropped, *outcome.undelivered]) == sorted(by_id)
    committed = {o: c for c in outcome.commitments for o in c.order_ids}
    assert sorted(committed) == dropped
    assert cycles == [] or cycles[-1].committed == len(dropped)
    for one in shifts:
        place, clock = (one.courier.longitude, one.courier.latitude), one.on_at_ms
        on_board: set[str] = set()
        for visit in (v for v in outcome.visits if v.courier_id == one.courier.id):
            row = by_id[visit.order_id]
            pickup = visit.kind is StopKind.PICKUP
            target = (
                (row.pickup_longitude, row.pickup_latitude) if pickup else (row.dropoff_longitude, row.dropoff_latitude)
            )
            distance = ((target[0] - place[0]) ** 2 + (target[1] - place[1]) ** 2) ** 0.5
            assert visit.set_off_at_ms >= clock or distance == 0
            assert visit.arrive_at_ms - visit.set_off_at_ms >= distance * 100 - 1e-6
            assert visit.at_ms >= visit.arrive_at_ms + 60_000
            assert visit.depart_at_ms >= visit.at_ms + 60_000
            if pickup:
                assert row.ready_at_ms is not None
                assert row.placed_at_ms is not None
                assert max(row.ready_at_ms, row.placed_at_ms) <= visit.at_ms <= one.off_at_ms
                assert visit.set_off_at_ms >= row.placed_at_ms or diversion is Diversion.LIVE_ROUTE
                on_board.add(visit.order_id)
            else:
                on_board.remove(visit.order_id)
            assert committed[visit.order_id].courier_id == visit.courier_id
            place, clock = target, visit.depart_at_ms
        assert not on_board


@settings(max_examples=60, deadline=None)
@given(_ORDERS, _SHIFTS, st.sampled_from(list(Diversion)))
def test_a_market_that_does_not_pay_shows_the_same_couriers(
    some_orders: list[tuple[int, int, tuple[int, int], tuple[int, int]]],
    some_shifts: list[tuple[tuple[int, int], int, int]],
    diversion: Diversion,
) -> None:
    """There the rows of waiting couriers are kept from cycle to cycle. Pay, which renews them, changes nothing else."""
    shifts = [shift(f"c{k}", at, on, on + length) for k, (at, on, length) in enumerate(some_shifts)]
    seen = []
    for pay in (0, 1):
        orders = [
            order(f"o{k}", placed, placed + prep, p, d, courier_pay_micros=pay)
            for k, (placed, prep, p, d) in enumerate(some_orders)
        ]
        outcome, cycles = run(market(orders, shifts), rules(diversion))
        rows = [
            (
                cycle.at_ms,
                cycle.snapshot.couriers.ids,
                cycle.snapshot.locations.latitude[cycle.snapshot.couriers.loc].tolist(),
                cycle.snapshot.locations.longitude[cycle.snapshot.couriers.loc].tolist(),
                cycle.snapshot.couriers.free_ms.tolist(),
                cycle.snapshot.couriers.shift_end_ms.tolist(),
                cycle.snapshot.routes.stop_order.tolist(),
                cycle.snapshot.routes.locked.tolist(),
            )
            for cycle in cycles
        ]
        seen.append((outcome.visits, outcome.undelivered, rows))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("diversion", list(Diversion))
def test_snapshots_show_earnings_guarantees_and_the_expected_demand(diversion: Diversion) -> None:
    """What a courier has earned counts from the plan on; the guarantee grows with the shift and ends with it."""
    orders = [
        order("a", 0, 0, (0, 0), (100, 0), courier_pay_micros=4_000_000),
        order("b", 1800, 1800, (0, 0), (100, 0), courier_pay_micros=5_000_000),
        order("c", 3600, 3600, (0, 0), (100, 0), courier_pay_micros=6_000_000),
    ]
    paid = replace(shift("k", (0, 0), 0, 3600), guaranteed_per_hour_micros=12_000_000)
    point = DemandPoint(latitude=7.0)
    _, cycles = run(replace(market(orders, [paid]), expected_demand=(point,)), rules(diversion))
    shown = {
        (cycle.at_ms - START) // SECOND: (
            cycle.snapshot.couriers.earned_micros[0],
            cycle.snapshot.couriers.guaranteed_micros[0],
        )
        for cycle in cycles
    }
    assert shown == {0: (0, 0), 1800: (4_000_000, 6_000_000), 3600: (9_000_000, 12_000_000)}
    assert all(cycle.snapshot.demand.weight.tolist() == [1] for cycle in cycles)
