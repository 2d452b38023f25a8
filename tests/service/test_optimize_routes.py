"""OptimizeRoutes, its stream and ComputeTravelMatrix over a real socket."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from bench.instances import snapshot as bench_snapshot
from tests.service.serving import Running, details, raw_call, running

from matcher.app import App, parse_config
from matcher.client import AsyncClient, Client, InvalidRequest, RouteOptions, RouteReply
from matcher.domain import (
    Courier,
    Order,
    OrderRelaxation,
    Policy,
    RelaxedLimit,
    RouteStop,
    Rung,
    Snapshot,
    StopKind,
    TravelMode,
    WaitReason,
    build_snapshot,
)
from matcher.travel import StraightLine
from matcher.v1 import routing_service_pb2
from matcher.verify import check_routes
from matcher.verify.plan import travel_ms

AT = 1_767_009_600_000
MINUTE = 60_000


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    config = parse_config('[server]\nlisten = ["127.0.0.1:0"]\n[telemetry]\nlog_calls = false\n')
    with App(config) as app, running(app) as server:
        yield server


@pytest.fixture
def client(server: Running) -> Iterator[Client]:
    with Client(server.address, timeout=30.0) as client:
        yield client


def market() -> Snapshot:
    return bench_snapshot("village-6x4")


def checked(snapshot: Snapshot, reply: RouteReply) -> tuple[int, int]:
    """The checker's verdict on a reply as it arrived; (orders left out, cost)."""
    policy = Policy()
    order = {name: row for row, name in enumerate(snapshot.orders.ids)}
    courier = {name: row for row, name in enumerate(snapshot.couriers.ids)}
    routes = {
        courier[plan.courier_id]: [(stop.kind, order[stop.order_id]) for stop in plan.stops]
        for plan in reply.plan.plans
    }
    left_out = {order[unserved.order_id] for unserved in reply.plan.unserved}
    travel = StraightLine().travel(snapshot, policy.travel)
    check = check_routes(snapshot, travel, policy, routes, left_out)
    assert check.faults == ()
    for plan in reply.plan.plans:
        times = check.timelines[courier[plan.courier_id]]
        assert [stop.at_ms - snapshot.at_unix_ms for stop in plan.stops] == list(times.at)
    weights = [getattr(policy.costs, name) for name, _ in reply.plan.cost_terms]
    assert reply.plan.cost_micros == sum(w * q // 1000 for w, q in zip(weights, check.quantities, strict=True))
    return len(left_out), reply.plan.cost_micros


def test_the_plan_serves_everyone_and_depends_on_work_alone(client: Client) -> None:
    """All that can be served is, every rule kept, by the checker's own schedule; twice the same bytes."""
    options = RouteOptions(max_iterations=600, seed=3)
    reply = client.optimize_routes(market(), options)
    checked(market(), reply)
    couriers = len(market().couriers)
    assert all(sum(count for _, count in order.refused) == couriers for order in reply.plan.unserved)
    assert len(reply.plan.unserved) < len(market().orders) / 4
    assert reply.plan.iterations == 600
    assert not reply.plan.exhausted
    assert client.optimize_routes(market(), options) == reply
    assert reply.provenance.snapshot_digest == market().digest.hex()


def test_planned_orders_change_couriers_when_that_is_better(client: Client) -> None:
    """Two couriers each hold the order at the other's feet: the plan swaps them; locked stops stay."""

    def held(name: str) -> tuple[RouteStop, ...]:
        return RouteStop(StopKind.PICKUP, name), RouteStop(StopKind.DROPOFF, name)

    orders = [Order("e", 41.15, -8.50, 41.15, -8.49), Order("w", 41.15, -8.70, 41.15, -8.71)]
    east, west = Courier("east", 41.15, -8.50, route=held("w")), Courier("west", 41.15, -8.70, route=held("e"))
    swapped = build_snapshot("porto", AT, orders, [east, west])
    reply = client.optimize_routes(swapped, RouteOptions(max_iterations=200))
    checked(swapped, reply)
    assert {plan.courier_id: plan.new_order_ids for plan in reply.plan.plans} == {"east": ("e",), "west": ("w",)}
    assert reply.plan.cost_micros < reply.plan.initial_cost_micros
    fixed = build_snapshot("porto", AT, orders, [dataclasses.replace(c, locked_stops=1) for c in (east, west)])
    reply = client.optimize_routes(fixed, RouteOptions(max_iterations=200))
    checked(fixed, reply)
    assert reply.plan.cost_micros == reply.plan.initial_cost_micros


def test_orders_left_out_have_their_reasons(client: Client) -> None:
    """Impossible ones say which limit stops how many; a price can make leaving one out the better choice."""
    orders = [
        Order("far", 41.15, -8.50, 41.15, -8.49, dropoff_by_ms=AT + MINUTE),
        Order("frozen", 41.15, -8.61, 41.15, -8.60, required_skills=("freezer",)),
        Order("plain", 41.15, -8.61, 41.15, -8.60),
    ]
    small = build_snapshot("porto", AT, orders, [Courier("ana", 41.15, -8.61), Courier("ben", 41.15, -8.62)])
    plan = client.optimize_routes(small, RouteOptions(max_iterations=50)).plan
    assert [(order.order_id, order.reason, order.refused) for order in plan.unserved] == [
        ("far", WaitReason.TIME_WINDOW, ((WaitReason.TIME_WINDOW, 2),)),
        ("frozen", WaitReason.SKILLS, ((WaitReason.SKILLS, 2),)),
    ]
    far, frozen = (order.relaxations for order in plan.unserved)
    assert far is not None
    (later,) = far
    assert later.limit is RelaxedLimit.TIME_WINDOW
    assert frozen == (OrderRelaxation(RelaxedLimit.SKILLS, 1, "ana"),)
    orders[0] = dataclasses.replace(orders[0], dropoff_by_ms=AT + MINUTE + later.amount)
    eased = build_snapshot("porto", AT, orders, [Courier("ana", 41.15, -8.61), Courier("ben", 41.15, -8.62)])
    plan = client.optimize_routes(eased, RouteOptions(max_iterations=50)).plan
    assert [order.order_id for order in plan.unserved] == ["frozen"]
    plan = client.optimize_routes(small, RouteOptions(max_iterations=50, unserved_micros=1000)).plan
    assert [(order.order_id, order.reason) for order in plan.unserved][-1] == (
        "plain",
        WaitReason.WAITING_IS_CHEAPER,
    )
    ((dearer,),) = [order.relaxations or () for order in plan.unserved if order.order_id == "plain"]
    assert dearer.limit is RelaxedLimit.UNSERVED_PRICE
    plan = client.optimize_routes(small, RouteOptions(max_iterations=50, unserved_micros=1000 + dearer.amount)).plan
    assert "plain" not in {order.order_id for order in plan.unserved}


def test_the_rung_that_answered_is_named_and_may_be_asked_for(client: Client) -> None:
    """Insertion alone, the search, and a solver that is not offered here."""
    snapshot = bench_snapshot("city-50x200")
    greedy = client.optimize_routes(snapshot, RouteOptions(forced_rung=Rung.GREEDY))
    native = client.optimize_routes(snapshot, RouteOptions(max_iterations=300, forced_rung=Rung.NATIVE))
    assert (greedy.plan.rung, greedy.plan.iterations, greedy.plan.exhausted) == (Rung.GREEDY, 0, False)
    assert (native.plan.rung, native.plan.iterations) == (Rung.NATIVE, 300)
    assert checked(snapshot, native) < checked(snapshot, greedy)
    assert native == client.optimize_routes(snapshot, RouteOptions(max_iterations=300))
    (only,) = client.stream_optimize_routes(snapshot, RouteOptions(forced_rung=Rung.GREEDY))
    assert only == greedy
    with pytest.raises(InvalidRequest, match=r"task\.forced_rung: must be RUNG_NATIVE or RUNG_GREEDY"):
        client.optimize_routes(snapshot, RouteOptions(forced_rung=Rung.ORTOOLS))


def test_the_deadline_is_the_budget(client: Client) -> None:
    """Without max_iterations the deadline ends the search and the reply comes before it; with too many it says so."""
    reply = client.optimize_routes(bench_snapshot("city-50x200"), timeout=3.0)
    checked(bench_snapshot("city-50x200"), reply)
    assert reply.plan.plans
    assert client.optimize_routes(market(), RouteOptions(max_iterations=10**9), timeout=3.0).plan.exhausted


def test_the_stream_only_gets_better(client: Client) -> None:
    """Each plan holds and beats the one before; the last is marked, and is what the unary call answers."""
    options = RouteOptions(max_iterations=800, seed=1)
    snapshot = bench_snapshot("city-50x200")
    replies = list(client.stream_optimize_routes(snapshot, options))
    values = [checked(snapshot, reply) for reply in replies]
    assert values == sorted(values, reverse=True)
    assert [reply.plan.final for reply in replies] == [False] * (len(replies) - 1) + [True]
    assert replies[-1] == client.optimize_routes(snapshot, options)


def test_a_stream_that_is_left_frees_its_thread(client: Client, server: Running) -> None:
    """Cancelling ends the search: nothing is worked on any more, long before the budget is used."""
    for reply in client.stream_optimize_routes(bench_snapshot("city-50x200"), RouteOptions(max_iterations=10**8)):
        assert not reply.plan.final
        break
    end = time.monotonic() + 10
    while server.server.workers.admitted and time.monotonic() < end:
        time.sleep(0.02)
    assert server.server.workers.admitted == 0


async def test_the_awaiting_client_streams_and_plans(server: Running) -> None:
    """The same answers as the blocking one's."""
    options = RouteOptions(max_iterations=100)
    async with AsyncClient(server.address) as client:
        whole = await client.optimize_routes(market(), options)
        last = [reply async for reply in client.stream_optimize_routes(market(), options)][-1]
        assert last.plan == whole.plan
        cells, _ = await client.travel_matrix([(41.15, -8.6), (41.16, -8.6)], at_ms=AT)
        assert cells.shape == (2, 2)


def test_bad_tasks_name_their_fields(server: Running, client: Client) -> None:
    """Unary and stream refuse alike."""
    task = routing_service_pb2.OptimizeRoutesRequest()
    task.task.snapshot.at_ms = AT
    task.task.snapshot.market_id = "m"
    task.task.snapshot.orders.add(id="o", pickup_latitude=99)
    with pytest.raises(grpc.RpcError) as caught:
        raw_call(server.address, "/matcher.v1.RoutingService/OptimizeRoutes", task.SerializeToString())
    assert details(caught.value)[1].field_violations[0].field == "task.snapshot.orders[0].pickup_latitude"
    with pytest.raises(InvalidRequest, match=r"task\.unserved_micros"):
        next(iter(client.stream_optimize_routes(market(), RouteOptions(unserved_micros=-1))))
    with pytest.raises(InvalidRequest, match="there is no policy"):
        client.optimize_routes(market(), RouteOptions(policy="nope"))


def test_the_travel_matrix_is_that_of_decisions(client: Client) -> None:
    """Each cell is what the checker says a courier takes between the same two places."""
    origins = [(41.15, -8.61), (41.16, -8.60), (41.15, -8.61)]
    destinations = [(41.10, -8.65), (41.15, -8.61)]
    cells, provider = client.travel_matrix(origins, destinations, at_ms=AT, mode=TravelMode.BICYCLE)
    orders = [Order(f"{i}{j}", *a, *b) for i, a in enumerate(origins) for j, b in enumerate(destinations)]
    snapshot = build_snapshot("m", AT, orders, [Courier("c", mode=TravelMode.BICYCLE)])
    travel = StraightLine().travel(snapshot, Policy().travel)
    expected = [
        travel_ms(snapshot, travel, 0, int(snapshot.orders.pickup_loc[k]), int(snapshot.orders.dropoff_loc[k]))
        for k in range(len(orders))
    ]
    assert cells.ravel().tolist() == expected
    assert provider == StraightLine.version
    square, _ = client.travel_matrix(origins, at_ms=AT)
    assert square.shape == (3, 3)
    assert np.all(np.diag(square) == 0)
    assert square[0, 2] == 0


def test_bad_matrix_requests_name_their_fields(client: Client) -> None:
    """Paths of the request, not of the market that it is laid out as."""
    with pytest.raises(InvalidRequest, match=r"destinations\[0\]\.latitude"):
        client.travel_matrix([(41.0, -8.0)], [(95.0, 0.0)], at_ms=AT)
    with pytest.raises(InvalidRequest, match="origins: at least one"):
        client.travel_matrix([], at_ms=AT)
    with pytest.raises(InvalidRequest, match="at_ms: is required"):
        client.travel_matrix([(41.0, -8.0)], at_ms=0)
    with pytest.raises(InvalidRequest, match="speed_meters_per_hour"):
        client.travel_matrix([(41.0, -8.0), (-41.0, 170.0)], at_ms=AT, speed_meters_per_hour=1)
