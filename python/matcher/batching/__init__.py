"""Which orders may travel together: the units that candidates are sought for, and batches as proposals of their own."""

from matcher.batching.propose import Proposal, Proposals, propose_batches
from matcher.batching.units import Units, open_orders, propose_units

__all__ = ["Proposal", "Proposals", "Units", "open_orders", "propose_batches", "propose_units"]
