"""Which orders may travel together: the units that candidates are sought for."""

from matcher.batching.units import Units, open_orders, propose_units

__all__ = ["Units", "open_orders", "propose_units"]
