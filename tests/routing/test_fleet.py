"""Fleet: exact answers on the published queries, and every mutation equal to recomputation from scratch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from bench.instances.insertion_queries import read_answers, read_fleet
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.insertion import Oracle, last_in_first_out
from tests.shared_data import shared_data

from matcher.domain import MetricTravel, StopKind
from matcher.kernels.insertion import QUANTITIES
from matcher.routing import Fleet, FleetOptions, Insertion, Order
from matcher.routing.fleet import NEVER

MINUTE = 60_000
COURIERS = 7


@pytest.mark.parametrize("name", ["insertion_1000", "insertion_1000_dense"])
def test_published_queries_are_answered_exactly(name: str) -> None:
    """200 orders into 1,000 routes with ride limits: courier, positions and added time of the exhaustive answer.

    A table of latest arrivals that takes earlier pick-ups as fixed misses 9 (7) of them.
    """
    fleet, orders = read_fleet(shared_data("pdptw", "insertion", f"{name}.txt.gz"))
    answers = read_answers(shared_data("pdptw", "insertion", f"{name}_best.csv"))
    for found, answer in zip(fleet.cheapest_insertions_many(orders), answers, strict=True):
        if answer.courier < 0:
            assert found == []
            continue
        (best,) = found
        assert (best.courier, best.pickup_pos, best.dropoff_pos) == (
            answer.courier,
            answer.pickup_pos,
            answer.dropoff_pos,
        )
        # Each of the two dozen legs is rounded up to a whole millisecond.
        assert best.delta_ms["travel"] == pytest.approx(answer.added_ms, abs=20)


@dataclass
class Mirror:
    """What the fleet should be, kept in plain lists and measured by the oracle."""

    rng: np.random.Generator
    weights: dict[str, int]
    matrix: np.ndarray[Any, Any] | None
    share: bool
    stacked: bool = False
    orders: dict[int, Order] = field(default_factory=dict)
    couriers: list[dict[str, Any]] = field(default_factory=list)
    routes: list[list[tuple[int, int]]] = field(default_factory=list)
    locked: list[int] = field(default_factory=list)

    def place(self) -> Any:
        """One of few places, so that stops meet."""
        if self.matrix is not None:
            return int(self.rng.integers(0, len(self.matrix[0])))
        return float(self.rng.integers(0, 4) * 900), float(self.rng.integers(0, 4) * 700)

    def order(self) -> Order:
        """A random order; most limits absent."""
        r = self.rng

        def some(low: int, high: int) -> int:
            return int(r.integers(low, high)) * MINUTE if r.random() < 0.3 else NEVER

        return Order(
            pickup=self.place(),
            dropoff=self.place(),
            placed_ms=int(r.integers(-20, 1)) * MINUTE,
            ready_ms=int(r.integers(-5, 30)) * MINUTE,
            promised_by_ms=some(10, 60),
            dropoff_not_before_ms=int(r.integers(-5, 40)) * MINUTE if r.random() < 0.2 else -20 * MINUTE,
            pickup_by_ms=some(5, 60),
            dropoff_by_ms=some(10, 90),
            freshness_ms=some(6, 40),
            size=int(r.integers(0, 3)),
            skills=int(r.integers(0, 2)) if r.random() < 0.2 else 0,
            pickup_access_ms=int(r.integers(0, 3)) * 30_000,
            pickup_leave_ms=int(r.integers(0, 3)) * 30_000,
            dropoff_access_ms=int(r.integers(0, 3)) * 20_000,
            dropoff_leave_ms=int(r.integers(0, 3)) * 20_000,
        )

    def oracle(self, extra: Order | None = None) -> tuple[Oracle, dict[int, int], int]:
        """An oracle of the present state, the row of every handle, and the row of `extra`."""
        handles = sorted(self.orders)
        rows = {handle: row for row, handle in enumerate(handles)}
        orders = [self.orders[handle] for handle in handles] + ([extra] if extra else [])
        places: dict[Any, int] = {}

        def index(place: Any) -> int:
            return place if self.matrix is not None else places.setdefault(place, len(places))

        names = [f for f in Order.__dataclass_fields__ if f not in ("pickup", "dropoff")]
        columns: dict[str, Any] = {name: [getattr(o, name) for o in orders] for name in names}
        columns["pickup_loc"] = [index(o.pickup) for o in orders]
        columns["dropoff_loc"] = [index(o.dropoff) for o in orders]
        fleet = {key: [c[key] for c in self.couriers] for key in ("free_ms", "shift_end_ms", "capacity", "skills")}
        fleet["loc"] = [index(c["place"]) for c in self.couriers]
        stops = [(kind, rows[handle]) for route in self.routes for kind, handle in route]
        market = SimpleNamespace(
            locations=SimpleNamespace(
                x=[p[0] for p in places], y=[p[1] for p in places], z=[0.0] * len(places), radius_m=0.0
            ),
            orders=SimpleNamespace(**columns),
            couriers=SimpleNamespace(**fleet),
            routes=SimpleNamespace(
                ptr=np.cumsum([0, *map(len, self.routes)]).tolist(),
                stop_kind=[kind for kind, _ in stops],
                stop_order=[order for _, order in stops],
                locked=self.locked,
            ),
        )
        travel: Any = MetricTravel("test", 1.2, 1000, np.array([c["speed_mph"] for c in self.couriers], np.int32))
        if self.matrix is not None:
            travel = SimpleNamespace(matrix_ms=self.matrix, profile=[c["profile"] for c in self.couriers])
        return (
            Oracle(market, travel, share_dropoffs=self.share, severe_after_ms=MINUTE, stacked=self.stacked),
            rows,
            len(handles),
        )


def _agree(fleet: Fleet, mirror: Mirror, order: Order, k: int, max_stops: int) -> list[Insertion]:
    """The fleet's answer, held to enumeration over all couriers."""
    oracle, _, row = mirror.oracle(order)
    weights = [mirror.weights.get(name, 0) for name in QUANTITIES]
    expected = []
    for courier in range(COURIERS):
        if order.skills & ~mirror.couriers[courier]["skills"] or order.size > mirror.couriers[courier]["capacity"]:
            continue
        if len(mirror.routes[courier]) + 2 > max_stops:
            continue
        best = oracle.best_position(courier, [row], weights)
        if not isinstance(best, int):
            cost, i, j, _, delta, route = best
            expected.append((cost, courier, i, j, delta, oracle.simulate(courier, route), route))
    expected.sort(key=lambda e: e[:2])
    found = fleet.cheapest_insertions(order, k)
    assert [(f.cost, f.courier, f.pickup_pos, f.dropoff_pos) for f in found] == [e[:4] for e in expected[:k]]
    for f, (_, _, i, _, delta, simulated, route) in zip(found, expected, strict=False):
        assert list(f.delta_ms.values()) == delta
        assert f.pickup_at_ms == simulated.at[i]
        assert f.dropoff_at_ms == simulated.at[route.index((2, row))]
        assert f.finish_ms == simulated.depart[-1]
    refused = fleet.refusals(order)
    assert sum(refused.values()) == COURIERS - len(expected)
    return found


