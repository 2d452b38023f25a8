"""Set packing over (courier, bundle) columns: the joint decision as arrays, and the seam its solvers share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from matcher.domain import CancelToken
from matcher.kernels import batch

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Integers = npt.NDArray[np.integer] | Sequence[int]

UNKNOWN_PRICE = batch.UNKNOWN_PRICE
"""Stands for "no price known" in WarmStart.order_price."""


class PackingStatus(StrEnum):
    """How far a solve went."""

    OPTIMAL = "optimal"
    """lower_bound == total."""
    STOPPED = "stopped"
    """The work is used up; packing and bounds hold."""
    OVERFLOW = "overflow"
    """Costs too large for exact sums; nothing is chosen."""
    UNSOLVED = "unsolved"
    """The back end gave no packing within its limits; nothing is chosen."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Further limits on a packing: for every cap, the uses of the columns chosen add up to at most what is left."""

    use: npt.NDArray[np.int16]
    """(columns, caps), not negative."""
    left: I64
    """(caps,), not negative."""

    def kept_by(self, chosen: I32) -> bool:
        """Whether these columns together keep every cap."""
        return bool((self.use[chosen].sum(axis=0, dtype=np.int64) <= self.left).all())


@dataclass(frozen=True, slots=True)
class PackingProblem:
    """Choose columns, each courier and order in at most one, at the least cost; an order left out costs its wait.

    Column k is courier[k] serving the orders order[ptr[k]:ptr[k+1]] (distinct, at least one) at cost[k], which may be
    negative. Costs and waits are micros; waits are not negative.
    """

    n_orders: int
    n_couriers: int
    courier: I32
    """(columns,)"""
    ptr: I32
    """(columns + 1,)"""
    order: I32
    cost: I64
    """(columns,)"""
    wait: I64
    """(n_orders,)"""
    caps: Caps | None = None
    """None: no further limits. Prices and bounds of a solution hold without them, and so with them."""

    @classmethod
    def from_lists(
        cls,
        *,
        n_orders: int,
        n_couriers: int,
        courier: Integers,
        ptr: Integers,
        order: Integers,
        cost: Integers,
        wait: Integers,
    ) -> PackingProblem:
        """The same from any integers, brought to the dtypes that the solvers take."""
        return cls(
            n_orders=n_orders,
            n_couriers=n_couriers,
            courier=np.ascontiguousarray(courier, dtype=np.int32),
            ptr=np.ascontiguousarray(ptr, dtype=np.int32),
            order=np.ascontiguousarray(order, dtype=np.int32),
            cost=np.ascontiguousarray(cost, dtype=np.int64),
            wait=np.ascontiguousarray(wait, dtype=np.int64),
        )

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.courier)

    def members(self, column: int) -> I32:
        """Orders of a column."""
        return self.order[self.ptr[column] : self.ptr[column + 1]]

    @property
    def column_of_member(self) -> I32:
        """(len(order),) the column of each entry of `order`."""
        return np.repeat(np.arange(self.columns, dtype=np.int32), np.diff(self.ptr))

    def total(self, chosen: I32) -> int:
        """Cost of choosing these columns: theirs, and the wait of the orders in none. Exact."""
        served = np.zeros(self.n_orders, dtype=bool)
        for column in chosen:
            served[self.members(int(column))] = True
        costs: list[int] = self.cost[chosen].tolist()
        waits: list[int] = self.wait[~served].tolist()
        return sum(costs) + sum(waits)


@dataclass(frozen=True, slots=True)
class WarmStart:
    """What an earlier solve knows; each part may be absent, and any values are safe."""

    order_price: I64 | None = None
    courier_price: I64 | None = None


@dataclass(frozen=True, slots=True)
class PackingSolution:
    """A packing, what it costs, and what proves how good it is."""

    status: PackingStatus
    chosen: I32
    """Column indices, ascending."""
    total: int
    lower_bound: int
    """No packing costs less. Proven by the solver; at least price_bound."""
    price_bound: int | None
    """sum(order_price) - sum(courier_price), provable in one pass; None without prices."""
    order_price: I64 | None
    """(n_orders,) at most wait. For every column, cost - prices of its orders + price of its courier >= 0."""
    courier_price: I64 | None
    """(n_couriers,) not negative."""
    iterations: int
    """Work done, in the solver's own unit."""

    @property
    def gap(self) -> float:
        """(total - lower_bound) ÷ |total|; 0 when both are 0."""
        return (self.total - self.lower_bound) / max(abs(self.total), 1)


class PackingSolver(Protocol):
    """One way to solve a packing."""

    @property
    def name(self) -> str:
        """Names the solver in logs and reports."""
        ...

    def solve(
        self,
        problem: PackingProblem,
        *,
        max_iterations: int | None = None,
        warm_start: WarmStart | None = None,
        cancel: CancelToken | None = None,
    ) -> PackingSolution:
        """The best packing found within max_iterations (None: the solver's default). Equal input, equal answer.

        Raises ValueError for arrays that contradict each other, Cancelled soon after `cancel` is raised.
        """
        ...


@dataclass(frozen=True, slots=True)
class NativePackingSolver:
    """The C++ kernel. One iteration is a thousand visits to a column's member."""

    name: str = "native"

    def solve(
        self,
        problem: PackingProblem,
        *,
        max_iterations: int | None = None,
        warm_start: WarmStart | None = None,
        cancel: CancelToken | None = None,
    ) -> PackingSolution:
        """See PackingSolver.solve."""
        result = batch.solve_packing(
            problem.n_orders,
            problem.n_couriers,
            problem.courier,
            problem.ptr,
            problem.order,
            problem.cost,
            problem.wait,
            max_iterations=batch.DEFAULT_PACKING_ITERATIONS if max_iterations is None else max_iterations,
            order_price=None if warm_start is None else warm_start.order_price,
            courier_price=None if warm_start is None else warm_start.courier_price,
            cancel=cancel,
        )
        overflow = result.status is batch.PackingStatus.OVERFLOW
        return PackingSolution(
            status=PackingStatus[result.status.name],
            chosen=result.chosen,
            total=result.total,
            lower_bound=result.lower_bound,
            price_bound=None if overflow else result.price_bound,
            order_price=None if overflow else result.order_price,
            courier_price=None if overflow else result.courier_price,
            iterations=result.iterations,
        )
