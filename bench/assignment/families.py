"""Seeded assignment problems by name: the families of the benchmark table, and random shapes between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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


def _city(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Points of a city of 10 km: half around eight centres, half anywhere; metres."""
    centres = rng.random((8, 2)) * 10_000
    near = centres[rng.integers(0, 8, n)] + rng.normal(0, 600, (n, 2))
    return np.where(rng.random((n, 1)) < 0.5, near, rng.random((n, 2)) * 10_000)


def distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, m) straight-line distances."""
    return np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])


def nearest(a: NDArray[np.float64], b: NDArray[np.float64], k: int) -> Any:
    """CSR of each row's k nearest columns; whole costs, micro-metres rounded."""
    far, which = cKDTree(b).query(a, k)
    which = np.sort(which, axis=1)
    far = np.hypot(*(np.repeat(a, k, axis=0) - b[which.ravel()]).T)
    ptr = np.arange(len(a) + 1, dtype=np.int64) * k
    cost = np.rint(far * 1000).astype(np.int64) + 1
    return scipy.sparse.csr_array((cost, which.ravel().astype(np.int64), ptr), shape=(len(a), len(b)))


def _dense(name: str, make: Callable[[np.random.Generator], NDArray[Any]], reach: float, **more: Any) -> Problem:
    return Problem(name, costs=make(np.random.default_rng(20)), reach=reach, **more)


def _warm(n: int, k: int | None, reach: float) -> Problem:
    rng = np.random.default_rng(21)
    rows, cols = _city(n, rng), _city(n, rng)
    kept = np.ones(n, bool)
    kept[rng.choice(n, n // 100, replace=False)] = False
    moved = rows.copy()
    moved[~kept] = _city(n, rng)[~kept]
    if k is None:
        old = Problem("", costs=distances(rows, cols))
        return Problem(f"warm geometric {n}", costs=distances(moved, cols), reach=reach, before=old, kept=kept)
    price = 400_000
    old = Problem("", sparse=nearest(rows, cols, k), price=price)
    return Problem(
        f"warm kNN {n} k={k}", sparse=nearest(moved, cols, k), price=price, reach=reach, before=old, kept=kept
    )


def table(largest: int = 5000) -> list[Callable[[], Problem]]:
    """The table's problems, each made when asked for."""
    made: list[Callable[[], Problem]] = []
    for n, reach in ((100, 0.7), (200, 0.7), (500, 0.7), (1000, 0.33), (2000, 0.17), (5000, 0.06)):
        if n <= largest:
            made.append(lambda n=n, r=reach: _dense(f"uniform {n}", lambda rng: uniform(n, rng), r))
    for n in (1000, 2000):
        made.append(lambda n=n: _dense(f"integers 0-100 {n}", lambda rng: ties(n, rng), 0.5))
    for n, reach in ((200, 0.7), (1000, 0.35), (2000, 0.2)):
        made.append(lambda n=n, r=reach: _dense(f"geometric {n}", lambda g: distances(_city(n, g), _city(n, g)), r))
    for n, reach in ((200, 0.35), (1000, 0.15), (2000, 0.08)):
        made.append(
            lambda n=n, r=reach: _dense(
                f"geometric + price {n}", lambda g: distances(_city(n, g), _city(n, g)), r, price=400.0
            )
        )
    for n, m, reach in ((200, 2000, 0.8), (1000, 10000, 0.6)):
        made.append(
            lambda n=n, m=m, r=reach: _dense(f"geometric {n}x{m}", lambda g: distances(_city(n, g), _city(m, g)), r)
        )
    for n in (500, 1000):
        made.append(lambda n=n: _dense(f"Machol-Wien {n}", lambda _: machol_wien(n), 1.0))
    for n, k, reach in ((1000, 20, 0.15), (10_000, 20, 0.1), (50_000, 10, 0.1)):
        made.append(lambda n=n, k=k, r=reach: _knn(n, k, r))
    for n, reach in ((1000, 0.04), (2000, 0.05)):
        made.append(lambda n=n, r=reach: _warm(n, None, r))
    for n, k in ((10_000, 20), (50_000, 10)):
        made.append(lambda n=n, k=k: _warm(n, k, 0.1))
    return made


def _knn(n: int, k: int, reach: float) -> Problem:
    rng = np.random.default_rng(22)
    return Problem(
        f"kNN + price {n} k={k}", sparse=nearest(_city(n, rng), _city(n, rng), k), price=400_000, reach=reach
    )


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
            costs = distances(_city(n, rng), _city(m, rng))
        else:
            costs = np.outer(rng.random(n), rng.random(m)) * 1000
        problems.append(
            Problem(f"sweep {at}: {('uniform', 'integers', 'geometric', 'product')[kind]} {n}x{m}", costs=costs)
        )
    return problems
