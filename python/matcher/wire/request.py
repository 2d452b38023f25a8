"""MatchRequest: bytes to Snapshot and options, and back.

Requests are decoded natively; what the native decoder does not vouch for is decoded on the official runtime, which
makes one list per attribute and no object per order or courier of our own. Encoding writes the canonical
form: rows sorted by id, whatever equals its default left out. It is what client and journal use, and it holds
``decode(encode(s)).digest == s.digest``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from matcher.domain import (
    NEVER_MS,
    Courier,
    Couriers,
    Demand,
    Effort,
    ErrorReason,
    InvalidRequest,
    Limits,
    Locations,
    Order,
    Orders,
    Refusals,
    Routes,
    RouteStop,
    Rung,
    Snapshot,
    SpatialFrame,
    StopKind,
    TravelMode,
    Violation,
)
from matcher.domain.builder import (
    CourierColumns,
    DemandColumns,
    OrderColumns,
    snapshot_from_canonical,
    snapshot_from_columns,
)
from matcher.domain.snapshot import F64, I32, I64
from matcher.kernels import match_request
from matcher.v1 import matching_service_pb2, types_pb2

DEFAULT_POLICY = "default"
_NEVER = int(NEVER_MS)


@dataclass(frozen=True, slots=True)
class MatchOptions:
    """What a MatchRequest asks for besides the snapshot."""

    policy: str = DEFAULT_POLICY
    forced_rung: Rung | None = None
    validate_only: bool = False
    effort: Effort | None = None
    """Redo exactly this much work; None: what policy and deadline allow."""


def decode_match_request(data: bytes, limits: Limits | None = None) -> tuple[Snapshot, MatchOptions]:
    """Snapshot and options of an encoded MatchRequest. Raises InvalidRequest with every violation found."""
    limits = limits or Limits()
    decoded = match_request.decode_match_request(
        data,
        orders=limits.orders,
        couriers=limits.couriers,
        route_stops=limits.route_stops,
        id_bytes=limits.id_bytes,
        demand_points=limits.demand_points,
    )
    if decoded is None:
        return decode_by_reference(data, limits)
    snapshot = snapshot_from_canonical(
        decoded.market_id,
        decoded.at_unix_ms,
        SpatialFrame(decoded.frame),
        Locations(*decoded.locations),
        Orders(*decoded.orders),
        Couriers(*decoded.couriers),
        Routes(*decoded.routes),
        Demand(*decoded.demand),
        decoded.skills,
        decoded.stores,
        Refusals(*decoded.refusals),
        decoded.content,
    )
    rung = Rung(decoded.forced_rung) if decoded.forced_rung else None
    return snapshot, MatchOptions(decoded.policy or DEFAULT_POLICY, rung, decoded.validate_only)


def decode_by_reference(data: bytes, limits: Limits | None = None) -> tuple[Snapshot, MatchOptions]:
    """The same on the official protobuf runtime: the meaning of a request, and the judge of what is wrong with one."""
    try:
        request = matching_service_pb2.MatchRequest.FromString(data)
    except DecodeError as error:
        sentence = f"the bytes are no matcher.v1.MatchRequest: {error}"
        raise InvalidRequest([Violation("request", sentence, ErrorReason.MALFORMED)]) from None
    limits = limits or Limits()
    options = match_options(request, limits)
    if not request.HasField("snapshot"):
        raise InvalidRequest([Violation("snapshot", "is required", ErrorReason.MISSING)])
    snapshot = request.snapshot
    # Counts are checked before anything is made of the rows.
    orders = _order_columns(snapshot.orders if len(snapshot.orders) <= limits.orders else ())
    couriers = _courier_columns(snapshot.couriers if len(snapshot.couriers) <= limits.couriers else ())
    points = snapshot.expected_demand if len(snapshot.expected_demand) <= limits.demand_points else ()
    built = snapshot_from_columns(
        snapshot.market_id,
        snapshot.at_ms,
        snapshot.frame,
        orders,
        couriers,
        DemandColumns(
            latitude=_f64([p.latitude for p in points]),
            longitude=_f64([p.longitude for p in points]),
            weight=_i64([p.weight for p in points]),
        ),
        limits=limits,
        counts=(len(snapshot.orders), len(snapshot.couriers), len(snapshot.expected_demand)),
    )
    return built, options


def encode_match_request(snapshot: Snapshot, options: MatchOptions | None = None) -> bytes:
    """The canonical bytes of a MatchRequest; equal for equal snapshots and options."""
    options = options or MatchOptions()
    request = matching_service_pb2.MatchRequest(
        snapshot=types_pb2.Snapshot(
            market_id=snapshot.market_id,
            at_ms=snapshot.at_unix_ms,
            frame=int(snapshot.frame),  # type: ignore[arg-type]
            orders=_order_messages(snapshot),
            couriers=_courier_messages(snapshot),
            expected_demand=_demand_messages(snapshot),
        ),
        policy=options.policy,
        validate_only=options.validate_only,
    )
    if options.forced_rung is not None:
        request.forced_rung = int(options.forced_rung)  # type: ignore[assignment]
    if options.effort is not None:
        request.effort.CopyFrom(effort_message(options.effort))
    return request.SerializeToString(deterministic=True)


def order_message(order: Order) -> types_pb2.Order:
    """The wire's form of an order; None is "not set"."""
    return types_pb2.Order(
        **{name: getattr(order, name) or 0 for name in _ORDER_NUMBERS},
        id=order.id,
        store_id=order.store_id,
        required_skills=order.required_skills,
        refused_courier_ids=order.refused_courier_ids,
        announced_courier_id=order.announced_courier_id,
    )


