"""Small days of the delivery-routing problem, and a solution of one, for tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.simulation.rule_of_thumb import FirstComeFirstServed

from matcher.simulation.mdrp.day import run_day
from matcher.simulation.mdrp.instance import Instance, parse_instance
from matcher.simulation.mdrp.solution import (
    ASSIGNMENTS_FILE,
    COURIERS_FILE,
    ORDERS_FILE,
    Solution,
    write_solution,
)

PARAMETERS = (
    "meters_per_minute\tpickup service minutes\tdropoff service minutes\ttarget click-to-door\t"
    "maximum click-to-door\tpay per order\tguaranteed pay per hour\n320\t4\t4\t40\t90\t10\t15\n"
)
OrderRow = tuple[str, int, int, int, str, int]
CourierRow = tuple[str, int, int, int, int]


def instance_files(orders: Sequence[OrderRow], couriers: Sequence[CourierRow]) -> dict[str, bytes]:
    """The four files of a day with the restaurants r1 at (0, 0), r2 at (3000, 0) and r3 at (0, 4000)."""
    tables = {
        "orders.txt": ("order\tx\ty\tplacement_time\trestaurant\tready_time", orders),
        "restaurants.txt": ("restaurant\tx\ty", (("r1", 0, 0), ("r2", 3000, 0), ("r3", 0, 4000))),
        "couriers.txt": ("courier\tx\ty\ton_time\toff_time", couriers),
    }
    files = {"instance_parameters.txt": PARAMETERS.encode()}
    for name, (header, rows) in tables.items():
        lines = [header, *("\t".join(str(cell) for cell in row) for row in rows)]
        files[name] = ("\n".join(lines) + "\n").encode()
    return files


def day(orders: Sequence[OrderRow] | None = None, couriers: Sequence[CourierRow] | None = None) -> Instance:
    """A seeded day of 40 orders and 6 couriers, or one with the rows given."""
    draw = random.Random(7)
    if orders is None:
        orders = []
        for k in range(40):
            placed, store = draw.randrange(0, 400), f"r{draw.randrange(1, 4)}"
            x, y = draw.randrange(-4000, 4000), draw.randrange(-4000, 4000)
            orders.append((f"o{k}", x, y, placed, store, placed + draw.randrange(5, 30)))
    if couriers is None:
        couriers = [
            (f"c{k}", draw.randrange(-4000, 4000), draw.randrange(-4000, 4000), on, on + 300)
            for k in range(6)
            for on in [draw.randrange(0, 200)]
        ]
    return parse_instance("day", "day", instance_files(orders, couriers))


@cache
def solved() -> tuple[Instance, Solution]:
    """A seeded day with the solution of the rule of thumb, which delivers everything in single-order bundles."""
    instance = day()
    solution, _ = run_day(instance, FirstComeFirstServed(quantum_ms=60_000, only_free=True))
    return instance, solution


def _written(name: str) -> Callable[[Solution], bytes]:
    def write(solution: Solution) -> bytes:
        with TemporaryDirectory() as folder:
            write_solution(solution, Path(folder))
            return (Path(folder) / name).read_bytes()

    return write


FILES = {name: _written(name) for name in (ASSIGNMENTS_FILE, ORDERS_FILE, COURIERS_FILE)}
