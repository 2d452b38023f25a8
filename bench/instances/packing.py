"""Seeded set packing instances by name: random ones as in the literature, and ones shaped like a market's cycle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matcher.solve.packing import PackingProblem


def random_packing(seed: int, *, rows: int = 500, columns: int = 2000, largest: int = 8) -> PackingProblem:
    """Rows are half orders, half couriers; a column has a courier, 1 to `largest` - 1 orders, and a gain to match.

    The hard kind: no geometry ties the columns together, and the linear relaxation is fractional.
    """
    rng = np.random.default_rng([seed, 1])
    n_couriers = rows // 2
    n_orders = rows - n_couriers
    size = rng.integers(1, largest, columns)
    order = np.concatenate([rng.choice(n_orders, s, replace=False) for s in size])
    wait = np.full(n_orders, 20_000_000, dtype=np.int64)
    gain = (size + 1) * 1_000_000 + rng.integers(0, 2_000_000, columns) * np.sqrt(size + 1)
    return PackingProblem.from_lists(
        n_orders=n_orders,
        n_couriers=n_couriers,
        courier=rng.integers(0, n_couriers, columns),
        ptr=np.concatenate([[0], np.cumsum(size)]),
        order=order,
        cost=size * 20_000_000 - gain.astype(np.int64),
        wait=wait,
    )


def generic_packing(seed: int, *, rows: int = 500, columns: int = 2000, density: float = 0.006) -> PackingProblem:
    """Rows are in columns with one probability, as in Delorme, Gandibleux and Rodriguez (2004); gains are 1 to 20.

    Each column has a courier of its own, so all the conflicts are between orders.
    """
    rng = np.random.default_rng([seed, 2])
    size = np.maximum(1, rng.binomial(rows, density, columns))
    order = np.concatenate([rng.choice(rows, s, replace=False) for s in size])
    gain = rng.integers(1, 21, columns) * 1_000_000
    return PackingProblem.from_lists(
        n_orders=rows,
        n_couriers=columns,
        courier=np.arange(columns),
        ptr=np.concatenate([[0], np.cumsum(size)]),
        order=order,
        cost=size * 20_000_000 - gain,
        wait=np.full(rows, 20_000_000),
    )


def items_packing(seed: int, *, items: int = 500, columns: int = 2000) -> PackingProblem:
    """Weighted sets of two to five items; each column has a courier of its own, so all the conflicts are between items.

    Gains grow with size and vary by half of it either way, so that no column is clearly better than its neighbours.
    """
    rng = np.random.default_rng([seed, 7])
    size = rng.integers(2, 6, columns)
    order = np.concatenate([rng.choice(items, s, replace=False) for s in size])
    gain = (size * rng.uniform(0.5, 1.5, columns) * 1_000_000).astype(np.int64)
    return PackingProblem.from_lists(
        n_orders=items,
        n_couriers=columns,
        courier=np.arange(columns),
        ptr=np.concatenate([[0], np.cumsum(size)]),
        order=order,
        cost=size * 20_000_000 - gain,
        wait=np.full(items, 20_000_000),
    )


def market_cycle(
    seed: int, *, orders: int = 200, couriers: int = 120, stores: int = 25, nearest: int = 24, largest: int = 3
) -> PackingProblem:
    """A cycle of a market in a plane of 10 by 10 km: orders of some stores, couriers about, bundles of neighbours.

    A column's cost is travel and lateness of a real stop sequence; waiting costs 20 units and what the order waited.
    """
    rng = np.random.default_rng([seed, 3])
    store_at = rng.uniform(0, 10_000, (stores, 2))
    popularity = rng.dirichlet(np.full(stores, 0.7))
    store = rng.choice(stores, orders, p=popularity)
    door = np.clip(store_at[store] + rng.normal(0, 1_800, (orders, 2)), 0, 10_000)
    ready = rng.integers(-300, 900, orders).astype(np.float64)
    placed = ready - rng.integers(300, 900, orders)
    courier_at = rng.uniform(0, 10_000, (couriers, 2))
    free = np.maximum(0, rng.integers(-300, 600, couriers)).astype(np.float64)
    speed = 7.0

    bundles: set[tuple[int, ...]] = {(o,) for o in range(orders)}
    for o in range(orders):
        mates = [p for p in range(orders) if p != o and store[p] == store[o] and abs(ready[p] - ready[o]) <= 600]
        mates.sort(key=lambda p: float(np.hypot(*(door[p] - door[o])) + abs(ready[p] - ready[o])))
        for i, p in enumerate(mates[:6] if largest >= 2 else []):
            bundles.add(tuple(sorted((o, p))))
            if largest >= 3:
                bundles.update(tuple(sorted((o, p, q))) for q in mates[i + 1 : 6])

    columns: list[tuple[int, tuple[int, ...], int]] = []
    for bundle in sorted(bundles):
        at = store_at[store[bundle[0]]]
        reach = free + np.hypot(*(courier_at - at).T) / speed
        pickup = np.maximum(reach, max(ready[o] for o in bundle)) + 120
        for c in np.argsort(reach, kind="stable")[:nearest]:
            time, place, cost, left = float(pickup[c]), at, 0.0, list(bundle)
            while left:
                nxt = min(left, key=lambda o: (float(np.hypot(*(door[o] - place))), o))
                left.remove(nxt)
                time += float(np.hypot(*(door[nxt] - place))) / speed + 90
                place = door[nxt]
                cost += 0.001 * (time - placed[nxt]) + 0.002 * max(0.0, time - placed[nxt] - 2400)
            cost += 0.0015 * (time - free[c])
            columns.append((int(c), bundle, int(np.ceil(cost * 1_000_000))))
    return PackingProblem.from_lists(
        n_orders=orders,
        n_couriers=couriers,
        courier=[c for c, _, _ in columns],
        ptr=np.concatenate([[0], np.cumsum([len(b) for _, b, _ in columns])]),
        order=[o for _, b, _ in columns for o in b],
        cost=[cost for _, _, cost in columns],
        wait=(20_000_000 + np.maximum(0, -placed) * 3_000).astype(np.int64),
    )


def neighbours_packing(orders: int = 4_000, couriers: int = 4_000, columns: int = 100_000) -> PackingProblem:
    """Columns of one to three neighbouring orders, as a large market's cycle has them."""
    rng = np.random.default_rng(5)
    size = rng.integers(1, 4, columns)
    ptr = np.concatenate([[0], np.cumsum(size)])
    first = np.repeat(rng.integers(0, orders, columns), size)
    order = (first + np.arange(ptr[-1]) - np.repeat(ptr[:-1], size)) % orders
    return PackingProblem.from_lists(
        n_orders=orders,
        n_couriers=couriers,
        courier=rng.integers(0, couriers, columns),
        ptr=ptr,
        order=order,
        cost=size * 20_000_000 - rng.integers(1, 10_000_000, columns) * (size + 1),
        wait=np.full(orders, 20_000_000),
    )


INSTANCES: dict[str, Callable[[int], PackingProblem]] = {
    "random": random_packing,
    "generic": generic_packing,
    "dense-generic": lambda seed: generic_packing(seed, density=0.02),
    "items": items_packing,
    "cycle": market_cycle,
    "rush": lambda seed: market_cycle(seed, orders=300, couriers=60),
    "singles": lambda seed: market_cycle(seed, orders=300, couriers=200, largest=1),
}
"""Families by name; each takes a seed."""
