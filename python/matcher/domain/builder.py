"""From lists of orders and couriers to the one canonical Snapshot, or to the list of what is wrong with them.

There are two ways in: `build_snapshot` takes `Order` and `Courier` values, `snapshot_from_columns` takes one list or
array per attribute in the caller's order (what decoding makes). Both end in the same columns: rows sorted by id,
distinct places sorted, times relative to the snapshot's, defaults applied, and a digest that does not depend on the
order in which anything was listed. In columns, as on the wire, 0 is "not set" for times.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matcher.domain.canonical import canonical_content, canonical_digest, freeze, locate, rank, skill_sets
from matcher.domain.checks import (
    NO_TIME,
    Checker,
    Counts,
    CourierColumns,
    DemandColumns,
    Limits,
    OrderColumns,
    check_couriers,
    check_demand,
    check_market,
    check_orders,
    check_routes,
)
from matcher.domain.enums import SpatialFrame
from matcher.domain.rows import Courier, DemandPoint, Order
from matcher.domain.snapshot import (
    I32,
    I64,
    NEVER_MS,
    NO_REFUSALS,
    Couriers,
    Demand,
    Locations,
    Orders,
    Refusals,
    Routes,
    Snapshot,
)
from matcher.domain.violations import ErrorReason

__all__ = ["CourierColumns", "DemandColumns", "Limits", "OrderColumns", "build_snapshot", "snapshot_from_columns"]


def build_snapshot(
    market_id: str,
    at_unix_ms: int,
    orders: Sequence[Order],
    couriers: Sequence[Courier],
    *,
    expected_demand: Sequence[DemandPoint] = (),
    frame: SpatialFrame = SpatialFrame.WGS84,
    limits: Limits | None = None,
) -> Snapshot:
    """One consistent snapshot of a market at `at_unix_ms` (Unix milliseconds).

    Raises InvalidSnapshot with every violation found (field path, sentence, reason). The listing order of orders,
    couriers, points and skills has no influence on the result.
    """
    check = Checker()
    for group, field, lists in (
        ("orders", "required_skills", [o.required_skills for o in orders]),
        ("orders", "refused_courier_ids", [o.refused_courier_ids for o in orders]),
        ("couriers", "skills", [c.skills for c in couriers]),
    ):
        for row, skills in enumerate(lists):
            if isinstance(skills, str):
                check.add(f"{group}[{row}].{field}", ErrorReason.MALFORMED, f"must be a tuple of names, not {skills!r}")
    order_columns = OrderColumns(
        ids=[o.id for o in orders],
        pickup_latitude=check.floats("orders", "pickup_latitude", [o.pickup_latitude for o in orders]),
        pickup_longitude=check.floats("orders", "pickup_longitude", [o.pickup_longitude for o in orders]),
        dropoff_latitude=check.floats("orders", "dropoff_latitude", [o.dropoff_latitude for o in orders]),
        dropoff_longitude=check.floats("orders", "dropoff_longitude", [o.dropoff_longitude for o in orders]),
        placed_at_ms=check.times("orders", "placed_at_ms", [o.placed_at_ms for o in orders]),
        ready_at_ms=check.times("orders", "ready_at_ms", [o.ready_at_ms for o in orders]),
        promised_by_ms=check.times("orders", "promised_by_ms", [o.promised_by_ms for o in orders]),
        dropoff_not_before_ms=check.times("orders", "dropoff_not_before_ms", [o.dropoff_not_before_ms for o in orders]),
        pickup_by_ms=check.times("orders", "pickup_by_ms", [o.pickup_by_ms for o in orders]),
        dropoff_by_ms=check.times("orders", "dropoff_by_ms", [o.dropoff_by_ms for o in orders]),
        size=check.integers("orders", "size", [o.size for o in orders]),
        skill_ptr=_pointers([len(o.required_skills) for o in orders]),
        skill=[skill for o in orders for skill in o.required_skills],
        priority=check.integers("orders", "priority", [o.priority for o in orders]),
        freshness_limit_ms=check.times("orders", "freshness_limit_ms", [o.freshness_limit_ms for o in orders]),
        store_id=[o.store_id for o in orders],
        pickup_access_ms=check.integers("orders", "pickup_access_ms", [o.pickup_access_ms for o in orders]),
        pickup_leave_ms=check.integers("orders", "pickup_leave_ms", [o.pickup_leave_ms for o in orders]),
        dropoff_access_ms=check.integers("orders", "dropoff_access_ms", [o.dropoff_access_ms for o in orders]),
        dropoff_leave_ms=check.integers("orders", "dropoff_leave_ms", [o.dropoff_leave_ms for o in orders]),
        picked_up_at_ms=check.times("orders", "picked_up_at_ms", [o.picked_up_at_ms for o in orders]),
        courier_pay_micros=check.integers("orders", "courier_pay_micros", [o.courier_pay_micros for o in orders]),
        refused_ptr=_pointers([len(o.refused_courier_ids) for o in orders]),
        refused=[name for o in orders for name in o.refused_courier_ids],
        announced_courier_id=[o.announced_courier_id for o in orders],
        ready_early_at_ms=check.times("orders", "ready_early_at_ms", [o.ready_early_at_ms for o in orders]),
        ready_late_at_ms=check.times("orders", "ready_late_at_ms", [o.ready_late_at_ms for o in orders]),
    )
    courier_columns = CourierColumns(
        ids=[c.id for c in couriers],
        latitude=check.floats("couriers", "latitude", [c.latitude for c in couriers]),
        longitude=check.floats("couriers", "longitude", [c.longitude for c in couriers]),
        free_at_ms=check.times("couriers", "free_at_ms", [c.free_at_ms for c in couriers]),
        shift_end_at_ms=check.times("couriers", "shift_end_at_ms", [c.shift_end_at_ms for c in couriers]),
        capacity=check.integers("couriers", "capacity", [c.capacity for c in couriers]),
        skill_ptr=_pointers([len(c.skills) for c in couriers]),
        skill=[skill for c in couriers for skill in c.skills],
        mode=check.integers("couriers", "mode", [c.mode for c in couriers]),
        speed_meters_per_hour=check.integers(
            "couriers", "speed_meters_per_hour", [c.speed_meters_per_hour for c in couriers]
        ),
        route_ptr=_pointers([len(c.route) for c in couriers]),
        route_order_id=[stop.order_id for c in couriers for stop in c.route],
        route_kind=np.array([int(stop.kind) for c in couriers for stop in c.route], dtype=np.int64),
        locked_stops=check.integers("couriers", "locked_stops", [c.locked_stops for c in couriers]),
        earned_micros=check.integers("couriers", "earned_micros", [c.earned_micros for c in couriers]),
        guaranteed_micros=check.integers("couriers", "guaranteed_micros", [c.guaranteed_micros for c in couriers]),
        acceptance_permille=check.integers(
            "couriers", "acceptance_permille", [c.acceptance_permille for c in couriers]
        ),
        on_shift_ms=check.integers("couriers", "on_shift_ms", [c.on_shift_ms for c in couriers]),
    )
    demand_columns = DemandColumns(
        latitude=check.floats("expected_demand", "latitude", [p.latitude for p in expected_demand]),
        longitude=check.floats("expected_demand", "longitude", [p.longitude for p in expected_demand]),
        weight=check.integers("expected_demand", "weight", [p.weight for p in expected_demand]),
    )
    check.raise_if_any()
    return snapshot_from_columns(
        market_id, at_unix_ms, frame, order_columns, courier_columns, demand_columns, limits=limits
    )


def snapshot_from_columns(
    market_id: str,
    at_unix_ms: int,
    frame: int,
    orders: OrderColumns,
    couriers: CourierColumns,
    demand: DemandColumns,
    *,
    limits: Limits | None = None,
    counts: Counts | None = None,
) -> Snapshot:
    """The same from one list or array per attribute, rows in the caller's order, 0 for "not set".

    `counts`: numbers of rows received, where a decoder kept no rows because they are over the limits.
    Raises InvalidSnapshot; positions in its field paths are the caller's.
    """
    limits = limits or Limits()
    check = Checker()
    received = counts or (len(orders.ids), len(couriers.ids), len(demand.weight))
    check_market(check, market_id, at_unix_ms, frame, received, limits)
    check.raise_if_any()  # sizes first: nothing below may run on more rows than the limits allow
    frame = SpatialFrame(frame or SpatialFrame.WGS84)
    check_orders(check, orders, at_unix_ms, frame, limits)
    check_couriers(check, couriers, at_unix_ms, frame, limits)
    check_demand(check, demand, frame)
    skills = check.skills(orders, couriers, limits)
    check.raise_if_any()

    order_rank, order_at = rank(orders.ids)
    courier_rank, courier_at = rank(couriers.ids)
    listed = {order: row for row, order in enumerate(orders.ids)}
    owner, on_board = check_routes(check, couriers, listed)
    check.raise_if_any()

    locations, places = locate(
        frame,
        np.concatenate([orders.pickup_latitude, orders.dropoff_latitude, couriers.latitude, demand.latitude]),
        np.concatenate([orders.pickup_longitude, orders.dropoff_longitude, couriers.longitude, demand.longitude]),
    )
    n, m = len(orders.ids), len(couriers.ids)
    stores = sorted({*orders.store_id} - {""})
    store_index = {store: index for index, store in enumerate(stores)} | {"": -1}

    def since(times: I64, default: int) -> I64:
        """Times relative to the snapshot's, rows sorted."""
        return np.where(times == NO_TIME, default, times - at_unix_ms)[order_at]

    ready = since(np.where(on_board, orders.picked_up_at_ms, orders.ready_at_ms), 0)

    def beside(times: I64) -> I64:
        """Quantiles of ready times; the ready time where none is given, or the order is on board."""
        return np.where((on_board | (times == NO_TIME))[order_at], ready, since(times, 0))

    built_orders = Orders(
        ids=tuple(map(orders.ids.__getitem__, order_at.tolist())),
        pickup_loc=places[:n][order_at],
        dropoff_loc=places[n : 2 * n][order_at],
        placed_ms=since(orders.placed_at_ms, 0),
        ready_ms=ready,
        promised_by_ms=since(orders.promised_by_ms, int(NEVER_MS)),
        dropoff_not_before_ms=since(orders.dropoff_not_before_ms, 0),
        pickup_by_ms=since(orders.pickup_by_ms, int(NEVER_MS)),
        dropoff_by_ms=since(orders.dropoff_by_ms, int(NEVER_MS)),
        freshness_ms=np.where(orders.freshness_limit_ms == 0, NEVER_MS, orders.freshness_limit_ms)[order_at],
        size=orders.size[order_at].astype(np.int32),
        skills=skill_sets(skills, orders.skill_ptr, orders.skill)[order_at],
        priority=orders.priority[order_at].astype(np.int32),
        store=np.array([store_index[store] for store in orders.store_id], dtype=np.int32)[order_at],
        pickup_access_ms=orders.pickup_access_ms[order_at].astype(np.int32),
        pickup_leave_ms=orders.pickup_leave_ms[order_at].astype(np.int32),
        dropoff_access_ms=orders.dropoff_access_ms[order_at].astype(np.int32),
        dropoff_leave_ms=orders.dropoff_leave_ms[order_at].astype(np.int32),
        pay_micros=orders.courier_pay_micros[order_at],
        courier=_ranked(courier_rank, owner)[order_at],
        announced=_announced(orders, couriers.ids, courier_rank)[order_at],
        ready_early_ms=np.minimum(beside(orders.ready_early_at_ms), ready),
        ready_late_ms=np.maximum(beside(orders.ready_late_at_ms), ready),
    )
    free = np.where(couriers.free_at_ms == NO_TIME, 0, couriers.free_at_ms - at_unix_ms)
    end = np.where(couriers.shift_end_at_ms == NO_TIME, NEVER_MS, couriers.shift_end_at_ms - at_unix_ms)
    built_couriers = Couriers(
        ids=tuple(map(couriers.ids.__getitem__, courier_at.tolist())),
        loc=places[2 * n : 2 * n + m][courier_at],
        free_ms=np.maximum(free, 0)[courier_at],
        shift_end_ms=end[courier_at],
        capacity=couriers.capacity[courier_at].astype(np.int32),
        skills=skill_sets(skills, couriers.skill_ptr, couriers.skill)[courier_at],
        mode=np.maximum(couriers.mode, 1)[courier_at].astype(np.int8),
        speed_mph=couriers.speed_meters_per_hour[courier_at].astype(np.int32),
        earned_micros=couriers.earned_micros[courier_at],
        guaranteed_micros=couriers.guaranteed_micros[courier_at],
        acceptance_permille=couriers.acceptance_permille[courier_at].astype(np.int32),
        on_shift_ms=couriers.on_shift_ms[courier_at],
    )
    built_routes = _routes(couriers, courier_at, listed, order_rank)
    points, weights = places[2 * n + m :], demand.weight.astype(np.int32)
    by_place = np.lexsort((weights, points))
    built_demand = Demand(points[by_place], weights[by_place])
    refusals = _refusals(orders, order_rank, couriers.ids, courier_rank)
    freeze(locations, built_orders, built_couriers, built_routes, built_demand, refusals)
    return snapshot_from_canonical(
        market_id,
        int(at_unix_ms),
        frame,
        locations,
        built_orders,
        built_couriers,
        built_routes,
        built_demand,
        tuple(skills),
        tuple(stores),
        refusals,
    )


