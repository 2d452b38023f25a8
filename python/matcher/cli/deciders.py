"""Deciders for simulated markets, with the time of each decision: the engine in this process, or a live server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from matcher.app import App, Config
from matcher.client import Client
from matcher.domain import Decision, Snapshot

_TIMEOUT_SECONDS = 120.0
"""Long enough that the deadline never makes a server do less than the policy asks for."""


class TimedDecider:
    """Asks `decide` and measures it in milliseconds, on the wall clock and by what this process computes meanwhile."""

    def __init__(self, decide: Callable[[Snapshot], Decision]) -> None:
        self.decision_ms: list[float] = []
        self.decision_cpu_ms: list[float] = []
        self._decide = decide

    def decide(self, snapshot: Snapshot) -> Decision:
        """The decision for `snapshot`."""
        started, computed = time.perf_counter(), time.process_time()
        decision = self._decide(snapshot)
        self.decision_cpu_ms.append((time.process_time() - computed) * 1e3)
        self.decision_ms.append((time.perf_counter() - started) * 1e3)
        return decision


@contextmanager
def open_engine(config: Config, policy: str) -> Iterator[TimedDecider]:
    """The engine in this process, by the policy of that name in `config`."""
    with App(config) as app:
        yield TimedDecider(lambda snapshot: app.decide(snapshot, policy))


@contextmanager
def open_remote(target: str, policy: str) -> Iterator[TimedDecider]:
    """The server at `target`, by the policy of that name in its configuration; its calls are part of the time."""
    with Client(target, timeout=_TIMEOUT_SECONDS) as client:
        yield TimedDecider(lambda snapshot: client.match(snapshot, policy))
