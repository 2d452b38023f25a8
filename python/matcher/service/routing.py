"""RoutingService's methods: decode, ask the app, encode."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from opentelemetry import trace

from matcher.app import App
from matcher.app.insertions import OutOfTime, UnknownFleet
from matcher.service.admission import Workers
from matcher.service.calls import Call
from matcher.service.methods import in_time
from matcher.service.refused import Refused
from matcher.wire import InsertionReply, InsertRequest, Refusal, decode_insert_request, encode_insert_reply

_tracer = trace.get_tracer("matcher.service")

INSERT = "matcher.v1.RoutingService/InsertOrder"

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

    async def insert(self, call: Call) -> bytes:
        """RoutingService.InsertOrder."""
        return await self._once(call, self._insert_reply)

    async def _insert_reply(self, call: Call) -> bytes:
        if len(call.request) > self._inline_bytes:
            reply = await self._workers.run(
                lambda: self._insert(call, self._decode_insert(call)), seconds=call.seconds_left()
            )
        else:
            request = self._decode_insert(call)
            if self._app.insertions.is_quick(request.fleet_token, len(request.order_ids)):
                reply = self._insert(call, request)
            else:
                reply = await self._workers.run(lambda: self._insert(call, request), seconds=call.seconds_left())
        call.notes |= {
            "policy": reply.provenance.policy,
            "orders": len(reply.insertions),
            "nobody": sum(not insertion.candidates for insertion in reply.insertions),
        }
        with _tracer.start_as_current_span("encode"):
            return encode_insert_reply(reply)

    def _decode_insert(self, call: Call) -> InsertRequest:
        with _tracer.start_as_current_span("decode"):
            return decode_insert_request(call.request, self._limits.insert_orders)

    def _insert(self, call: Call, request: InsertRequest) -> InsertionReply:
        in_time(call)
        try:
            policy = self._app.policy(request.policy)
            return self._app.insertions.answer(request, policy, self._limits, call.seconds_left)
        except UnknownFleet as unknown:
            raise Refused(Refusal.unknown_fleet(str(unknown))) from None
        except OutOfTime as late:
            raise Refused(Refusal.deadline(str(late))) from None