def snapshot_from_canonical(
    market_id: str,
    at_unix_ms: int,
    frame: SpatialFrame,
    locations: Locations,
    orders: Orders,
    couriers: Couriers,
    routes: Routes,
    demand: Demand,
    skills: tuple[str, ...],
    stores: tuple[str, ...],
    refusals: Refusals = NO_REFUSALS,
    content: bytes | None = None,
) -> Snapshot:
    """A Snapshot of columns that are already checked, sorted and read-only; adds the digest.

    `content`: their `canonical_content`, where it is known already.
    """
    if content is None:
        content = canonical_content(
            (skills, stores, orders.ids, couriers.ids),
            (locations, orders, couriers, routes, demand, *((refusals,) if len(refusals) else ())),
            (*_said_of_couriers(orders, couriers), *_said_of_readiness(orders)),
        )
    digest = canonical_digest((market_id, at_unix_ms, int(frame)), content)
    return Snapshot(
        market_id, at_unix_ms, frame, locations, orders, couriers, routes, demand, skills, stores, digest, refusals
    )


def _refusals(orders: OrderColumns, order_rank: I32, courier_ids: Sequence[str], courier_rank: I32) -> Refusals:
    """Pairs of ranks; who is not listed has nothing to refuse."""
    if not orders.refused:
        return NO_REFUSALS
    listed = {courier: row for row, courier in enumerate(courier_ids)}
    owner = np.repeat(order_rank, np.diff(orders.refused_ptr)).tolist()
    pairs = {
        (order, int(courier_rank[listed[name]]))
        for order, name in zip(owner, orders.refused, strict=True)
        if name in listed
    }
    if not pairs:
        return NO_REFUSALS
    order, courier = np.array(sorted(pairs), dtype=np.int32).T
    return Refusals(np.ascontiguousarray(order), np.ascontiguousarray(courier))


