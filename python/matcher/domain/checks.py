"""Sanity checks of a snapshot's raw columns. Each finds all violations of its kind and says where they are.

The arrays are checked whole; only what is wrong is looked at one by one. Inverted windows are compared only where
both ends were given: reality may be late, a caller's own two numbers may not contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.domain.enums import SpatialFrame, StopKind, TravelMode
from matcher.domain.snapshot import F64, I32, I64
from matcher.domain.violations import ErrorReason, InvalidSnapshot, Violation

NO_TIME = 0
"""A time that is not set, as on the wire."""
_MAX_VIOLATIONS = 100
_MAX_SKILLS = 63
_DAY_MS = 86_400_000
_HORIZON_MS = 30 * _DAY_MS
_MAX_UNITS = 1_000_000
_MAX_SPEED_MPH = 1_000_000
_MAX_PRIORITY = 1_000
_MAX_MICROS = 1_000_000_000_000
_MAX_WEIGHT = 1_000_000
_MAX_REFUSALS = 1_000
_PLANE_REACH_M = 10_000_000.0
_LAST_UNIX_MS = 253_402_300_799_999  # the end of the year 9999


Counts = tuple[int, int, int]
"""Numbers of orders, couriers and points of expected demand."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest snapshot accepted; beyond it a request is refused, never tried."""

    orders: int = 20_000
    couriers: int = 50_000
    route_stops: int = 64
    """Stops of one courier's route in progress."""
    demand_points: int = 5_000
    id_bytes: int = 128
    """UTF-8 bytes of any id or skill name."""
    effort_nearest_couriers: int = 1_000
    """Largest `effort.nearest_couriers` that a request may pin, and so on for the other parts of an effort."""
    effort_bundle_orders: int = 6
    effort_iterations: int = 10_000_000
    """Of the native and the greedy rung; half a minute of a slow core."""
    effort_exact_iterations: int = 60_000
    """Of the OR-Tools rung: a minute, by its own count of work."""


@dataclass(frozen=True, slots=True)
class OrderColumns:
    """Orders as given: one entry per order in the caller's order, 0 for "not set"."""

    ids: Sequence[str]
    pickup_latitude: F64
    pickup_longitude: F64
    dropoff_latitude: F64
    dropoff_longitude: F64
    placed_at_ms: I64
    ready_at_ms: I64
    promised_by_ms: I64
    dropoff_not_before_ms: I64
    pickup_by_ms: I64
    dropoff_by_ms: I64
    size: I64
    skill_ptr: I32
    """Order i requires skill[skill_ptr[i]:skill_ptr[i+1]]."""
    skill: Sequence[str]
    priority: I64
    freshness_limit_ms: I64
    store_id: Sequence[str]
    pickup_access_ms: I64
    pickup_leave_ms: I64
    dropoff_access_ms: I64
    dropoff_leave_ms: I64
    picked_up_at_ms: I64
    courier_pay_micros: I64
    refused_ptr: I32
    """Order i is refused by refused[refused_ptr[i]:refused_ptr[i+1]]."""
    refused: Sequence[str]
    announced_courier_id: Sequence[str]
    ready_early_at_ms: I64
    ready_late_at_ms: I64


@dataclass(frozen=True, slots=True)
class CourierColumns:
    """Couriers as given: one entry per courier in the caller's order, 0 for "not set"."""

    ids: Sequence[str]
    latitude: F64
    longitude: F64
    free_at_ms: I64
    shift_end_at_ms: I64
    capacity: I64
    skill_ptr: I32
    skill: Sequence[str]
    mode: I64
    speed_meters_per_hour: I64
    route_ptr: I32
    """Courier c has the stops route_ptr[c]:route_ptr[c+1]."""
    route_order_id: Sequence[str]
    route_kind: I64
    locked_stops: I64
    earned_micros: I64
    guaranteed_micros: I64
    acceptance_permille: I64
    on_shift_ms: I64


@dataclass(frozen=True, slots=True)
class DemandColumns:
    """Points of expected demand as given."""

    latitude: F64
    longitude: F64
    weight: I64


