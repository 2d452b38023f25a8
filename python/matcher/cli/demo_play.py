"""A city played through a real gRPC server, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from matcher.app import Config
from matcher.cli.deciders import open_remote
from matcher.cli.local_server import local_server
from matcher.simulation import Cycle, Outcome, World
from matcher.simulation.demo import ORDER_MINUTES, PAY_PER_HOUR, RULES, City
from matcher.simulation.market_outcome import OrderLife, broken_rules, market_metrics, order_lives
from matcher.simulation.mdrp.evaluation import Metrics


@dataclass(frozen=True, slots=True)
class DemoRun:
    """Everything that is shown of one run."""

    city: City
    outcome: Outcome
    lives: tuple[OrderLife, ...]
    cycles: tuple[Cycle, ...]
    decision_ms: tuple[float, ...]
    metrics: Metrics
    broken: tuple[str, ...]
    policy: str
    config_digest: str


def play(city: City, config: Config, policy: str) -> DemoRun:
    """Run the city through a gRPC server in this process. Raises what the world and the client raise."""
    cycles: list[Cycle] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[shown]}"),
        TimeElapsedColumn(),
    )
    total = ORDER_MINUTES * 60_000
    with (
        local_server(config) as target,
        open_remote(target, policy) as decider,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task(f"a lunch by {target}", total=total, shown="")

        def on_cycle(cycle: Cycle) -> None:
            cycles.append(cycle)
            elapsed = cycle.at_ms - RULES.start_at_ms
            shown = f"{cycle.committed} of {cycle.placed} orders"
            progress.update(task, completed=min(elapsed, total), shown=shown)

        outcome = World(city.market, RULES).run(decider, on_cycle)
        progress.update(task, completed=total)
        decision_ms = tuple(decider.decision_ms)
    broken = tuple(broken_rules(city.market, outcome, config.policies[policy]))
    gaps = [cycle.decision.gap for cycle in cycles]
    metrics = market_metrics(
        city.market,
        outcome,
        pay_per_hour=PAY_PER_HOUR,
        decision_ms=decision_ms,
        gaps=gaps,
        violations=len(broken),
    )
    lives = order_lives(city.market, outcome)
    return DemoRun(city, outcome, lives, tuple(cycles), decision_ms, metrics, broken, policy, config.digest)


def late_orders(lives: Iterable[OrderLife]) -> list[float]:
    """Minutes beyond the promise, of delivered orders that were late."""
    return [
        (life.dropoff_at_ms - life.order.promised_by_ms) / 60_000
        for life in lives
        if life.dropoff_at_ms is not None
        and life.order.promised_by_ms is not None
        and life.dropoff_at_ms > life.order.promised_by_ms
    ]


def rungs(run: DemoRun) -> dict[str, int]:
    """Decisions by the rung that answered."""
    counts = Counter(cycle.decision.rung.name.lower() for cycle in run.cycles)
    return dict(sorted(counts.items()))
