"""From a snapshot to the packing problem that a decision solves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from opentelemetry import trace

from matcher.assignment import Columns, ZoneCaps, find_candidates, most_valuable, score, waiting_prices, zone_caps
from matcher.batching import open_orders, propose_units
from matcher.domain import CancelToken, Degradation, Policy, Snapshot, Travel
from matcher.engine.effort import Grant, grant_work, regrant
from matcher.engine.load import planned_readiness, under_load
from matcher.engine.spans import step
from matcher.ports import Budget, Ports
from matcher.solve.packing import Caps, PackingProblem

_tracer = trace.get_tracer("matcher.engine")


@dataclass(frozen=True, slots=True)
class Posed:
    """A packing problem, what it was made from, and the work granted for it."""

    snapshot: Snapshot
    """As given, with the ready times that are planned for, and as `ready_early_ms` those that couriers leave for."""
    policy: Policy
    """As asked for, with courier time priced for the present load."""
    travel: Travel
    orders: npt.NDArray[np.int32]
    """Open orders, ascending: order k of the problem is order orders[k] of the snapshot."""
    columns: Columns
    problem: PackingProblem
    zones: ZoneCaps | None
    shut_out: npt.NDArray[np.bool_]
    """(open orders,) whether a zone alone keeps every courier away who could take the order."""
    grant: Grant
    cancel: CancelToken
    """The budget's, or one that nobody raises."""


def pose(snapshot: Snapshot, policy: Policy, budget: Budget, ports: Ports) -> Posed:
    """Bundles, candidates and scores, within what policy and budget grant. Raises Cancelled."""
    policy = under_load(snapshot, policy)
    snapshot = planned_readiness(snapshot, policy)
    orders = open_orders(snapshot)
    crowd = int(np.bincount(snapshot.orders.pickup_loc[orders]).max(initial=0))
    cancel = budget.cancel or CancelToken()
    grant = grant_work(policy, budget, len(orders), len(snapshot.couriers), crowd)
    with step(_tracer, "travel"):
        travel = ports.travel.travel(snapshot, policy.travel)
    with step(_tracer, "bundles"):
        units = propose_units(snapshot, travel, policy.bundling, grant.max_bundle_orders, cancel)
    with step(_tracer, "candidates"):
        candidates = find_candidates(snapshot, travel, units, policy, grant.nearest_couriers, cancel)
    cancel.check()
    with step(_tracer, "scores"):
        columns = score(snapshot, travel, candidates, policy, cancel=cancel)
        wait = waiting_prices(snapshot, orders, policy)
    zones = zone_caps(snapshot, orders, policy.zones)
    columns, shut_out = _that_fit(columns, zones, len(orders))
    weighed = most_valuable(columns, wait, policy.candidates.max_columns, cancel)
    if len(weighed.cost) < len(columns.cost):
        columns, grant = weighed, replace(grant, degradations=(*grant.degradations, Degradation.COLUMNS_CAPPED))
    cancel.check()
    problem = packing_problem(snapshot, orders, columns, wait, zones)
    left = regrant(grant, budget, len(orders))
    return Posed(snapshot, policy, travel, orders, columns, problem, zones, shut_out, left, cancel)


def _that_fit(columns: Columns, zones: ZoneCaps | None, singles: int) -> tuple[Columns, npt.NDArray[np.bool_]]:
    """The columns that keep every cap by themselves, and which single orders lost all of theirs by that."""
    if zones is None:
        return columns, np.zeros(singles, dtype=np.bool_)
    candidates = columns.candidates
    fit: npt.NDArray[np.bool_] = np.all(zones.use(candidates) <= zones.left, axis=1)
    fitting = Columns(candidates.of(fit), columns.term_names, columns.term_micros[fit], columns.cost[fit])
    before = np.bincount(candidates.unit, minlength=singles)[:singles] > 0
    after = np.bincount(fitting.candidates.unit, minlength=singles)[:singles] > 0
    return fitting, before & ~after


def packing_problem(
    snapshot: Snapshot,
    orders: npt.NDArray[np.int32],
    columns: Columns,
    wait: npt.NDArray[np.int64],
    zones: ZoneCaps | None = None,
) -> PackingProblem:
    """The columns in terms of open orders: member lists are gathered from the units."""
    candidates = columns.candidates
    units = candidates.units
    position = np.full(len(snapshot.orders), -1, dtype=np.int32)
    position[orders] = np.arange(len(orders), dtype=np.int32)
    lengths = np.diff(units.ptr)[candidates.unit]
    ptr = np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(lengths, dtype=np.int32)])
    offsets = np.arange(int(ptr[-1]), dtype=np.int32) - np.repeat(ptr[:-1], lengths)
    members = position[units.order[np.repeat(units.ptr[candidates.unit], lengths) + offsets]]
    return PackingProblem(
        n_orders=len(orders),
        n_couriers=len(snapshot.couriers),
        courier=candidates.courier,
        ptr=ptr,
        order=members.astype(np.int32),
        cost=columns.cost,
        wait=wait,
        caps=None if zones is None else Caps(zones.use(candidates), zones.left),
    )
