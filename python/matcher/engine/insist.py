"""The same packing under one more demand: that an order goes to a courier, or that it does not.

What the demand adds to the cost of the whole is the exact price of the pair; dual prices alone only bound it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.solve.packing import Caps, PackingProblem, PackingSolution, PackingSolver, WarmStart

Mask = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Demanded:
    """The best packing found that meets the demand."""

    problem: PackingProblem
    """What was solved: `chosen` are its columns."""
    chosen: npt.NDArray[np.int32]
    total: int
    """In the terms of the original problem."""
    lower_bound: int
    """No packing that meets the demand costs less."""


def with_order(problem: PackingProblem, order: int) -> Mask:
    """(columns,) which columns carry the order."""
    mask = np.zeros(problem.columns, dtype=np.bool_)
    mask[problem.column_of_member[problem.order == order]] = True
    return mask


def joined(problem: PackingProblem, more: PackingProblem) -> PackingProblem:
    """The columns of both, over the orders and couriers of the first."""
    return PackingProblem(
        n_orders=problem.n_orders,
        n_couriers=problem.n_couriers,
        courier=np.concatenate([problem.courier, more.courier]),
        ptr=np.concatenate([problem.ptr, more.ptr[1:] + problem.ptr[-1]]).astype(np.int32),
        order=np.concatenate([problem.order, more.order]),
        cost=np.concatenate([problem.cost, more.cost]),
        wait=problem.wait,
        caps=None
        if problem.caps is None or more.caps is None
        else Caps(np.concatenate([problem.caps.use, more.caps.use]), problem.caps.left),
    )


def insisted(
    problem: PackingProblem,
    base: PackingSolution,
    order: int,
    courier: int,
    solver: PackingSolver,
    max_iterations: int,
) -> Demanded:
    """Have the courier carry the order: at least one column must say so.

    `base` is a packing of the problem's first columns. All other columns of either go, and leaving the order out is
    made dearer than the price can be, which the packing that merely makes room for the pair bounds.
    """
    carries = with_order(problem, order)
    pair = carries & (problem.courier == courier)
    room = _making_room(problem, base, int(np.flatnonzero(pair)[problem.cost[pair].argmin()]))
    room_total = problem.total(room)
    penalty = max(0, room_total - base.total) + 1
    wait = problem.wait.copy()
    wait[order] += penalty
    kept = pair | ~(carries | (problem.courier == courier))
    harder = _of_columns(problem, kept, wait)
    solution = solver.solve(harder, max_iterations=max_iterations, warm_start=_warm(base))
    chosen = np.flatnonzero(kept)[solution.chosen].astype(np.int32)
    if not pair[chosen].any() or problem.total(chosen) > room_total:
        chosen = room  # the work was used up before anything better was found
    return Demanded(problem, chosen, problem.total(chosen), _bound(solution, problem))


def ruled_out(
    problem: PackingProblem,
    base: PackingSolution,
    order: int,
    courier: int,
    solver: PackingSolver,
    max_iterations: int,
) -> Demanded:
    """Have anyone but the courier carry the order, or nobody."""
    kept = ~(with_order(problem, order) & (problem.courier == courier))
    solution = solver.solve(
        _of_columns(problem, kept, problem.wait), max_iterations=max_iterations, warm_start=_warm(base)
    )
    chosen = np.flatnonzero(kept)[solution.chosen].astype(np.int32)
    return Demanded(problem, chosen, problem.total(chosen), _bound(solution, problem))


def _making_room(problem: PackingProblem, base: PackingSolution, column: int) -> npt.NDArray[np.int32]:
    """The base packing with `column` put in and what it displaces left out."""
    taken = set(problem.members(column).tolist())
    kept = [
        other
        for other in base.chosen.tolist()
        if problem.courier[other] != problem.courier[column] and taken.isdisjoint(problem.members(other).tolist())
    ]
    while problem.caps is not None and kept and not problem.caps.kept_by(np.array([*kept, column], dtype=np.int32)):
        # Of those that use a cap which the column uses too, the dearest goes; others do not stand in its way.
        users = [other for other in kept if ((problem.caps.use[other] > 0) & (problem.caps.use[column] > 0)).any()]
        if not users:
            break  # the column alone is too much: it is priced as if it were let in
        kept.remove(max(users, key=lambda other: (int(problem.cost[other]), other)))
    return np.array(sorted([*kept, column]), dtype=np.int32)


def _of_columns(problem: PackingProblem, kept: Mask, wait: I64) -> PackingProblem:
    lengths = np.diff(problem.ptr)
    return PackingProblem(
        n_orders=problem.n_orders,
        n_couriers=problem.n_couriers,
        courier=problem.courier[kept],
        ptr=np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(lengths[kept], dtype=np.int32)]),
        order=problem.order[np.repeat(kept, lengths)],
        cost=problem.cost[kept],
        wait=wait,
        caps=None if problem.caps is None else Caps(problem.caps.use[kept], problem.caps.left),
    )


def _warm(base: PackingSolution) -> WarmStart:
    return WarmStart(base.order_price, base.courier_price)


def _bound(solution: PackingSolution, problem: PackingProblem) -> int:
    """The solver's bound; costs too large for it leave only the weakest one."""
    if solution.order_price is None:
        return sum(min(0, cost) for cost in problem.cost.tolist())
    return solution.lower_bound
