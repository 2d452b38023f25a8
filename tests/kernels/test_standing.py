"""How far couriers stand from the demand: the kernel against the definition that verification uses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.markets import PORTS, plane, random_demand, random_market

from matcher.domain import Demand, MatrixTravel, Policy, Snapshot, SpatialFrame, Travel, build_snapshot
from matcher.domain.rows import Courier, DemandPoint
from matcher.kernels.standing import standing_ms
from matcher.verify.plan import end_ms


def hold_to_definition(snapshot: Snapshot, travel: Travel) -> None:
    couriers = np.arange(len(snapshot.couriers), dtype=np.int32)
    found = standing_ms(snapshot.locations, travel, snapshot.demand, courier=couriers, loc=snapshot.couriers.loc)
    assert found.tolist() == [end_ms(snapshot, travel, courier, ()) for courier in couriers.tolist()]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6))
def test_the_kernel_is_the_definition(seed: int) -> None:
    """To the millisecond, with straight lines and with a table, on a plane and on the sphere."""
    orders, couriers = random_market(seed)
    demand = random_demand(seed)
    on_plane = plane(orders, couriers, demand)
    hold_to_definition(on_plane, PORTS.travel.travel(on_plane, Policy().travel))
    n = len(on_plane.locations)
    table = np.random.default_rng(seed).integers(0, 5_000_000, (2, n, n), dtype=np.int32)
    profile = (np.arange(len(couriers)) % 2).astype(np.int32)
    hold_to_definition(on_plane, MatrixTravel("table/1", table, profile))
    degrees = [DemandPoint(p.latitude / 100, p.longitude / 100, p.weight) for p in demand]
    shrunk = [Courier(c.id, c.latitude / 100, c.longitude / 100) for c in couriers]
    sphere = build_snapshot("m", 1, [], shrunk, expected_demand=degrees, frame=SpatialFrame.WGS84)
    hold_to_definition(sphere, PORTS.travel.travel(sphere, Policy().travel))


def test_other_dtypes_are_refused_by_name() -> None:
    """Nothing is cast on the way in."""
    market = plane([], [Courier("c")], [DemandPoint()])
    travel = PORTS.travel.travel(market, Policy().travel)
    loc = market.couriers.loc
    with pytest.raises(TypeError, match="courier has dtype int64, not int32"):
        standing_ms(market.locations, travel, market.demand, courier=np.zeros(1, dtype=np.int64), loc=loc)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"demand.weight\[0\] is not positive"):
        standing_ms(
            market.locations, travel, Demand(loc, np.zeros(1, dtype=np.int32)), courier=np.zeros(1, np.int32), loc=loc
        )
