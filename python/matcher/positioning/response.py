"""Travel times from couriers to points, from the columns of a snapshot."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from matcher.domain import MatrixTravel, Snapshot, Travel

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

_NO_WAY_MS = np.int64(1) << np.int64(30)
"""Stands for the travel time of a pair that a matrix has none for: beyond any reach."""


def travel_to_demand_ms(snapshot: Snapshot, travel: Travel, courier: I32, start: I32, points: I32) -> I64:
    """(pairs, points) ms by `courier` (pairs,) from `start` (pairs,) to each point; places as indices of locations."""
    if isinstance(travel, MatrixTravel):
        way = travel.matrix_ms[travel.profile[courier][:, None], start[:, None], points[None, :]].astype(np.int64)
        return np.where(way < 0, _NO_WAY_MS, way)
    places = snapshot.locations
    square = np.zeros((len(start), len(points)))
    for axis in (places.x, places.y, places.z):
        square += (axis[start][:, None] - axis[points][None, :]) ** 2
    distance = np.sqrt(square)
    if places.radius_m > 0:
        distance = 2 * places.radius_m * np.arcsin(np.minimum(1.0, distance / (2 * places.radius_m)))
    pace = travel.speed_mph[courier].astype(np.int64) * travel.quantum_ms
    quanta = np.ceil(distance * travel.factor * 3.6e6 / pace[:, None])
    result: I64 = np.minimum(quanta * travel.quantum_ms, float(_NO_WAY_MS)).astype(np.int64)
    return result


def way_ms(snapshot: Snapshot, travel: Travel, courier: int, start: int, place: int) -> int:
    """The way of one courier, to the millisecond that every part of a decision must agree on.

    The arcs of whole columns may be a unit in the last place off, which a time rounded up can turn into a quantum.
    """
    if isinstance(travel, MatrixTravel):
        return int(travel.matrix_ms[travel.profile[courier], start, place])
    places = snapshot.locations
    dx, dy, dz = (float(axis[start]) - float(axis[place]) for axis in (places.x, places.y, places.z))
    distance = math.sqrt(dx * dx + dy * dy + dz * dz)
    if places.radius_m > 0:
        distance = 2 * places.radius_m * math.asin(min(1.0, distance / (2 * places.radius_m)))
    speed = int(travel.speed_mph[courier])
    return math.ceil(distance * travel.factor * 3.6e6 / (speed * travel.quantum_ms)) * travel.quantum_ms
