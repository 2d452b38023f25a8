"""RoutingService's methods: decode, ask the app, encode."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

from opentelemetry import trace

from matcher.app import App
from matcher.app.insertions import OutOfTime, UnknownFleet
from matcher.service.admission import Workers
from matcher.service.calls import Call, Method, Send
from matcher.service.methods import in_time
from matcher.service.refused import Refused
from matcher.wire import (
    InsertionReply,
    InsertRequest,
    Refusal,
    RouteReply,
    decode_insert_request,
    decode_matrix_request,
    decode_route_task,
    encode_insert_reply,
    encode_matrix_reply,
    encode_route_reply,
)

_tracer = trace.get_tracer("matcher.service")

INSERT = "matcher.v1.RoutingService/InsertOrder"
OPTIMIZE = "matcher.v1.RoutingService/OptimizeRoutes"
STREAM_OPTIMIZE = "matcher.v1.RoutingService/StreamOptimizeRoutes"
MATRIX = "matcher.v1.RoutingService/ComputeTravelMatrix"

Once = Callable[[Call, Callable[[Call], Awaitable[bytes]]], Awaitable[bytes]]
"""Answers a call, or repeats the answer that its idempotency key got."""


class RoutingMethods:
    """RoutingService."""

    def __init__(self, app: App, workers: Workers, once: Once) -> None:
        self._app = app
        self._workers = workers
        self._once = once
        self._limits = app.config.limits
        self._inline_bytes = app.config.server.inline_bytes

    @property
    def unary(self) -> dict[str, Method]:
        """Every method of one request and one reply, by its full name."""
        return {INSERT: self.insert, OPTIMIZE: self.optimize, MATRIX: self.matrix}

    async def insert(self, call: Call) -> bytes:
        """RoutingService.InsertOrder."""
        return await self._once(call, self._insert_reply)

    async def optimize(self, call: Call) -> bytes:
        """RoutingService.OptimizeRoutes."""
        return await self._once(call, self._optimize_reply)

    async def _optimize_reply(self, call: Call) -> bytes:
        last: list[RouteReply] = []
        gone = threading.Event()
        try:
            await call.on_thread(self._workers, lambda: self._optimize(call, gone, last.append, stream=False))
        finally:
            gone.set()  # where nobody waits any more the search ends
        _note_plan(call, last[-1])
        with call.stage(_tracer, "encode"):
            return encode_route_reply(last[-1], stream=False)

    async def stream_optimize(self, call: Call, send: Send) -> None:
        """RoutingService.StreamOptimizeRoutes: of plans that were found while one was sent, the last one is next."""
        loop = asyncio.get_running_loop()
        found: asyncio.Queue[RouteReply | None] = asyncio.Queue()
        gone = threading.Event()

        def tell(reply: RouteReply | None) -> None:
            loop.call_soon_threadsafe(found.put_nowait, reply)

        async def search() -> None:
            try:
                await call.on_thread(self._workers, lambda: self._optimize(call, gone, tell, stream=True))
            finally:
                tell(None)

        task = asyncio.create_task(search())
        try:
            while (reply := await found.get()) is not None:
                while not found.empty() and (newer := found.get_nowait()) is not None:
                    reply = newer
                await send(encode_route_reply(reply, stream=True))
                if reply.plan.final:
                    _note_plan(call, reply)
                    break
            await task
        finally:
            gone.set()
            task.cancel()

    def _optimize(self, call: Call, gone: threading.Event, tell: Callable[[RouteReply], None], *, stream: bool) -> None:
        in_time(call)
        with call.stage(_tracer, "decode"):
            snapshot, options = decode_route_task(call.request, self._limits, stream=stream)
        policy = self._app.policy(options.policy)

        def seconds_left() -> float:
            return 0.0 if gone.is_set() else call.budget_left()

        with call.stage(_tracer, "search"):
            for reply in self._app.routes.plans(snapshot, options, policy, seconds_left, every=stream):
                tell(reply)
                if gone.is_set():
                    return
        call.decided = time.monotonic()

    async def matrix(self, call: Call) -> bytes:
        """RoutingService.ComputeTravelMatrix."""
        return await self._once(call, self._matrix_reply)

    async def _matrix_reply(self, call: Call) -> bytes:
        if len(call.request) <= self._inline_bytes:
            return self._matrix(call)
        return await call.on_thread(self._workers, lambda: self._matrix(call))

    def _matrix(self, call: Call) -> bytes:
        in_time(call)
        with call.stage(_tracer, "decode"):
            question = decode_matrix_request(call.request, self._limits.solve_cells)
        with call.stage(_tracer, "travel"):
            cells, provider = self._app.routes.matrix(question, self._app.policy(question.policy))
        with call.stage(_tracer, "encode"):
            return encode_matrix_reply(cells, provider)

    async def _insert_reply(self, call: Call) -> bytes:
        if len(call.request) > self._inline_bytes:
            reply = await call.on_thread(self._workers, lambda: self._insert(call, self._decode_insert(call)))
        else:
            request = self._decode_insert(call)
            if self._app.insertions.is_quick(request.fleet_token, len(request.order_ids)):
                reply = self._insert(call, request)
            else:
                reply = await call.on_thread(self._workers, lambda: self._insert(call, request))
        call.notes |= {
            "policy": reply.provenance.policy,
            "orders": len(reply.insertions),
            "nobody": sum(not insertion.candidates for insertion in reply.insertions),
        }
        with call.stage(_tracer, "encode"):
            return encode_insert_reply(reply)

    def _decode_insert(self, call: Call) -> InsertRequest:
        with call.stage(_tracer, "decode"):
            return decode_insert_request(call.request, self._limits.insert_orders)

    def _insert(self, call: Call, request: InsertRequest) -> InsertionReply:
        in_time(call)
        try:
            policy = self._app.policy(request.policy)
            reply = self._app.insertions.answer(request, policy, self._limits, call.seconds_left)
        except UnknownFleet as unknown:
            raise Refused(Refusal.unknown_fleet(str(unknown))) from None
        except OutOfTime as late:
            raise Refused(Refusal.deadline(str(late))) from None
        call.decided = time.monotonic()
        return reply


def _note_plan(call: Call, reply: RouteReply) -> None:
    plan = reply.plan
    call.notes |= {
        "policy": reply.provenance.policy,
        "plans": len(plan.plans),
        "unserved": len(plan.unserved),
        "rung": plan.rung.name.lower(),
        "iterations": plan.iterations,
        "cost_micros": plan.cost_micros,
        "exhausted": plan.exhausted,
    }
