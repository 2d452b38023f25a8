"""Moves against enumeration: each is the one that saves most, by the formula of the module's text in plain integers."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.markets import MINUTE, PORTS, a_courier, plane

from matcher.domain import MatrixTravel, PositioningPolicy, Snapshot, Travel
from matcher.domain.policy import TravelPolicy
from matcher.domain.rows import DemandPoint
from matcher.positioning import CourierEnds, NewPlace, propose_moves
from matcher.positioning.delay import rank_shares
from matcher.verify.plan import travel_ms

POLICY = PositioningPolicy(max_moves=2)


def random_case(seed: int) -> tuple[Snapshot, Travel, CourierEnds]:
    """Up to six couriers, idle or free later, and up to five points, some of them twice; in metres or by a matrix."""
    random = Random(seed)

    def place() -> float:
        return 500.0 * random.randint(0, 12)

    demand = [DemandPoint(place(), place(), random.randint(1, 9)) for _ in range(random.randint(0, 5))]
    couriers = [a_courier(f"c{k}", longitude=place(), latitude=place()) for k in range(random.randint(0, 6))]
    snapshot = plane([], couriers, demand)
    travel: Travel = PORTS.travel.travel(snapshot, TravelPolicy())
    if random.random() < 0.3:
        n = len(snapshot.locations)
        table = [[random.choice([-1, *range(0, 30 * MINUTE, 77_777)]) for _ in range(n)] for _ in range(n)]
        matrix = np.array([table], dtype=np.int32).reshape(1, n, n)
        travel = MatrixTravel("m", matrix, np.zeros(len(couriers), dtype=np.int32))
    m = len(couriers)
    free = np.array([random.choice([0, 0, 3 * MINUTE, 15 * MINUTE]) for _ in range(m)], dtype=np.int64)
    loc = np.array([random.randrange(len(snapshot.locations)) for _ in range(m)], dtype=np.int32)
    return (
        snapshot,
        travel,
        CourierEnds(loc, free, free == 0, np.array([random.random() < 0.8 for _ in range(m)], bool)),
    )


class Slow:
    """The same by loops."""

    def __init__(self, snapshot: Snapshot, travel: Travel, policy: PositioningPolicy, ends: CourierEnds) -> None:
        self.snapshot, self.travel, self.policy = snapshot, travel, policy
        self.weight: dict[int, int] = {}
        for loc, weight in zip(snapshot.demand.loc.tolist(), snapshot.demand.weight.tolist(), strict=True):
            self.weight[loc] = self.weight.get(loc, 0) + weight
        self.at = {
            c: (int(ends.loc[c]), int(ends.free_ms[c])) for c in range(len(ends.loc)) if ends.counted[c] or ends.idle[c]
        }
        self.idle = {c for c in self.at if ends.idle[c]}

    def way(self, courier: int, start: int, end: int) -> int:
        if isinstance(self.travel, MatrixTravel):
            ms = int(self.travel.matrix_ms[0, start, end])
            return ms if ms >= 0 else 1 << 30
        return travel_ms(self.snapshot, self.travel, courier, start, end)

    def delay(self, response: int) -> int:
        lead = self.policy.lead_ms
        response = min(response, 1 << 30)
        return response * response // (4 * lead) if response <= 2 * lead else response - lead

    def total(self, at: dict[int, tuple[int, int]], ago: int = 0) -> int:
        total = 0
        for point, weight in self.weight.items():
            line = sorted(self.delay(max(0, free - ago) + self.way(c, loc, point)) for c, (loc, free) in at.items())
            shares = rank_shares(len(line), self.policy.busy_permille).tolist()
            total += weight * (sum(s * d for s, d in zip(shares, line, strict=False)) // 1_000_000)
        return total

    def step(self) -> NewPlace | None:
        horizon = self.policy.horizon_ms
        soon, later, best = self.total(self.at), self.total(self.at, horizon // 2), None
        for c in sorted(self.idle):
            loc, _ = self.at[c]
            targets = sorted((self.way(c, loc, p), p) for p in self.weight)
            for ms, point in targets:
                if not 0 < ms <= min(self.policy.reach_ms, horizon):
                    continue
                after = self.total({**self.at, c: (point, 0)}, horizon // 2)
                during = self.total({**self.at, c: (point, ms)})
                value = (later - after) * (horizon - ms) - (during - soon) * ms
                if best is None or value > best[0]:
                    best = value, NewPlace(c, point, ms, value // (sum(self.weight.values()) * horizon))
        if best is None or best[1].saved_ms < 1:
            return None
        move = best[1]
        self.at[move.courier] = (move.loc, move.arrive_ms)
        self.idle.remove(move.courier)
        return move


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 300, 1000]), st.sampled_from([1, 5 * MINUTE, 10 * MINUTE]))
def test_moves_equal_enumeration(seed: int, busy: int, lead: int) -> None:
    """Worth, ties, reach, merged points and the order in which moves are made."""
    snapshot, travel, ends = random_case(seed)
    policy = replace(POLICY, busy_permille=busy, lead_ms=lead)
    slow = Slow(snapshot, travel, policy, ends)
    expected = []
    while snapshot.demand.loc.size and len(expected) < policy.max_moves and (move := slow.step()) is not None:
        expected.append(move)
    assert propose_moves(snapshot, travel, policy, ends) == sorted(expected, key=lambda move: move.courier)


def at_origin(count: int, demand: list[DemandPoint]) -> tuple[Snapshot, Travel, CourierEnds]:
    """So many idle couriers at one place."""
    snapshot = plane([], [a_courier(f"c{k}") for k in range(count)], demand)
    here = snapshot.couriers.loc.copy()
    everyone = np.ones(count, dtype=bool)
    ends = CourierEnds(here, np.zeros(count, dtype=np.int64), everyone, everyone)
    return snapshot, PORTS.travel.travel(snapshot, TravelPolicy()), ends


def test_a_crowd_spreads_and_one_who_is_needed_stays() -> None:
    """Two couriers at one of two equal points: one goes to the other. Alone, a courier gains nothing by going there."""
    demand = [DemandPoint(0.0, 0.0, 1), DemandPoint(0.0, 3000.0, 1)]
    sure = replace(POLICY, busy_permille=0)
    snapshot, travel, ends = at_origin(2, demand)
    (move,) = propose_moves(snapshot, travel, sure, ends)
    assert (move.courier, move.loc) == (0, 1)
    snapshot, travel, ends = at_origin(1, demand)
    assert propose_moves(snapshot, travel, sure, ends) == []


def test_a_market_of_thousands_is_bounded_work() -> None:
    """Idle couriers beyond a number are not looked at, yet the moves still help."""
    random = Random(1)
    demand = [DemandPoint(random.uniform(0, 9000), random.uniform(0, 9000), 1) for _ in range(400)]
    snapshot, travel, ends = at_origin(500, demand)
    moves = propose_moves(snapshot, travel, replace(POLICY, max_moves=3), ends)
    assert len({move.courier for move in moves}) == 3
    assert all(move.saved_ms >= 1 and move.arrive_ms <= POLICY.reach_ms for move in moves)
    assert moves == propose_moves(snapshot, travel, replace(POLICY, max_moves=3), ends)


def test_shares_of_the_line_are_whole() -> None:
    """Someone carries every order."""
    for couriers in range(1, 12):
        for busy in (0, 1, 500, 999, 1000):
            assert rank_shares(couriers, busy).sum() == 1_000_000