class Checker:
    """Collects violations, the first hundred."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def add(self, field: str, reason: ErrorReason, description: str) -> None:
        if len(self.violations) < _MAX_VIOLATIONS:
            self.violations.append(Violation(f"snapshot.{field}", description, reason))

    def raise_if_any(self) -> None:
        if self.violations:
            raise InvalidSnapshot(self.violations)

    def where(
        self,
        wrong: npt.NDArray[np.bool_],
        group: str,
        field: str,
        reason: ErrorReason,
        describe: Callable[[int], str],
    ) -> None:
        """A violation for each row that is wrong."""
        if wrong.any():
            for row in np.flatnonzero(wrong)[:_MAX_VIOLATIONS].tolist():
                self.add(f"{group}[{row}].{field}", reason, describe(row))

    def integers(self, group: str, field: str, values: Sequence[Any]) -> I64:
        """The values as int64; anything but an integer is a violation, never rounded."""
        if _only(values, int, np.integer):
            try:
                return np.array(values, dtype=np.int64)
            except OverflowError:
                pass
        for row, value in enumerate(values):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                self.add(f"{group}[{row}].{field}", ErrorReason.MALFORMED, f"must be an integer, not {value!r}")
            elif not -(1 << 63) <= value < 1 << 63:
                self.add(f"{group}[{row}].{field}", ErrorReason.OUT_OF_RANGE, f"{value} does not fit 64 bits")
        return np.zeros(len(values), dtype=np.int64)

    def times(self, group: str, field: str, values: Sequence[int | None]) -> I64:
        """Optional times as int64, None as NO_TIME. A time that is given must be positive."""
        for row, value in enumerate(values):
            if (
                value is not None
                and not isinstance(value, bool)
                and isinstance(value, (int, np.integer))
                and value <= 0
            ):
                self.add(
                    f"{group}[{row}].{field}", ErrorReason.OUT_OF_RANGE, f"must be positive, or None, and is {value}"
                )
        return self.integers(group, field, [NO_TIME if value is None else value for value in values])

    def floats(self, group: str, field: str, values: Sequence[Any]) -> F64:
        """The values as float64; text and None are violations."""
        if _only(values, int, float, np.integer, np.floating):
            try:
                return np.array(values, dtype=np.float64)
            except OverflowError:
                pass
        for row, value in enumerate(values):
            if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
                self.add(f"{group}[{row}].{field}", ErrorReason.MALFORMED, f"must be a number, not {value!r}")
            elif isinstance(value, int) and value.bit_length() > 1000:
                self.add(f"{group}[{row}].{field}", ErrorReason.OUT_OF_RANGE, "does not fit a double")
        return np.zeros(len(values))

    def ids(self, group: str, field: str, values: Sequence[str], limits: Limits, *, required: bool = True) -> bool:
        """Whether all are text of allowed length; what is not becomes a violation."""
        before = len(self.violations)
        if not self._plain(values, limits.id_bytes) or (required and "" in values):
            for row, value in enumerate(values):
                self._id(f"{group}[{row}].{field}", value, limits, required)
        return len(self.violations) == before

    def _plain(self, values: Sequence[str], id_bytes: int) -> bool:
        """Quick look at all texts at once; False when one of them may be wrong."""
        try:
            joined = "".join(values)
        except TypeError:
            return False
        return joined.isascii() and (not values or max(map(len, values)) <= id_bytes)

    def _id(self, path: str, value: str, limits: Limits, required: bool) -> None:
        if not isinstance(value, str):
            self.add(path, ErrorReason.MALFORMED, f"must be text, not {value!r}")
            return
        try:
            length = len(value.encode())
        except UnicodeEncodeError:
            self.add(path, ErrorReason.MALFORMED, "is not valid Unicode")
            return
        if length == 0 and required:
            self.add(path, ErrorReason.MISSING, "is required and empty")
        elif length > limits.id_bytes:
            self.add(path, ErrorReason.TOO_LARGE, f"has {length} bytes; at most {limits.id_bytes} are allowed")

    def unique(self, group: str, values: Sequence[str]) -> None:
        if len(set(values)) == len(values):
            return
        first: dict[str, int] = {}
        for row, value in enumerate(values):
            if value and first.setdefault(value, row) != row:
                self.add(
                    f"{group}[{row}].id",
                    ErrorReason.DUPLICATE,
                    f"{value!r} is already the id of {group}[{first[value]}]",
                )

    def skills(self, orders: OrderColumns, couriers: CourierColumns, limits: Limits) -> list[str]:
        """The distinct skills, sorted, when they are few enough and each is a proper name."""
        distinct = {*orders.skill, *couriers.skill}
        if len(distinct) > _MAX_SKILLS:
            found = f"{len(distinct)} distinct skills in the snapshot; at most {_MAX_SKILLS} are allowed"
            self.add("orders", ErrorReason.TOO_LARGE, found)
        if self._plain(list(distinct), limits.id_bytes) and "" not in distinct:
            return sorted(distinct)
        before = len(self.violations)
        for group, field, ptr, listed in (
            ("orders", "required_skills", orders.skill_ptr, orders.skill),
            ("couriers", "skills", couriers.skill_ptr, couriers.skill),
        ):
            for row in range(len(ptr) - 1):
                for k, skill in enumerate(listed[ptr[row] : ptr[row + 1]]):
                    self._id(f"{group}[{row}].{field}[{k}]", skill, limits, required=True)
        return sorted(distinct) if len(self.violations) == before else []


def _only(values: Sequence[Any], *allowed: type) -> bool:
    """Whether all values are of these types; bool, which Python counts as int, is not."""
    types = set(map(type, values))
    return bool not in types and all(issubclass(kind, allowed) for kind in types)


def check_market(check: Checker, market_id: str, at_unix_ms: int, frame: int, counts: Counts, limits: Limits) -> None:
    """The snapshot's own fields and the numbers of its rows."""
    orders, couriers, points = counts
    check._id("market_id", market_id, limits, required=True)
    if at_unix_ms == 0:
        check.add("at_ms", ErrorReason.MISSING, "is required: the snapshot's clock reading in Unix milliseconds")
    elif not 0 < at_unix_ms <= _LAST_UNIX_MS:
        check.add(
            "at_ms", ErrorReason.OUT_OF_RANGE, f"must be Unix milliseconds before the year 10000, is {at_unix_ms}"
        )
    if frame not in (0, *SpatialFrame):
        check.add("frame", ErrorReason.UNKNOWN_ENUM_VALUE, f"{frame} is no SpatialFrame")
    if orders > limits.orders:
        check.add("orders", ErrorReason.TOO_LARGE, f"{orders} orders; at most {limits.orders} are allowed")
    if couriers > limits.couriers:
        check.add("couriers", ErrorReason.TOO_LARGE, f"{couriers} couriers; at most {limits.couriers} are allowed")
    if points > limits.demand_points:
        found = f"{points} points; at most {limits.demand_points} are allowed"
        check.add("expected_demand", ErrorReason.TOO_LARGE, found)


