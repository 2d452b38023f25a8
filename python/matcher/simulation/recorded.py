"""A recorded day of a city as a market: one table of orders, one of couriers' shifts.

The tables say when orders were placed and ready and where couriers began, not what couriers can carry or how long
handing over takes. What is assumed for that is in `Assumptions`, each with its value.

Comma-separated, with a header; further columns are ignored. Times are seconds after local midnight.

    orders     order_id, pickup_lat, pickup_lng, dropoff_lat, dropoff_lng, placement_s, ready_s, expected_dropoff_s
    couriers   courier_id, vehicle (walking, bicycle, motorcycle, car), on_lat, on_lng, on_s, off_s
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from matcher.domain.enums import SpatialFrame, TravelMode
from matcher.domain.rows import Courier, Order
from matcher.simulation.market import Market, Shift
from matcher.simulation.tables import Table, TableError, read_table

MIDNIGHT_MS = 1_514_764_800_000
"""Second 0 of every recorded day, Unix ms: the tables give no dates."""

_ORDERS = (
    "order_id", "pickup_lat", "pickup_lng", "dropoff_lat", "dropoff_lng", "placement_s", "ready_s",
    "expected_dropoff_s",
)  # fmt: skip
_COURIERS = ("courier_id", "vehicle", "on_lat", "on_lng", "on_s", "off_s")
_MODES = {
    "walking": TravelMode.FOOT,
    "bicycle": TravelMode.BICYCLE,
    "motorcycle": TravelMode.MOTORCYCLE,
    "car": TravelMode.CAR,
}


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the tables do not say."""

    capacity: Mapping[TravelMode, int] = field(
        default_factory=lambda: {
            TravelMode.FOOT: 1,
            TravelMode.BICYCLE: 2,
            TravelMode.MOTORCYCLE: 3,
            TravelMode.CAR: 4,
        }
    )
    """Orders on board at once."""
    access_s: int = 120
    """From arrival to the hand-over, at either end."""
    leave_s: int = 30
    """From the hand-over to driving off, at either end."""
    notice_s: int = 3_600
    """An order placed longer before it is ready was scheduled: it counts as placed so long before it is ready."""
    pay_per_hour: float = 15.0
    """What an hour on shift costs, in units of money."""

    def __str__(self) -> str:
        """A sentence for whoever reads the figures."""
        carried = ", ".join(f"{name} {self.capacity[mode]}" for name, mode in _MODES.items())
        return (
            f"orders carried at once: {carried}; {self.access_s} s from arrival to hand-over and {self.leave_s} s from "
            f"there to driving off, at either end; an order ready more than {self.notice_s // 60} min after it was "
            f"placed counts as placed so long before; an hour on shift costs {self.pay_per_hour:g}"
        )


def read_recorded(
    orders: Path, couriers: Path, assumptions: Assumptions | None = None, between_s: tuple[int, int] = (0, 1 << 40)
) -> Market:
    """The market of two tables (plain or .gz): orders placed within `between_s`, and all shifts.

    Orders of one pick-up place are of one store. A ready time before the placement is taken for the placement; a
    drop-off expected before that is no promise. Raises TableError with file, line and column, OSError.
    """
    assume = assumptions or Assumptions()
    return Market(
        market_id=orders.name.split(".")[0],
        frame=SpatialFrame.WGS84,
        orders=_orders(_table(orders, _ORDERS), assume, between_s),
        shifts=_shifts(_table(couriers, _COURIERS), assume),
    )


def _orders(table: Table, assume: Assumptions, between_s: tuple[int, int]) -> tuple[Order, ...]:
    ids = _distinct(table, "order_id")
    from_lat, from_lng = _degrees(table, "pickup_lat", 90.0), _degrees(table, "pickup_lng", 180.0)
    to_lat, to_lng = _degrees(table, "dropoff_lat", 90.0), _degrees(table, "dropoff_lng", 180.0)
    times = (table.integers(name).tolist() for name in ("placement_s", "ready_s", "expected_dropoff_s"))
    orders = []
    for row, (placement, listed_ready, expected) in enumerate(zip(*times, strict=True)):
        ready = max(placement, listed_ready)
        placed = max(placement, ready - assume.notice_s)
        if not between_s[0] <= placed < between_s[1]:
            continue
        orders.append(
            Order(
                id=ids[row],
                pickup_latitude=from_lat[row],
                pickup_longitude=from_lng[row],
                dropoff_latitude=to_lat[row],
                dropoff_longitude=to_lng[row],
                placed_at_ms=_at_ms(placed),
                ready_at_ms=_at_ms(ready),
                promised_by_ms=_at_ms(expected) if expected > ready else None,
                size=1,
                store_id=f"{from_lat[row]},{from_lng[row]}",
                pickup_access_ms=assume.access_s * 1000,
                pickup_leave_ms=assume.leave_s * 1000,
                dropoff_access_ms=assume.access_s * 1000,
                dropoff_leave_ms=assume.leave_s * 1000,
            )
        )
    return tuple(orders)


def _shifts(table: Table, assume: Assumptions) -> tuple[Shift, ...]:
    ids = _distinct(table, "courier_id")
    lat, lng = _degrees(table, "on_lat", 90.0), _degrees(table, "on_lng", 180.0)
    on, off = table.integers("on_s").tolist(), table.integers("off_s").tolist()
    shifts = []
    for row, vehicle in enumerate(table.strings("vehicle")):
        if vehicle not in _MODES:
            raise table.error(row, "vehicle", f"expected one of {', '.join(_MODES)}")
        if off[row] < on[row]:
            raise table.error(row, "off_s", f"expected a time not before on_s, {on[row]}")
        mode = _MODES[vehicle]
        courier = Courier(ids[row], lat[row], lng[row], capacity=assume.capacity[mode], mode=mode)
        shifts.append(Shift(courier, _at_ms(on[row]), _at_ms(off[row])))
    return tuple(shifts)


def _table(path: Path, columns: tuple[str, ...]) -> Table:
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise TableError(str(path), 1, 1, f"expected a gzip file: {error}") from None
    return read_table(str(path), data, columns, separator=",")


def _distinct(table: Table, name: str) -> tuple[str, ...]:
    values = table.strings(name)
    first: dict[str, int] = {}
    for row, value in enumerate(values):
        if not value:
            raise table.error(row, name, "expected an id")
        if first.setdefault(value, row) != row:
            raise table.error(row, name, f"expected an id not seen before (line {table.rows[first[value]][0].line})")
    return values


def _degrees(table: Table, name: str, reach: float) -> list[float]:
    values = table.floats(name)
    for row, value in enumerate(values.tolist()):
        if abs(value) > reach:
            raise table.error(row, name, f"expected degrees within ±{reach:.0f}")
    result: list[float] = values.tolist()
    return result


def _at_ms(seconds: int) -> int:
    return MIDNIGHT_MS + seconds * 1000
