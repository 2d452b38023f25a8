"""The native module, one section per family of kernels. Use the typed facade beside it."""

from collections.abc import Sequence
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

_Solution = TypeVar("_Solution")

__version__: str

# --- assignment -------------------------------------------------------------------------------------------------------
# Each returns (col_for_row, row_duals, col_duals, total, status, iterations, witness, bad_cell).
@overload
def solve_dense(
    costs: NDArray[np.int64] | NDArray[np.int32],
    prices: NDArray[np.int64],
    max_iterations: int,
    cancel: NDArray[np.int32],
    start_duals: NDArray[np.int64],
    start_matching: NDArray[np.int32],
    method: int,
) -> tuple[Any, ...]: ...
@overload
def solve_dense(
    costs: NDArray[np.float64] | NDArray[np.float32],
    prices: NDArray[np.float64],
    max_iterations: int,
    cancel: NDArray[np.int32],
    start_duals: NDArray[np.float64],
    start_matching: NDArray[np.int32],
    method: int,
) -> tuple[Any, ...]: ...

# Proven: a `kind` with its slots filled; else the tuple of solve_dense; None: not a case for this.
def solve_usual(
    kind: type[_Solution], optimal: object, costs: object, price: object, /
) -> _Solution | tuple[Any, ...] | None: ...
@overload
def solve_sparse(
    ptr: NDArray[np.int64] | NDArray[np.int32],
    col: NDArray[np.int32],
    cost: NDArray[np.int64],
    n_cols: int,
    prices: NDArray[np.int64],
    max_iterations: int,
    cancel: NDArray[np.int32],
    start_duals: NDArray[np.int64],
    start_matching: NDArray[np.int32],
) -> tuple[Any, ...]: ...
@overload
def solve_sparse(
    ptr: NDArray[np.int64] | NDArray[np.int32],
    col: NDArray[np.int32],
    cost: NDArray[np.float64],
    n_cols: int,
    prices: NDArray[np.float64],
    max_iterations: int,
    cancel: NDArray[np.int32],
    start_duals: NDArray[np.float64],
    start_matching: NDArray[np.int32],
) -> tuple[Any, ...]: ...
def solve_auction(
    ptr: NDArray[np.int64] | NDArray[np.int32],
    col: NDArray[np.int32],
    cost: NDArray[np.int64],
    n_cols: int,
    prices: NDArray[np.int64],
    max_iterations: int,
    cancel: NDArray[np.int32],
) -> tuple[Any, ...]: ...
@overload
def solve_capacitated_dense(
    costs: NDArray[np.int64] | NDArray[np.int32],
    capacities: NDArray[np.int32],
    prices: NDArray[np.int64],
    max_iterations: int,
    cancel: NDArray[np.int32],
    start_duals: NDArray[np.int64],
    start_matching: NDArray[np.int32],
) -> tuple[Any, ...]: ...
@overload
def solve_capacitated_dense(
    costs: NDArray[np.float64] | NDArray[np.float32],
    capacities: NDArray[np.int32],
    prices: NDArray[np.float64],
    max_iterations: int,
    cancel: NDArray[np.int32],
    start_duals: NDArray[np.float64],
    start_matching: NDArray[np.int32],
) -> tuple[Any, ...]: ...
@overload
def solve_capacitated_sparse(
    ptr: NDArray[np.int64] | NDArray[np.int32],
    col: NDArray[np.int32],
    cost: NDArray[np.int64],
    capacities: NDArray[np.int32],
    prices: NDArray[np.int64],
    max_iterations: int,
    cancel: NDArray[np.int32],
    start_duals: NDArray[np.int64],
    start_matching: NDArray[np.int32],
) -> tuple[Any, ...]: ...
@overload
def solve_capacitated_sparse(
    ptr: NDArray[np.int64] | NDArray[np.int32],
    col: NDArray[np.int32],
    cost: NDArray[np.float64],
    capacities: NDArray[np.int32],
    prices: NDArray[np.float64],
    max_iterations: int,
    cancel: NDArray[np.int32],
    start_duals: NDArray[np.float64],
    start_matching: NDArray[np.int32],
) -> tuple[Any, ...]: ...