def _step(fleet: Fleet, mirror: Mirror, action: int) -> None:
    """One change of the world, made to both."""
    r = mirror.rng
    courier = int(r.integers(0, COURIERS))
    if action == 0:
        place, free = mirror.place(), int(r.integers(0, 20)) * MINUTE
        fleet.move(courier, place, free)
        mirror.couriers[courier].update(place=place, free_ms=free)
    elif action == 1 and mirror.routes[courier]:
        oracle, _, _ = mirror.oracle()
        route = mirror.routes[courier]
        simulated = oracle.simulate(courier, oracle.route(courier))
        served = simulated.groups[0]
        kind, first = route[0]
        assert fleet.serve_visit(courier) == len(served)
        place = mirror.orders[first].pickup if kind == 1 else mirror.orders[first].dropoff
        mirror.couriers[courier].update(place=place, free_ms=simulated.depart[0])
        for stop_kind, handle in route[: len(served)]:
            if stop_kind == 1:
                fields = {n: getattr(mirror.orders[handle], n) for n in Order.__dataclass_fields__}
                mirror.orders[handle] = Order(**{**fields, "ready_ms": simulated.at[0]})
            else:
                del mirror.orders[handle]
        mirror.routes[courier] = route[len(served) :]
        mirror.locked[courier] = max(0, mirror.locked[courier] - len(served))
    elif action == 2 and mirror.routes[courier]:
        free = {h for _, h in mirror.routes[courier]} - {h for _, h in mirror.routes[courier][: mirror.locked[courier]]}
        if free:
            handle = min(free)
            fleet.remove_order(handle)
            mirror.routes[courier] = [stop for stop in mirror.routes[courier] if stop[1] != handle]
            del mirror.orders[handle]
    elif action == 3 and mirror.routes[courier]:
        mirror.locked[courier] = int(r.integers(0, len(mirror.routes[courier]) + 1))
        fleet.set_route(courier, [(StopKind(k), h) for k, h in mirror.routes[courier]], mirror.locked[courier])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    weights=st.sampled_from(
        [
            {"travel": 1_000},
            {"travel": 1_000, "courier_time": 500},
            {"click_to_door": 1_000, "lateness": 2_000, "severe_lateness": 9, "pickup_delay": 500, "travel": 700},
            {
                "click_to_door": 1_000,
                "lateness": 2_000,
                "severe_lateness": 4_000,
                "pickup_delay": 500,
                "travel": 1_000,
                "courier_time": 500,
            },
            {"pickup_delay": 7, "courier_time": 2_000},
        ]
    ),
    matrix=st.booleans(),
    share=st.booleans(),
    stacked=st.booleans(),
    actions=st.lists(st.integers(0, 3), min_size=12, max_size=12),
)
def test_mutations_equal_recomputation(
    seed: int, weights: dict[str, int], matrix: bool, share: bool, stacked: bool, actions: list[int]
) -> None:
    """Orders come and go, couriers move, serve and are delayed; queries and schedules stay those of enumeration."""
    rng = np.random.default_rng(seed)
    table = rng.integers(1, 15, (2, 6, 6)).astype(np.int32) * 50_000 if matrix else None
    mirror = Mirror(rng, weights, table, share, stacked)
    fleet = Fleet(
        FleetOptions(
            road_factor=1.2,
            quantum_ms=1000,
            matrix_ms=table,
            weights=weights,
            share_dropoff_service=share,
            severe_after_ms=MINUTE,
            max_route_stops=8,
            last_in_first_out=stacked,
        )
    )
    for _ in range(COURIERS):
        courier = {
            "place": mirror.place(),
            "free_ms": int(rng.integers(0, 10)) * MINUTE,
            "shift_end_ms": int(rng.integers(5, 90)) * MINUTE,
            "capacity": int(rng.integers(2, 7)),
            "skills": int(rng.integers(0, 2)),
            "speed_mph": int(rng.choice([9_000, 15_000])),
            "profile": int(rng.integers(0, 2)),
        }
        fleet.add_courier(courier["place"], **{k: v for k, v in courier.items() if k != "place"})
        mirror.couriers.append(courier)
        mirror.routes.append([])
        mirror.locked.append(0)
    for action in actions:
        order = mirror.order()
        found = _agree(fleet, mirror, order, int(rng.integers(1, 4)), 8)
        if found:
            handle = fleet.add_order(order)
            fleet.insert(handle, found[0])
            mirror.orders[handle] = order
            route = mirror.routes[found[0].courier]
            route.insert(found[0].dropoff_pos, (2, handle))
            route.insert(found[0].pickup_pos, (1, handle))
        _step(fleet, mirror, action)
        oracle, rows, _ = mirror.oracle()
        for courier_index, route in enumerate(mirror.routes):
            state = fleet.route(courier_index)
            assert [(int(k), h) for k, h in state.stops] == route
            simulated = oracle.simulate(courier_index, [(k, rows[h]) for k, h in route])
            assert list(state.at_ms) == simulated.at
            assert list(state.quantities_ms.values()) == simulated.quantities