def courier_message(courier: Courier) -> types_pb2.Courier:
    """The wire's form of a courier; None is "not set"."""
    return types_pb2.Courier(
        **{name: getattr(courier, name) or 0 for name in _COURIER_NUMBERS},  # type: ignore[arg-type]
        id=courier.id,
        skills=courier.skills,
        route=route_messages(courier.route),
    )


def route_messages(route: Sequence[RouteStop]) -> list[types_pb2.RouteStop]:
    """The wire's form of stops."""
    return [types_pb2.RouteStop(kind=int(stop.kind), order_id=stop.order_id) for stop in route]  # type: ignore[arg-type]


_NOT_NUMBERS = ("id", "store_id", "required_skills", "refused_courier_ids", "announced_courier_id", "skills", "route")
_ORDER_NUMBERS = tuple(field.name for field in fields(Order) if field.name not in _NOT_NUMBERS)
_COURIER_NUMBERS = tuple(field.name for field in fields(Courier) if field.name not in _NOT_NUMBERS)


def effort_message(effort: Effort) -> types_pb2.Effort:
    """The wire's form of an Effort."""
    return types_pb2.Effort(
        nearest_couriers=effort.nearest_couriers,
        max_bundle_orders=effort.max_bundle_orders,
        rung=int(effort.rung),  # type: ignore[arg-type]
        iterations=effort.iterations,
        first_rung=int(effort.first_rung),  # type: ignore[arg-type]
    )


def effort_value(effort: types_pb2.Effort) -> Effort:
    """The domain's form of an Effort; rungs must be known."""
    return Effort(
        nearest_couriers=effort.nearest_couriers,
        max_bundle_orders=effort.max_bundle_orders,
        rung=Rung(effort.rung),
        iterations=effort.iterations,
        first_rung=Rung(effort.first_rung or effort.rung),
    )


