"""The native module, one section per family of kernels. Use the typed facade beside it."""

import numpy as np
import numpy.typing as npt

__version__: str

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
) -> tuple[int, npt.NDArray[np.int32], int, int, int, npt.NDArray[np.int64], npt.NDArray[np.int64], int]: ...
