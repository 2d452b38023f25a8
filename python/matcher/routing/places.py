"""Where a request can go in a route, and what the route then is: measures of routes that plans and reasons share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from matcher.routing.problem import Problem


def places(problem: Problem, of_type: int, route: Sequence[int], request: int) -> Iterator[list[int]]:
    """Every way to put a request into a route, behind its locked stops. Loads and limits are not looked at.

    Of a request on board, or picked up by a locked stop, only the delivery is put in.
    """
    p, d = int(problem.pickup[request]), int(problem.delivery[request])
    first = len(problem.fleet[of_type].locked)
    picked_up = request in problem.aboard or p in route
    for j in range(first, len(route) + 1):
        if picked_up:
            yield [*route[:j], d, *route[j:]]
            continue
        for i in range(first, j + 1):
            yield [*route[:i], p, *route[i:j], d, *route[j:]]


def overload(problem: Problem, of_type: int, route: Sequence[int]) -> tuple[int, ...]:
    """By how much the largest load on a route exceeds capacity, in each dimension; not above 0: it fits."""
    vehicle = problem.fleet[of_type]
    load = [0] * len(vehicle.capacity)
    for held in vehicle.on_board:
        load = [have + more for have, more in zip(load, problem.loads(int(problem.pickup[held.request])), strict=True)]
    most = list(load)
    for node in route:
        load = [have + change for have, change in zip(load, problem.loads(node), strict=True)]
        most = [max(have, peak) for have, peak in zip(load, most, strict=True)]
    return tuple(peak - room for peak, room in zip(most, vehicle.capacity, strict=True))


def length(problem: Problem, of_type: int, route: Sequence[int]) -> float:
    """Distance of a route, from its start to its end."""
    vehicle = problem.fleet[of_type]
    way = (vehicle.start, *route, *(() if vehicle.end is None else (vehicle.end,)))
    return float(sum(problem.distance[a, b] for a, b in itertools.pairwise(way)))


def may_carry(problem: Problem, of_type: int, request: int) -> bool:
    """Whether a vehicle type may serve a request."""
    bound = problem.bound if problem.types else {}
    if request in bound:
        return bound[request] == of_type
    return problem.allowed is None or bool(problem.allowed[request, of_type])
