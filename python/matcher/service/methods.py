"""The methods themselves: decode, decide, encode, record. Everything else about a call is in `calls.py`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from opentelemetry import trace

from matcher.app import Answer, App
from matcher.domain import Batches, CancelToken, Explanation, Limits, Rung, Snapshot
from matcher.service.admission import Workers
from matcher.service.calls import Call, Method
from matcher.service.idempotency import KEY, Replies
from matcher.service.metrics import ServiceMetrics, assigned
from matcher.service.refused import Refused
from matcher.wire import (
    MatchOptions,
    Refusal,
    SolveProblem,
    SolveReply,
    decode_batches_request,
    decode_explain_request,
    decode_match_request,
    decode_solve_request,
    encode_batches,
    encode_explanation,
    encode_solve_reply,
)

_tracer = trace.get_tracer("matcher.service")

MATCH = "matcher.v1.MatchingService/Match"
EXPLAIN = "matcher.v1.MatchingService/Explain"
PROPOSE_BATCHES = "matcher.v1.BatchingService/ProposeBatches"
SOLVE = "matcher.v1.AssignmentService/Solve"
_QUICK_SIDE = 1_000
"""Rows or columns that are solved at once."""


class Methods:
    """MatchingService, BatchingService and AssignmentService."""

    def __init__(self, app: App, workers: Workers, metrics: ServiceMetrics) -> None:
        limits = app.config.limits
        self._app = app
        self._workers = workers
        self._metrics = metrics
        self._limits: Limits = limits
        self._solve_limits = (limits.solve_cells, limits.solve_side)
        server = app.config.server
        self._inline_bytes = server.inline_bytes
        self._brownout_share = server.brownout_queue_share
        self._brownout_seconds = server.brownout_budget_ms / 1e3
        orphan_seconds = server.idempotency_orphan_ms / 1e3
        self.replies = Replies(server.idempotency_seconds, server.idempotency_entries, orphan_seconds)

    @property
    def unary(self) -> dict[str, Method]:
        """Every method of one request and one reply, by its full name."""
        return {
            MATCH: self.match,
            EXPLAIN: self.explain,
            PROPOSE_BATCHES: self.propose_batches,
            SOLVE: self.solve,
        }

    async def match(self, call: Call) -> bytes:
        """MatchingService.Match."""
        return await self.once(call, self._match_reply)

    async def explain(self, call: Call) -> bytes:
        """MatchingService.Explain."""
        return await self.once(call, self._explain_reply)

    async def propose_batches(self, call: Call) -> bytes:
        """BatchingService.ProposeBatches."""
        return await self.once(call, self._batches_reply)

    async def solve(self, call: Call) -> bytes:
        """AssignmentService.Solve."""
        return await self.once(call, self._solve_reply)

    async def once(self, call: Call, answer: Callable[[Call], Awaitable[bytes]]) -> bytes:
        """The answer, or the one that was given to the same idempotency key."""
        key = call.metadata.get(KEY)
        if key is None:
            return await answer(call)
        reply, repeated = await self.replies.once(f"{call.method} {key}", call.request, lambda: answer(call))
        if repeated:
            call.notes["repeated"] = True
        return reply

    async def _match_reply(self, call: Call) -> bytes:
        if len(call.request) > self._inline_bytes:
            result = await call.on_thread(self._workers, lambda: self._decide(call, *self._read_match(call)))
        else:
            snapshot, options = self._read_match(call)
            if self._is_quick(options):
                result = self._decide(call, snapshot, options)
            else:
                result = await call.on_thread(self._workers, lambda: self._decide(call, snapshot, options))
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

    async def _explain_reply(self, call: Call) -> bytes:
        explanation = await call.on_thread(self._workers, lambda: self._explain(call))
        call.notes |= {"decision_id": explanation.decision_id, "verdict": explanation.verdict.name}
        return encode_explanation(explanation)

    async def _batches_reply(self, call: Call) -> bytes:
        batches = await call.on_thread(self._workers, lambda: self._propose_batches(call))
        call.notes |= {"batches": len(batches.batches), "dropped": batches.dropped}
        return encode_batches(batches)

    async def _solve_reply(self, call: Call) -> bytes:
        # When the planned time is over, the best matching so far is the answer. The call's own token would say that
        # nobody waits for one, and a call whose turn has not come would be dropped.
        with call.cancel.child() as stop:
            timer = call.stop_in_time(stop)
            try:
                if len(call.request) > self._inline_bytes:
                    reply = await call.on_thread(self._workers, lambda: self._solve(call, self._read_solve(call), stop))
                else:
                    problem = self._read_solve(call)
                    if max(problem.rows, problem.cols) <= _QUICK_SIDE:
                        reply = self._solve(call, problem, stop)
                    else:  # a sparse matrix has few bytes and may have many rows
                        reply = await call.on_thread(self._workers, lambda: self._solve(call, problem, stop))
            finally:
                timer.cancel()
        call.notes |= {"decision_id": reply.decision_id, "rung": reply.rung.name, "solve_status": reply.status.name}
        return encode_solve_reply(reply)

    def _is_quick(self, options: MatchOptions) -> bool:
        """Whether a small request is little work too: then changing threads would cost more than it saves.

        What it asks for besides the market decides: a pinned effort can be long, and so is the exact solver.
        """
        first = options.forced_rung or self._app.policy(options.policy).ladder[0]
        return options.validate_only or (options.effort is None and first is not Rung.ORTOOLS)

    def _read_match(self, call: Call) -> tuple[Snapshot, MatchOptions]:
        with call.stage(_tracer, "decode"):
            return decode_match_request(call.request, self._limits)

    def _decide(self, call: Call, snapshot: Snapshot, options: MatchOptions) -> Answer | bytes:
        if options.validate_only:
            return self._app.validate_match(snapshot, options)
        in_time(call)
        begin = time.monotonic()
        answer = self._app.answer_match(call.request, snapshot, options, self._budget(call), call.cancel)
        call.decided = answer.decided
        call.stages.append(("decide", answer.decided - begin))
        span = trace.get_current_span()
        span.set_attribute("matcher.decision_id", answer.decision.decision_id)
        span.set_attribute("matcher.rung", answer.decision.rung.name)
        return answer

    def _explain(self, call: Call) -> Explanation:
        with call.stage(_tracer, "decode"):
            asked = decode_explain_request(call.request, self._limits)
        in_time(call)
        explanation = self._app.explain(
            asked.snapshot, asked.order_id, asked.courier_id, asked.options, self._budget(call), call.cancel
        )
        call.decided = time.monotonic()
        return explanation

    def _propose_batches(self, call: Call) -> Batches:
        with call.stage(_tracer, "decode"):
            asked = decode_batches_request(call.request, self._limits)
        in_time(call)
        with call.stage(_tracer, "bundles"):
            return self._app.propose_batches(
                asked.snapshot,
                asked.policy,
                max_orders=asked.max_orders,
                max_batches=asked.max_batches,
                cancel=call.cancel,
            )

    def _budget(self, call: Call) -> Callable[[], float]:
        """The time to plan with: the caller's, and little of it while many others wait (brown-out)."""
        if self._workers.waiting_share < self._brownout_share:
            return call.budget_left
        call.notes["brown_out"] = True
        most = self._brownout_seconds
        return lambda: min(call.budget_left(), most)

    def _read_solve(self, call: Call) -> SolveProblem:
        with call.stage(_tracer, "decode"):
            return decode_solve_request(call.request, *self._solve_limits)

    def _solve(self, call: Call, problem: SolveProblem, stop: CancelToken) -> SolveReply:
        in_time(call)
        with call.stage(_tracer, "solve"):
            reply = self._app.solve(problem, stop)
        call.decided = time.monotonic()
        return reply


def in_time(call: Call) -> None:
    """Work that nobody waits for any more is not begun."""
    if call.seconds_left() <= 0:
        raise Refused(Refusal.deadline("the deadline passed while the call waited"))
