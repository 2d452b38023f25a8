"""What assignment calls take, as arrays the kernels read: one number type, checked, without a copy where possible."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.kernels import MUST_MATCH

_MOST_PLACES = int(np.iinfo(np.int32).max)
_FARTHEST_DUAL = 2.0**20
_KERNEL_TYPES = (np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.int64), np.dtype(np.int32))


def is_sparse(costs: Any) -> bool:
    # A sparse matrix can only exist if scipy.sparse is loaded already; importing it here would cost 0.2 s.
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(costs))


def minimum_rows(
    rows: Any, prices: NDArray[Any] | None, maximize: bool
) -> tuple[tuple[NDArray[Any], NDArray[Any]], NDArray[Any], NDArray[Any] | None]:
    """Row pointers and columns of one type, and costs and prices of one type, of CSR rows; `prices` are a minimum's."""
    values, prices = one_type(kernel_numbers(rows.data, "costs", small=False), prices)
    if maximize:
        values = negated(values)
    index = rows.indices.dtype if rows.indices.dtype in (np.int32, np.int64) else np.dtype(np.int64)
    ptr, col = (np.ascontiguousarray(array, index) for array in (rows.indptr, rows.indices))
    return (ptr, col), np.ascontiguousarray(values), prices


def out_of_proportion(duals: NDArray[Any], values: NDArray[Any], prices: NDArray[Any] | None) -> bool:
    """Whether duals are a million times the largest cost or price: no optimum's, and sums would lose the costs."""
    allowed = _largest(duals) / _FARTHEST_DUAL
    if allowed <= _largest(values[:1] if values.ndim == 2 else values[:64]):
        return False  # the usual case, told by a glance
    return allowed > max(_largest(values), 0.0 if prices is None else _largest(prices))


def _largest(values: NDArray[Any]) -> float:
    """The largest finite magnitude; prices that forbid count as nothing."""
    if values.dtype.kind == "f":
        return float(np.max(np.abs(values), initial=0.0, where=np.isfinite(values)))
    if values.size == 0:
        return 0.0
    high = int(values.max())
    if high == MUST_MATCH:
        high = int(np.max(values, initial=0, where=values != MUST_MATCH))
    return float(max(high, -int(values.min())))


def plain_array(values: Any, name: str) -> NDArray[Any]:
    """As an array, without a copy where it is one. A mask says something that an array of costs does not: refused."""
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array; say what masked cells cost, e.g. {name}.filled(np.inf) forbids them"
        )
    return np.asarray(values)


def sides(costs: Any) -> tuple[int, int]:
    """Rows and columns of an array or sparse matrix."""
    if costs.ndim != 2:
        raise ValueError(f"costs must be a matrix of rows and columns, got {costs.ndim} dimension(s)")
    n, m = costs.shape
    if max(n, m) > _MOST_PLACES - 1:
        raise ValueError(f"costs has {n} rows and {m} columns; at most {_MOST_PLACES - 1} of each can be numbered")
    return n, m


def bad_cell_sentence(name: str, value: Any) -> str:
    """Why a value is refused."""
    return f"{name} is {'NaN' if np.isnan(value) else f'{value}, which no matching can use'}"


def refuse_repeated(keys: NDArray[np.int64], m: int) -> None:
    keys = np.sort(keys)
    repeated = keys[1:][keys[1:] == keys[:-1]]
    raise ValueError(f"costs[{repeated[0] // m}, {repeated[0] % m}] is stored more than once")


