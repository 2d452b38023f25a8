"""How much work a decision may do: what the policy asks for, less what the time left or a pinned effort allows.

A deadline becomes a grant of work before the work starts, by rates measured with `make bench` on one slow core, and
with a margin of two. The grant, not the clock, then bounds every stage, so the same grant gives the same decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from matcher.domain import Degradation, Effort, Policy, Rung
from matcher.ports import Budget

RANKING_NS = 60.0
"""Per order and courier: the bound on the arrival that ranks couriers, bundles included."""
INSERTION_NS = 2_500.0
"""Per order and courier evaluated: the exact cheapest insertion."""
ITERATION_NS = 3_000.0
"""Per iteration of the native solver: a thousand visits to a column's member."""
EXACT_ITERATION_NS = 2_000_000.0
"""Per iteration of the OR-Tools rung: a thousandth of CP-SAT's deterministic second."""
OVERHEAD_S = 0.002
"""Bundles, scores, verification and outcome of a small market."""
ORDER_NS = 60_000.0
"""Per open order: verification and outcome."""
MARGIN = 2.0
MIN_NEAREST = 4


@dataclass(frozen=True, slots=True)
class Grant:
    """Work granted to one decision, the rungs it may use, and what was given up for it."""

    nearest_couriers: int
    max_bundle_orders: int
    iterations: Mapping[Rung, int]
    """Limit of each rung, in the unit of its solver."""
    rungs: tuple[Rung, ...]
    degradations: tuple[Degradation, ...]


def full_iterations(policy: Policy, orders: int) -> Mapping[Rung, int]:
    """Iterations that the policy asks of each rung for `orders` open orders."""
    native = policy.solver_iterations + policy.iterations_per_order * orders
    return {Rung.NATIVE: native, Rung.ORTOOLS: policy.exact_iterations, Rung.GREEDY: native}


def grant_work(policy: Policy, budget: Budget, orders: int, couriers: int, crowd: int = 0) -> Grant:
    """Decide how much work to do for `orders` open orders, `crowd` of them at one place, and `couriers` couriers."""
    rungs = policy.ladder if budget.forced_rung is None else (budget.forced_rung,)
    full = Grant(
        nearest_couriers=_nearest(policy, orders, couriers, crowd),
        max_bundle_orders=policy.bundling.max_orders,
        iterations=full_iterations(policy, orders),
        rungs=rungs,
        degradations=(),
    )
    if budget.effort is not None:
        return _pinned(full, budget.effort)
    if budget.seconds_left is None:
        return full
    return _within(full, budget.seconds_left(), orders, couriers)


def _nearest(policy: Policy, orders: int, couriers: int, crowd: int) -> int:
    """Couriers to evaluate for each order: as the policy says, or enough for a crowd where the pairs permit it."""
    asked = policy.candidates.nearest_couriers
    affordable = policy.candidates.max_pairs // max(1, orders)
    return max(asked, min(crowd, couriers, affordable))


def _pinned(full: Grant, effort: Effort) -> Grant:
    return replace(
        full,
        nearest_couriers=effort.nearest_couriers,
        max_bundle_orders=effort.max_bundle_orders,
        iterations={**full.iterations, effort.rung: effort.iterations},
        rungs=_rungs_between(full.rungs, effort),
        degradations=_given_up(full, effort.nearest_couriers, effort.max_bundle_orders),
    )


def _rungs_between(ladder: tuple[Rung, ...], effort: Effort) -> tuple[Rung, ...]:
    """The rungs that were tried, in the ladder's order."""
    if effort.first_rung == effort.rung or effort.first_rung not in ladder or effort.rung not in ladder:
        return (effort.rung,)
    return ladder[ladder.index(effort.first_rung) : ladder.index(effort.rung) + 1]


def regrant(grant: Grant, budget: Budget, orders: int) -> Grant:
    """What is left for the solver when the stages before it are done: they may have taken longer than foreseen."""
    if budget.seconds_left is None or budget.effort is not None:
        return grant
    return _solving_within(grant, budget.seconds_left() / MARGIN - orders * ORDER_NS * 1e-9)


def _within(full: Grant, seconds: float, orders: int, couriers: int) -> Grant:
    usable = seconds / MARGIN - OVERHEAD_S - orders * (ORDER_NS + couriers * RANKING_NS) * 1e-9
    pair_s = orders * INSERTION_NS * 1e-9
    nearest, bundle = full.nearest_couriers, full.max_bundle_orders
    # Bundles cost about as many insertions again as the single orders.
    if bundle > 1 and 2 * nearest * pair_s > usable / 2:
        bundle = 1
    if bundle == 1 and nearest * pair_s > usable / 2:
        fitting = int(usable / 2 / pair_s) if usable > 0 else 0
        nearest = min(nearest, max(MIN_NEAREST, fitting))
    left = usable - (2 if bundle > 1 else 1) * nearest * pair_s
    fewer = replace(
        full,
        nearest_couriers=nearest,
        max_bundle_orders=bundle,
        degradations=_given_up(full, nearest, bundle),
    )
    return _solving_within(fewer, left)


def _solving_within(grant: Grant, seconds: float) -> Grant:
    affordable = {
        Rung.NATIVE: int(seconds * 1e9 / ITERATION_NS),
        Rung.ORTOOLS: int(seconds * 1e9 / EXACT_ITERATION_NS),
        Rung.GREEDY: grant.iterations[Rung.GREEDY],
    }
    rungs = grant.rungs
    if affordable[Rung.NATIVE] < 1 and len(rungs) > 1:
        rungs = (rungs[-1],)
    return replace(
        grant,
        iterations={rung: max(1, min(limit, affordable[rung])) for rung, limit in grant.iterations.items()},
        rungs=rungs,
    )


def _given_up(full: Grant, nearest: int, bundle: int) -> tuple[Degradation, ...]:
    given_up = []
    if nearest < full.nearest_couriers:
        given_up.append(Degradation.FEWER_CANDIDATES)
    if bundle < full.max_bundle_orders:
        given_up.append(Degradation.NO_BUNDLING)
    return tuple(given_up)
