"""Waves from a depot: which of the requests that are open leave with this wave, and which are held for company.

A request is held when it is worth more in a later wave. That is not known, but can be tried: futures are drawn, each is
planned together with what is open, and a request that leaves now in most of the plans leaves. What is clear after one
round of futures is fixed in the next, so that the rest is planned around it. In a plan of one future every request has
its earliest wave as the window of its pick-up at the depot; a trip leaves now where it carries a request that must, or
where it could not wait for the next wave.

After Lan, van Doorn, Wouda, Rijal & Bhulai (2024), "An iterative sample scenario approach for the dynamic dispatch
waves problem"; here the plans are those of our search, and whether a trip leaves now is read off it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from matcher.routing.formats.pairs import deliveries
from matcher.routing.problem import Problem
from matcher.routing.search import solve

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Depot:
    """Where waves leave from. Times are in one unit, of which `duration` is too."""

    duration: F64
    """(places, places) driving times; the depot is place 0."""
    capacity: int
    """Of each vehicle; there are as many as are needed."""
    closes: float
    """When the last vehicle is back."""
    every: float
    """Between two waves."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Columns, one entry a request: its place, the window in which service starts, how long it takes, and its load."""

    place: I64
    earliest: F64
    latest: F64
    service: F64
    load: I64

    def __len__(self) -> int:
        return len(self.place)

    def of(self, rows: Mask | I64) -> Requests:
        """Some of them."""
        return Requests(self.place[rows], self.earliest[rows], self.latest[rows], self.service[rows], self.load[rows])

    def and_then(self, others: Sequence[Requests]) -> Requests:
        """These, and after them the others."""
        parts = (self, *others)
        return Requests(
            np.concatenate([part.place for part in parts]),
            np.concatenate([part.earliest for part in parts]),
            np.concatenate([part.latest for part in parts]),
            np.concatenate([part.service for part in parts]),
            np.concatenate([part.load for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class HoldOptions:
    """How much is tried before a request is held."""

    futures: int = 10
    """Drawn for each round."""
    rounds: int = 2
    iterations: int = 4_000
    """Of the search for each future's plan."""
    leave_share: float = 0.5
    """A request that leaves now in at least this share of the plans leaves."""
    hold_share: float = 0.1
    """One that does so in at most this share is held in the rounds that follow."""
    plan_iterations: int = 50_000
    """Of the search for the routes of those who leave."""
    seed: int = 0


Draw = Callable[[int], Sequence[Requests]]
"""Requests of the waves to come, wave after wave, in one possible future: the argument is its number."""


def reachable(depot: Depot, requests: Requests, at: float) -> Mask:
    """(requests,) whether a vehicle that leaves at `at` for one of them alone keeps its window and is back in time."""
    way = depot.duration[0, requests.place]
    start = np.maximum(at + way, requests.earliest)
    back = start + requests.service + depot.duration[requests.place, 0]
    kept: Mask = (start <= requests.latest) & (back <= depot.closes)
    return kept


def leaving(depot: Depot, requests: Requests, at: float, must: Mask, draw: Draw, options: HoldOptions) -> Mask:
    """(requests,) which leave with the wave at `at`, those who must among them.

    Deterministic for a deterministic `draw`. Raises ValueError for a request that cannot be served at all.
    """
    now, held = must.copy(), np.zeros(len(requests), dtype=np.bool_)
    for turn in range(options.rounds):
        if (now | held).all():
            break
        counts = np.zeros(len(requests), dtype=np.int64)
        for number in range(options.futures):
            future = draw(turn * options.futures + number)
            counts += _leaving_in(depot, requests, at, now, held, future, options, number)
        share = counts / options.futures
        held |= (share <= options.hold_share) & ~now
        now |= (share >= options.leave_share) & ~held
    return now


def routes(depot: Depot, requests: Requests, at: float, options: HoldOptions) -> list[list[int]]:
    """Trips that leave at `at` and serve all requests, by row, in order of service."""
    if not len(requests):
        return []
    n = len(requests)
    problem = _problem(depot, requests, at, np.zeros(n), np.full(n, depot.closes - at))
    solution = solve(problem, max_iterations=options.plan_iterations, objective="distance", seed=options.seed)
    _all_served(solution.unserved)
    return [trip for route in solution.routes for trip in _trips(route, n)]


def _leaving_in(
    depot: Depot,
    requests: Requests,
    at: float,
    now: Mask,
    held: Mask,
    future: Sequence[Requests],
    options: HoldOptions,
    seed: int,
) -> Mask:
    """(requests,) which leave at once in the plan of one future."""
    n, later = len(requests), len(requests) + sum(len(wave) for wave in future)
    waves = [np.full(len(wave), (k + 1) * depot.every) for k, wave in enumerate(future)]
    release = np.concatenate([np.where(held, depot.every, 0.0), *waves])
    leave_by = np.full(later, depot.closes - at)
    leave_by[:n][now] = 0.0
    everybody = requests.and_then(future)
    problem = _problem(depot, everybody, at, release, leave_by)
    solution = solve(problem, max_iterations=options.iterations, objective="distance", seed=seed)
    _all_served(solution.unserved)
    leaves = np.zeros(n, dtype=np.bool_)
    for trip in (trip for route in solution.routes for trip in _trips(route, later)):
        if max(release[trip]) == 0.0 and (
            leave_by[trip].min() == 0.0 or _latest_departure(depot, everybody, trip) < at + depot.every
        ):
            leaves[trip] = True
    return leaves


def _problem(depot: Depot, requests: Requests, at: float, release: F64, leave_by: F64) -> Problem:
    """Requests as deliveries of what is loaded at the depot between `release` and `leave_by`, times from `at` on."""
    rows = np.concatenate([np.zeros(1, dtype=np.int64), requests.place])
    opens = np.concatenate([np.zeros(1), np.maximum(requests.earliest - at, 0.0)])
    due = np.concatenate([np.full(1, depot.closes), requests.latest]) - at
    problem = deliveries(
        "wave",
        distance=depot.duration[np.ix_(rows, rows)],
        duration=None,
        demand=[0, *requests.load.tolist()],
        windows=np.column_stack([opens, due]),
        service=np.concatenate([np.zeros(1), requests.service]),
        vehicles=len(requests),
        capacity=depot.capacity,
        xy=None,
    )
    ready, last = problem.ready.copy(), problem.due.copy()
    ready[problem.pickup], last[problem.pickup] = release, leave_by
    return replace(problem, ready=ready, due=last)


def _trips(route: Sequence[int], n: int) -> list[list[int]]:
    """Rows of the customers between two visits to the depot: a vehicle that loads again begins another trip."""
    trips: list[list[int]] = []
    loading = True
    for node in route:
        if node > n:
            loading = True
            continue
        if loading:
            trips.append([])
        loading = False
        trips[-1].append(node - 1)
    return trips


def _latest_departure(depot: Depot, requests: Requests, trip: Sequence[int]) -> float:
    """From the depot, with all windows kept."""
    start, place = depot.closes, 0
    for row in reversed(trip):
        here = int(requests.place[row])
        done = start - float(depot.duration[here, place]) - float(requests.service[row])
        start, place = min(done, float(requests.latest[row])), here
    return start - float(depot.duration[0, place])


def _all_served(unserved: Sequence[object]) -> None:
    if unserved:
        raise ValueError(f"{len(unserved)} requests cannot be served by any wave, the first: {unserved[0]}")
