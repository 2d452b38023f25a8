"""The embedded travel times: whose speed counts, and which hour."""

from __future__ import annotations

import pytest

from matcher.domain import Courier, TravelMode, build_snapshot
from matcher.domain.policy import TravelPolicy
from matcher.travel import StraightLine

MIDNIGHT = 1_700_006_400_000


def test_own_speed_before_the_modes() -> None:
    """A courier's own speed wins; without one the policy's speed of the mode holds."""
    couriers = [Courier("a", speed_meters_per_hour=19_200), *(Courier(mode.name, mode=mode) for mode in TravelMode)]
    snapshot = build_snapshot("m", MIDNIGHT, [], couriers)
    policy = TravelPolicy(car_mph=4, motorcycle_mph=3, bicycle_mph=2, foot_mph=1)
    travel = StraightLine().travel(snapshot, policy)
    speeds = dict(zip(snapshot.couriers.ids, travel.speed_mph.tolist(), strict=True))
    assert speeds == {"a": 19_200, "CAR": 4, "MOTORCYCLE": 3, "BICYCLE": 2, "FOOT": 1}


@pytest.mark.parametrize(("after_ms", "factor"), [(0, 1.5), (3_599_999, 1.5), (3_600_000, 3.0), (86_400_000, 1.5)])
def test_the_hour_of_the_snapshot_scales(after_ms: int, factor: float) -> None:
    """The UTC hour counts, to the millisecond, and days repeat."""
    policy = TravelPolicy(road_factor=1.5, hourly_factor=(1.0, 2.0, *(9.0,) * 22), round_up_to_ms=60_000)
    travel = StraightLine().travel(build_snapshot("m", MIDNIGHT + after_ms, [], []), policy)
    assert (travel.factor, travel.quantum_ms) == (factor, 60_000)
