"""Which idle couriers move where: the steepest interchange on the expected pick-up delay.

One courier at a time: of all moves of an idle courier to a point of demand, the one that saves most is made, and the
next is sought with it made (Teitz & Bart's vertex substitution, 1968, for a median problem), until none saves enough or
the policy's number is reached. A move is worth

    (delay if it stays - delay if it is there) × (horizon - way) - (delay on the way - delay now) × way

The second part counts every courier from when it is free, the one on the way from its arrival; the first, which is
later, from half a horizon before. How often orders come does not matter to the sign.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from matcher.domain import PositioningPolicy, Snapshot, Travel
from matcher.positioning.delay import RANKS, expected_delay, total_delay
from matcher.positioning.response import travel_to_demand_ms, way_ms

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

_MOST_COURIERS = 32
"""Idle couriers looked at for one move: those who are missed least where they stand."""
_MOST_TARGETS = 12
"""Points looked at for one courier: the nearest."""


@dataclass(frozen=True, slots=True)
class CourierEnds:
    """Where and when each courier can be had for an order that comes next."""

    loc: I32
    """(couriers,)"""
    free_ms: I64
    """(couriers,) since the snapshot."""
    idle: npt.NDArray[np.bool_]
    """(couriers,) nothing to do now, nothing planned, and may be moved."""
    counted: npt.NDArray[np.bool_]
    """(couriers,) available within the horizon; idle ones are."""


@dataclass(frozen=True, slots=True)
class NewPlace:
    """One courier, told where to wait."""

    courier: int
    loc: int
    """Index of the place; a point of expected demand."""
    arrive_ms: int
    """Since the snapshot."""
    saved_ms: int
    """Expected pick-up delay saved, on the mean over the orders of the horizon; at least 1."""


def propose_moves(snapshot: Snapshot, travel: Travel, policy: PositioningPolicy, ends: CourierEnds) -> list[NewPlace]:
    """The moves, ascending by courier; none where no demand is known. Integers throughout; ties by the lower courier,
    then the nearer point, then the lower one."""
    market = _Market(snapshot, travel, policy, ends)
    moves: list[NewPlace] = []
    while len(moves) < policy.max_moves:
        best = market.best_move()
        if best is None:
            break
        market.make(best)
        start = int(ends.loc[best.courier])
        moves.append(replace(best, arrive_ms=way_ms(snapshot, travel, best.courier, start, best.loc)))
    return sorted(moves, key=lambda move: move.courier)


class _Market:
    """Couriers in line at every point of demand, while moves are made."""

    def __init__(self, snapshot: Snapshot, travel: Travel, policy: PositioningPolicy, ends: CourierEnds) -> None:
        self._snapshot, self._travel, self._policy = snapshot, travel, policy
        self._points, row = np.unique(snapshot.demand.loc, return_inverse=True)
        self._weight = np.zeros(len(self._points), dtype=np.int64)
        np.add.at(self._weight, row, snapshot.demand.weight.astype(np.int64))
        self._couriers = np.flatnonzero(ends.counted | ends.idle).astype(np.int32)
        self._idle = ends.idle[self._couriers].copy()
        self._way = travel_to_demand_ms(snapshot, travel, self._couriers, ends.loc[self._couriers], self._points)
        free_ms = ends.free_ms[self._couriers, None]
        self._soon = expected_delay(self._way + free_ms, policy.lead_ms)
        self._later = expected_delay(self._way + self._left(free_ms), policy.lead_ms)

    def best_move(self) -> NewPlace | None:
        """The move that saves most; None when none saves a millisecond of the mean."""
        if not self._idle.any() or not len(self._points):
            return None
        soon, later = (int(self._total(self._in_line(delay))) for delay in (self._soon, self._later))
        best: tuple[int, NewPlace] | None = None
        for k in self._missed_least():
            for value, move in self._moves_of(k, soon, later):
                if best is None or value > best[0]:
                    best = value, move
        return None if best is None or best[1].saved_ms < 1 else best[1]

    def make(self, move: NewPlace) -> None:
        """From now on the courier arrives there and is not moved again."""
        k = int(np.searchsorted(self._couriers, move.courier))
        place, arrive_ms = np.array([move.loc], dtype=np.int32), np.array([move.arrive_ms])
        self._soon[k] = self._delay_from(k, place, arrive_ms)[0]
        self._later[k] = self._delay_from(k, place, self._left(arrive_ms))[0]
        self._idle[k] = False

    def _left(self, free_ms: I64) -> I64:
        """What is left of the time until couriers are free, half a horizon from now."""
        left: I64 = np.maximum(0, free_ms - self._policy.horizon_ms // 2)
        return left

    def _moves_of(self, k: int, soon: int, later: int) -> list[tuple[int, NewPlace]]:
        """Moves of one courier to the points in reach, with their worth. soon, later: what delays add up to if none."""
        near = self._near(k)
        way = self._way[k, near]
        places = self._points[near].astype(np.int32)
        others = [self._in_line(np.delete(delay, k, axis=0)) for delay in (self._later, self._soon)]
        there = self._total(_joined(others[0], self._delay_from(k, places, np.zeros_like(way)))).tolist()
        meanwhile = self._total(_joined(others[1], self._delay_from(k, places, way))).tolist()
        horizon = self._policy.horizon_ms
        scale = int(self._weight.sum()) * horizon
        found = []
        for place, ms, after, during in zip(places.tolist(), way.tolist(), there, meanwhile, strict=True):
            value = (later - after) * (horizon - ms) - (during - soon) * ms
            found.append((value, NewPlace(int(self._couriers[k]), place, ms, value // scale)))
        return found

    def _near(self, k: int) -> npt.NDArray[np.intp]:
        """Points within reach that the courier is not at, nearest first."""
        reach = min(self._policy.reach_ms, self._policy.horizon_ms)
        shift_end = int(self._snapshot.couriers.shift_end_ms[self._couriers[k]])
        way = self._way[k]
        near = np.argsort(way, kind="stable")
        nearest: npt.NDArray[np.intp] = near[(way[near] > 0) & (way[near] <= min(reach, shift_end))][:_MOST_TARGETS]
        return nearest

    def _missed_least(self) -> list[int]:
        """Idle couriers, ascending; where there are many, those without whom orders would wait least longer."""
        idle = np.flatnonzero(self._idle)
        if len(idle) <= _MOST_COURIERS:
            return [int(k) for k in idle]
        least = self._in_line(self._soon)
        last = least[min(1, len(least) - 1)]
        missed = (np.maximum(0, last[None, :] - self._soon[idle]) * self._weight).sum(axis=1)
        return [int(k) for k in np.sort(idle[np.argsort(missed, kind="stable")[:_MOST_COURIERS]])]

    def _delay_from(self, k: int, places: I32, start_ms: I64) -> I64:
        """(places, points) delays at all points if the courier sets off from each place at its start."""
        courier = np.full(len(places), self._couriers[k], dtype=np.int32)
        way = travel_to_demand_ms(self._snapshot, self._travel, courier, places, self._points)
        return expected_delay(way + start_ms[:, None], self._policy.lead_ms)

    def _in_line(self, delay: I64) -> I64:
        """(ranks, points) the least delays at each point."""
        if len(delay) > RANKS:
            delay = np.partition(delay, RANKS - 1, axis=0)[:RANKS]
        return np.sort(delay, axis=0)

    def _total(self, in_line: I64) -> I64:
        return total_delay(in_line, self._weight, self._policy.busy_permille)


def _joined(others: I64, one: I64) -> I64:
    """(cases, ranks, points) the line of the others with one more courier, for each case."""
    cases = np.broadcast_to(others, (len(one), *others.shape))
    line = np.sort(np.concatenate([cases, one[:, None, :]], axis=1), axis=1)
    result: I64 = line[:, :RANKS]
    return result
