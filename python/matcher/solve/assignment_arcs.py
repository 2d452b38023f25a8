"""Any assignment problem as a minimum over compressed rows, for methods that change it and solve it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.kernels import MUST_MATCH, AssignmentResult, SolveStatus, sparse_arcs_assignment
from matcher.solve.assignment_input import (
    bad_cell_sentence,
    column_places,
    is_sparse,
    kernel_numbers,
    negated,
    one_type,
    plain_array,
    refuse_repeated,
    row_prices,
    sides,
)


@dataclass(frozen=True, slots=True, eq=False)
class MinimumArcs:
    """Any problem `solve_assignment` takes, as a minimum over compressed rows with a price for each row."""

    ptr: NDArray[np.int64]
    col: NDArray[np.int32]
    cost: NDArray[Any]
    n_cols: int
    unassigned: NDArray[Any]
    transposed: bool
    """Rows are the columns of the original: more rows than columns, and no price."""
    capacities: NDArray[np.int32] | None
    """(n_cols,) rows that each column may serve; None: one each."""
    spare: bool
    """The last column is none of the original's: with fewer places than rows and no price, the rows nobody serves."""

    def solve(self, start: AssignmentResult[Any] | None = None) -> AssignmentResult[Any]:
        """The optimum, from an earlier result of a problem of the same shape."""
        answer = sparse_arcs_assignment(
            self.ptr,
            self.col,
            self.cost,
            self.n_cols,
            self.unassigned,
            start_duals=None if start is None else start.col_duals,
            start_matching=None if start is None else start.col_for_row,
            capacities=self.capacities,
        )
        if answer.status is SolveStatus.OVERFLOW and start is not None:
            return self.solve()  # it was the start, perhaps, and not the costs
        return answer

    def original(self, col_for_row: NDArray[np.int32]) -> NDArray[np.int32]:
        """(rows of the original,) its column of each row, -1: left out."""
        if self.transposed:
            matching = np.full(self.n_cols, -1, np.int32)
            matching[col_for_row] = np.arange(len(col_for_row))
            return matching
        if self.spare:
            return np.where(col_for_row == self.n_cols - 1, np.int32(-1), col_for_row)
        return col_for_row


def minimum_arcs(costs: Any, unassigned_cost: Any, maximize: bool, capacities: Any = None) -> MinimumArcs:
    """The arcs of allowed pairs, int64 or float64, for methods that change them."""
    if is_sparse(costs):
        sides(costs)
        coo = costs.tocoo()
        shape, row, col, values = coo.shape, coo.row.astype(np.int64), coo.col.astype(np.int64), np.asarray(coo.data)
    else:
        matrix = plain_array(costs, "costs")
        shape = sides(matrix)
        row, col = np.divmod(np.arange(matrix.size, dtype=np.int64), max(shape[1], 1))
        values = matrix.ravel()
    n, m = shape
    values, prices = one_type(kernel_numbers(values, "costs", small=False), row_prices(unassigned_cost, n, maximize))
    bad = np.isnan(values) if maximize else np.isnan(values) | np.isneginf(values)
    if bad.any():
        at = int(np.argmax(bad))
        raise ValueError(bad_cell_sentence(f"costs[{row[at]}, {col[at]}]", values[at]))
    allowed = ~np.isinf(values)
    row, col, values = row[allowed], col[allowed], values[allowed]
    if maximize:
        values = negated(values)
    places = column_places(capacities, m)
    transposed = prices is None and n > m and places is None
    if transposed:
        row, col, n, m = col, row, m, n
    unserved = 0 if places is None else n - int(places.sum(dtype=np.int64))
    spare = prices is None and unserved > 0
    if spare:
        assert places is not None
        row, col = np.append(row, np.arange(n)), np.append(col, np.full(n, m))
        values = np.append(values, np.zeros(n, values.dtype))
        places, m = np.append(places, np.int32(unserved)), m + 1
    if prices is None:
        must = MUST_MATCH if values.dtype == np.int64 else np.inf
        prices = np.full(n, must, values.dtype)
    order = np.lexsort((col, row))
    keys = row[order] * max(m, 1) + col[order]
    if np.any(keys[1:] == keys[:-1]):
        refuse_repeated(keys, m)
    ptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int64)
    return MinimumArcs(ptr, col[order].astype(np.int32), values[order], m, prices, transposed, places, spare)
