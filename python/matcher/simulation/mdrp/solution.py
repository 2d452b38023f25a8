"""A day's solution in the three text files that the reference evaluator reads. Whole minutes, blanks between cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matcher.simulation.tables import Field, TableError, decode, read_table, split_fields, whole_number

ASSIGNMENTS_FILE = "solution_info_assignments.txt"
ORDERS_FILE = "solution_info_orders.txt"
COURIERS_FILE = "solution_info_couriers.txt"

_ORDER_COLUMNS = ("order", "placement_time", "ready_time", "pickup_time", "dropoff_time", "courier")


@dataclass(frozen=True, slots=True)
class Assignment:
    """Orders of one restaurant picked up together, in the sequence of their drop-offs."""

    time: int
    """When the decision was made."""
    pickup: int
    courier: str
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeliveredOrder:
    """One delivered order."""

    order: str
    placement: int
    ready: int
    pickup: int
    dropoff: int
    courier: str


@dataclass(frozen=True, slots=True)
class Move:
    """A drive of a courier between two places, named by the ids of order, restaurant, or courier (its start)."""

    courier: str
    departure: int
    origin: str
    destination: str


@dataclass(frozen=True, slots=True)
class Solution:
    """What became of a day. Orders that no row names were not delivered."""

    assignments: tuple[Assignment, ...]
    orders: tuple[DeliveredOrder, ...]
    moves: tuple[Move, ...]
    """A courier's moves in one block and in order of time."""


def write_solution(solution: Solution, folder: Path) -> None:
    """Write the three files into `folder`, which is made when it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["assignment_time pickup_time courier orders"]
    lines += [f"{a.time} {a.pickup} {a.courier} {' '.join(a.orders)}" for a in solution.assignments]
    (folder / ASSIGNMENTS_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = [" ".join(_ORDER_COLUMNS)]
    lines += [f"{o.order} {o.placement} {o.ready} {o.pickup} {o.dropoff} {o.courier}" for o in solution.orders]
    (folder / ORDERS_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = ["courier departure_time origin destination"]
    lines += [f"{m.courier} {m.departure} {m.origin} {m.destination}" for m in solution.moves]
    (folder / COURIERS_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_solution(folder: Path) -> Solution:
    """The solution in `folder`. TableError names file, line, column and what was expected."""
    files = {name: (folder / name).read_bytes() for name in (ASSIGNMENTS_FILE, ORDERS_FILE, COURIERS_FILE)}
    return parse_solution(str(folder), files)


def parse_solution(where: str, files: Mapping[str, bytes]) -> Solution:
    """A solution from the contents of its files; `where` precedes their names in errors.

    The assignments have a header line; the couriers may; the orders name their columns in one. Rows of orders without
    a pick-up or drop-off time (nan) are left out: those orders were not delivered.
    """
    return Solution(
        assignments=_assignments(f"{where}/{ASSIGNMENTS_FILE}", files[ASSIGNMENTS_FILE]),
        orders=_orders(f"{where}/{ORDERS_FILE}", files[ORDERS_FILE]),
        moves=_moves(f"{where}/{COURIERS_FILE}", files[COURIERS_FILE]),
    )


def _rows(file: str, data: bytes, least: int, expected: str) -> list[tuple[Field, ...]]:
    rows = []
    for number, line in enumerate(decode(file, data).splitlines(), start=1):
        fields = split_fields(line, number, None)
        if fields:
            if len(fields) < least:
                raise TableError(file, number, len(line) + 1, f"expected {expected}, found {len(fields)} cells")
            rows.append(fields)
    return rows


def _minute(file: str, field: Field) -> int:
    value = whole_number(field.text)
    if value is None:
        raise TableError(file, field.line, field.column, f"expected a whole minute, found {field.text!r}")
    return value


def _assignments(file: str, data: bytes) -> tuple[Assignment, ...]:
    rows = _rows(file, data, 4, "assignment_time pickup_time courier order [order ...]")
    return tuple(
        Assignment(_minute(file, row[0]), _minute(file, row[1]), row[2].text, tuple(field.text for field in row[3:]))
        for row in rows[1:]
    )


def _orders(file: str, data: bytes) -> tuple[DeliveredOrder, ...]:
    table = read_table(file, data, _ORDER_COLUMNS, separator=None)
    at = [table.header.index(name) for name in _ORDER_COLUMNS]
    found = []
    for row in table.rows:
        order, placement, ready, pickup, dropoff, courier = (row[k] for k in at)
        if any(_not_a_number(field) for field in (pickup, dropoff)):
            continue
        found.append(
            DeliveredOrder(
                order=order.text,
                placement=_minute(file, placement),
                ready=_minute(file, ready),
                pickup=_minute(file, pickup),
                dropoff=_minute(file, dropoff),
                courier=courier.text,
            )
        )
    return tuple(found)


def _not_a_number(field: Field) -> bool:
    try:
        return math.isnan(float(field.text))
    except ValueError:
        return False


def _moves(file: str, data: bytes) -> tuple[Move, ...]:
    rows = _rows(file, data, 4, "courier departure_time origin destination")
    if rows and whole_number(rows[0][1].text) is None:
        rows = rows[1:]
    moves: list[Move] = []
    finished: set[str] = set()
    for row in rows:
        courier, departure, origin, destination = row[0].text, _minute(file, row[1]), row[2].text, row[3].text
        if moves and moves[-1].courier != courier:
            finished.add(moves[-1].courier)
        if courier in finished:
            raise TableError(file, row[0].line, row[0].column, f"expected the moves of {courier} in one block")
        moves.append(Move(courier, departure, courier if origin == "0" else origin, destination))
    return tuple(moves)
