"""The native routing objects: running routes kept up to date, the best order of a route's stops, and the
search for pickup-and-delivery plans.

`matcher.routing` gives them their types and sentences; this module is the only way to them.
"""

from __future__ import annotations

from matcher.kernels import _native

NativeFleet = _native.Fleet
solve_pdptw = _native.solve_pdptw
Stopwatch = _native.Stopwatch
best_sequences = _native.best_sequences

__all__ = ["NativeFleet", "Stopwatch", "best_sequences", "solve_pdptw"]
