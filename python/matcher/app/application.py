"""The application: everything that decides, put together from a configuration.

Service, simulators, replay and command line all ask it, so that there is one way to a decision and one journal.
Clocks are read here and above, never below.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, NoReturn

from opentelemetry import trace

from matcher import wire
from matcher.app.build import this_build
from matcher.app.config import Config
from matcher.app.insertions import Insertions
from matcher.app.journal import Journal, NoJournal, open_journal
from matcher.app.routes import RoutePlanner
from matcher.app.self_test import self_test
from matcher.batching import propose_batches
from matcher.domain import (
    Batch,
    Batches,
    Build,
    CancelToken,
    Decision,
    DecisionRecord,
    Effort,
    ErrorReason,
    Explanation,
    InvalidRequest,
    Policy,
    Provenance,
    RecordMeta,
    Rung,
    Snapshot,
    Travel,
    Violation,
)
from matcher.domain.policy import TravelPolicy
from matcher.engine import decide, explain
from matcher.engine.spans import step
from matcher.ports import Budget, Ports, TravelTime
from matcher.solve import solve_assignment
from matcher.travel import StraightLine
from matcher.wire import MatchOptions, SolveProblem, SolveReply, SolveStatus

_tracer = trace.get_tracer("matcher.app")


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision with the bytes that say it."""

    decision: Decision
    reply: bytes
    recorded: bool
    """Whether the journal took it; False: it is among those counted as dropped."""
    decided: float
    """When the decision was made, by time.monotonic(); all after that is reply."""