def test_trouble_is_named_and_changes_nothing() -> None:
    """Unknown handles, positions in the locked part, routes that make no sense: a sentence, and the old state."""
    fleet = Fleet()
    courier = fleet.add_courier((0.0, 0.0), capacity=2)
    order = fleet.add_order(Order(pickup=(100.0, 0.0), dropoff=(200.0, 0.0), size=1))
    (best,) = fleet.cheapest_insertions(Order(pickup=(100.0, 0.0), dropoff=(200.0, 0.0), size=1))
    fleet.insert(order, best)
    before = fleet.route(courier)
    with pytest.raises(ValueError, match=rf"order {order} does not exist or is in a route"):
        fleet.insert(order, best)
    with pytest.raises(ValueError, match="courier 5 does not exist"):
        fleet.move(5, (0.0, 0.0), 0)
    with pytest.raises(ValueError, match="a drop-off before its pick-up"):
        fleet.set_route(courier, [(StopKind.DROPOFF, order), (StopKind.PICKUP, order)])
    with pytest.raises(ValueError, match="further than 2\\^36 ms"):
        fleet.cheapest_insertions(Order(pickup=(0.0, 0.0), dropoff=(1.0, 1.0), ready_ms=1 << 40))
    with pytest.raises(ValueError, match="so slow that a trip"):
        fleet.add_courier((0.0, 0.0), speed_mph=1)
    with pytest.raises(ValueError, match="weights name unknown quantities"):
        Fleet(FleetOptions(weights={"distance": 1}))
    assert fleet.route(courier) == before


