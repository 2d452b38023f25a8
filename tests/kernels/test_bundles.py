"""Bundle proposals against enumeration, and what they promise about order, limits and ties."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.oracles.bundles import MatrixTimes, OrderTable, Places, all_bundles

from matcher.domain import MetricTravel
from matcher.kernels import batch

FAR = 1 << 50


def plane(points: list[tuple[float, float]]) -> Places:
    xy = np.array(points, dtype=np.float64).reshape(-1, 2)
    return Places(xy[:, 0].copy(), xy[:, 1].copy(), np.zeros(len(xy)), 0.0)


def table(n: int, **columns: list[int]) -> OrderTable:
    """Orders of store 0 from place 0, ready now, without limits, except as given."""
    given = {
        "store": [0] * n,
        "pickup_loc": [0] * n,
        "dropoff_loc": list(range(1, n + 1)),
        "ready_ms": [0] * n,
        "promised_by_ms": [FAR] * n,
        "freshness_ms": [FAR] * n,
        "size": [1] * n,
    } | columns
    return OrderTable(
        **{name: np.array(v, dtype=np.int64 if name.endswith("_ms") else np.int32) for name, v in given.items()}
    )


def listed(bundles: batch.Bundles) -> list[tuple[int, ...]]:
    return [
        tuple(bundles.unit_order[first:end].tolist())
        for first, end in zip(bundles.unit_ptr[:-1], bundles.unit_ptr[1:], strict=True)
    ]


def random_market(seed: int) -> tuple[Places, OrderTable, MatrixTimes]:
    rng = np.random.default_rng(seed)
    n, stores, places = int(rng.integers(0, 9)), 2, 8
    matrix = rng.integers(0, (5, 600)[seed % 2], (1, places, places)).astype(np.int32)
    store = rng.integers(-1 if seed % 3 == 0 else 0, stores, n).astype(np.int32)
    orders = OrderTable(
        store=store,
        pickup_loc=np.maximum(store, 0).astype(np.int32),
        dropoff_loc=rng.integers(0, places, n).astype(np.int32),
        ready_ms=rng.integers(-500, 900, n),
        promised_by_ms=np.where(rng.random(n) < 0.5, rng.integers(-200, 1500, n), FAR),
        freshness_ms=np.where(rng.random(n) < 0.4, rng.integers(50, 1500, n), FAR),
        size=rng.integers(0, 4, n).astype(np.int32),
    )
    nowhere = np.zeros(places)
    return Places(nowhere, nowhere, nowhere, 0.0), orders, MatrixTimes(matrix, np.zeros(1, dtype=np.int32))


def test_everything_is_found_when_no_partner_is_cut() -> None:
    """With room for all partners, bundles grown from pairs are those of enumeration, estimates included.

    Growth needs every smaller bundle to be feasible, so only bundles whose sub-bundles all are feasible are demanded.
    """
    grown = 0
    for seed in range(400):
        places, orders, travel = random_market(seed)
        n = len(orders.store)
        open_orders = [o for o in range(n) if (seed + o) % 5]
        max_size = 7 if seed % 4 == 0 else batch.NO_SIZE_LIMIT
        bundles = batch.propose_bundles(
            places,
            orders,
            travel,
            open_orders=np.array(open_orders, dtype=np.int32),
            max_orders=4,
            ready_spread_ms=600,
            neighbours=64,
            max_size=max_size,
        )
        expected = all_bundles(orders, travel.matrix_ms[0], open_orders, 4, 600, max_size)
        units = listed(bundles)
        assert units[: len(open_orders)] == [(o,) for o in open_orders]
        proposed = units[len(open_orders) :]
        assert proposed == sorted(set(proposed), key=lambda bundle: (len(bundle), bundle))
        for index, bundle in enumerate(proposed, start=len(open_orders)):
            assert (int(bundles.saving_ms[index]), int(bundles.delay_ms[index])) == expected[bundle], (seed, bundle)
        demanded = set()
        for bundle in sorted(expected, key=len):
            smaller = [bundle[:i] + bundle[i + 1 :] for i in range(len(bundle))]
            if len(bundle) == 2 or all(each in demanded for each in smaller):
                demanded.add(bundle)
        assert demanded <= set(proposed), seed
        grown += sum(len(bundle) > 2 for bundle in proposed)
    assert grown > 100


def test_sequence_is_a_least_delay_sequence() -> None:
    """Doors along a line are visited outwards; the estimate of a known case by hand."""
    places = plane([(0, 0), (3000, 0), (1000, 0), (2000, 0)])
    travel = MetricTravel("test", 1.0, 1, np.array([3_600_000], dtype=np.int32))  # 1 m is 1 ms
    bundles = batch.propose_bundles(places, table(3), travel)
    units = listed(bundles)
    last = units.index((0, 1, 2))
    first = int(bundles.unit_ptr[last])
    assert bundles.sequence[first : first + 3].tolist() == [1, 2, 0]
    assert bundles.saving_ms[last] == 2 * (1000 + 2000 + 3000) - 6000
    assert bundles.delay_ms[last] == 0


def test_great_circle_and_rounding() -> None:
    """Times come from the one formula: a whole number of quanta is not rounded up once more."""
    radius = 6_371_008.8
    angle = 3200.0 / radius
    places = Places(
        np.array([radius, radius * np.cos(angle), radius * np.cos(angle)]),
        np.array([0.0, radius * np.sin(angle), -radius * np.sin(angle)]),
        np.zeros(3),
        radius,
    )
    travel = MetricTravel("test", 1.0, 600_000, np.array([19_100], dtype=np.int32))
    bundles = batch.propose_bundles(places, table(2), travel)
    assert bundles.saving_ms.tolist() == [0, 0, 600_000]  # 3.2 km take two quanta, 6.4 km three: tour 7, alone 8
    exact = MetricTravel("test", 1.0, 600_000, np.array([19_200], dtype=np.int32))
    bundles = batch.propose_bundles(plane([(0, 0), (3200, 0)]), table(2, dropoff_loc=[1, 1]), exact)
    assert bundles.saving_ms.tolist() == [0, 0, 1_200_000]  # 3.2 km take exactly one


def test_cap_keeps_the_best_and_says_what_it_dropped() -> None:
    """Memory is bounded by the caller; what is cut is the least valuable and is counted."""
    rng = np.random.default_rng(5)
    places = plane([(0.0, 0.0), *rng.uniform(-5000, 5000, (40, 2)).tolist()])
    travel = MetricTravel("test", 1.3, 1000, np.array([25_000], dtype=np.int32))
    everything = batch.propose_bundles(places, table(40), travel)
    capped = batch.propose_bundles(places, table(40), travel, max_bundles=50)
    assert everything.dropped == 0
    assert len(everything.unit_ptr) - 1 == 90 + capped.dropped
    value = dict(zip(listed(everything), (everything.saving_ms - everything.delay_ms).tolist(), strict=True))
    kept = listed(capped)[40:]
    assert len(kept) == 50
    left = set(listed(everything)[40:]) - set(kept)
    assert min(value[bundle] for bundle in kept) >= max(value[bundle] for bundle in left)
    none = batch.propose_bundles(places, table(40), travel, max_bundles=0)
    assert none.dropped == len(everything.unit_ptr) - 41


@pytest.mark.parametrize("nothing", [{"max_orders": 1}, {"neighbours": 0}], ids=str)
def test_bundling_can_be_off(nothing: dict[str, int]) -> None:
    """Policies switch bundling off by either parameter; the units are then the orders."""
    places = plane([(0, 0), (10, 0), (20, 0)])
    travel = MetricTravel("test", 1.0, 1, np.array([1000], dtype=np.int32))
    assert listed(batch.propose_bundles(places, table(2), travel, **nothing)) == [(0,), (1,)]


def test_thousands_of_orders_at_one_store_stay_bounded() -> None:
    """A queue at one store must neither fill the memory nor lose determinism."""
    rng = np.random.default_rng(6)
    n = 2000
    places = plane([(0.0, 0.0), *rng.uniform(-4000, 4000, (n, 2)).tolist()])
    travel = MetricTravel("test", 1.3, 1000, np.array([25_000], dtype=np.int32))
    orders = table(n, ready_ms=rng.integers(0, 600_000, n).tolist())
    first, second = (batch.propose_bundles(places, orders, travel, max_bundles=5000) for _ in range(2))
    assert len(first.unit_ptr) - 1 == n + 5000
    for field in dataclasses.fields(first):
        a, b = getattr(first, field.name), getattr(second, field.name)
        assert np.array_equal(a, b), field.name


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"store": [0, 0, 0]}, "orders differ in length"),
        ({"pickup_loc": [0, 9]}, r"orders.pickup_loc\[1\] is no index of locations"),
        ({"dropoff_loc": [-1, 1]}, r"orders.dropoff_loc\[0\] is no index of locations"),
        ({"size": [1, -1]}, r"orders.size\[1\] is negative"),
        ({"ready_ms": [0, 1 << 60]}, r"orders\[1\] has a time beyond the limit"),
    ],
)
def test_faults_are_named(change: dict[str, list[int]], sentence: str) -> None:
    """A caller learns which entry is wrong, and the kernel never reads outside its arrays."""
    places = plane([(0, 0), (10, 0), (20, 0)])
    travel = MetricTravel("test", 1.0, 1, np.array([1000], dtype=np.int32))
    with pytest.raises(ValueError, match=sentence):
        batch.propose_bundles(places, table(2, **change), travel)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"max_orders": 7}, "max_orders is not within"),
        ({"neighbours": 65}, "neighbours is not within"),
        ({"ready_spread_ms": -1}, "ready_spread_ms is negative"),
        ({"open_orders": np.array([1, 0], dtype=np.int32)}, r"open\[1\] is not ascending"),
    ],
)
def test_rules_are_checked(rules: dict[str, int], sentence: str) -> None:
    """Parameters out of range are refused, not clipped."""
    places = plane([(0, 0), (10, 0), (20, 0)])
    travel = MetricTravel("test", 1.0, 1, np.array([1000], dtype=np.int32))
    with pytest.raises(ValueError, match=sentence):
        batch.propose_bundles(places, table(2), travel, **rules)  # type: ignore[arg-type]
