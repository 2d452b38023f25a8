"""Routes for a whole market: a `Fleet` of its couriers, improved slice by slice, checked before they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matcher.domain import (
    CourierPlan,
    PlannedStop,
    Policy,
    RoutePlan,
    Routes,
    Rung,
    Snapshot,
    StopKind,
    Travel,
    UnservedOrder,
    WaitReason,
)
from matcher.kernels.insertion import QUANTITIES, REJECTIONS
from matcher.routing.fleet import Fleet, Order
from matcher.routing.live import fleet_options, order_rows, policy_weights
from matcher.routing.relax import relaxations
from matcher.verify import check_routes

MUST_SERVE_MICROS = 1 << 36
"""Price of leaving an order out that no detour is worth: some 70,000 units of currency."""
_SLICE_ITERATIONS = 200
_SLICE_SECONDS = 0.05
_COOLING = ((0.1, 0.03), (0.03, 0.01), (0.01, 0.003), (0.003, 0.001))
"""Temperatures by quarters of the budget: each slice starts where the best plan stands."""


class PlanFault(RuntimeError):  # noqa: N818 - a defect of the search
    """A plan failed its check; it is not given to anyone."""


@dataclass(frozen=True, slots=True)
class RouteTask:
    """What to plan. One of max_iterations and seconds_left is needed, unless the rung is GREEDY."""

    snapshot: Snapshot
    travel: Travel
    policy: Policy
    max_iterations: int = 0
    """0: time decides."""
    seed: int = 0
    rung: Rung = Rung.NATIVE
    """GREEDY: open orders are put where they cost least, in turn, and nothing is searched."""
    unserved_micros: int = 0
    """0: an order is left out only when nobody can serve it."""
    seconds_left: Callable[[], float] | None = None


def optimize_routes(task: RouteTask, *, every: bool = True) -> Iterator[RoutePlan]:
    """Ever better plans, the last one final; that one alone unless `every`. Closing the iterator ends the search.

    The same for a task with max_iterations whose time does not run out. Raises ValueError for what `Fleet` refuses, and
    PlanFault when a plan does not hold (never seen; it is the last line of defence).
    """
    if not task.max_iterations and task.seconds_left is None and task.rung is Rung.NATIVE:
        raise ValueError("a task needs max_iterations, seconds_left, or both")
    search = _Search(task)
    granted = task.seconds_left() if task.seconds_left else 0.0
    search.plan(0, exhausted=False)
    # Checking a plan takes as long again at the end; so may what would serve the orders left out, and what comes after:
    # that time is not the search's.
    reserve = max(3.0 * (granted - task.seconds_left()), granted / 13) if task.seconds_left else 0.0
    granted -= reserve
    done = 0
    if task.rung is Rung.GREEDY:
        search.slice(0, task.seconds_left() - reserve if task.seconds_left else None, 0.0)
    while search.movable and task.rung is Rung.NATIVE:
        left = task.seconds_left() - reserve if task.seconds_left else None
        if (left is not None and left <= 0) or (task.max_iterations and done >= task.max_iterations):
            break
        if task.max_iterations:
            share = done / task.max_iterations
            gained = search.slice(min(_SLICE_ITERATIONS, task.max_iterations - done), left, share)
        else:
            assert left is not None
            gained = search.slice(None, min(_SLICE_SECONDS, left), 1.0 - left / granted if granted > 0 else 1.0)
        done += gained.iterations
        if gained.improved and every:
            yield search.plan(done, exhausted=False)
    wanted = task.max_iterations if task.rung is Rung.NATIVE and search.movable else 0
    exhausted = done < wanted
    yield search.explained(search.plan(done, exhausted=exhausted), reserve / 3)


@dataclass(frozen=True, slots=True)
class _Gain:
    iterations: int
    improved: bool


class _Search:
    """A fleet made of the snapshot, and what may move in it."""

    def __init__(self, task: RouteTask) -> None:
        self._task = task
        snapshot, policy = task.snapshot, task.policy
        self._fleet = Fleet(fleet_options(snapshot, task.travel, policy))
        orders, self._couriers = self._fleet.load(snapshot, task.travel)
        fixed = self._fixed(snapshot)
        rows = [row for row in range(len(snapshot.orders)) if row not in fixed]
        values = order_rows(
            snapshot,
            rows,
            range(len(snapshot.skills)),
            as_rows=fleet_options(snapshot, task.travel, policy).matrix_ms is not None,
        )
        self._handle = {row: int(orders[row]) for row in range(len(snapshot.orders)) if orders[row] >= 0}
        for row, value in zip(rows, values, strict=True):
            if row not in self._handle:
                self._handle[row] = self._fleet.add_order(value)
        self._row = {handle: row for row, handle in self._handle.items()}
        self.movable: dict[int, Order] = {self._handle[row]: value for row, value in zip(rows, values, strict=True)}
        price = (task.unserved_micros or MUST_SERVE_MICROS) * 1000
        self._prices = dict.fromkeys(self.movable, price)
        self._slices = 0
        self._best = self._value()
        self._initial = sum(self._terms().values())

    @staticmethod
    def _fixed(snapshot: Snapshot) -> set[int]:
        """Orders on board, and those with a locked stop."""
        fixed: set[int] = set()
        for courier in range(len(snapshot.couriers)):
            begin, end = int(snapshot.routes.ptr[courier]), int(snapshot.routes.ptr[courier + 1])
            orders = snapshot.routes.stop_order[begin:end].tolist()
            kinds = snapshot.routes.stop_kind[begin:end].tolist()
            picked = {order for order, kind in zip(orders, kinds, strict=True) if kind == StopKind.PICKUP}
            fixed |= set(orders) - picked
            fixed |= set(orders[: int(snapshot.routes.locked[courier])])
        return fixed

    def slice(self, iterations: int | None, seconds: float | None, share: float) -> _Gain:
        """A piece of the search, from the best routes on."""
        hot, cold = _COOLING[min(len(_COOLING) - 1, int(share * len(_COOLING)))]
        self._slices += 1
        done = self._fleet.improve(
            self.movable, self._prices, time_limit=seconds, max_iterations=iterations,
            seed=self._task.seed * 1_000_003 + self._slices, hot=hot, cold=cold,
        )  # fmt: skip
        value = (len(done.left_out), done.cost) if not self._task.unserved_micros else (0, self._value()[1])
        improved = value < self._best
        self._best = min(self._best, value)
        return _Gain(done.iterations, improved)

    def _value(self) -> tuple[int, int]:
        """What plans are compared by."""
        weights = policy_weights(self._task.policy)
        served: set[int] = set()
        cost = 0
        for courier in self._couriers.tolist():
            route = self._fleet.route(courier)
            served |= {order for _, order in route.stops}
            cost += sum(weights[name] * ms for name, ms in route.quantities_ms.items())
        out = sum(handle not in served for handle in self.movable)
        return (0, cost + out * self._task.unserved_micros * 1000) if self._task.unserved_micros else (out, cost)

    def _terms(self) -> dict[str, int]:
        totals = dict.fromkeys(QUANTITIES, 0)
        for courier in self._couriers.tolist():
            for name, ms in self._fleet.route(courier).quantities_ms.items():
                totals[name] += ms
        weights = policy_weights(self._task.policy)
        return {name: totals[name] * weights[name] // 1000 for name in QUANTITIES}

    def plan(self, iterations: int, *, exhausted: bool) -> RoutePlan:
        """The routes of the fleet now, checked; not marked as final."""
        snapshot = self._task.snapshot
        routes = {
            row: [(kind, self._row[handle]) for kind, handle in self._fleet.route(courier).stops]
            for row, courier in enumerate(self._couriers.tolist())
        }
        served = {order for stops in routes.values() for _, order in stops}
        left_out = [row for row in range(len(snapshot.orders)) if row not in served]
        check = check_routes(snapshot, self._task.travel, self._task.policy, routes, set(left_out))
        if check.faults:
            raise PlanFault("; ".join(check.faults[:3]))
        weights = policy_weights(self._task.policy)
        base, ids = snapshot.at_unix_ms, snapshot.orders.ids
        plans = []
        for courier, stops in routes.items():
            if not stops:
                continue
            times = check.timelines[courier]
            plans.append(
                CourierPlan(
                    courier_id=snapshot.couriers.ids[courier],
                    stops=tuple(
                        PlannedStop(kind, ids[order], base + arrive, base + at, base + depart)
                        for (kind, order), arrive, at, depart in zip(
                            stops, times.arrive, times.at, times.depart, strict=True
                        )
                    ),
                    new_order_ids=tuple(
                        ids[order]
                        for kind, order in stops
                        if kind == StopKind.DROPOFF and int(snapshot.orders.courier[order]) != courier
                    ),
                    depart_by_ms=base + times.depart_by,
                )
            )
        return RoutePlan(
            plans=tuple(plans),
            unserved=tuple(self._unserved(left_out)),
            cost_terms=tuple(
                (name, ms * weights[name] // 1000) for name, ms in zip(QUANTITIES, check.quantities, strict=True)
            ),
            initial_cost_micros=self._initial,
            iterations=iterations,
            exhausted=exhausted,
            final=False,
            rung=Rung.NATIVE if iterations else Rung.GREEDY,
        )

    def explained(self, plan: RoutePlan, reserve: float) -> RoutePlan:
        """The final one: with what would serve those left out, as far as `reserve` seconds stay."""
        row = {order_id: row for row, order_id in enumerate(self._task.snapshot.orders.ids)}
        orders = [self.movable[self._handle[row[order.order_id]]] for order in plan.unserved]
        left = self._task.seconds_left
        found = relaxations(
            self._task.snapshot, self._task.travel, self._task.policy, self._routes(), orders,
            self._task.unserved_micros, lambda: left is not None and left() < reserve,
        )  # fmt: skip
        unserved = [replace(order, relaxations=why) for order, why in zip(plan.unserved, found, strict=True)]
        return replace(plan, unserved=tuple(unserved), final=True)

    def _routes(self) -> Routes:
        """Of the fleet now, as columns of a snapshot."""
        stops = [self._fleet.route(courier).stops for courier in self._couriers.tolist()]
        return Routes(
            ptr=np.cumsum([0, *map(len, stops)], dtype=np.int32),
            stop_order=np.array([self._row[handle] for route in stops for _, handle in route], np.int32),
            stop_kind=np.array([kind for route in stops for kind, _ in route], np.int8),
            locked=self._task.snapshot.routes.locked,
        )

    def _unserved(self, rows: Sequence[int]) -> Iterator[UnservedOrder]:
        for row in rows:
            counts = self._fleet.refusals(self.movable[self._handle[row]])
            refused = tuple((WaitReason[name], counts[name]) for name in REJECTIONS if counts[name])
            if not len(self._couriers):
                reason = WaitReason.NO_COURIERS
            elif sum(counts.values()) < len(self._couriers):
                reason = WaitReason.WAITING_IS_CHEAPER
            else:
                reason = refused[0][0] if len(refused) == 1 else WaitReason.NO_FEASIBLE_COURIER
            yield UnservedOrder(self._task.snapshot.orders.ids[row], reason, refused)
