"""The native decoder of SolveRequests, bytes to arrays without the GIL, and the packed numbers of its replies."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matcher.kernels import _native


class DecodedSolve(NamedTuple):
    """What the bytes say; arrays are the caller's own."""

    is_dense: bool
    rows: int
    cols: int
    costs: NDArray[np.float64]
    """(rows, cols), or (pairs,) of a sparse problem; no NaN, no -inf."""
    row: NDArray[np.int32]
    """(pairs,) in [0, rows); empty for a dense problem."""
    col: NDArray[np.int32]
    """(pairs,) in [0, cols); no pair twice."""
    unassigned_cost: NDArray[np.float64]
    """None, one or one a row; no NaN, no -inf."""
    maximize: bool
    max_iterations: int
    capacities: NDArray[np.int32]
    """None, one or one a column; not negative."""


def decode_solve_request(request: bytes, *, max_cells: int, max_side: int) -> DecodedSolve | None:
    """Arrays of an encoded matcher.v1.SolveRequest.

    None: the request is invalid, has more cells (or pairs) or a longer side than allowed, or is unusual, and only the
    reference decoder can tell; see cpp/include/matcher/solve_request.h.
    """
    decoded: tuple[Any, ...] | None = _native.decode_solve_request(request, max_cells, max_side)
    return None if decoded is None else DecodedSolve(*decoded)


def solve_request_fields() -> list[tuple[str, str, int, str]]:
    """(message, field, number, kind) of every field that the native decoder knows, for comparison with the contract."""
    return _native.solve_request_fields()


def packed_int32(field: int, values: NDArray[np.int32]) -> bytes:
    """A packed int32 field of a message: tag, length and numbers; nothing for no numbers."""
    return _native.packed_int32(field, values)
