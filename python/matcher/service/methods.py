"""The methods themselves: decode, decide, encode, record. Everything else about a call is in `calls.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from opentelemetry import trace

from matcher.app import Answer, App
from matcher.domain import Limits
from matcher.service.admission import Workers
from matcher.service.calls import Call
from matcher.service.metrics import ServiceMetrics, assigned
from matcher.service.refused import Refused
from matcher.wire import Refusal, SolveReply, decode_match_request, decode_solve_request, encode_solve_reply

T = TypeVar("T")
_tracer = trace.get_tracer("matcher.service")

MATCH = "matcher.v1.MatchingService/Match"
SOLVE = "matcher.v1.AssignmentService/Solve"


class Methods:
    """MatchingService and AssignmentService."""

    def __init__(self, app: App, workers: Workers, metrics: ServiceMetrics) -> None:
        limits = app.config.limits
        self._app = app
        self._workers = workers
        self._metrics = metrics
        self._limits: Limits = limits
        self._solve_limits = (limits.solve_cells, limits.solve_side)
        self._inline_bytes = app.config.server.inline_bytes

    async def match(self, call: Call) -> bytes:
        """MatchingService.Match."""
        result = await self._work(call, lambda: self._match(call))
        if isinstance(result, bytes):
            call.notes["validate_only"] = True
            return result
        decision = result.decision
        call.notes |= {
            "decision_id": decision.decision_id,
            "market_id": decision.market_id,
            "policy": decision.provenance.policy,
            "rung": decision.rung.name,
            "degraded": [degradation.name for degradation in decision.degradations],
            "assigned": assigned(decision),
            "waiting": len(decision.outcomes) - assigned(decision),
            "gap": decision.gap,
        }
        self._metrics.decision(decision, recorded=result.recorded)
        return result.reply

    async def solve(self, call: Call) -> bytes:
        """AssignmentService.Solve."""
        reply = await self._work(call, lambda: self._solve(call))
        call.notes |= {"decision_id": reply.decision_id, "rung": reply.rung.name, "solve_status": reply.status.name}
        return encode_solve_reply(reply)

    async def _work(self, call: Call, work: Callable[[], T]) -> T:
        """Small requests at once: changing threads would cost more than it saves."""
        if len(call.request) <= self._inline_bytes:
            return work()
        return await self._workers.run(work, seconds=call.seconds_left())

    def _match(self, call: Call) -> Answer | bytes:
        with _tracer.start_as_current_span("decode"):
            snapshot, options = decode_match_request(call.request, self._limits)
        if options.validate_only:
            return self._app.validate_match(snapshot, options)
        _in_time(call)
        answer = self._app.answer_match(call.request, snapshot, options, call.budget_left)
        span = trace.get_current_span()
        span.set_attribute("matcher.decision_id", answer.decision.decision_id)
        span.set_attribute("matcher.rung", answer.decision.rung.name)
        return answer

    def _solve(self, call: Call) -> SolveReply:
        with _tracer.start_as_current_span("decode"):
            problem = decode_solve_request(call.request, *self._solve_limits)
        _in_time(call)
        with _tracer.start_as_current_span("solve"):
            return self._app.solve(problem)


def _in_time(call: Call) -> None:
    """Work that nobody waits for any more is not begun."""
    if call.seconds_left() <= 0:
        raise Refused(Refusal.deadline("the deadline passed while the call waited"))
