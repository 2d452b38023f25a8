"""Cost terms that a policy asks for by giving them a weight: freshness, acceptance, earnings and announced plans.

They depend on the candidate's unit, courier and quantities alone, so their totals over a decision are sums over its
columns, and a larger weight never makes the total that it weighs larger where the packing is solved to the optimum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.assignment.candidates import Candidates
from matcher.assignment.quantities import QUANTITY_NAMES
from matcher.assignment.sunk import sunk_costs
from matcher.assignment.terms import CostTerm
from matcher.domain import CostPolicy, Snapshot, Travel

I64 = npt.NDArray[np.int64]

CERTAIN_PERMILLE = 1000
MOST_PER_HOUR_MICROS = 10**12
"""Cap on mean earnings an hour: couriers who have hardly begun must not make them absurd."""


@dataclass(frozen=True, slots=True)
class FreshnessTerm:
    """Weight in micros per second × the time that orders are on board.

    That is click-to-door, less the time to readiness, which no plan changes, less the delay of the pick-up.
    """

    name: str = "freshness"

    def micros(self, snapshot: Snapshot, travel: Travel, candidates: Candidates, costs: CostPolicy) -> I64:
        orders = snapshot.orders
        to_ready = _sum_over_orders(candidates, orders.ready_ms - orders.placed_ms)
        door = candidates.quantities[:, QUANTITY_NAMES.index("click_to_door")]
        delay = candidates.quantities[:, QUANTITY_NAMES.index("pickup_delay")]
        result: I64 = (door - to_ready - delay) * np.int64(costs.freshness) // 1000
        return result


@dataclass(frozen=True, slots=True)
class AcceptanceTerm:
    """Probability of a refusal × what it costs: the weight, and the orders' waiting until they are offered again."""

    name: str = "acceptance"

    def micros(self, snapshot: Snapshot, travel: Travel, candidates: Candidates, costs: CostPolicy) -> I64:
        rows = np.arange(len(snapshot.orders))
        wait = sunk_costs(snapshot, rows, costs, costs.reoffer_ms) - sunk_costs(snapshot, rows, costs)
        refused = _sum_over_orders(candidates, wait + np.int64(costs.acceptance))
        given = snapshot.couriers.acceptance_permille[candidates.courier].astype(np.int64)
        result: I64 = refused * np.where(given == 0, 0, CERTAIN_PERMILLE - given) // CERTAIN_PERMILLE
        return result


@dataclass(frozen=True, slots=True)
class FairnessTerm:
    """Weight in thousandths × the change in |earned - mean earnings an hour × hours on shift|, in micros.

    The sum of that over couriers, by all earnings, is twice the Hoover index, which bounds the Gini coefficient of
    earnings an hour from below; unlike Gini it is a sum over couriers. The mean is that of before the decision.
    """

    name: str = "fairness"

    def micros(self, snapshot: Snapshot, travel: Travel, candidates: Candidates, costs: CostPolicy) -> I64:
        earned, seconds = snapshot.couriers.earned_micros, snapshot.couriers.on_shift_ms // 1000
        known = seconds > 0
        mean = int(earned[known].sum()) * 3600 // max(1, int(seconds[known].sum()))
        due = seconds * np.int64(min(mean, MOST_PER_HOUR_MICROS)) // 3600
        ahead = (earned - due)[candidates.courier]
        farther = np.abs(ahead + _sum_over_orders(candidates, snapshot.orders.pay_micros)) - np.abs(ahead)
        result: I64 = np.where(known[candidates.courier], farther, 0) * np.int64(costs.fairness) // 1000
        return result


@dataclass(frozen=True, slots=True)
class EarningsFloorTerm:
    """Weight in thousandths × the part of the pay that the courier is short of the floor; never positive."""

    name: str = "earnings_floor"

    def micros(self, snapshot: Snapshot, travel: Travel, candidates: Candidates, costs: CostPolicy) -> I64:
        floor = snapshot.couriers.on_shift_ms // 1000 * np.int64(costs.earnings_floor_per_hour) // 3600
        short = np.maximum(0, floor - snapshot.couriers.earned_micros)[candidates.courier]
        raised = np.minimum(short, _sum_over_orders(candidates, snapshot.orders.pay_micros))
        result: I64 = -raised * np.int64(costs.earnings_floor) // 1000
        return result


@dataclass(frozen=True, slots=True)
class StickyTerm:
    """The weight for each order that was announced for another courier."""

    name: str = "sticky"

    def micros(self, snapshot: Snapshot, travel: Travel, candidates: Candidates, costs: CostPolicy) -> I64:
        total = np.zeros(len(candidates), dtype=np.int64)
        for present, member in _members(candidates):
            announced = snapshot.orders.announced[member]
            total += present & (announced >= 0) & (announced != candidates.courier)
        result: I64 = total * np.int64(costs.sticky)
        return result


def _members(candidates: Candidates) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.int32]]]:
    """The first, second, ... order of every candidate, with whether there is one."""
    for member in candidates.sequence.T:
        yield member >= 0, member


def _sum_over_orders(candidates: Candidates, of_order: I64) -> I64:
    """(candidates,) sum of a column of orders over each candidate's own."""
    total = np.zeros(len(candidates), dtype=np.int64)
    for present, member in _members(candidates):
        total += np.where(present, of_order[member], 0)
    return total


OPTIONAL_TERMS: tuple[CostTerm, ...] = (
    FreshnessTerm(),
    AcceptanceTerm(),
    FairnessTerm(),
    EarningsFloorTerm(),
    StickyTerm(),
)
"""In the cost split, in this order, of decisions whose policy gives them a weight."""
