"""What ``matcher tune`` does: days and a start in, the best policy found out."""

from __future__ import annotations

import argparse
import multiprocessing
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from matcher.app import Config, ConfigError, this_build
from matcher.app.config import JournalConfig
from matcher.cli.configured import read_config
from matcher.cli.deciders import open_engine
from matcher.cli.policies import with_overrides
from matcher.domain import Policy
from matcher.simulation import PlanError
from matcher.simulation.mdrp.batch import day_metrics
from matcher.simulation.mdrp.evaluation import METRIC_TEXTS, Metrics
from matcher.simulation.mdrp.instance import InstanceSource, find_instances
from matcher.simulation.tuning import KNOBS, Knob, Search, Trial, TrialLog, knob_value


class BrokenRuleError(RuntimeError):
    """A policy led to a solution that breaks a rule: a defect, not a matter of tuning."""


def run_tune(args: argparse.Namespace) -> int:
    """0: the search has ended and best.toml holds the best policy; 1: something cannot be used."""
    errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        sources = {s.name: s for s in find_instances(args.paths) if re.search(args.only, s.name)}
        if not sources:
            raise ValueError(f"no instance's name matches {args.only!r}")
        weights = _weights(args.weights or args.default_weights)
        config = replace(with_overrides(read_config(args), args.policy, args.settings), journal=JournalConfig())
        search = Search(
            base=config.policies[args.policy],
            knobs=_knobs(args.knobs),
            days=tuple(_mixed(sorted(sources))),
            seed=args.seed,
            generation_size=args.trials,
        )
        best = _search(args, search, sources, config, weights)
    except (ValueError, OSError, ConfigError, PlanError, BrokenRuleError, re.error) as error:
        errors.print(f"matcher tune: {error}", style="red")
        return 1
    console = Console(soft_wrap=True, highlight=False)
    console.print(_changes(search, best))
    console.print(f"best score {best.mean:.4f} over {len(best.scores)} days; written: {args.out / 'best.toml'}")
    return 0


def _search(
    args: argparse.Namespace,
    search: Search,
    sources: Mapping[str, InstanceSource],
    config: Config,
    weights: Mapping[str, float],
) -> Trial:
    goal = " ".join(f"{name}={weight:g}" for name, weight in sorted(weights.items()))
    log = TrialLog(args.out / "trials.jsonl", f"{goal}, build {this_build().digest}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with _mapper(args.jobs) as run_all, Progress(*columns, console=Console(stderr=True)) as progress:
        rounds = progress.add_task("rounds", total=args.generations + 1)
        days = progress.add_task("days of this round", total=None)

        def evaluate(pairs: Sequence[tuple[Policy, str]]) -> Iterator[float]:
            progress.reset(days, total=len(pairs))
            for metrics in run_all(_day, [(sources[day], config, policy) for policy, day in pairs]):
                progress.advance(days)
                yield _score(metrics, weights)

        best: Trial | None = None
        for state in search.run(evaluate, log, args.generations):
            best = state.best
            _write_policy(search, best, args.out / "best.toml")
            _advance(progress, rounds, best)
        assert best is not None, "a search yields its start at least"
        return best


@contextmanager
def _mapper(jobs: int) -> Iterator[Callable[..., Iterable[Metrics]]]:
    """`map` over worker processes, or in this one when a single job is asked for."""
    if jobs < 1:
        raise ValueError(f"--jobs must be at least 1, not {jobs}")
    if jobs == 1:
        yield map
        return
    with ProcessPoolExecutor(max_workers=jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool.map


def _day(job: tuple[InstanceSource, Config, Policy]) -> Metrics:
    source, config, policy = job
    metrics = day_metrics(source, partial(open_engine, replace(config, policies={policy.name: policy}), policy.name))
    if metrics.strict_violations:
        raise BrokenRuleError(f"{source.name}: {metrics.strict_violations:.0f} rules broken by {policy}")
    return metrics


def _advance(progress: Progress, task: TaskID, best: Trial) -> None:
    progress.advance(task)
    progress.update(task, description=f"rounds (best {best.mean:.4f})")


def _score(metrics: Metrics, weights: Mapping[str, float]) -> float:
    """The weighted sum; a metric undefined for lack of deliveries counts as an hour, or dollar 60."""
    values = {name: getattr(metrics, name) for name in weights}
    return sum(weight * (60.0 if values[name] is None else values[name]) for name, weight in weights.items())


def _weights(settings: Sequence[str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in METRIC_TEXTS:
            raise ValueError(f"--weight {setting}: there is no metric {name!r}; there are: {', '.join(METRIC_TEXTS)}")
        try:
            weights[name] = float(value)
        except ValueError:
            raise ValueError(f"--weight {setting}: METRIC=NUMBER is expected") from None
    return weights


def _knobs(names: Sequence[str]) -> tuple[Knob, ...]:
    known = {knob.name: knob for knob in KNOBS}
    for name in names:
        if name not in known:
            raise ValueError(f"--knob {name}: there is no such knob; there are: {', '.join(known)}")
    return tuple(known[name] for name in names) or KNOBS


def _mixed(names: Sequence[str]) -> list[str]:
    """The same names, far ones next to each other: any first share of them is a sample of all."""
    count = len(names)
    step = next(step for step in range(max(1, round(0.618 * count)), 2 * count + 2) if _coprime(step, count))
    return [names[k * step % count] for k in range(count)]


def _coprime(one: int, other: int) -> bool:
    while other:
        one, other = other, one % other
    return one == 1


def _write_policy(search: Search, best: Trial, path: Path) -> None:
    """The best values as a section of a configuration."""
    lines = [f"# score {best.mean:.4f}, mean over {len(best.scores)} days, seed {search.seed}", ""]
    lines += [f"[policies.{search.base.name}]"]
    lines += [f"{name} = {_number(search, name, value)}" for name, value in sorted(best.values.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _number(search: Search, name: str, value: float) -> str:
    """As the policy has it: all of today's knobs are whole numbers but those that are not in the base."""
    return str(round(value)) if knob_value(search.base, name).is_integer() else repr(value)


def _changes(search: Search, best: Trial) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("value", "start", "best"):
        table.add_column(heading, justify="left" if heading == "value" else "right", no_wrap=True)
    for name, value in best.values.items():
        start = knob_value(search.base, name)
        style = "bold" if round(value) != round(start) else ""
        table.add_row(name, f"{start:,.0f}", f"{value:,.0f}", style=style)
    return table