def _announced(orders: OrderColumns, courier_ids: Sequence[str], courier_rank: I32) -> I32:
    """Ranks of the couriers announced, orders as listed; who is not listed is nobody."""
    if not any(orders.announced_courier_id):
        return np.full(len(orders.ids), -1, dtype=np.int32)
    ranks = dict(zip(courier_ids, courier_rank.tolist(), strict=True))
    return np.array([ranks.get(name, -1) for name in orders.announced_courier_id], dtype=np.int32)


def _said_of_couriers(orders: Orders, couriers: Couriers) -> tuple[I32, I32, I64] | tuple[()]:
    """Columns that few markets fill: part of the content only where one of them says something."""
    columns = orders.announced, couriers.acceptance_permille, couriers.on_shift_ms
    return columns if (columns[0] >= 0).any() or columns[1].any() or columns[2].any() else ()


def _said_of_readiness(orders: Orders) -> tuple[I64, I64] | tuple[()]:
    """The same for how uncertain ready times are."""
    early, late = orders.ready_early_ms, orders.ready_late_ms
    certain = np.array_equal(early, orders.ready_ms) and np.array_equal(late, orders.ready_ms)
    return () if certain else (early, late)


def _pointers(counts: list[int]) -> I32:
    pointers = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=pointers[1:])
    return pointers


def _ranked(ranks: I32, owner: I32) -> I32:
    """Ranks of the owners given by listed position; -1 stays."""
    if len(ranks) == 0:
        return owner
    return np.where(owner < 0, np.int32(-1), ranks[owner])


def _routes(couriers: CourierColumns, courier_at: I64, listed: dict[str, int], order_rank: I32) -> Routes:
    counts = np.diff(couriers.route_ptr)[courier_at]
    ptr = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=ptr[1:])
    # Stop k of a sorted route is stop k of the listed one: shift every position by the distance of their beginnings.
    source = np.arange(int(ptr[-1])) + np.repeat(couriers.route_ptr[:-1][courier_at] - ptr[:-1], counts)
    rows = np.array([listed[order] for order in couriers.route_order_id], dtype=np.int64)
    return Routes(
        ptr=ptr,
        stop_order=order_rank[rows][source],
        stop_kind=couriers.route_kind.astype(np.int8)[source],
        locked=couriers.locked_stops[courier_at].astype(np.int32),
    )
