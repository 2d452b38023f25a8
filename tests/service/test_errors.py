"""Every refusal, as any gRPC client sees it: code, ErrorInfo, BadRequest with the field's path. TCP and Unix socket."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from tests.service.serving import Running, details, raw_call, running, socket_path

from matcher.app import App, parse_config
from matcher.v1 import assignment_service_pb2, matching_service_pb2

AT = 1_767_009_600_000
MATCH = "/matcher.v1.MatchingService/Match"
SOLVE = "/matcher.v1.AssignmentService/Solve"


@pytest.fixture(scope="module", params=["tcp", "unix"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("s")
    address = "127.0.0.1:0" if request.param == "tcp" else socket_path(directory)
    config = parse_config(
        f"""
        [server]
        listen = ["{address}"]
        max_message_bytes = 100000
        [limits]
        orders = 20
        couriers = 30
        route_stops = 4
        solve_cells = 100
        [telemetry]
        log_calls = false
        """
    )
    with App(config) as app, running(app) as server:
        yield server


def request() -> matching_service_pb2.MatchRequest:
    """A valid request with two orders, one planned, and one courier."""
    message = matching_service_pb2.MatchRequest(snapshot={"market_id": "porto", "at_ms": AT})
    message.snapshot.orders.add(id="o1", pickup_latitude=41.15, pickup_longitude=-8.61, dropoff_latitude=41.16)
    message.snapshot.orders.add(id="o2", pickup_latitude=41.15, pickup_longitude=-8.61, dropoff_latitude=41.16)
    courier = message.snapshot.couriers.add(id="c1", latitude=41.15, longitude=-8.6, capacity=3)
    courier.route.add(kind=1, order_id="o2")  # type: ignore[arg-type]
    courier.route.add(kind=2, order_id="o2")  # type: ignore[arg-type]
    return message


def refused(server: Running, method: str, data: bytes) -> tuple[grpc.RpcError, error_details_pb2.BadRequest]:
    with pytest.raises(grpc.RpcError) as caught:
        raw_call(server.address, method, data)
    info, bad_request = details(caught.value)
    assert info.domain == "matcher.v1"
    assert info.reason.startswith("ERROR_REASON_")
    return caught.value, bad_request


Request = matching_service_pb2.MatchRequest
Breakage = Callable[[Request], object]


def put(path: str, value: object) -> Breakage:
    """Set a field, e.g. "snapshot.orders.0.size"."""

    def breakage(request: Request) -> None:
        *steps, last = path.split(".")
        target: Any = request
        for step in steps:
            target = target[int(step)] if step.isdigit() else getattr(target, step)
        setattr(target, last, value)

    return breakage


def both(*breakages: Breakage) -> Breakage:
    return lambda request: [breakage(request) for breakage in breakages]


def rows(kind: str, count: int) -> Breakage:
    """Add so many more orders or couriers."""
    return lambda request: [getattr(request.snapshot, kind).add(id=f"n{k}") for k in range(count)]


def stops(*orders: str) -> Breakage:
    """Lengthen the route of the first courier by drop-offs."""
    return lambda request: [request.snapshot.couriers[0].route.add(kind=2, order_id=order) for order in orders]


ORDER, COURIER = "snapshot.orders.0", "snapshot.couriers.0"
BREAKAGES: list[tuple[Breakage, str, str]] = [
    (lambda r: r.ClearField("snapshot"), "snapshot", "MISSING"),
    (put("policy", "nope"), "policy", "UNKNOWN_POLICY"),
    (put("forced_rung", 9), "forced_rung", "UNKNOWN_ENUM_VALUE"),
    (put("snapshot.market_id", ""), "snapshot.market_id", "MISSING"),
    (put("snapshot.at_ms", 0), "snapshot.at_ms", "MISSING"),
    (put("snapshot.frame", 7), "snapshot.frame", "UNKNOWN_ENUM_VALUE"),
    (put("snapshot.orders.1.id", ""), "snapshot.orders[1].id", "MISSING"),
    (put("snapshot.orders.1.id", "o1"), "snapshot.orders[1].id", "DUPLICATE"),
    (put(f"{ORDER}.id", "x" * 200), "snapshot.orders[0].id", "TOO_LARGE"),
    (lambda r: r.snapshot.couriers.add(id="c1"), "snapshot.couriers[1].id", "DUPLICATE"),
    (put(f"{ORDER}.pickup_latitude", math.nan), "snapshot.orders[0].pickup_latitude", "OUT_OF_RANGE"),
    (put(f"{ORDER}.dropoff_longitude", 181), "snapshot.orders[0].dropoff_longitude", "OUT_OF_RANGE"),
    (put(f"{COURIER}.longitude", -math.inf), "snapshot.couriers[0].longitude", "OUT_OF_RANGE"),
    (put(f"{ORDER}.ready_at_ms", AT // 1000), "snapshot.orders[0].ready_at_ms", "OUT_OF_RANGE"),
    (
        both(put(f"{ORDER}.dropoff_not_before_ms", AT + 9), put(f"{ORDER}.promised_by_ms", AT + 8)),
        "snapshot.orders[0].promised_by_ms",
        "INVERTED_WINDOW",
    ),
    (
        both(put(f"{ORDER}.ready_at_ms", AT + 9), put(f"{ORDER}.pickup_by_ms", AT + 8)),
        "snapshot.orders[0].pickup_by_ms",
        "INVERTED_WINDOW",
    ),
    (put(f"{ORDER}.size", -1), "snapshot.orders[0].size", "OUT_OF_RANGE"),
    (put(f"{COURIER}.capacity", -1), "snapshot.couriers[0].capacity", "OUT_OF_RANGE"),
    (put(f"{COURIER}.locked_stops", 3), "snapshot.couriers[0].locked_stops", "OUT_OF_RANGE"),
    (put(f"{COURIER}.mode", 12), "snapshot.couriers[0].mode", "UNKNOWN_ENUM_VALUE"),
    (put(f"{COURIER}.route.0.order_id", "gone"), "snapshot.couriers[0].route[0].order_id", "UNKNOWN_REFERENCE"),
    (lambda r: r.snapshot.couriers[0].route.pop(), "snapshot.couriers[0].route", "INVALID_ROUTE"),
    (
        lambda r: r.snapshot.couriers.add(id="c2").route.add(kind=2, order_id="o2"),
        "snapshot.couriers[1].route[0].order_id",
        "INVALID_ROUTE",
    ),
    (rows("orders", 20), "snapshot.orders", "TOO_LARGE"),
    (rows("couriers", 30), "snapshot.couriers", "TOO_LARGE"),
    (stops("o1", "o1", "o1"), "snapshot.couriers[0].route", "TOO_LARGE"),
    (
        lambda r: r.snapshot.orders[0].required_skills.extend(f"s{k}" for k in range(64)),
        "snapshot.orders",
        "TOO_LARGE",
    ),
]


@pytest.mark.parametrize(("breakage", "field", "reason"), BREAKAGES)
def test_a_bad_request_names_its_field(server: Running, breakage: Breakage, field: str, reason: str) -> None:
    """INVALID_ARGUMENT, with the violation among the BadRequest's and its reason by name."""
    message = request()
    breakage(message)
    error, bad_request = refused(server, MATCH, message.SerializeToString())
    assert isinstance(error, grpc.Call)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = [(violation.field, violation.reason) for violation in bad_request.field_violations]
    assert (field, f"ERROR_REASON_{reason}") in found
    assert all(violation.description for violation in bad_request.field_violations)
    assert field in (error.details() or "")


