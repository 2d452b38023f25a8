"""Counters and histograms of the service, by the OpenTelemetry API; they cost next to nothing while nobody exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from opentelemetry import metrics
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation

from matcher.app import Labels
from matcher.domain import Decision, Degradation, OrderStatus
from matcher.journal import JournalCounts
from matcher.service.admission import Workers
from matcher.service.margin import ReplyMargins

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_GAPS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class ServiceMetrics:
    """Everything that is counted while serving."""

    def __init__(
        self, admitted: Callable[[], int], wait_seconds: Callable[[], float], journal: Callable[[], JournalCounts]
    ) -> None:
        """`admitted`, `wait_seconds` and `journal` are asked when metrics are collected."""
        meter = metrics.get_meter("matcher.service")
        self._calls = meter.create_histogram(
            "rpc.server.call.duration", unit="s", description="Calls by method and status.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )  # fmt: skip
        self._stages = meter.create_histogram(
            "matcher.stage.duration", unit="s", description="What the time of calls went to, by method and stage.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )  # fmt: skip
        self._decisions = meter.create_counter(
            "matcher.decisions", unit="{decision}", description="Decisions by policy and the rung that answered."
        )
        self._degradations = meter.create_counter(
            "matcher.degradations", unit="{degradation}", description="What decisions were made with less of."
        )
        self._orders = meter.create_counter(
            "matcher.orders", unit="{order}", description="Orders decided on: assigned, or the reason why they wait."
        )
        self._gap = meter.create_histogram(
            "matcher.decision.gap", unit="1", description="Certified gap of decisions.",
            explicit_bucket_boundaries_advisory=_GAPS,
        )  # fmt: skip
        self._unrecorded = meter.create_counter(
            "matcher.journal.refused", unit="{record}", description="Decisions sent that the journal had no room for."
        )
        self._certificates = meter.create_counter(
            "matcher.tls.changes", unit="{change}", description="Changed certificate files: taken over, or refused."
        )
        # A counter that first shows at 1 looks to an alert as if it had never risen.
        self._unrecorded.add(0)
        for outcome in ("taken", "refused"):
            self._certificates.add(0, {"matcher.outcome": outcome})
        self._policies: set[str] = set()
        self._labels: dict[tuple[str, str, str], Labels] = {}
        meter.create_observable_gauge(
            "matcher.calls.admitted", [_observer(lambda: admitted())], unit="{call}",
            description="Calls being worked on or waiting for a thread.",
        )  # fmt: skip
        meter.create_observable_gauge(
            "matcher.queue.expected_wait", [_observer(lambda: wait_seconds())], unit="s",
            description="What a call that came now would wait for a thread.",
        )  # fmt: skip
        meter.create_observable_counter(
            "matcher.journal.lost", [_observer(lambda: journal().dropped + journal().failed)], unit="{record}",
            description="Decision records dropped or refused by the disk.",
        )  # fmt: skip

    def watch(self, workers: Workers, margins: ReplyMargins) -> None:
        """Also export how admission and margins stand: saturation before it is felt."""
        meter = metrics.get_meter("matcher.service")
        queued = meter.create_histogram(
            "matcher.queue.time", unit="s", description="What calls have waited for a thread.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )  # fmt: skip
        workers.on_wait = lambda method, seconds: queued.record(seconds, self._of("rpc.method", method))
        meter.create_observable_gauge(
            "matcher.calls.limit", [_observer(lambda: workers.most_calls)], unit="{call}",
            description="Calls that may be worked on or wait; it follows the queue.",
        )  # fmt: skip
        for name, turned, description in (
            ("refused", workers.turns.refused, "Calls turned away with RESOURCE_EXHAUSTED."),
            ("dropped", workers.turns.dropped, "Calls that expired or were cancelled before their turn came."),
        ):
            meter.create_observable_counter(
                f"matcher.calls.{name}", [_by_method(turned)], unit="{call}", description=description
            )
        meter.create_observable_gauge(
            "matcher.reply.margin", [_by_method(margins.measured)], unit="s",
            description="Kept from deadlines for the reply, as measured.",
        )  # fmt: skip
        meter.create_observable_gauge(
            "matcher.event_loop.lag", [_observer(lambda: margins.lag_seconds)], unit="s",
            description="How late the event loop is, for 99.9 % of its turns.",
        )  # fmt: skip

    def call(self, method: str, status: str, seconds: float, above: Context | None = None) -> None:
        """One call has ended; its span is in `above`, None: the current context."""
        self._calls.record(seconds, self._of("rpc.method", method, "rpc.response.status_code", status), above)

    def stage(self, method: str, stage: str, seconds: float, above: Context | None = None) -> None:
        """A call has spent so long in a stage."""
        self._stages.record(seconds, self._of("rpc.method", method, "matcher.stage", stage), above)

    def certificate(self, taken: bool) -> None:
        """The files of the server's certificate have changed."""
        self._certificates.add(1, {"matcher.outcome": "taken" if taken else "refused"})

    def decision(self, decision: Decision, *, recorded: bool) -> None:
        """One decision was made."""
        policy = decision.provenance.policy
        if policy not in self._policies:
            self._policies.add(policy)
            for degradation in Degradation:
                self._degradations.add(0, {"matcher.policy": policy, "matcher.degradation": degradation.name})
        self._decisions.add(1, self._of("matcher.policy", policy, "matcher.rung", decision.rung.name))
        self._gap.record(decision.gap, self._of("matcher.policy", policy))
        for degradation in decision.degradations:
            self._degradations.add(1, self._of("matcher.policy", policy, "matcher.degradation", degradation.name))
        outcomes: dict[str, int] = {}
        for outcome in decision.outcomes:
            name = outcome.status.name if outcome.reason is None else outcome.reason.name
            outcomes[name] = outcomes.get(name, 0) + 1
        for name, count in sorted(outcomes.items()):
            self._orders.add(count, self._of("matcher.policy", policy, "matcher.outcome", name))
        if not recorded:
            self._unrecorded.add(1)

    def _of(self, first: str, one: str, second: str = "", other: str = "") -> Labels:
        """Attributes of one or two names, made when they are first needed. All of them are of few values."""
        labels = self._labels.get((one, second, other))
        if labels is None:
            labels = self._labels[one, second, other] = Labels({first: one, second: other} if second else {first: one})
        return labels


def _by_method(values: Mapping[str, float]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    return lambda _: [Observation(value, {"rpc.method": method}) for method, value in sorted(dict(values).items())]


def _observer(read: Callable[[], float]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    return lambda _: [Observation(read())]


def assigned(decision: Decision) -> int:
    """Orders that the decision assigns."""
    return sum(outcome.status is OrderStatus.ASSIGNED for outcome in decision.outcomes)
