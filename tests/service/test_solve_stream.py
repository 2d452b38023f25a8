"""StreamSolve: the answer is Solve's whatever the parts; wrong parts, limits and deadlines end it with the reason."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import scipy.sparse
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.serving import Running, details, running

from matcher.app import App, parse_config
from matcher.client import AsyncClient, Client, SolveStatus
from matcher.client.calls import solve_problem
from matcher.domain import InvalidRequest
from matcher.v1 import assignment_service_pb2
from matcher.wire import SolveParts, decode_solve_request, encode_solve_parts, encode_solve_request

STREAM_SOLVE = "/matcher.v1.AssignmentService/StreamSolve"
RNG = np.random.default_rng(61)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    text = """
        [server]
        listen = ["127.0.0.1:0"]
        [limits]
        stream_cells = 300000
        solve_side = 5000
        [telemetry]
        log_calls = false
        """
    with App(parse_config(text)) as app, running(app) as started:
        yield started


def problems() -> Iterator[Any]:
    """Costs and the options that go with them."""
    costs = RNG.integers(0, 1000, (60, 90)).astype(float)
    costs[RNG.random(costs.shape) < 0.3] = math.inf
    row, col = np.nonzero(~np.isinf(costs))
    sparse = scipy.sparse.coo_array((costs[row, col], (row, col)), shape=costs.shape)
    yield costs, {}
    yield costs, {"unassigned_cost": 300.0, "maximize": True, "max_iterations": 10_000}
    yield costs.T, {"capacities": 2}
    yield sparse, {"unassigned_cost": RNG.random(60) * 100, "capacities": RNG.integers(0, 3, 90)}
    yield np.empty((0, 3)), {}


def send(server: Running, parts: Iterable[bytes], timeout: float = 20.0) -> bytes:
    """A call without our client: what any other language would do."""
    with grpc.insecure_channel(server.address) as channel:
        reply: bytes = channel.stream_unary(STREAM_SOLVE)(iter(parts), timeout=timeout)
        return reply


def part(**fields: Any) -> bytes:
    data: bytes = assignment_service_pb2.StreamSolveRequest(**fields).SerializeToString()
    return data


async def test_streamed_is_as_sent_at_once(server: Running) -> None:
    """Both clients, dense and sparse, with prices and capacities: the same solution, certificate and decision id."""
    with Client(server.address) as client:
        async with AsyncClient(server.address) as awaiting:
            for costs, options in problems():
                once = client.solve(costs, streamed=False, **options)
                for reply in (
                    client.solve(costs, streamed=True, **options),
                    await awaiting.solve(costs, streamed=True, **options),
                ):
                    assert (reply.status, reply.total_cost, reply.decision_id) == (
                        once.status,
                        once.total_cost,
                        once.decision_id,
                    )
                    assert np.array_equal(reply.col_for_row, once.col_for_row)
                    assert np.array_equal(reply.row_duals, once.row_duals)
                    assert np.array_equal(reply.col_duals, once.col_duals)
    assert server.server.solve_streams.cells == 0, "nothing stays reserved"


def test_large_problems_are_streamed_by_themselves() -> None:
    """A matrix beyond one message's size goes through without being asked to."""
    text = '[server]\nlisten = ["127.0.0.1:0"]\nmax_message_bytes = 4000000\n[telemetry]\nlog_calls = false'
    costs = RNG.random((1_000, 1_100))
    with App(parse_config(text)) as app, running(app) as started, Client(started.address) as client:
        reply = client.solve(costs, timeout=120)
    assert reply.status is SolveStatus.OPTIMAL
    assert math.isclose(reply.total_cost, costs[np.arange(1_000), reply.col_for_row].sum(), rel_tol=1e-9)


@settings(max_examples=100, deadline=None)
@given(size=st.integers(1, 40), n=st.integers(0, 5), m=st.integers(0, 7), pairs=st.booleans())
def test_parts_of_any_size_make_the_problem(size: int, n: int, m: int, pairs: bool) -> None:
    """Our encoder's bytes are what protobuf writes for the same parts; read back they are the problem sent at once."""
    costs = np.arange(n * m, dtype=float).reshape(n, m)
    problem = solve_problem(scipy.sparse.coo_array(costs + 1) if pairs else costs, 2.0, True, 7, 2)
    encoded = list(encode_solve_parts(problem, size))
    for data in encoded:
        message = assignment_service_pb2.StreamSolveRequest.FromString(data)
        assert message.SerializeToString(deterministic=True) == data
    parts = SolveParts(encoded[0], 1000, 1000)
    for data in encoded[1:]:
        parts.add(data)
    whole = parts.finish()
    assert whole.digest == decode_solve_request(encode_solve_request(problem)).digest
    assert whole.digest == problem.digest


def test_unusual_encodings_of_a_part_are_read_too() -> None:
    """Protobuf lets a writer split a packed field or leave numbers unpacked; both mean the same costs."""
    head = part(header={"rows": 1, "cols": 3})
    numbers = [np.float64(x).tobytes() for x in (1.0, 2.0, 3.0)]
    split = b"\x0a\x08" + numbers[0] + b"\x0a\x10" + numbers[1] + numbers[2]
    unpacked = b"".join(b"\x09" + number for number in numbers)
    for inner in (split, unpacked):
        parts = SolveParts(head, 10, 10)
        parts.add(b"\x12" + bytes([len(inner)]) + inner)
        dense = parts.finish().dense
        assert dense is not None
        assert dense.tolist() == [[1.0, 2.0, 3.0]]
    for cut in (b"\x12", b"\x12\x09\x0a\x08" + numbers[0][:7], b"\x12\x0a\x0a\xff\xff\xff"):
        with pytest.raises(InvalidRequest):
            SolveParts(head, 10, 10).add(cut)


