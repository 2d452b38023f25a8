"""The enumerations of the domain. Values equal those of the wire (proto/matcher/v1/types.proto); a test holds them."""

from __future__ import annotations

from enum import IntEnum


class SpatialFrame(IntEnum):
    """What coordinates mean: degrees, or metres on a plane."""

    WGS84 = 1
    PLANE_METERS = 2


class TravelMode(IntEnum):
    """How a courier moves."""

    CAR = 1
    MOTORCYCLE = 2
    BICYCLE = 3
    FOOT = 4


class StopKind(IntEnum):
    """What happens at a stop."""

    PICKUP = 1
    DROPOFF = 2


class Rung(IntEnum):
    """Which solver answers; lower rungs have higher numbers."""

    NATIVE = 1
    ORTOOLS = 2
    GREEDY = 3


class OrderStatus(IntEnum):
    """What became of an order."""

    ASSIGNED = 1
    WAITING = 2


class WaitReason(IntEnum):
    """Why an order waits; see the enum of the same name in types.proto for each meaning."""

    NO_COURIERS = 1
    OUT_OF_REACH = 2
    SKILLS = 3
    CAPACITY = 4
    SHIFT_END = 5
    TIME_WINDOW = 6
    FRESHNESS = 7
    NO_FEASIBLE_COURIER = 8
    WAITING_IS_CHEAPER = 9
    COURIERS_BETTER_USED = 10
    HELD_UNTIL_DEPARTURE = 11
    ROUTE_FULL = 12
    REFUSED = 13
    ZONE_FULL = 14


class Degradation(IntEnum):
    """A part of the answer made with less than the policy asks for."""

    FEWER_CANDIDATES = 1
    NO_BUNDLING = 2
    LOWER_RUNG = 3
    BUDGET_EXHAUSTED = 4
    VERIFICATION_FAILED = 5
    COLUMNS_CAPPED = 6


class MoveReason(IntEnum):
    """Why a courier is told to move without an order."""

    EXPECTED_DEMAND = 1


class PairVerdict(IntEnum):
    """What became of an order and a courier that someone asks about."""

    CHOSEN = 1
    LOST = 2
    PRUNED = 3
    INFEASIBLE = 4
    NOT_OPEN = 5


class PairChangeKind(IntEnum):
    """What would have to be different for a pair's verdict to turn."""

    COST = 1
    NEAREST_COURIERS = 2
    REACH = 3
    SKILLS = 4
    CAPACITY = 5
    SHIFT_END = 6
    PICKUP_BY = 7
    DROPOFF_BY = 8
    FRESHNESS = 9
    ROUTE_LIMITS = 10
    ROUTE_STOPS = 11
    REFUSAL = 12
    ZONE_ROOM = 13


class UnbatchedReason(IntEnum):
    """Why an open order is in no batch."""

    NO_STORE = 1
    ALONE = 2
    READY_APART = 3
    FRESHNESS = 4
    SAVES_NOTHING = 5
    BEYOND_LIMIT = 6


class StreamStatus(IntEnum):
    """What became of a message of a session."""

    APPLIED = 1
    UNDECIDED = 2
    DUPLICATE = 3
    OUT_OF_ORDER = 4
    NO_SNAPSHOT = 5
    REJECTED = 6