def match_options(request: matching_service_pb2.MatchRequest, limits: Limits) -> MatchOptions:
    """What the message asks for besides its snapshot. Raises InvalidRequest."""
    wrong: list[Violation] = []

    def rung(path: str, number: int, *, required: bool) -> None:
        if number == 0 and required:
            wrong.append(Violation(path, "is required", ErrorReason.MISSING))
        elif number not in (0, *Rung):
            wrong.append(Violation(path, f"{number} is no Rung", ErrorReason.UNKNOWN_ENUM_VALUE))

    rung("forced_rung", request.forced_rung, required=False)
    effort = request.effort if request.HasField("effort") else None
    if effort is not None:
        rung("effort.rung", effort.rung, required=True)
        rung("effort.first_rung", effort.first_rung, required=False)
        exact = int(effort.rung) == Rung.ORTOOLS
        for field, least, most in (
            ("nearest_couriers", 1, limits.effort_nearest_couriers),
            ("max_bundle_orders", 1, limits.effort_bundle_orders),
            ("iterations", 0, limits.effort_exact_iterations if exact else limits.effort_iterations),
        ):
            value = getattr(effort, field)
            if not least <= value <= most:
                sentence = f"must be between {least} and {most}, is {value}"
                reason = ErrorReason.TOO_LARGE if value > most else ErrorReason.OUT_OF_RANGE
                wrong.append(Violation(f"effort.{field}", sentence, reason))
    if wrong:
        raise InvalidRequest(wrong)
    return MatchOptions(
        policy=request.policy or DEFAULT_POLICY,
        forced_rung=Rung(request.forced_rung) if request.forced_rung else None,
        validate_only=request.validate_only,
        effort=None if effort is None else effort_value(effort),
    )


def _order_columns(orders: Sequence[types_pb2.Order]) -> OrderColumns:
    skill_ptr, skill = _flat([o.required_skills for o in orders])
    refused_ptr, refused = _flat([o.refused_courier_ids for o in orders])
    return OrderColumns(
        ids=[o.id for o in orders],
        pickup_latitude=_f64([o.pickup_latitude for o in orders]),
        pickup_longitude=_f64([o.pickup_longitude for o in orders]),
        dropoff_latitude=_f64([o.dropoff_latitude for o in orders]),
        dropoff_longitude=_f64([o.dropoff_longitude for o in orders]),
        placed_at_ms=_i64([o.placed_at_ms for o in orders]),
        ready_at_ms=_i64([o.ready_at_ms for o in orders]),
        promised_by_ms=_i64([o.promised_by_ms for o in orders]),
        dropoff_not_before_ms=_i64([o.dropoff_not_before_ms for o in orders]),
        pickup_by_ms=_i64([o.pickup_by_ms for o in orders]),
        dropoff_by_ms=_i64([o.dropoff_by_ms for o in orders]),
        size=_i64([o.size for o in orders]),
        skill_ptr=skill_ptr,
        skill=skill,
        priority=_i64([o.priority for o in orders]),
        freshness_limit_ms=_i64([o.freshness_limit_ms for o in orders]),
        store_id=[o.store_id for o in orders],
        pickup_access_ms=_i64([o.pickup_access_ms for o in orders]),
        pickup_leave_ms=_i64([o.pickup_leave_ms for o in orders]),
        dropoff_access_ms=_i64([o.dropoff_access_ms for o in orders]),
        dropoff_leave_ms=_i64([o.dropoff_leave_ms for o in orders]),
        picked_up_at_ms=_i64([o.picked_up_at_ms for o in orders]),
        courier_pay_micros=_i64([o.courier_pay_micros for o in orders]),
        refused_ptr=refused_ptr,
        refused=refused,
        announced_courier_id=[o.announced_courier_id for o in orders],
        ready_early_at_ms=_i64([o.ready_early_at_ms for o in orders]),
        ready_late_at_ms=_i64([o.ready_late_at_ms for o in orders]),
    )


