"""Travel times from the straight line: great circle or plane distance × road factor × hour's factor ÷ speed."""

from __future__ import annotations

import numpy as np

from matcher.domain import MetricTravel, Snapshot, TravelMode
from matcher.domain.policy import TravelPolicy

_HOUR_MS = 3_600_000


class StraightLine:
    """A TravelTime without state: all of its answer follows from snapshot and policy."""

    version = "straight-line/1"

    def travel(self, snapshot: Snapshot, policy: TravelPolicy) -> MetricTravel:
        """A courier's own speed where it has one, else the policy's for its mode; the snapshot's UTC hour scales."""
        hour = snapshot.at_unix_ms // _HOUR_MS % 24
        by_mode = np.zeros(max(TravelMode) + 1, dtype=np.int32)
        by_mode[TravelMode.CAR] = policy.car_mph
        by_mode[TravelMode.MOTORCYCLE] = policy.motorcycle_mph
        by_mode[TravelMode.BICYCLE] = policy.bicycle_mph
        by_mode[TravelMode.FOOT] = policy.foot_mph
        couriers = snapshot.couriers
        speed = np.where(couriers.speed_mph > 0, couriers.speed_mph, by_mode[couriers.mode]).astype(np.int32)
        speed.flags.writeable = False
        return MetricTravel(
            version=self.version,
            factor=policy.road_factor * policy.hourly_factor[hour],
            quantum_ms=policy.round_up_to_ms,
            speed_mph=speed,
        )
