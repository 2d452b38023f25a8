"""LEMON's network simplex (pylmcf's Graph): cold from a sparse problem, and restarted where a problem follows another.

Whole costs only. Sparse problems have them; dense ones are given in micrometres.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import scipy.sparse
from bench.assignment.families import Problem
from numpy.typing import NDArray

MICRO = 1e6


class SparseNetwork:
    """Every row may send one unit to a sink: through a column by one of its pairs, or directly for its price."""

    def __init__(self, ptr: NDArray[Any], col: NDArray[Any], n_cols: int) -> None:
        """Pairs as compressed rows, columns ascending."""
        n = len(ptr) - 1
        sink = n + n_cols
        row = np.repeat(np.arange(n), np.diff(ptr))
        # Arcs must be sorted by their ends, so a row's price comes after its pairs.
        tail = np.concatenate([np.insert(row, ptr[1:], np.arange(n)), np.arange(n, sink)])
        head = np.concatenate([np.insert(col + n, ptr[1:], sink), np.full(n_cols, sink)])
        self.at = np.arange(len(col)) + row
        self._to_sink = np.arange(len(tail) - n_cols, len(tail))
        self._graph = import_module("pylmcf").Graph(sink + 1, tail.astype(np.int32), head.astype(np.int32))
        supply = np.zeros(sink + 1, np.int64)
        supply[:n] = 1
        supply[sink] = -n
        self._graph.set_node_supply(supply)
        self._graph.set_edge_capacities(np.ones(len(tail), np.int64))

    def solve(self, at: NDArray[Any], costs: NDArray[np.int64], price: int) -> float:
        """The least total; arc at[k] costs costs[k], and a pair not among them as much as leaving its row out."""
        everything = np.full(self._to_sink[-1] + 1, price, np.int64)
        everything[self._to_sink] = 0
        everything[at] = costs
        self._graph.set_edge_costs(everything)
        self._graph.solve()
        return float(self._graph.total_cost())


class DenseNetwork:
    """Every row sends one unit to a column of its own."""

    def __init__(self, n: int) -> None:
        """All pairs of n rows and n columns."""
        row, col = np.repeat(np.arange(n, dtype=np.int32), n), np.tile(np.arange(n, 2 * n, dtype=np.int32), n)
        self._graph = import_module("pylmcf").Graph(2 * n, row, col)
        self._graph.set_node_supply(np.repeat(np.array([1, -1]), n))
        self._graph.set_edge_capacities(np.ones(n * n, np.int64))

    def solve(self, costs: NDArray[np.int64]) -> float:
        """The least total of an (n, n) matrix."""
        self._graph.set_edge_costs(costs.ravel())
        self._graph.solve()
        return float(self._graph.total_cost())


def cold() -> Callable[[Problem], float]:
    """A solver of sparse problems with a price."""
    import_module("pylmcf")

    def run(problem: Problem) -> float:
        rows, price = problem.sparse, problem.price
        assert price is not None
        network = SparseNetwork(rows.indptr, rows.indices, rows.shape[1])
        return network.solve(network.at, rows.data, int(price))

    return run


class WarmSparse:
    """A network that knows the pairs of both problems beforehand, which is more than a caller would: arcs are fixed."""

    def __init__(self, problem: Problem) -> None:
        """The problem and the one `before` it, which have one price."""
        assert problem.before is not None
        assert problem.price is not None
        self._old, self._new, self._price = problem.before.sparse, problem.sparse, int(problem.price)
        both = scipy.sparse.csr_array(self._old + self._new)
        both.sort_indices()
        self._both = both

    def prepare(self) -> None:
        """Solve the problem before."""
        both = self._both
        self._network = SparseNetwork(both.indptr, both.indices, both.shape[1])
        known = _keys(both)
        at_old, self._at = (self._network.at[np.searchsorted(known, _keys(rows))] for rows in (self._old, self._new))
        self._network.solve(at_old, self._old.data, self._price)

    def solve(self) -> float:
        """Set the new costs, and go on."""
        return self._network.solve(self._at, self._new.data, self._price)


class WarmDense:
    """A network whose costs are kept as whole numbers; only the rows that changed are rounded again."""

    def __init__(self, problem: Problem) -> None:
        """The problem and the one `before` it, which has as many rows and columns."""
        assert problem.before is not None
        assert problem.costs is not None
        assert problem.kept is not None
        assert problem.before.costs is not None
        self._old, self._new, self._changed = problem.before.costs, problem.costs, ~problem.kept

    def prepare(self) -> None:
        """Solve the problem before."""
        self._network = DenseNetwork(len(self._new))
        self._whole = np.rint(self._old * MICRO).astype(np.int64)
        self._network.solve(self._whole)

    def solve(self) -> float:
        """Set the new costs, and go on."""
        self._whole[self._changed] = np.rint(self._new[self._changed] * MICRO).astype(np.int64)
        return self._network.solve(self._whole) / MICRO


def restarted(problem: Problem) -> WarmSparse | WarmDense:
    """For a problem that follows another: `prepare` solves that one, `solve` restarts from its basis."""
    return WarmDense(problem) if problem.sparse is None else WarmSparse(problem)


def _keys(rows: Any) -> NDArray[np.int64]:
    """One ascending number a pair."""
    row = np.repeat(np.arange(rows.shape[0], dtype=np.int64), np.diff(rows.indptr))
    return np.asarray(row * rows.shape[1] + rows.indices)