def _courier_columns(couriers: Sequence[types_pb2.Courier]) -> CourierColumns:
    skill_ptr, skill = _flat([c.skills for c in couriers])
    route_ptr, stops = _flat([c.route for c in couriers])
    return CourierColumns(
        ids=[c.id for c in couriers],
        latitude=_f64([c.latitude for c in couriers]),
        longitude=_f64([c.longitude for c in couriers]),
        free_at_ms=_i64([c.free_at_ms for c in couriers]),
        shift_end_at_ms=_i64([c.shift_end_at_ms for c in couriers]),
        capacity=_i64([c.capacity for c in couriers]),
        skill_ptr=skill_ptr,
        skill=skill,
        mode=_i64([c.mode for c in couriers]),
        speed_meters_per_hour=_i64([c.speed_meters_per_hour for c in couriers]),
        route_ptr=route_ptr,
        route_order_id=[stop.order_id for stop in stops],
        route_kind=_i64([stop.kind for stop in stops]),
        locked_stops=_i64([c.locked_stops for c in couriers]),
        earned_micros=_i64([c.earned_micros for c in couriers]),
        guaranteed_micros=_i64([c.guaranteed_micros for c in couriers]),
        acceptance_permille=_i64([c.acceptance_permille for c in couriers]),
        on_shift_ms=_i64([c.on_shift_ms for c in couriers]),
    )


def _f64(values: list[float]) -> F64:
    return np.array(values, dtype=np.float64)


def _i64(values: Sequence[int]) -> I64:
    return np.array(values, dtype=np.int64)


def _flat(lists: list[Any]) -> tuple[I32, list[Any]]:
    ptr = np.zeros(len(lists) + 1, dtype=np.int32)
    np.cumsum([len(values) for values in lists], out=ptr[1:])
    return ptr, [value for values in lists if values for value in values]


def _order_messages(snapshot: Snapshot) -> list[types_pb2.Order]:
    at, orders, places = snapshot.at_unix_ms, snapshot.orders, snapshot.locations
    latitude, longitude = places.latitude.tolist(), places.longitude.tolist()
    aboard = _on_board(snapshot)
    refused: dict[int, list[str]] = {}
    for order, courier in zip(snapshot.refusals.order.tolist(), snapshot.refusals.courier.tolist(), strict=True):
        refused.setdefault(order, []).append(snapshot.couriers.ids[courier])
    columns = zip(
        range(len(orders)),
        orders.ids,
        orders.pickup_loc.tolist(),
        orders.dropoff_loc.tolist(),
        _unix(at, orders.placed_ms, 0),
        _unix(at, orders.ready_ms, 0),
        _unix(at, orders.promised_by_ms, _NEVER),
        _unix(at, orders.dropoff_not_before_ms, 0),
        _unix(at, orders.pickup_by_ms, _NEVER),
        _unix(at, orders.dropoff_by_ms, _NEVER),
        np.where(orders.freshness_ms == _NEVER, 0, orders.freshness_ms).tolist(),
        orders.size.tolist(),
        orders.skills.tolist(),
        orders.priority.tolist(),
        orders.store.tolist(),
        orders.pickup_access_ms.tolist(),
        orders.pickup_leave_ms.tolist(),
        orders.dropoff_access_ms.tolist(),
        orders.dropoff_leave_ms.tolist(),
        aboard.tolist(),
        orders.pay_micros.tolist(),
        orders.announced.tolist(),
        np.where(orders.ready_early_ms == orders.ready_ms, 0, at + orders.ready_early_ms).tolist(),
        np.where(orders.ready_late_ms == orders.ready_ms, 0, at + orders.ready_late_ms).tolist(),
        strict=True,
    )
    return [
        types_pb2.Order(
            id=id_,
            pickup_latitude=latitude[pickup],
            pickup_longitude=longitude[pickup],
            dropoff_latitude=latitude[dropoff],
            dropoff_longitude=longitude[dropoff],
            placed_at_ms=placed,
            ready_at_ms=0 if on_board else ready,
            promised_by_ms=promised,
            dropoff_not_before_ms=not_before,
            pickup_by_ms=pickup_by,
            dropoff_by_ms=dropoff_by,
            size=size,
            required_skills=_names(snapshot.skills, skills),
            priority=priority,
            freshness_limit_ms=freshness,
            store_id=snapshot.stores[store] if store >= 0 else "",
            pickup_access_ms=pickup_access,
            pickup_leave_ms=pickup_leave,
            dropoff_access_ms=dropoff_access,
            dropoff_leave_ms=dropoff_leave,
            picked_up_at_ms=ready if on_board else 0,
            courier_pay_micros=pay,
            refused_courier_ids=refused.get(row, ()),
            announced_courier_id=snapshot.couriers.ids[announced] if announced >= 0 else "",
            ready_early_at_ms=early,
            ready_late_at_ms=late,
        )
        for (
            row, id_, pickup, dropoff, placed, ready, promised, not_before, pickup_by, dropoff_by, freshness, size,
            skills, priority, store, pickup_access, pickup_leave, dropoff_access, dropoff_leave, on_board, pay,
            announced, early, late,
        ) in columns
    ]  # fmt: skip