HEAD: dict[str, Any] = {"rows": 2, "cols": 2}
WRONG: list[tuple[list[dict[str, Any]], str, str]] = [
    ([], "parts[0]", "MISSING"),
    ([{"dense": {"costs": [1.0]}}], "parts[0]", "MISSING"),
    ([{"header": HEAD}], "parts[0]", "MISSING"),
    ([{"header": HEAD}, {"dense": {"costs": [1, 2, math.nan, 4]}}], "parts[1].dense.costs[2]", "OUT_OF_RANGE"),
    ([{"header": HEAD}, {"dense": {"costs": [1, 2]}}, {"dense": {"costs": [3] * 3}}], "parts[2]", "MALFORMED"),
    ([{"header": HEAD}, {"sparse": {"row": [0]}}], "parts[1]", "MALFORMED"),
    ([{"header": HEAD}, {"header": HEAD}], "parts[1]", "MALFORMED"),
    ([{"header": HEAD | {"rows": 5001}}], "parts[0].header.rows", "OUT_OF_RANGE"),
    ([{"header": HEAD | {"rows": 600, "cols": 600}}], "parts[0].header", "TOO_LARGE"),
    ([{"header": HEAD | {"capacities": [1, -1]}}], "parts[0].header.capacities[1]", "OUT_OF_RANGE"),
    ([{"header": HEAD | {"unassigned_cost": [1] * 3}}], "parts[0].header.unassigned_cost", "MALFORMED"),
    ([{"header": HEAD | {"pairs": -1}}], "parts[0].header.pairs", "OUT_OF_RANGE"),
    ([{"header": HEAD | {"pairs": 1}}, {"dense": {"costs": [1.0]}}], "parts[1]", "MALFORMED"),
    (
        [{"header": HEAD | {"pairs": 2}}, {"sparse": {"row": [0, 2], "col": [0, 0], "cost": [1, 1]}}],
        "parts[1].sparse.row[1]",
        "OUT_OF_RANGE",
    ),
    (
        [{"header": HEAD | {"pairs": 2}}] + [{"sparse": {"row": [0], "col": [1], "cost": [1]}}] * 2,
        "parts[2]",
        "DUPLICATE",
    ),
    ([{"header": HEAD | {"pairs": 2}}, {"sparse": {"row": [0], "col": [1]}}], "parts[1].sparse", "MALFORMED"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "field", "reason"), WRONG)
def test_refusals_name_the_part(server: Running, parts: list[dict[str, Any]], field: str, reason: str) -> None:
    """INVALID_ARGUMENT with the part, the field in it and the reason."""
    with pytest.raises(grpc.RpcError) as caught:
        send(server, [part(**fields) for fields in parts])
    info, bad_request = details(caught.value)
    assert [(violation.field, violation.reason) for violation in bad_request.field_violations] == [
        (field, f"ERROR_REASON_{reason}")
    ]
    assert info.reason == f"ERROR_REASON_{reason}"
    assert server.server.solve_streams.cells == 0


def test_no_message_at_all_of_ours_is_refused(server: Running) -> None:
    """Bytes that are no message: refused by part, the server unharmed."""
    with pytest.raises(grpc.RpcError) as caught:
        send(server, [b"\xff\xff\xff"])
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT  # type: ignore[attr-defined]


class Slowly:
    """Parts that wait to be let go."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts, self.go = parts, threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield self.parts[0]
        self.go.wait(20)
        yield from self.parts[1:]


def test_a_sender_who_is_too_slow_meets_its_deadline(server: Running) -> None:
    """The server ends the call by itself, before the caller's library would, and gives the reservation back."""
    slow = Slowly([part(header=HEAD), part(dense={"costs": [1.0] * 4})])
    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        send(server, slow, timeout=0.5)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED  # type: ignore[attr-defined]
    assert time.monotonic() - began < 10
    slow.go.set()
    wait_until(lambda: server.server.solve_streams.cells == 0)


def test_streams_share_one_limit(server: Running) -> None:
    """While one stream holds most of the cells another is told to come again, and is served when the first is done."""
    costs = [part(dense={"costs": [1.0] * 500}) for _ in range(400)]
    slow = Slowly([part(header={"rows": 400, "cols": 500}), *costs])
    replies: list[bytes] = []
    first = threading.Thread(target=lambda: replies.append(send(server, slow, timeout=60)))
    first.start()
    wait_until(lambda: server.server.solve_streams.cells == 200_000)
    with pytest.raises(grpc.RpcError) as caught:
        send(server, [part(header={"rows": 400, "cols": 500}), *costs])
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]
    slow.go.set()
    first.join(60)
    message: Message = assignment_service_pb2.StreamSolveResponse.FromString(replies[0])
    assert message.solution.total_cost == 400.0  # type: ignore[attr-defined]
    assert send(server, [part(header={"rows": 400, "cols": 500}), *costs], timeout=60)


def wait_until(holds: Callable[[], bool]) -> None:
    """Fails after ten seconds."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