def check_orders(check: Checker, orders: OrderColumns, at_unix_ms: int, frame: SpatialFrame, limits: Limits) -> None:
    """Each order by itself."""
    if check.ids("orders", "id", orders.ids, limits):
        check.unique("orders", orders.ids)
    check.ids("orders", "store_id", orders.store_id, limits, required=False)
    check.ids("orders", "announced_courier_id", orders.announced_courier_id, limits, required=False)
    for end in ("pickup", "dropoff"):
        _coordinates(check, "orders", f"{end}_", orders, frame)
    times = ("placed_at_ms", "ready_at_ms", "promised_by_ms", "dropoff_not_before_ms", "pickup_by_ms", "dropoff_by_ms",
             "picked_up_at_ms", "ready_early_at_ms", "ready_late_at_ms")  # fmt: skip
    for field in times:
        _time(check, "orders", field, getattr(orders, field), at_unix_ms)
    _between(check, "orders", "freshness_limit_ms", orders.freshness_limit_ms, _HORIZON_MS)
    for field in ("pickup_access_ms", "pickup_leave_ms", "dropoff_access_ms", "dropoff_leave_ms"):
        _between(check, "orders", field, getattr(orders, field), _DAY_MS)
    _refusals(check, orders, limits)
    _between(check, "orders", "size", orders.size, _MAX_UNITS)
    _between(check, "orders", "priority", orders.priority, _MAX_PRIORITY)
    _between(check, "orders", "courier_pay_micros", orders.courier_pay_micros, _MAX_MICROS)
    for late, early in (
        ("promised_by_ms", "dropoff_not_before_ms"),
        ("dropoff_by_ms", "dropoff_not_before_ms"),
        ("pickup_by_ms", "ready_at_ms"),
        ("dropoff_by_ms", "ready_at_ms"),
        ("ready_at_ms", "ready_early_at_ms"),
        ("ready_late_at_ms", "ready_at_ms"),
        ("ready_late_at_ms", "ready_early_at_ms"),
    ):
        _window(check, late, getattr(orders, late), early, getattr(orders, early))


