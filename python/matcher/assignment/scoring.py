"""Scores: the integer cost of each candidate, split by term, and the price of leaving an order out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.assignment.candidates import Candidates
from matcher.assignment.optional_terms import OPTIONAL_TERMS
from matcher.assignment.sunk import sunk_costs
from matcher.assignment.terms import TERMS, CostTerm
from matcher.domain import CancelToken, Policy, Snapshot, Travel

I64 = npt.NDArray[np.int64]

MAX_WAITING_MICROS = 1 << 46
"""Cap on the price of waiting (70 million units of currency), so that sums stay exact in 64 bits."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Candidates with their prices: the columns of the packing problem."""

    candidates: Candidates
    term_names: tuple[str, ...]
    term_micros: I64
    """(candidates, terms)"""
    cost: I64
    """(candidates,) sum over the terms."""


def score(
    snapshot: Snapshot,
    travel: Travel,
    candidates: Candidates,
    policy: Policy,
    terms: Sequence[CostTerm] = TERMS,
    optional: Sequence[CostTerm] = OPTIONAL_TERMS,
    cancel: CancelToken | None = None,
) -> Columns:
    """Price every candidate; terms add up exactly. Those of `optional` are in the split where they have a weight.

    Raises Cancelled between two terms.
    """
    cancel = cancel or CancelToken()
    terms = (*terms, *(term for term in optional if getattr(policy.costs, term.name)))
    micros = np.zeros((len(candidates), len(terms)), dtype=np.int64)
    for position, term in enumerate(terms):
        cancel.check()
        if getattr(policy.costs, term.name) and len(candidates):
            micros[:, position] = term.micros(snapshot, travel, candidates, policy.costs)
    return Columns(candidates, tuple(term.name for term in terms), micros, micros.sum(axis=1))


def most_valuable(columns: Columns, wait: I64, most: int, cancel: CancelToken | None = None) -> Columns:
    """At most about `most` columns: those that save most against leaving their orders out, ties to lower rows.

    What saves nothing goes first. The cheapest column of each single order always stays: it says why the order waits.
    wait: (open orders,) the price of leaving each out; order k is unit k. Raises Cancelled between its steps.
    """
    if len(columns.cost) <= most:
        return columns
    cancel = cancel or CancelToken()
    candidates, units = columns.candidates, columns.candidates.units
    price = np.zeros(int(units.order.max(initial=-1)) + 1, dtype=np.int64)
    price[units.order[: units.singles]] = wait
    saved = np.add.reduceat(price[units.order], units.ptr[:-1])[candidates.unit] - columns.cost
    kept = np.zeros(len(saved), dtype=np.bool_)
    cancel.check()
    kept[np.argsort(-saved, kind="stable")[:most]] = True
    kept &= saved > 0
    cancel.check()
    by_unit = np.lexsort((columns.cost, candidates.unit))
    cancel.check()
    first = np.append(True, np.diff(candidates.unit[by_unit]) != 0)
    cheapest = by_unit[first]
    kept[cheapest[candidates.unit[cheapest] < units.singles]] = True
    return Columns(candidates.of(kept), columns.term_names, columns.term_micros[kept], columns.cost[kept])


def waiting_prices(snapshot: Snapshot, open_orders: npt.NDArray[np.int32], policy: Policy) -> I64:
    """(open orders,) price of leaving each out: base + age × rate, one tenth more per step of priority, + sunk costs.

    Sunk is what the order's waiting has cost already, at the weights of the terms. Delivering it costs that too, so
    without it in the price of leaving it out, the longer an order has waited the less it would pay to deliver it.
    """
    age_s = np.maximum(0, -snapshot.orders.placed_ms[open_orders]) // 1000
    price = np.int64(policy.waiting.base_micros) + age_s * np.int64(policy.waiting.per_second)
    price = price * (10 + snapshot.orders.priority[open_orders].astype(np.int64)) // 10
    result: I64 = np.minimum(price + sunk_costs(snapshot, open_orders, policy.costs), MAX_WAITING_MICROS)
    return result
