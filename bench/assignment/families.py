"""Seeded assignment problems by name: the families of the benchmark table, and random shapes between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.spatial import cKDTree


@dataclass(frozen=True)
class Problem:
    """One problem: dense `costs`, or compressed rows in `sparse`; the price of leaving a row out, if any."""

    name: str
    costs: NDArray[Any] | None = None
    sparse: Any = None
    price: float | None = None
    reach: float | None = None
    """Ratio to the best peer that we want to stay below."""
    before: Problem | None = field(default=None, repr=False)
    """For warm starts: the problem solved last; row i of it is row i here where `kept`."""
    kept: NDArray[np.bool_] | None = field(default=None, repr=False)


def uniform(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Independent uniform costs."""
    return rng.random((n, n))


def ties(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole costs from 0 to 100."""
    return rng.integers(0, 101, (n, n))


def machol_wien(n: int) -> NDArray[np.float64]:
    """c[i, j] = i j: the classic hard case (Machol and Wien 1976)."""
    side = np.arange(1, n + 1, dtype=np.float64)
    return np.outer(side, side)


def city(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Points of a city of 10 km: half around eight centres, half anywhere; metres."""
    centres = rng.random((8, 2)) * 10_000
    near = centres[rng.integers(0, 8, n)] + rng.normal(0, 600, (n, 2))
    return np.where(rng.random((n, 1)) < 0.5, near, rng.random((n, 2)) * 10_000)


def distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, m) straight-line distances."""
    return np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])


def geometric(n: int, m: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Straight-line metres between two sets of points of a city."""
    return distances(city(n, rng), city(m, rng))


def nearest(a: NDArray[np.float64], b: NDArray[np.float64], k: int) -> Any:
    """CSR of each row's k nearest columns; whole millimetres, one more so that none is free."""
    far, which = cKDTree(b).query(a, k)
    which = np.sort(which, axis=1)
    far = np.hypot(*(np.repeat(a, k, axis=0) - b[which.ravel()]).T)
    ptr = np.arange(len(a) + 1, dtype=np.int64) * k
    cost = np.rint(far * 1000).astype(np.int64) + 1
    return scipy.sparse.csr_array((cost, which.ravel().astype(np.int64), ptr), shape=(len(a), len(b)))


def _rng(family: int, seed: int | None) -> np.random.Generator:
    """Without a seed the numbers of the published table; with one, others."""
    return np.random.default_rng(family if seed is None else [family, seed])


def _warm(name: str, n: int, k: int | None, reach: float, rng: np.random.Generator) -> Problem:
    rows, cols = city(n, rng), city(n, rng)
    kept = np.ones(n, bool)
    kept[rng.choice(n, n // 100, replace=False)] = False
    moved = rows.copy()
    moved[~kept] = city(n, rng)[~kept]
    if k is None:
        old = Problem("", costs=distances(rows, cols))
        return Problem(name, costs=distances(moved, cols), reach=reach, before=old, kept=kept)
    price = 400_000
    old = Problem("", sparse=nearest(rows, cols, k), price=price)
    return Problem(name, sparse=nearest(moved, cols, k), price=price, reach=reach, before=old, kept=kept)


def table(seed: int | None = None) -> dict[str, Callable[[], Problem]]:
    """The table's problems by name, each made when asked for; a seed gives other instances of the same families."""
    made: dict[str, Callable[[], Problem]] = {}

    def dense(
        name: str, make: Callable[[np.random.Generator], NDArray[Any]], reach: float, price: float | None = None
    ) -> None:
        made[name] = lambda: Problem(name, costs=make(_rng(20, seed)), reach=reach, price=price)

    def knn(name: str, n: int, k: int, reach: float) -> None:
        def make() -> Problem:
            rng = _rng(22, seed)
            return Problem(name, sparse=nearest(city(n, rng), city(n, rng), k), price=400_000, reach=reach)

        made[name] = make

    def warm(name: str, n: int, k: int | None, reach: float) -> None:
        made[name] = lambda: _warm(name, n, k, reach, _rng(21, seed))

    for n, reach in ((100, 0.7), (200, 0.7), (500, 0.7), (1000, 0.33), (2000, 0.17), (5000, 0.06)):
        dense(f"uniform {n}", partial(uniform, n), reach)
    for n in (1000, 2000):
        dense(f"integers 0-100 {n}", partial(ties, n), 0.5)
    for n, reach in ((200, 0.7), (1000, 0.35), (2000, 0.2)):
        dense(f"geometric {n}", partial(geometric, n, n), reach)
    for n, reach in ((200, 0.35), (1000, 0.15), (2000, 0.08)):
        dense(f"geometric + price {n}", partial(geometric, n, n), reach, price=400.0)
    for n, m, reach in ((200, 2000, 0.8), (1000, 10000, 0.6)):
        dense(f"geometric {n}x{m}", partial(geometric, n, m), reach)
    for n in (500, 1000):
        dense(f"Machol-Wien {n}", lambda _, n=n: machol_wien(n), 1.0)  # type: ignore[misc]
    for n, k, reach in ((1000, 20, 0.15), (10_000, 20, 0.1), (50_000, 10, 0.1)):
        knn(f"kNN + price {n} k={k}", n, k, reach)
    for n, reach in ((1000, 0.04), (2000, 0.05)):
        warm(f"warm geometric {n}", n, None, reach)
    for n, k in ((10_000, 20), (50_000, 10)):
        warm(f"warm kNN {n} k={k}", n, k, 0.1)
    return made


def sparse_sweep(count: int, seed: int) -> list[Problem]:
    """Random nearest-neighbour problems: rows, columns, arcs a row, and a price from below most arcs to above all."""
    rng = np.random.default_rng([seed, 1])
    problems = []
    for at in range(count):
        n = round(10 ** float(rng.uniform(2.3, 4)))
        m = round(n * float(rng.choice([1, 1, rng.uniform(0.5, 2.5)])))
        k = round(10 ** float(rng.uniform(0.6, 1.7)))
        near = nearest(city(n, rng), city(m, rng), k)
        price = int(np.quantile(near.data, 0.5) * 10 ** rng.uniform(-0.3, 1))
        name = f"sweep {at}: kNN {n}x{m} k={k} price {price / 1000:.0f} m"
        problems.append(Problem(name, sparse=near, price=price))
    return problems


def sweep(count: int, seed: int) -> list[Problem]:
    """Random shapes and kinds between the table's families."""
    rng = np.random.default_rng(seed)
    problems = []
    for at in range(count):
        n, m = (round(10 ** float(rng.uniform(1.3, 2.9))) for _ in range(2))
        kind = int(rng.integers(4))
        if kind == 0:
            costs: NDArray[Any] = rng.random((n, m))
        elif kind == 1:
            costs = rng.integers(0, int(10 ** rng.uniform(0.3, 6)), (n, m))
        elif kind == 2:
            costs = distances(city(n, rng), city(m, rng))
        else:
            costs = np.outer(rng.random(n), rng.random(m)) * 1000
        problems.append(
            Problem(f"sweep {at}: {('uniform', 'integers', 'geometric', 'product')[kind]} {n}x{m}", costs=costs)
        )
    return problems
