"""The blocking client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
from grpc_health.v1 import health_pb2, health_pb2_grpc

from matcher.client.calls import (
    EXPLAIN,
    GET_CAPABILITIES,
    INSERT,
    MATCH,
    MATRIX,
    OPTIMIZE,
    OPTIONS,
    PROPOSE_BATCHES,
    SOLVE,
    STREAM_MATCH,
    STREAM_OPTIMIZE,
    STREAM_SOLVE,
    in_parts,
    match_bytes,
    metadata,
    new_key,
    solve_problem,
)
from matcher.client.errors import failure
from matcher.client.sessions import MatchSession
from matcher.domain import Batches, Decision, Effort, Explanation, Order, Rung, Snapshot, SpatialFrame, TravelMode
from matcher.wire import (
    Capabilities,
    InsertionReply,
    MatchOptions,
    RouteOptions,
    RouteReply,
    SolveReply,
    decode_batches,
    decode_capabilities,
    decode_decision,
    decode_explanation,
    decode_insert_reply,
    decode_matrix_reply,
    decode_route_reply,
    decode_solve_reply,
    decode_stream_solve_reply,
    encode_batches_request,
    encode_explain_request,
    encode_insert_request,
    encode_matrix_request,
    encode_route_task,
    encode_solve_parts,
    encode_solve_request,
)


class Client:
    """A connection to one server: "host:port" or "unix:/path".

    Every method raises InvalidRequest (with the violations) when the server refuses the input, and CallFailed or one
    of its kinds when there is no answer. `timeout` is in seconds; the server answers before it, from a lower rung if
    need be.
    """

    def __init__(
        self,
        target: str,
        *,
        timeout: float | None = 10.0,
        wait_for_ready: bool = True,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        """`timeout` holds for calls that are given none. `wait_for_ready`: a call waits for a connection that is not
        there (yet), up to its timeout; else it fails at once. `credentials`: of grpc.ssl_channel_credentials, for a
        server with TLS."""
        self._timeout = timeout
        self._wait_for_ready = wait_for_ready
        self._channel = (
            grpc.insecure_channel(target, options=OPTIONS)
            if credentials is None
            else grpc.secure_channel(target, credentials, options=OPTIONS)
        )
        self._match: Any = self._channel.unary_unary(MATCH)
        self._stream: Any = self._channel.stream_stream(STREAM_MATCH)
        self._explain: Any = self._channel.unary_unary(EXPLAIN)
        self._propose_batches: Any = self._channel.unary_unary(PROPOSE_BATCHES)
        self._solve: Any = self._channel.unary_unary(SOLVE)
        self._stream_solve: Any = self._channel.stream_unary(STREAM_SOLVE)
        self._insert: Any = self._channel.unary_unary(INSERT)
        self._optimize: Any = self._channel.unary_unary(OPTIMIZE)
        self._stream_optimize: Any = self._channel.unary_stream(STREAM_OPTIMIZE)
        self._matrix: Any = self._channel.unary_unary(MATRIX)
        self._capabilities: Any = self._channel.unary_unary(GET_CAPABILITIES)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def match(
        self,
        snapshot: Snapshot,
        policy: str = "default",
        *,
        forced_rung: Rung | None = None,
        effort: Effort | None = None,
        timeout: float | None = None,
    ) -> Decision:
        """One decision. `effort` pins the work, as replay does."""
        request = match_bytes(snapshot, policy, forced_rung=forced_rung, effort=effort)
        return decode_decision(self._call(self._match, request, timeout, snapshot.market_id))

    def session(self, policy: str = "default") -> MatchSession:
        """A session for one market: the snapshot once, then what changes. Use it as a context manager."""
        return MatchSession(self._stream, policy, wait_for_ready=self._wait_for_ready)

    def explain(
        self,
        snapshot: Snapshot,
        order_id: str,
        courier_id: str,
        policy: str = "default",
        *,
        forced_rung: Rung | None = None,
        effort: Effort | None = None,
        timeout: float | None = None,
    ) -> Explanation:
        """Why the decision did, or did not, give the order to the courier; `effort` pins a past decision."""
        options = MatchOptions(policy, forced_rung, False, effort)
        request = encode_explain_request(snapshot, order_id, courier_id, options)
        return decode_explanation(self._call(self._explain, request, timeout))

    def propose_batches(
        self,
        snapshot: Snapshot,
        policy: str = "default",
        *,
        max_orders: int | None = None,
        max_batches: int | None = None,
        timeout: float | None = None,
    ) -> Batches:
        """Groups of open orders worth carrying together, best first; None: as many as the policy says."""
        request = encode_batches_request(snapshot, policy, max_orders, max_batches)
        return decode_batches(self._call(self._propose_batches, request, timeout))

    def validate(self, snapshot: Snapshot, policy: str = "default", *, timeout: float | None = None) -> None:
        """Have the server check the request without deciding."""
        self._call(self._match, match_bytes(snapshot, policy, validate_only=True), timeout, snapshot.market_id)

    def solve(
        self,
        costs: npt.ArrayLike | Any,
        *,
        unassigned_cost: npt.ArrayLike | None = None,
        maximize: bool = False,
        max_iterations: int | None = None,
        capacities: npt.ArrayLike | None = None,
        streamed: bool | None = None,
        timeout: float | None = None,
    ) -> SolveReply:
        """An assignment problem, as `matcher.solve_assignment` takes it.

        `streamed`: send it in parts (StreamSolve), so that its size is not limited by that of a message; None: when it
        is large.
        """
        problem = solve_problem(costs, unassigned_cost, maximize, max_iterations, capacities)
        if in_parts(problem, streamed):
            parts = encode_solve_parts(problem)
            return decode_stream_solve_reply(self._call(self._stream_solve, parts, timeout))
        return decode_solve_reply(self._call(self._solve, encode_solve_request(problem), timeout))

    def insert_orders(
        self,
        orders: Sequence[Order],
        *,
        fleet: Snapshot | None = None,
        fleet_token: str = "",
        changes: Snapshot | None = None,
        removed_courier_ids: Sequence[str] = (),
        max_candidates: int = 1,
        policy: str = "default",
        keep_fleet: bool = False,
        timeout: float | None = None,
    ) -> InsertionReply:
        """Who can serve each order at the least additional cost, and how.

        The fleet is `fleet`, or the one that an earlier reply with `keep_fleet` named by its token. `changes`: its
        couriers with their orders, and its time, become those of the kept fleet first. UnknownFleet: the server does
        not keep it (any more); call again with the fleet.
        """
        request = encode_insert_request(
            orders,
            fleet=fleet,
            fleet_token=fleet_token,
            changes=changes,
            removed_courier_ids=removed_courier_ids,
            max_candidates=max_candidates,
            policy=policy,
            keep_fleet=keep_fleet,
        )
        return decode_insert_reply(self._call(self._insert, request, timeout))

    def optimize_routes(
        self, snapshot: Snapshot, options: RouteOptions | None = None, *, timeout: float | None = None
    ) -> RouteReply:
        """The best routes found for the whole market within the timeout, or in `options.max_iterations`."""
        request = encode_route_task(snapshot, options or RouteOptions(), stream=False)
        return decode_route_reply(self._call(self._optimize, request, timeout), stream=False)

    def stream_optimize_routes(
        self, snapshot: Snapshot, options: RouteOptions | None = None, *, timeout: float | None = None
    ) -> Iterator[RouteReply]:
        """Each better plan as it is found, the last one `plan.final`. Leaving the loop cancels the search."""
        request = encode_route_task(snapshot, options or RouteOptions(), stream=True)
        call = self._stream_optimize(
            request, timeout=timeout or self._timeout, metadata=metadata(), wait_for_ready=self._wait_for_ready
        )
        try:
            for reply in call:
                yield decode_route_reply(reply, stream=True)
        except grpc.RpcError as error:
            raise failure(error) from None
        finally:
            call.cancel()

    def travel_matrix(
        self,
        origins: Sequence[tuple[float, float]],
        destinations: Sequence[tuple[float, float]] = (),
        *,
        at_ms: int,
        mode: TravelMode = TravelMode.CAR,
        speed_meters_per_hour: int = 0,
        frame: SpatialFrame = SpatialFrame.WGS84,
        policy: str = "default",
        timeout: float | None = None,
    ) -> tuple[npt.NDArray[np.int64], str]:
        """(origins, destinations) int64 milliseconds, and what answered. Places are (latitude, longitude)."""
        request = encode_matrix_request(
            origins,
            destinations,
            at_ms=at_ms,
            mode=mode,
            speed_meters_per_hour=speed_meters_per_hour,
            frame=int(frame),
            policy=policy,
        )
        return decode_matrix_reply(self._call(self._matrix, request, timeout))

    def match_bytes(self, request: bytes, *, timeout: float | None = None) -> bytes:
        """An encoded MatchRequest to an encoded MatchResponse."""
        return self._call(self._match, request, timeout)

    def capabilities(self, *, timeout: float | None = None) -> Capabilities:
        """What the server is and what it takes: version, methods, policies, limits."""
        return decode_capabilities(self._call(self._capabilities, b"", timeout))

    def is_serving(self, service: str = "", *, timeout: float | None = None) -> bool:
        """What the server's health says of itself, or of one service."""
        stub = health_pb2_grpc.HealthStub(self._channel)
        try:
            reply = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=timeout or self._timeout)
        except grpc.RpcError as error:
            raise failure(error) from None
        return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)

    def _call(self, method: Any, request: bytes | Iterator[bytes], timeout: float | None, market: str = "") -> bytes:
        try:
            reply: bytes = method(
                request,
                timeout=timeout or self._timeout,
                metadata=metadata(key=new_key(), market=market),
                wait_for_ready=self._wait_for_ready,
            )
        except grpc.RpcError as error:
            raise failure(error) from None
        return reply