def _refusals(check: Checker, orders: OrderColumns, limits: Limits) -> None:
    counts = np.diff(orders.refused_ptr)
    check.where(
        counts > _MAX_REFUSALS,
        "orders",
        "refused_courier_ids",
        ErrorReason.TOO_LARGE,
        lambda row: f"{counts[row]} couriers; at most {_MAX_REFUSALS:,} are allowed",
    )
    if check._plain(orders.refused, limits.id_bytes) and "" not in orders.refused:
        return
    for row in np.flatnonzero(counts).tolist():
        for k, name in enumerate(orders.refused[orders.refused_ptr[row] : orders.refused_ptr[row + 1]]):
            check._id(f"orders[{row}].refused_courier_ids[{k}]", name, limits, required=True)


def check_couriers(
    check: Checker, couriers: CourierColumns, at_unix_ms: int, frame: SpatialFrame, limits: Limits
) -> None:
    """Each courier by itself, its route aside."""
    if check.ids("couriers", "id", couriers.ids, limits):
        check.unique("couriers", couriers.ids)
    _coordinates(check, "couriers", "", couriers, frame)
    for field in ("free_at_ms", "shift_end_at_ms"):
        _time(check, "couriers", field, getattr(couriers, field), at_unix_ms)
    _between(check, "couriers", "capacity", couriers.capacity, _MAX_UNITS)
    _between(check, "couriers", "speed_meters_per_hour", couriers.speed_meters_per_hour, _MAX_SPEED_MPH)
    for field in ("earned_micros", "guaranteed_micros"):
        _between(check, "couriers", field, getattr(couriers, field), _MAX_MICROS)
    _between(check, "couriers", "acceptance_permille", couriers.acceptance_permille, 1000)
    _between(check, "couriers", "on_shift_ms", couriers.on_shift_ms, _DAY_MS)
    mode = couriers.mode
    check.where(
        (mode < 0) | (mode > max(TravelMode)),
        "couriers",
        "mode",
        ErrorReason.UNKNOWN_ENUM_VALUE,
        lambda row: f"{mode[row]} is no TravelMode",
    )
    lengths, locked = np.diff(couriers.route_ptr), couriers.locked_stops
    check.where(
        lengths > limits.route_stops,
        "couriers",
        "route",
        ErrorReason.TOO_LARGE,
        lambda row: f"{lengths[row]} stops; at most {limits.route_stops} are allowed",
    )
    check.where(
        (locked < 0) | (locked > lengths),
        "couriers",
        "locked_stops",
        ErrorReason.OUT_OF_RANGE,
        lambda row: f"must be between 0 and the {lengths[row]} stops of the route, is {locked[row]}",
    )


def check_demand(check: Checker, demand: DemandColumns, frame: SpatialFrame) -> None:
    """Each point by itself."""
    _coordinates(check, "expected_demand", "", demand, frame)
    weight = demand.weight
    check.where(
        (weight < 1) | (weight > _MAX_WEIGHT),
        "expected_demand",
        "weight",
        ErrorReason.OUT_OF_RANGE,
        lambda row: f"must be between 1 and {_MAX_WEIGHT}, is {weight[row]}",
    )


