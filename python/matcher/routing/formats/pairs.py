"""What tables of nodes that name their partners have in common, and deliveries from the depot as requests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from matcher.routing.formats.text import Line
from matcher.routing.problem import Problem

F64 = npt.NDArray[np.float64]


def paired(
    name: str, rows: Sequence[Line], distance: F64, vehicles: int, capacity: int, xy: F64 | None = None
) -> Problem:
    """A problem of lines that end in: demand, ready, due, service, pick-up of a delivery, delivery of a pick-up.

    Raises UnreadableFile at the word that names a wrong partner.
    """
    table = np.array([line.numbers(9)[3:9] for line in rows])
    for node, line in enumerate(rows):
        pick, drop = line.words[7].whole(0, len(rows) - 1), line.words[8].whole(0, len(rows) - 1)
        if node == 0 or (pick == 0) == (drop == 0):
            if node == 0 and pick == drop == 0:
                continue
            raise line.words[7].fault("a node but the depot has a pick-up or a delivery; one of the two is 0")
        partner, word = (drop, line.words[8]) if drop else (pick, line.words[7])
        back = table[partner, 4 if drop else 5]
        if back != node:
            raise word.fault(f"node {node} names node {partner} as its partner, and that one names {back:g}")
    pickup = np.flatnonzero(table[:, 5] > 0)
    return Problem(
        name=name,
        distance=np.ascontiguousarray(distance),
        ready=np.ascontiguousarray(table[:, 1]),
        due=np.ascontiguousarray(table[:, 2]),
        service=np.ascontiguousarray(table[:, 3]),
        demand=table[:, 0].astype(np.int32),
        pickup=pickup.astype(np.int32),
        delivery=table[pickup, 5].astype(np.int32),
        vehicles=vehicles,
        capacity=capacity,
        xy=xy,
    )


def euclidean(xy: F64) -> F64:
    """(nodes, nodes) straight distances."""
    return np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1])


def deliveries(
    name: str,
    *,
    distance: F64,
    duration: F64 | None,
    demand: Sequence[int],
    windows: F64,
    service: F64,
    vehicles: int,
    capacity: int,
    xy: F64 | None,
) -> Problem:
    """Customers (all rows but the depot, row 0) who are served from the depot, as requests.

    Customer k is delivered at node k; its pick-up, node n-1+k, lies at the depot with a window that closes as vehicles
    leave. Everything is thus loaded at the start, as the problem means it, unless a customer is no way from the depot.
    """
    n = len(demand)
    rows = np.concatenate([np.arange(n), np.zeros(n - 1, dtype=np.int64)])
    leave = windows[0, 0]
    loads = np.array(demand, dtype=np.int64)
    return Problem(
        name=name,
        distance=np.ascontiguousarray(distance[np.ix_(rows, rows)]),
        duration=None if duration is None else np.ascontiguousarray(duration[np.ix_(rows, rows)]),
        ready=np.concatenate([windows[:, 0], np.full(n - 1, leave)]),
        due=np.concatenate([windows[:, 1], np.full(n - 1, leave)]),
        service=np.concatenate([np.array([0.0]), service[1:], np.zeros(n - 1)]),
        demand=np.concatenate([np.array([0]), -loads[1:], loads[1:]]).astype(np.int32),
        pickup=np.arange(n, 2 * n - 1, dtype=np.int32),
        delivery=np.arange(1, n, dtype=np.int32),
        vehicles=vehicles,
        capacity=capacity,
        xy=None if xy is None else xy[rows],
    )