# ptr and col of one type. Returns what solve_sparse returns, or None: a case for that.
class SparseResolver:
    def __init__(self) -> None: ...
    @overload
    def solve(
        self,
        ptr: NDArray[np.int32] | NDArray[np.int64],
        col: NDArray[np.int32] | NDArray[np.int64],
        cost: NDArray[np.int64],
        n_cols: int,
        prices: NDArray[np.int64],
        max_iterations: int,
        cancel: NDArray[np.int32],
        start_duals: NDArray[np.int64],
        start_matching: NDArray[np.int32],
        old_row: NDArray[np.int32],
    ) -> tuple[Any, ...] | None: ...
    @overload
    def solve(
        self,
        ptr: NDArray[np.int32] | NDArray[np.int64],
        col: NDArray[np.int32] | NDArray[np.int64],
        cost: NDArray[np.float64],
        n_cols: int,
        prices: NDArray[np.float64],
        max_iterations: int,
        cancel: NDArray[np.int32],
        start_duals: NDArray[np.float64],
        start_matching: NDArray[np.int32],
        old_row: NDArray[np.int32],
    ) -> tuple[Any, ...] | None: ...
    @property
    def nbytes(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

# Returns (status, total, iterations, bad_cell, row_ptr, col_ptr, witness_ptr, col_for_row, row_duals, col_duals,
# witness).
def solve_batch(
    problems: Sequence[NDArray[Any]],
    prices: Sequence[NDArray[Any]],
    max_iterations: int,
    cancel: NDArray[np.int32],
) -> tuple[NDArray[Any], ...]: ...

# --- batch -----------------------------------------------------------------------------------------------------------

def solve_packing(
    n_orders: int,
    n_couriers: int,
    courier: npt.NDArray[np.int32],
    ptr: npt.NDArray[np.int32],
    order: npt.NDArray[np.int32],
    cost: npt.NDArray[np.int64],
    wait: npt.NDArray[np.int64],
    max_iterations: int,
    order_price: npt.NDArray[np.int64],
    courier_price: npt.NDArray[np.int64],
    cancel: npt.NDArray[np.int32],
) -> tuple[int, npt.NDArray[np.int32], int, int, int, npt.NDArray[np.int64], npt.NDArray[np.int64], int]: ...
def propose_bundles(
    *,
    locations: dict[str, Any],
    travel: dict[str, Any],
    orders: dict[str, Any],
    open: npt.NDArray[np.int32],
    max_orders: int,
    ready_spread_ms: int,
    neighbours: int,
    max_bundles: int,
    max_size: int,
    cancel: npt.NDArray[np.int32],
) -> (
    tuple[
        npt.NDArray[np.int32],
        npt.NDArray[np.int32],
        npt.NDArray[np.int32],
        npt.NDArray[np.int64],
        npt.NDArray[np.int64],
        int,
    ]
    | None
): ...

# --- insertion -------------------------------------------------------------------------------------------------------

def evaluate_routes(
    *,
    locations: dict[str, Any],
    travel: dict[str, Any],
    orders: dict[str, Any],
    couriers: dict[str, Any],
    routes: dict[str, Any],
    share_dropoff_service: bool,
    severe_after_ms: int,
) -> dict[str, Any]: ...
def best_sequences(
    *,
    locations: dict[str, Any],
    travel: dict[str, Any],
    orders: dict[str, Any],
    couriers: dict[str, Any],
    routes: dict[str, Any],
    share_dropoff_service: bool,
    severe_after_ms: int,
    weights: Any,
    more_size: Any,
    more_capacity: Any,
) -> dict[str, Any]: ...
def insertion_candidates(
    *,
    locations: dict[str, Any],
    travel: dict[str, Any],
    orders: dict[str, Any],
    couriers: dict[str, Any],
    routes: dict[str, Any],
    share_dropoff_service: bool,
    severe_after_ms: int,
    unit_ptr: Any,
    unit_order: Any,
    nearest: int,
    reach_ms: int,
    max_route_stops: int,
    detours: bool,
    weights: Any,
    cancel: Any,
) -> dict[str, Any] | None: ...

# --- fleet -----------------------------------------------------------------------------------------------------------

class Fleet:
    def __init__(
        self,
        *,
        radius_m: float,
        factor: float,
        quantum_ms: int,
        matrix_ms: Any,
        weights: Any,
        share_dropoff_service: bool,
        severe_after_ms: int,
        max_route_stops: int,
        last_in_first_out: bool,
    ) -> None: ...
    def add_courier(
        self,
        x: float,
        y: float,
        z: float,
        row: int,
        free_ms: int,
        shift_end_ms: int,
        capacity: int,
        skills: int,
        speed_mph: int,
        profile: int,
    ) -> int: ...
    def update_courier(
        self,
        courier: int,
        x: float,
        y: float,
        z: float,
        row: int,
        free_ms: int,
        shift_end_ms: int,
        capacity: int,
        skills: int,
        speed_mph: int,
        profile: int,
    ) -> None: ...
    # (order, courier) handles by row of the tables; -1: an order that no route mentions.
    def load(
        self, locations: Any, travel: Any, orders: Any, couriers: Any, routes: Any
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]: ...
    def improve(
        self,
        *,
        xyz: Any,
        rows: Any,
        values: Any,
        handles: Any,
        prices: Any,
        max_iterations: int,
        time_limit: float,
        seed: int,
        hot: float,
        cold: float,
    ) -> dict[str, Any]: ...
    # (order, kind, arrive_ms, at_ms, depart_ms, depart_by_ms) of the route that an insertion makes
    def preview(
        self, xyz: Any, rows: Any, values: Any, courier: int, pickup_pos: int, dropoff_pos: int
    ) -> tuple[Any, ...]: ...
    def remove_courier(self, courier: int) -> None: ...
    def advance(self, now_ms: int) -> None: ...
    def add_order(self, xyz: Any, rows: Any, values: Any) -> int: ...
    def cheapest(self, xyz: Any, rows: Any, values: Any, k: int) -> dict[str, Any]: ...
    def refusals(self, xyz: Any, rows: Any, values: Any) -> npt.NDArray[np.int32]: ...
    def set_route(self, courier: int, order: Any, kind: Any, locked: int) -> None: ...
    def route(self, courier: int) -> tuple[Any, ...]: ...
    def remove_order(self, order: int) -> None: ...
    def insert(self, order: int, courier: int, pickup_pos: int, dropoff_pos: int) -> None: ...
    def serve_visit(self, courier: int) -> int: ...
    def move(self, courier: int, x: float, y: float, z: float, row: int, free_ms: int) -> None: ...

# --- standing ---------------------------------------------------------------------------------------------------------
def standing_ms(
    *, locations: dict[str, Any], travel: dict[str, Any], demand: dict[str, Any], courier: Any, loc: Any
) -> npt.NDArray[np.int64]: ...

# --- wire -------------------------------------------------------------------------------------------------------------
# (market_id, at_ms, frame, locations, orders, couriers, routes, demand, skills, stores, policy, forced_rung,
# validate_only), with groups as tuples in the order of matcher.domain.snapshot's fields; None: the reference decoder
# must look at it.
def decode_match_request(
    request: bytes, orders: int, couriers: int, route_stops: int, id_bytes: int, demand_points: int
) -> tuple[Any, ...] | None: ...
def match_request_fields() -> list[tuple[str, str, int, str]]: ...

# (is_dense, rows, cols, costs, row, col, unassigned_cost, maximize, max_iterations, capacities); None: the reference
# decoder must look at it.
def decode_solve_request(request: bytes, cells: int, side: int) -> tuple[Any, ...] | None: ...
def solve_request_fields() -> list[tuple[str, str, int, str]]: ...
def packed_int32(field: int, values: NDArray[np.int32]) -> bytes: ...

# --- pdptw -----------------------------------------------------------------------------------------------------------

def solve_pdptw(
    *,
    distance: Any,
    duration: Any,
    ready: Any,
    due: Any,
    service: Any,
    demand: Any,
    pickup: Any,
    delivery: Any,
    vehicles: int,
    capacity: int,
    hierarchical: bool,
    max_iterations: int,
    time_limit: float,
    cpu_clock: bool,
    seed: int,
    initial: list[list[int]],
    types: Any = None,
    shifts: Any = None,
    fixed_cost: Any = None,
    capacities: Any = None,
    more_demand: Any = None,
    allowed: Any = None,
    max_ride: Any = None,
    prize: Any = None,
    late_cost: Any = None,
    window_first: Any = None,
    windows: Any = None,
    bins: Any = None,
    bin_duration: Any = None,
    listener: Any = None,
    cancel: Any = None,
    threads: int = 1,
    keep_pool: bool = False,
) -> dict[str, Any]: ...

class Stopwatch:
    def __init__(self, *, cpu_clock: bool) -> None: ...
    def seconds(self) -> float: ...