def test_the_request_that_is_broken_above_is_answered(server: Running) -> None:
    """Otherwise the refusals above would prove nothing."""
    reply = raw_call(server.address, MATCH, request().SerializeToString())
    decision = matching_service_pb2.MatchResponse.FromString(reply).decision
    assert [outcome.order_id for outcome in decision.outcomes] == ["o1"]
    assert decision.decision_id


def test_validation_only_decides_nothing(server: Running) -> None:
    """A good request is answered by an empty decision, a bad one is refused as ever."""
    message = request()
    message.validate_only = True
    reply = matching_service_pb2.MatchResponse.FromString(raw_call(server.address, MATCH, message.SerializeToString()))
    assert (reply.decision.market_id, len(reply.decision.outcomes)) == ("porto", 0)
    assert reply.decision.provenance.snapshot_digest
    message.policy = "nope"
    refused(server, MATCH, message.SerializeToString())


@pytest.mark.parametrize("data", [b"\xff" * 40, b"\x0a\x7f", b"\x12\x02\xc3\x28"])
@pytest.mark.parametrize("method", [MATCH, SOLVE])
def test_garbage_is_malformed(server: Running, method: str, data: bytes) -> None:
    """Bytes that are no message are the caller's mistake, never ours."""
    error, bad_request = refused(server, method, data)
    assert isinstance(error, grpc.Call)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert bad_request.field_violations[0].reason in ("ERROR_REASON_MALFORMED", "ERROR_REASON_MISSING")


def test_a_bad_cost_matrix_names_its_cell(server: Running) -> None:
    """The same for the other service."""
    problem = assignment_service_pb2.SolveRequest(dense={"rows": 1, "cols": 2, "costs": [1.0, math.nan]})
    _, bad_request = refused(server, SOLVE, problem.SerializeToString())
    assert bad_request.field_violations[0].field == "dense.costs[1]"
    problem = assignment_service_pb2.SolveRequest(dense={"rows": 11, "cols": 11, "costs": [0.0] * 121})
    _, bad_request = refused(server, SOLVE, problem.SerializeToString())
    assert bad_request.field_violations[0].reason == "ERROR_REASON_TOO_LARGE"


def test_costs_that_cannot_be_added_up_are_the_callers(server: Running) -> None:
    """A kernel that reports overflow ends as INVALID_ARGUMENT, not as a fault of the server."""
    problem = assignment_service_pb2.SolveRequest(dense={"rows": 2, "cols": 2, "costs": [1e308] * 4})
    error, bad_request = refused(server, SOLVE, problem.SerializeToString())
    assert isinstance(error, grpc.Call)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert bad_request.field_violations[0].field == "dense.costs"


def test_a_message_over_the_limit_is_refused_by_the_transport(server: Running) -> None:
    """max_message_bytes holds before anything is read, and the server goes on."""
    with pytest.raises(grpc.RpcError) as caught:
        raw_call(server.address, MATCH, b"\x0a" + b"x" * 200_000)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    raw_call(server.address, MATCH, request().SerializeToString())


def test_an_unknown_method_is_unimplemented(server: Running) -> None:
    """What gRPC prescribes."""
    with pytest.raises(grpc.RpcError) as caught:
        raw_call(server.address, "/matcher.v1.MatchingService/Guess", b"")
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
