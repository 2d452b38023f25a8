"""A run of dispatch waves: requests drawn as the competition draws them, and what a dispatcher makes of each wave.

At every hour from the first epoch to the last, requests are drawn; the dispatcher names those that leave an hour later,
and their routes. The generator is numpy's default for the run's seed. Each epoch draws, in this order, place, window,
demand and service time of `DRAWN` requests, uniformly from the customers, each independently; those that a vehicle
leaving with this wave cannot serve are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from matcher.domain.snapshot import I64
from matcher.routing.waves import HoldOptions, Mask, Requests, leaving, reachable, routes
from matcher.simulation.waves.instance import DRAWN, WAVE_S, WaveInstance


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is known when a wave is decided on."""

    number: int
    leaves_at: float
    """When the wave leaves, seconds."""
    ids: I64
    """Numbers of the open requests: how many came before them, plus 1."""
    requests: Requests
    must: Mask
    """(open,) who cannot wait for the next wave; all, in the last epoch."""
    waves_left: int
    """Waves after this one."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What left with one wave: trips, each the numbers of its requests in the order of service."""

    epoch: int
    trips: tuple[tuple[int, ...], ...]


class Dispatcher(Protocol):
    """Who decides."""

    def dispatch(self, epoch: Epoch) -> list[list[int]]:
        """Trips of the wave: positions among the epoch's open requests, in the order of service."""
        ...


def draw_requests(instance: WaveInstance, rng: np.random.Generator, leaves_at: float) -> Requests:
    """New requests of one epoch."""
    place, window, demand, service = (rng.integers(len(instance.demand) - 1, size=DRAWN) + 1 for _ in range(4))
    drawn = Requests(
        place, instance.opens[window], instance.closes[window], instance.service[service], instance.demand[demand]
    )
    return drawn.of(reachable(instance.depot, drawn, leaves_at))


def leaves_at(epoch: int) -> float:
    """When the wave of an epoch leaves."""
    return float((epoch + 1) * WAVE_S)


def play(
    instance: WaveInstance, seed: int, dispatcher: Dispatcher, on_wave: Callable[[Dispatched], None] | None = None
) -> list[Dispatched]:
    """All waves of a run. What the dispatcher says is taken as it is: `evaluate` judges it."""
    rng = np.random.default_rng(seed)
    epochs, depot = instance.epochs, instance.depot
    ids = np.empty(0, dtype=np.int64)
    waiting = Requests(ids, ids.astype(np.float64), ids.astype(np.float64), ids.astype(np.float64), ids)
    came, waves = 0, []
    for number in epochs:
        new = draw_requests(instance, rng, leaves_at(number))
        ids, waiting = np.concatenate([ids, came + 1 + np.arange(len(new))]), waiting.and_then([new])
        came += len(new)
        left = epochs[-1] - number
        must = ~reachable(depot, waiting, leaves_at(number + 1)) if left else np.ones(len(waiting), dtype=np.bool_)
        trips = dispatcher.dispatch(Epoch(number, leaves_at(number), ids, waiting, must, left))
        waves.append(Dispatched(number, tuple(tuple(int(ids[row]) for row in trip) for trip in trips)))
        if on_wave is not None:
            on_wave(waves[-1])
        stay = np.ones(len(waiting), dtype=np.bool_)
        stay[[row for trip in trips for row in trip]] = False
        ids, waiting = ids[stay], waiting.of(stay)
    return waves


@dataclass(frozen=True, slots=True)
class Holding:
    """Holds what is worth more in a later wave, by futures drawn from the instance's own customers."""

    instance: WaveInstance
    options: HoldOptions
    ahead: int = 1
    """Waves of requests to come in a future."""

    def dispatch(self, epoch: Epoch) -> list[list[int]]:
        """See Dispatcher."""

        def future(number: int) -> Sequence[Requests]:
            rng = np.random.default_rng([self.options.seed, epoch.number, number])
            coming = range(epoch.number + 1, epoch.number + 1 + min(self.ahead, epoch.waves_left))
            return [draw_requests(self.instance, rng, leaves_at(number)) for number in coming]

        depot = self.instance.depot
        leave = leaving(depot, epoch.requests, epoch.leaves_at, epoch.must, future, self.options)
        return _routed(self.instance, epoch, leave, self.options)


@dataclass(frozen=True, slots=True)
class Greedy:
    """Everything leaves at once."""

    instance: WaveInstance
    options: HoldOptions

    def dispatch(self, epoch: Epoch) -> list[list[int]]:
        """See Dispatcher."""
        return _routed(self.instance, epoch, np.ones(len(epoch.ids), dtype=np.bool_), self.options)


@dataclass(frozen=True, slots=True)
class Lazy:
    """Everything waits as long as it can."""

    instance: WaveInstance
    options: HoldOptions

    def dispatch(self, epoch: Epoch) -> list[list[int]]:
        """See Dispatcher."""
        return _routed(self.instance, epoch, epoch.must, self.options)


def _routed(instance: WaveInstance, epoch: Epoch, leave: Mask, options: HoldOptions) -> list[list[int]]:
    rows = np.flatnonzero(leave)
    trips = routes(instance.depot, epoch.requests.of(rows), epoch.leaves_at, replace(options, seed=options.seed + 1))
    return [[int(rows[at]) for at in trip] for trip in trips]