def check_routes(
    check: Checker, couriers: CourierColumns, listed: Mapping[str, int]
) -> tuple[I32, npt.NDArray[np.bool_]]:
    """Routes against the orders, `listed` by id. Returns, per order as listed, the courier that has it (-1: open) and
    whether it is on board: its drop-off is in the route without its pick-up."""
    owner = np.full(len(listed), -1, dtype=np.int32)
    on_board = np.zeros(len(listed), dtype=bool)
    if not couriers.route_order_id:
        return owner, on_board
    carrier: dict[str, int] = {}
    ptr, kinds = couriers.route_ptr.tolist(), couriers.route_kind.tolist()
    for c in np.flatnonzero(np.diff(couriers.route_ptr)).tolist():
        picked: set[str] = set()
        dropped: set[str] = set()
        for k in range(ptr[c], ptr[c + 1]):
            order, kind, path = couriers.route_order_id[k], kinds[k], f"couriers[{c}].route[{k - ptr[c]}]"
            if kind not in (StopKind.PICKUP, StopKind.DROPOFF):
                what = "is required" if kind == 0 else f"{kind} is no StopKind"
                reason = ErrorReason.MISSING if kind == 0 else ErrorReason.UNKNOWN_ENUM_VALUE
                check.add(f"{path}.kind", reason, what)
            elif order not in listed:
                check.add(f"{path}.order_id", ErrorReason.UNKNOWN_REFERENCE, f"{order!r} is no order of this snapshot")
            elif carrier.setdefault(order, c) != c:
                other = couriers.ids[carrier[order]]
                check.add(
                    f"{path}.order_id", ErrorReason.INVALID_ROUTE, f"{order!r} is already in the route of {other!r}"
                )
            elif order in (picked if kind == StopKind.PICKUP else dropped):
                what = "picked up" if kind == StopKind.PICKUP else "dropped off"
                check.add(f"{path}.order_id", ErrorReason.INVALID_ROUTE, f"{order!r} is {what} twice in this route")
            elif kind == StopKind.PICKUP and order in dropped:
                check.add(f"{path}.kind", ErrorReason.INVALID_ROUTE, f"{order!r} is dropped off before this pick-up")
            else:
                (picked if kind == StopKind.PICKUP else dropped).add(order)
                owner[listed[order]] = c
        for order in sorted(picked - dropped):
            check.add(
                f"couriers[{c}].route", ErrorReason.INVALID_ROUTE, f"{order!r} is picked up and never dropped off"
            )
        for order in dropped - picked:
            on_board[listed[order]] = True
    return owner, on_board


def _coordinates(check: Checker, group: str, prefix: str, columns: Any, frame: SpatialFrame) -> None:
    plane = frame is SpatialFrame.PLANE_METERS
    for name, degrees in (("latitude", 90.0), ("longitude", 180.0)):
        reach, unit = (_PLANE_REACH_M, "metres") if plane else (degrees, "degrees")
        column: F64 = getattr(columns, prefix + name)

        def describe(row: int, column: F64 = column, reach: float = reach, unit: str = unit) -> str:
            return f"must be within ±{reach:,.0f} {unit}, is {column[row]}"

        check.where(~(np.abs(column) <= reach), group, prefix + name, ErrorReason.OUT_OF_RANGE, describe)


def _time(check: Checker, group: str, field: str, times: I64, at_unix_ms: int) -> None:
    def describe(row: int) -> str:
        if times[row] < 0:
            return f"must be positive Unix milliseconds, is {times[row]}"
        days = abs(int(times[row]) - at_unix_ms) / _DAY_MS
        return f"is {days:.1f} days from the snapshot's time {at_unix_ms}; at most 30 are allowed (Unix milliseconds?)"

    low, high = max(at_unix_ms - _HORIZON_MS, 1), at_unix_ms + _HORIZON_MS
    wrong = (times != NO_TIME) & ((times < low) | (times > high))
    check.where(wrong, group, field, ErrorReason.OUT_OF_RANGE, describe)


def _between(check: Checker, group: str, field: str, column: I64, most: int) -> None:
    check.where(
        (column < 0) | (column > most),
        group,
        field,
        ErrorReason.OUT_OF_RANGE,
        lambda row: f"must be between 0 and {most}, is {column[row]}",
    )


def _window(check: Checker, late: str, late_ms: I64, early: str, early_ms: I64) -> None:
    check.where(
        (late_ms != NO_TIME) & (early_ms != NO_TIME) & (late_ms < early_ms),
        "orders",
        late,
        ErrorReason.INVERTED_WINDOW,
        lambda row: f"is {early_ms[row] - late_ms[row]} ms before {early}",
    )
