"""RoutingService.InsertOrder over real sockets: answers, kept fleets, refusals with field paths, deadlines, spans."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from bench.instances import snapshot as bench_snapshot
from tests.service.serving import Running, details, raw_call, running, socket_path

from matcher.app import App, parse_config
from matcher.client import Client, DeadlineExceeded, InsertionReply, InvalidRequest, UnknownFleet
from matcher.domain import Courier, Order, RouteStop, Snapshot, StopKind, WaitReason, build_snapshot
from matcher.v1 import routing_service_pb2

AT = 1_767_009_600_000
MINUTE = 60_000
INSERT = "/matcher.v1.RoutingService/InsertOrder"
NEW = Order("new", 41.150, -8.610, 41.158, -8.629)


@pytest.fixture(scope="module", params=["tcp", "unix"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("s")
    address = "127.0.0.1:0" if request.param == "tcp" else socket_path(directory)
    config = parse_config(
        f"""
        [server]
        listen = ["{address}"]
        kept_fleets = 2
        [limits]
        insert_orders = 5
        orders = 20
        [telemetry]
        log_calls = false
        """
    )
    with App(config) as app, running(app) as server:
        yield server


@pytest.fixture
def client(server: Running) -> Iterator[Client]:
    with Client(server.address, timeout=10.0) as client:
        yield client


def planned(order_id: str) -> tuple[RouteStop, ...]:
    return RouteStop(StopKind.PICKUP, order_id), RouteStop(StopKind.DROPOFF, order_id)


def fleet(at: int = AT, **changed: Any) -> Snapshot:
    """Two couriers, the nearer of whom carries an order in the direction of the new one."""
    ana = Courier("ana", 41.149, -8.611, capacity=3, route=planned("o1"))
    ben = Courier("ben", 41.170, -8.650, capacity=3)
    o1 = Order("o1", 41.150, -8.610, 41.160, -8.631, size=1)
    return build_snapshot("porto", at, [o1], [dataclasses.replace(ana, **changed), ben])


def best(reply: InsertionReply) -> tuple[str, list[tuple[int, str]]]:
    plan = reply.insertions[0].candidates[0].plan
    return plan.courier_id, [(int(stop.kind), stop.order_id) for stop in plan.stops]


def test_the_cheapest_couriers_come_with_their_routes(client: Client) -> None:
    """k candidates, cheapest first; terms add up; times do not go back; the order stands where positions say."""
    reply = client.insert_orders([NEW], fleet=fleet(), max_candidates=5)
    (insertion,) = reply.insertions
    assert insertion.order_id == "new"
    assert insertion.reason is None
    assert [way.plan.courier_id for way in insertion.candidates] == ["ana", "ben"]
    assert insertion.candidates[0].cost_micros < insertion.candidates[1].cost_micros
    for way in insertion.candidates:
        times = [at for stop in way.plan.stops for at in (stop.arrive_at_ms, stop.at_ms, stop.depart_at_ms)]
        assert times == sorted(times)
        ids = [stop.order_id for stop in way.plan.stops]
        assert ids[way.pickup_pos] == ids[way.dropoff_pos + 1] == "new"
        assert way.dropoff_at_ms == way.plan.stops[way.dropoff_pos + 1].at_ms
        assert way.plan.new_order_ids == ("new",)
    assert reply.fleet_token == ""
    assert reply.provenance.policy == "default"
    assert reply.provenance.snapshot_digest


def test_orders_are_inserted_each_on_its_own(client: Client) -> None:
    """Two equal orders get the same answer: neither sees the other. None at all is answered, too."""
    twin = dataclasses.replace(NEW, id="twin")
    reply = client.insert_orders([NEW, twin], fleet=fleet())
    first, second = (insertion.candidates[0] for insertion in reply.insertions)
    assert first.cost_terms == second.cost_terms
    assert client.insert_orders([], fleet=fleet()).insertions == ()


def test_a_kept_fleet_answers_as_the_snapshot_does(client: Client) -> None:
    """Token instead of snapshot: the same candidates. The accepted plan, sent back as a change, is the route then."""
    whole = client.insert_orders([NEW], fleet=fleet(), keep_fleet=True)
    again = client.insert_orders([NEW], fleet_token=whole.fleet_token)
    assert again.insertions == whole.insertions
    assert again.fleet_token == whole.fleet_token

    courier, stops = best(whole)
    route = tuple(RouteStop(StopKind(kind), order) for kind, order in stops)
    later = AT + 2 * MINUTE
    o1 = Order("o1", 41.150, -8.610, 41.160, -8.631, size=1)
    changes = build_snapshot("porto", later, [o1, NEW], [Courier(courier, 41.149, -8.611, capacity=3, route=route)])
    other = dataclasses.replace(NEW, id="other", dropoff_latitude=41.140)
    kept = client.insert_orders([other], fleet_token=whole.fleet_token, changes=changes, max_candidates=2)
    assert kept.fleet_token not in ("", whole.fleet_token)
    ben = Courier("ben", 41.170, -8.650, capacity=3)
    fresh = build_snapshot("porto", later, [o1, NEW], [Courier(courier, 41.149, -8.611, capacity=3, route=route), ben])
    assert kept.insertions == client.insert_orders([other], fleet=fresh, max_candidates=2).insertions
    # The same change once more is a retry; another one from the same token is not.
    retry = client.insert_orders([other], fleet_token=whole.fleet_token, changes=changes, max_candidates=2)
    assert (retry.insertions, retry.fleet_token) == (kept.insertions, kept.fleet_token)
    with pytest.raises(UnknownFleet, match="has been changed since"):
        client.insert_orders([other], fleet_token=whole.fleet_token)
    gone = client.insert_orders([other], fleet_token=kept.fleet_token, removed_courier_ids=["ana"])
    assert best(gone)[0] == "ben"


def test_a_fleet_that_is_not_kept_asks_for_its_snapshot(client: Client) -> None:
    """Unknown tokens, and those for which there was no more room: FAILED_PRECONDITION with a reason for programs."""
    with pytest.raises(UnknownFleet, match="send its snapshot") as caught:
        client.insert_orders([NEW], fleet_token="00ff")
    assert caught.value.code == "FAILED_PRECONDITION"
    tokens = [
        client.insert_orders([], fleet=fleet(capacity=capacity), keep_fleet=True).fleet_token for capacity in (4, 5, 6)
    ]
    with pytest.raises(UnknownFleet):
        client.insert_orders([NEW], fleet_token=tokens[0])
    for token in tokens[1:]:
        assert client.insert_orders([NEW], fleet_token=token).insertions[0].candidates


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"required_skills": ("frozen",)}, WaitReason.SKILLS),
        ({"size": 9}, WaitReason.CAPACITY),
        ({"dropoff_by_ms": AT + MINUTE}, WaitReason.TIME_WINDOW),
        ({"freshness_limit_ms": 1000}, WaitReason.FRESHNESS),
    ],
)
def test_an_order_that_nobody_can_serve_has_its_reason(
    client: Client, order: dict[str, Any], reason: WaitReason
) -> None:
    """No candidates: the limit that stops everyone, and how many it stops."""
    (insertion,) = client.insert_orders([dataclasses.replace(NEW, **order)], fleet=fleet()).insertions
    assert insertion.candidates == ()
    assert insertion.reason is reason
    assert insertion.refused == ((reason, 2),)


def test_a_shift_that_ends_too_soon_is_a_reason(client: Client) -> None:
    """Refused couriers are counted beside the candidates there are; without couriers that is the reason."""
    ended = fleet(shift_end_at_ms=AT + 1000)
    (insertion,) = client.insert_orders([NEW], fleet=ended, max_candidates=2).insertions
    assert [way.plan.courier_id for way in insertion.candidates] == ["ben"]
    assert insertion.refused == ((WaitReason.SHIFT_END, 1),)
    nobody = client.insert_orders([NEW], fleet=build_snapshot("porto", AT, [], [])).insertions[0]
    assert (nobody.reason, nobody.refused) == (WaitReason.NO_COURIERS, ())


def request(**fields: Any) -> routing_service_pb2.InsertOrderRequest:
    message = routing_service_pb2.InsertOrderRequest(**fields)
    message.snapshot.market_id, message.snapshot.at_ms = "porto", AT
    message.snapshot.couriers.add(id="ana", latitude=41.15, capacity=3)
    message.orders.add(id="new", pickup_latitude=41.15, dropoff_latitude=41.16)
    return message


def refusals(server: Running, message: routing_service_pb2.InsertOrderRequest) -> list[tuple[str, str]]:
    with pytest.raises(grpc.RpcError) as caught:
        raw_call(server.address, INSERT, message.SerializeToString())
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    _, bad_request = details(caught.value)
    return [(v.field, v.reason.removeprefix("ERROR_REASON_")) for v in bad_request.field_violations]


def test_bad_requests_name_their_fields(server: Running) -> None:
    """Paths are those of the request as it was sent, in whichever list the order stands."""
    raw_call(server.address, INSERT, request().SerializeToString())

    assert refusals(server, routing_service_pb2.InsertOrderRequest()) == [("fleet", "MISSING")]
    assert refusals(server, request(max_candidates=101)) == [("max_candidates", "OUT_OF_RANGE")]
    assert refusals(server, request(policy="nope")) == [("policy", "UNKNOWN_POLICY")]
    message = request()
    message.orders.add(id="two", pickup_latitude=91)
    assert refusals(server, message) == [("orders[1].pickup_latitude", "OUT_OF_RANGE")]
    message = request()
    message.snapshot.couriers[0].latitude = -91
    assert refusals(server, message) == [("snapshot.couriers[0].latitude", "OUT_OF_RANGE")]
    message = request()
    message.snapshot.couriers[0].route.add(kind=1, order_id="new")  # type: ignore[arg-type]
    message.snapshot.couriers[0].route.add(kind=2, order_id="new")  # type: ignore[arg-type]
    assert refusals(server, message) == [("orders[0].id", "DUPLICATE")]
    message = request()
    for k in range(5):
        message.orders.add(id=f"n{k}")
    assert refusals(server, message) == [("orders", "TOO_LARGE")]
    message = request()
    message.snapshot.couriers[0].speed_meters_per_hour = 1
    assert refusals(server, message) == [("snapshot", "OUT_OF_RANGE")]


def test_a_bad_change_leaves_the_fleet_as_it_was(client: Client) -> None:
    """All or nothing: after refused changes the token still names the same fleet with the same answers."""
    before = client.insert_orders([NEW], fleet=fleet(), keep_fleet=True)
    token = before.fleet_token

    def refused(changes: Snapshot | None = None, removed: tuple[str, ...] = ()) -> set[tuple[str, str]]:
        with pytest.raises(InvalidRequest) as caught:
            client.insert_orders([NEW], fleet_token=token, changes=changes, removed_courier_ids=removed)
        return {(violation.field, violation.reason.name) for violation in caught.value.violations}

    o1 = Order("o1", 41.150, -8.610, 41.160, -8.631, size=1)
    stolen = build_snapshot("porto", AT, [o1], [Courier("ben", 41.17, -8.65, capacity=3, route=planned("o1"))])
    assert refused(stolen) == {("update.couriers", "INVALID_ROUTE")}
    assert refused(removed=("zoe",)) == {("update.removed_courier_ids[0]", "UNKNOWN_REFERENCE")}
    assert refused(build_snapshot("porto", AT - MINUTE, [], [])) == {("update.at_ms", "OUT_OF_RANGE")}
    known = dataclasses.replace(NEW, id="o1")
    with pytest.raises(InvalidRequest, match="is in a route already"):
        client.insert_orders([known], fleet_token=token)
    assert client.insert_orders([NEW], fleet_token=token).insertions == before.insertions


def test_an_order_may_change_hands_within_one_update(client: Client) -> None:
    """Both couriers are in the update: the order goes from one to the other."""
    token = client.insert_orders([], fleet=fleet(), keep_fleet=True).fleet_token
    o1 = Order("o1", 41.150, -8.610, 41.160, -8.631, size=1)
    ana, ben = Courier("ana", 41.149, -8.611, capacity=3), Courier("ben", 41.17, -8.65, capacity=3, route=planned("o1"))
    swapped = build_snapshot("porto", AT, [o1], [ana, ben])
    kept = client.insert_orders([NEW], fleet_token=token, changes=swapped, max_candidates=2)
    assert kept.insertions == client.insert_orders([NEW], fleet=swapped, max_candidates=2).insertions


def test_a_deadline_ends_a_long_request() -> None:
    """Time is looked at between pieces of the work: the call ends as DEADLINE_EXCEEDED and the server goes on."""
    market = bench_snapshot("city-200x1000")
    orders = [dataclasses.replace(NEW, id=f"n{k}", pickup_latitude=41.15 + k * 1e-5) for k in range(1000)]
    config = parse_config('[server]\nlisten = ["127.0.0.1:0"]\n[telemetry]\nlog_calls = false\n')
    with App(config) as app, running(app) as server, Client(server.address) as client:
        with pytest.raises(DeadlineExceeded):
            client.insert_orders(orders, fleet=market, max_candidates=20, timeout=0.06)
        assert client.insert_orders(orders[:1], fleet=market, timeout=10).insertions[0].candidates


def test_health_answers_for_the_service(client: Client) -> None:
    """One entry a service, as for the others."""
    assert client.is_serving("matcher.v1.RoutingService")