def kernel_numbers(values: NDArray[Any], name: str, small: bool) -> NDArray[Any]:
    """The same values as int64 or float64 (small: or int32 or float32), without a copy where they are already."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if not values.flags.aligned or any(stride % size for stride in values.strides):
        values = values.copy()  # a field of records, or bytes from a buffer: not readable as an array of numbers
    if values.dtype in _KERNEL_TYPES and (small or size == 8):
        return values
    if kind in "ib" or (kind == "u" and size < 8):
        return values.astype(np.int64)
    if kind == "u":
        if values.size and int(values.max()) > np.iinfo(np.int64).max:
            raise OverflowError(f"{name} holds an integer beyond int64")
        return values.astype(np.int64)
    if kind == "f" and size <= 8:
        return values.astype(np.float64)
    raise TypeError(f"{name} must hold integers or floats of at most 64 bits, got {values.dtype}")


def row_prices(unassigned_cost: Any, n: int, maximize: bool) -> NDArray[Any] | None:
    """(n,) prices of a minimum, or None."""
    if unassigned_cost is None:
        return None
    # The usual cases, without the general one's many small steps.
    if type(unassigned_cost) is float and -math.inf < unassigned_cost and not maximize:
        return np.full(n, unassigned_cost)
    if type(unassigned_cost) is int and abs(unassigned_cost) < MUST_MATCH and not maximize:
        return np.full(n, unassigned_cost, np.int64)
    prices = kernel_numbers(np.asarray(unassigned_cost), "unassigned_cost", small=False)
    if prices.ndim > 1 or (prices.ndim == 1 and prices.shape != (n,)):
        raise ValueError(f"unassigned_cost must be one number or {n} (one a row), got shape {prices.shape}")
    prices = np.broadcast_to(prices, (n,))
    if prices.dtype == np.float64:
        bad = np.isnan(prices) if maximize else np.isnan(prices) | np.isneginf(prices)
        if bad.any():
            at = int(np.argmax(bad))
            raise ValueError(
                bad_cell_sentence(
                    f"unassigned_cost[{at}]" if np.ndim(unassigned_cost) else "unassigned_cost", prices[at]
                )
            )
    return np.ascontiguousarray(negated(prices) if maximize else prices)


def one_type(values: NDArray[Any], prices: NDArray[Any] | None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Both int64 or both float64. Whole float prices (and +inf) keep integer costs exact."""
    if prices is None or values.dtype.kind == prices.dtype.kind:
        return values, prices
    if values.dtype.kind == "f":
        return values, prices.astype(np.float64)
    must = np.isposinf(prices)
    whole = np.where(must, 0.0, prices)
    if np.all(whole == np.rint(whole)) and np.all(np.abs(whole) < 2.0**62):
        exact = whole.astype(np.int64)
        exact[must] = MUST_MATCH
        return values, exact
    return values.astype(np.float64), prices


def negated(values: NDArray[Any]) -> NDArray[Any]:
    """A maximum as a minimum: every sign turned, forbidden pairs still forbidden."""
    if values.dtype.kind == "i":
        if values.size and values.min() == np.iinfo(values.dtype).min:
            if values.dtype == np.int64:
                raise OverflowError(overflow_sentence(values))
            values = values.astype(np.int64)
        return -values
    return np.where(np.isposinf(values), values, -values)


def column_places(capacities: Any, m: int) -> NDArray[np.int32] | None:
    """(m,) rows that each column may serve, or None: one each."""
    if capacities is None:
        return None
    given = np.asarray(capacities)
    if given.dtype.kind not in "iu" and given.size > 0:  # an empty list has no type of its own
        raise TypeError(f"capacities must be integers, got {given.dtype}")
    if given.ndim > 1 or (given.ndim == 1 and given.shape != (m,)):
        raise ValueError(f"capacities must be one integer or {m} (one a column), got shape {given.shape}")
    given = np.broadcast_to(given, (m,))
    wrong = (given < 0) | (given > _MOST_PLACES)
    if wrong.any():
        at = int(np.argmax(wrong))
        name = f"capacities[{at}]" if np.ndim(capacities) else "capacities"
        raise ValueError(f"{name} must be between 0 and {_MOST_PLACES}, got {given[at]}")
    return np.ascontiguousarray(given, np.int32)


def overflow_sentence(duals: NDArray[Any]) -> str:
    """Why nothing was solved, for sums of the type of `duals`."""
    return f"sums of these costs could leave {duals.dtype}"
