"""The Explanation: why an order did, or did not, go to a courier, in numbers that can be checked."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.domain.enums import PairChangeKind, PairVerdict


@dataclass(frozen=True, slots=True)
class PairChange:
    """One thing that would have to be different."""

    kind: PairChangeKind
    amount: int
    """Micros for COST, milliseconds for limits on time, units of capacity, couriers, stops; for SKILLS their number."""
    names: tuple[str, ...] = ()
    """For SKILLS, what the courier would have to be able to do."""


@dataclass(frozen=True, slots=True)
class Move:
    """An order that another courier would carry; "" stands for nobody."""

    order_id: str
    from_courier_id: str
    to_courier_id: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """An order, a courier and a decision."""

    decision_id: str
    """The decision explained; that of `decide` for equal arguments."""
    order_id: str
    courier_id: str
    verdict: PairVerdict
    holder_id: str
    """Who has the order: in its route, or by the decision (held ones included); "": nobody."""
    cost_terms: tuple[tuple[str, int], ...]
    """The order alone in the courier's route, at its cheapest; for an infeasible pair, after `changes`. Empty when the
    order is not open."""
    cost_micros: int
    """Sum of cost_terms."""
    waiting_micros: int
    """Price of leaving the order out."""
    price_micros: int
    """What turning the verdict adds to the cost of the whole decision: insisting on the pair or, where it is chosen,
    ruling it out. Negative where looking at this courier too, or for longer, would have found a cheaper decision."""
    price_low_micros: int
    """The price is no less, by the bound of the second solve."""
    reduced_cost_micros: int | None
    """Cost less the order's price plus the courier's, by the decision's own dual prices. None without prices."""
    moves: tuple[Move, ...]
    """Orders that another courier would carry then, ascending by id."""
    changes: tuple[PairChange, ...]
    """Together they turn the verdict (up to a tie), and none can be made smaller alone."""

    @property
    def proven(self) -> bool:
        """Whether no cheaper way to turn the verdict exists."""
        return self.price_low_micros == self.price_micros