def test_a_stack_is_kept() -> None:
    """Last in, first out: routes and positions that put an order under another are refused, and searched past."""
    fleet = Fleet(FleetOptions(last_in_first_out=True))
    courier = fleet.add_courier((0.0, 0.0), capacity=5)
    orders = [Order(pickup=(100.0 * k, 0.0), dropoff=(1000.0 + 100.0 * k, 0.0), size=1) for k in range(3)]
    handles = [fleet.add_order(order) for order in orders]
    up, down = StopKind.PICKUP, StopKind.DROPOFF
    with pytest.raises(ValueError, match="beneath one that was picked up later"):
        fleet.set_route(courier, [(up, handles[0]), (up, handles[1]), (down, handles[0]), (down, handles[1])])
    fleet.set_route(courier, [(up, handles[0]), (down, handles[0])])
    (best,) = fleet.cheapest_insertions(orders[1])
    with pytest.raises(ValueError, match="puts the order under one that is dropped off later"):
        fleet.insert(handles[1], replace(best, courier=courier, pickup_pos=1, dropoff_pos=2))
    # On board since before, the first to leave was loaded last.
    with pytest.raises(ValueError, match="beneath one that was picked up later"):
        fleet.set_route(courier, [(up, handles[0]), (down, handles[1]), (down, handles[0])])
    fleet.set_route(courier, [(down, handles[1]), (up, handles[0]), (down, handles[0])])


@pytest.mark.parametrize("seed", range(5))
def test_improving_keeps_stacks(seed: int) -> None:
    """Whatever the search takes out and puts back, every route stays last in, first out, and costs no more."""
    rng = np.random.default_rng(seed)
    fleet = Fleet(
        FleetOptions(last_in_first_out=True, matrix_ms=rng.integers(1, 60, (1, 9, 9)).astype(np.int32) * 1000)
    )
    for _ in range(3):
        fleet.add_courier(int(rng.integers(9)), capacity=4)
    orders = {}
    for _ in range(20):
        order = Order(pickup=int(rng.integers(9)), dropoff=int(rng.integers(9)), size=1)
        orders[fleet.add_order(order)] = order
        fleet.insert(max(orders), fleet.cheapest_insertions(order)[0])
    before = sum(fleet.route(courier).quantities_ms["travel"] for courier in range(3))
    done = fleet.improve(orders, dict.fromkeys(orders, 1 << 50), max_iterations=300, seed=seed)
    routes = [[(int(kind), handle) for kind, handle in fleet.route(courier).stops] for courier in range(3)]
    assert sum(map(len, routes)) == 40
    assert all(last_in_first_out(route) for route in routes)
    assert done.cost == 1000 * sum(fleet.route(courier).quantities_ms["travel"] for courier in range(3))
    assert done.cost < 1000 * before


def test_improving_knows_neighbours_in_a_matrix() -> None:
    """The same places on a plane and as a matrix: one search, the same routes."""
    rng = np.random.default_rng(3)
    xy = rng.uniform(0.0, 9000.0, (124, 2))
    costs = []
    gaps = np.hypot(*(xy[:, None] - xy[None, :]).transpose(2, 0, 1))
    matrix = np.ceil(gaps * 3.6e6 / 25_000).astype(np.int32)[None]
    for on_plane in (True, False):
        fleet = Fleet(FleetOptions(matrix_ms=None if on_plane else matrix))
        places = [tuple(map(float, row)) if on_plane else k for k, row in enumerate(xy)]
        for k in range(4):
            fleet.add_courier(places[k], capacity=2)
        orders = {}
        for k in range(4, 124, 2):
            order = Order(pickup=places[k], dropoff=places[k + 1], size=1)
            orders[fleet.add_order(order)] = order
        costs.append(fleet.improve(orders, dict.fromkeys(orders, 1 << 50), max_iterations=500, seed=1).cost)
    assert costs[0] == costs[1]