def _courier_messages(snapshot: Snapshot) -> list[types_pb2.Courier]:
    at, couriers, routes, places = snapshot.at_unix_ms, snapshot.couriers, snapshot.routes, snapshot.locations
    latitude, longitude = places.latitude.tolist(), places.longitude.tolist()
    stops = [
        types_pb2.RouteStop(kind=kind, order_id=snapshot.orders.ids[order])
        for kind, order in zip(routes.stop_kind.tolist(), routes.stop_order.tolist(), strict=True)
    ]
    ptr = routes.ptr.tolist()
    columns = zip(
        couriers.ids,
        couriers.loc.tolist(),
        _unix(at, couriers.free_ms, 0),
        _unix(at, couriers.shift_end_ms, _NEVER),
        couriers.capacity.tolist(),
        couriers.skills.tolist(),
        np.where(couriers.mode == TravelMode.CAR, 0, couriers.mode).tolist(),
        couriers.speed_mph.tolist(),
        pairwise(ptr),
        routes.locked.tolist(),
        couriers.earned_micros.tolist(),
        couriers.guaranteed_micros.tolist(),
        couriers.acceptance_permille.tolist(),
        couriers.on_shift_ms.tolist(),
        strict=True,
    )
    return [
        types_pb2.Courier(
            id=id_,
            latitude=latitude[place],
            longitude=longitude[place],
            free_at_ms=free,
            shift_end_at_ms=shift_end,
            capacity=capacity,
            skills=_names(snapshot.skills, skills),
            mode=mode,
            speed_meters_per_hour=speed,
            route=stops[begin:end],
            locked_stops=locked,
            earned_micros=earned,
            guaranteed_micros=guaranteed,
            acceptance_permille=acceptance,
            on_shift_ms=on_shift,
        )
        for (
            id_, place, free, shift_end, capacity, skills, mode, speed, (begin, end), locked, earned, guaranteed,
            acceptance, on_shift,
        ) in columns
    ]  # fmt: skip


def _demand_messages(snapshot: Snapshot) -> list[types_pb2.DemandPoint]:
    places, demand = snapshot.locations, snapshot.demand
    return [
        types_pb2.DemandPoint(latitude=latitude, longitude=longitude, weight=weight)
        for latitude, longitude, weight in zip(
            places.latitude[demand.loc].tolist(),
            places.longitude[demand.loc].tolist(),
            demand.weight.tolist(),
            strict=True,
        )
    ]


def _on_board(snapshot: Snapshot) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Orders with a drop-off in a route and no pick-up."""
    routes = snapshot.routes
    aboard = snapshot.orders.courier >= 0
    aboard[routes.stop_order[routes.stop_kind == StopKind.PICKUP]] = False
    return aboard


def _unix(at_unix_ms: int, times: I64, default: int) -> list[int]:
    """Relative times as Unix times, the default as 0."""
    unix: list[int] = np.where(times == default, 0, times + at_unix_ms).tolist()
    return unix


def _names(names: tuple[str, ...], bits: int) -> list[str]:
    return [name for index, name in enumerate(names) if bits >> index & 1] if bits else []
