"""The awaiting client."""

from __future__ import annotations

from typing import Any

import grpc
import numpy.typing as npt
from grpc_health.v1 import health_pb2, health_pb2_grpc

from matcher.client.calls import MATCH, OPTIONS, SOLVE, match_bytes, metadata, new_key, solve_bytes
from matcher.client.errors import failure
from matcher.domain import Decision, Effort, Rung, Snapshot
from matcher.wire import SolveReply, decode_decision, decode_solve_reply


class AsyncClient:
    """As `Client`, for asyncio: make it and use it on one event loop."""

    def __init__(self, target: str, *, timeout: float | None = 10.0, wait_for_ready: bool = True) -> None:
        """As for `Client`."""
        self._timeout = timeout
        self._wait_for_ready = wait_for_ready
        self._channel = grpc.aio.insecure_channel(target, options=OPTIONS)
        self._match: Any = self._channel.unary_unary(MATCH)
        self._solve: Any = self._channel.unary_unary(SOLVE)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection."""
        await self._channel.close()

    async def match(
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
        return decode_decision(await self._call(self._match, request, timeout))

    async def validate(self, snapshot: Snapshot, policy: str = "default", *, timeout: float | None = None) -> None:
        """Have the server check the request without deciding."""
        await self._call(self._match, match_bytes(snapshot, policy, validate_only=True), timeout)

    async def solve(
        self,
        costs: npt.ArrayLike | Any,
        *,
        unassigned_cost: npt.ArrayLike | None = None,
        maximize: bool = False,
        max_iterations: int | None = None,
        timeout: float | None = None,
    ) -> SolveReply:
        """An assignment problem, as `matcher.solve_assignment` takes it."""
        request = solve_bytes(costs, unassigned_cost, maximize, max_iterations)
        return decode_solve_reply(await self._call(self._solve, request, timeout))

    async def match_bytes(self, request: bytes, *, timeout: float | None = None) -> bytes:
        """An encoded MatchRequest to an encoded MatchResponse."""
        return await self._call(self._match, request, timeout)

    async def is_serving(self, service: str = "", *, timeout: float | None = None) -> bool:
        """What the server's health says of itself, or of one service."""
        stub = health_pb2_grpc.HealthStub(self._channel)
        try:
            reply = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=timeout or self._timeout)
        except grpc.RpcError as error:
            raise failure(error) from None
        return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)

    async def _call(self, method: Any, request: bytes, timeout: float | None) -> bytes:
        try:
            reply: bytes = await method(
                request,
                timeout=timeout or self._timeout,
                metadata=metadata(key=new_key()),
                wait_for_ready=self._wait_for_ready,
            )
        except grpc.RpcError as error:
            raise failure(error) from None
        return reply
