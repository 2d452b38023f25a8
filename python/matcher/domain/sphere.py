"""Sine and cosine of degrees from additions and multiplications only.

Library sines differ in the last bit between processors (vector units, fused multiply-add), and a decision must not.
IEEE additions and multiplications do not differ. The error stays below 2 ulp, a nanometre on the Earth.
"""

from __future__ import annotations

import numpy as np

from matcher.domain.snapshot import F64

# Taylor series to x^17 and x^16: for |x| <= pi/4 the first term left out is below 1e-19.
_SIN = (1.0, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800, -1 / 1307674368000,
        1 / 355687428096000)  # fmt: skip
_COS = (1.0, -1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800, 1 / 479001600, -1 / 87178291200,
        1 / 20922789888000)  # fmt: skip
_RADIANS = np.pi / 180.0


def _horner(coefficients: tuple[float, ...], square: F64) -> F64:
    total = np.full_like(square, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= square
        total += coefficient
    return total


def sin_cos_degrees(degrees: F64) -> tuple[F64, F64]:
    """Sine and cosine of angles in [-180, 180] degrees, the same bits on every machine; exact at multiples of 90."""
    quarter = np.rint(degrees / 90.0)
    x = (degrees - 90.0 * quarter) * _RADIANS
    square = x * x
    sin, cos = _horner(_SIN, square) * x, _horner(_COS, square)
    turn = quarter.astype(np.int64) & 3
    odd = (turn & 1).astype(bool)
    sin_sign, cos_sign = np.where(turn >= 2, -1.0, 1.0), np.where((turn == 1) | (turn == 2), -1.0, 1.0)
    return np.where(odd, cos, sin) * sin_sign + 0.0, np.where(odd, sin, cos) * cos_sign + 0.0