class App:
    """A ready engine with its policies, ports and journal. Safe to use from many threads."""

    def __init__(
        self,
        config: Config | None = None,
        *,
        travel: TravelTime | None = None,
        build: Build | None = None,
        unix_ms: Callable[[], int] | None = None,
    ) -> None:
        """`travel` replaces the embedded travel times; `build` and `unix_ms` what is read from the process.

        OSError: the journal's directory cannot be made.
        """
        self.config = config or Config()
        self.build = build or this_build()
        self.journal: Journal | NoJournal = open_journal(self.config.journal)
        self._travel = travel or StraightLine()
        self._unix_ms = unix_ms or (lambda: time.time_ns() // 1_000_000)
        self._config_digest = self.config.digest
        self.insertions = Insertions(self._travel, self.build, self.config.server.kept_fleets)
        self.routes = RoutePlanner(self._travel, self.build)

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, timeout: float = 10.0) -> bool:
        """Write the journal out; False when that took longer than `timeout` seconds."""
        return self.journal.close(timeout)

    def self_test(self) -> None:
        """Raises SelfTestError when this build is not in working order."""
        self_test(self.build)

    def reload(self, config: Config) -> list[str]:
        """Take over the policies of `config` from the next decision on; names of changed sections that need a restart.

        Decisions in the making keep the policy that they began with.
        """
        sections = [field.name for field in fields(Config) if field.name != "policies"]
        ignored = [name for name in sections if getattr(config, name) != getattr(self.config, name)]
        self.config = replace(self.config, policies=config.policies)
        self._config_digest = self.config.digest
        return ignored

    def policy(self, name: str) -> Policy:
        """The policy of that name. Raises InvalidRequest."""
        policies = self.config.policies  # once: a reload may come between
        if name not in policies:
            sentence = f"there is no policy {name!r}; there are: {', '.join(sorted(policies))}"
            raise InvalidRequest([Violation("policy", sentence, ErrorReason.UNKNOWN_POLICY)])
        return policies[name]

    def decide(
        self,
        snapshot: Snapshot,
        policy_name: str = "default",
        *,
        effort: Effort | None = None,
        forced_rung: Rung | None = None,
        deadline_seconds: float | None = None,
    ) -> Decision:
        """Decide and record. `effort` pins the work; `deadline_seconds` from now bounds the time."""
        options = MatchOptions(policy=policy_name, forced_rung=forced_rung, effort=effort)
        # Only a journal asks for the bytes: encoding a large market takes longer than many a decision on it.
        request = b"" if isinstance(self.journal, NoJournal) else wire.encode_match_request(snapshot, options)
        return self.answer_match(request, snapshot, options, self.stopwatch(deadline_seconds)).decision

    def stopwatch(self, seconds: float | None) -> Callable[[], float] | None:
        """How many of `seconds` from now are left, whenever it is asked; None without a limit."""
        if seconds is None:
            return None
        end = time.monotonic() + seconds
        return lambda: end - time.monotonic()

    def answer_match(
        self,
        request: bytes,
        snapshot: Snapshot,
        options: MatchOptions,
        seconds_left: Callable[[], float] | None = None,
        cancel: CancelToken | None = None,
    ) -> Answer:
        """Decide on a request that was decoded, encode the decision and record both.

        Raises Cancelled soon after `cancel` is raised; nothing is recorded then.
        """
        policy = self.policy(options.policy)
        travel = _Remembered(self._travel)
        budget = Budget(
            effort=options.effort,
            forced_rung=options.forced_rung,
            seconds_left=seconds_left,
            cancel=cancel,
        )
        decision = decide(snapshot, policy, budget=budget, ports=Ports(travel=travel, build=self.build))
        decided = time.monotonic()
        with step(_tracer, "encode"):
            reply = wire.encode_decision(decision)
        meta = RecordMeta(
            decision_id=decision.decision_id,
            market_id=decision.market_id,
            at_ms=decision.at_ms,
            decided_at_ms=self._unix_ms(),
            effort=decision.effort,
            provenance=decision.provenance,
            config_digest=self._config_digest,
        )
        record = DecisionRecord(request=request, travel=travel.answer(), policy=policy, decision=reply, meta=meta)
        return Answer(decision, reply, self.journal.record(record), decided)

    def explain(
        self,
        snapshot: Snapshot,
        order_id: str,
        courier_id: str,
        options: MatchOptions | None = None,
        seconds_left: Callable[[], float] | None = None,
        cancel: CancelToken | None = None,
    ) -> Explanation:
        """Why the decision on this snapshot did, or did not, give the order to the courier. Nothing is recorded.

        Raises Cancelled soon after `cancel` is raised.
        """
        options = options or MatchOptions()
        budget = Budget(options.effort, options.forced_rung, seconds_left, cancel)
        ports = Ports(travel=self._travel, build=self.build)
        return explain(snapshot, self.policy(options.policy), order_id, courier_id, budget=budget, ports=ports)

    def propose_batches(
        self,
        snapshot: Snapshot,
        policy_name: str = "default",
        *,
        max_orders: int | None = None,
        max_batches: int | None = None,
        cancel: CancelToken | None = None,
    ) -> Batches:
        """Groups of open orders worth carrying together, best first; None: as many as the policy says.

        Raises Cancelled soon after `cancel` is raised.
        """
        policy = self.policy(policy_name)
        travel = self._travel.travel(snapshot, policy.travel)
        found = propose_batches(
            snapshot,
            travel,
            policy.bundling,
            policy.travel.car_mph,
            max(2, policy.bundling.max_orders) if max_orders is None else max_orders,
            policy.bundling.max_bundles if max_batches is None else max_batches,
            cancel,
        )
        orders, clock = snapshot.orders, snapshot.at_unix_ms
        return Batches(
            batches=tuple(
                Batch(
                    store_id=snapshot.stores[int(orders.store[batch.orders[0]])],
                    order_ids=tuple(orders.ids[order] for order in batch.orders),
                    saving_ms=batch.saving_ms,
                    delay_ms=batch.delay_ms,
                    ready_at_ms=clock + max(int(orders.ready_ms[order]) for order in batch.orders),
                )
                for batch in found.batches
            ),
            unbatched=tuple((orders.ids[order], reason) for order, reason in found.unbatched),
            dropped=found.dropped,
            provenance=replace(self._provenance(policy, snapshot.digest.hex()), models={"travel": travel.version}),
        )

    def validate_match(self, snapshot: Snapshot, options: MatchOptions) -> bytes:
        """The reply to a request that was to be validated only."""
        return wire.encode_validated(snapshot, self._provenance(self.policy(options.policy), snapshot.digest.hex()))

    def solve(self, problem: SolveProblem, cancel: CancelToken | None = None) -> SolveReply:
        """Solve an assignment problem; after `cancel` with the best matching so far and a bound that holds.

        Raises InvalidRequest for costs that cannot be added up exactly.
        """
        try:
            solution = solve_assignment(
                _costs(problem),
                unassigned_cost=problem.unassigned_cost,
                maximize=problem.maximize,
                max_iterations=problem.max_iterations,
                cancel=cancel,
                capacities=problem.capacities,
            )
        except (ValueError, OverflowError) as error:
            _refuse_costs(problem, error)
        digest = problem.digest.hex()
        identity = hashlib.blake2b(f"{digest} {self.build.digest}".encode(), digest_size=16).hexdigest()
        return SolveReply(
            status=SolveStatus[solution.status.name],
            col_for_row=solution.col_for_row,
            total_cost=float(solution.total_cost),
            row_duals=solution.row_duals,
            col_duals=solution.col_duals,
            lower_bound=float(solution.lower_bound),
            gap=float(solution.gap),
            iterations=solution.iterations,
            rung=Rung.NATIVE,
            decision_id=identity,
            provenance=self._provenance(None, digest),
        )

    def _provenance(self, policy: Policy | None, snapshot_digest: str) -> Provenance:
        return Provenance(
            policy=policy.name if policy else "",
            policy_digest=policy.digest if policy else "",
            build_version=self.build.version,
            build_digest=self.build.digest,
            snapshot_digest=snapshot_digest,
        )


class _Remembered:
    """A TravelTime that keeps its one answer for the record."""

    def __init__(self, inner: TravelTime) -> None:
        self._inner = inner
        self._answer: Travel | None = None

    def travel(self, snapshot: Snapshot, policy: TravelPolicy) -> Travel:
        self._answer = self._inner.travel(snapshot, policy)
        return self._answer

    def answer(self) -> Travel:
        """What was answered; a decision without travel times is a defect."""
        assert self._answer is not None
        return self._answer


def _costs(problem: SolveProblem) -> Any:
    if problem.dense is not None:
        return problem.dense
    shape = (problem.rows, problem.cols)
    import scipy.sparse  # a quarter of a server's start, for the few that are sent sparse problems

    return scipy.sparse.coo_array((problem.cost, (problem.row, problem.col)), shape=shape)


def _refuse_costs(problem: SolveProblem, error: Exception) -> NoReturn:
    field = "dense.costs" if problem.dense is not None else "sparse.cost"
    raise InvalidRequest([Violation(field, str(error), ErrorReason.OUT_OF_RANGE)]) from None
