"""A day of the dynamic pickup-and-delivery problem (Hao et al. 2022, arXiv 2202.01256): factories, trucks, orders.

A benchmark is a folder, or a tar archive, with `factory_info.csv`, `route_info.csv` and a folder for each day that
holds `vehicle_info*.csv` and one other table, its orders. Times are whole seconds after midnight, loads whole quarters
of a pallet, distances kilometres.
"""

from __future__ import annotations

import random
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from matcher.domain.snapshot import F64, I64
from matcher.simulation.tables import Table, TableError, read_table

DOCKING_S = 30 * 60
"""From the moment that a dock is free until the truck stands at it."""
DECISION_S = 10 * 60
"""Between two decisions."""
_DAY_S = 24 * 3600
_QUARTERS = 4
_PARTS = (("q_standard", 4), ("q_small", 2), ("q_box", 1))
"""Of which an order consists, largest first, and their quarters of a pallet."""
_FACTORIES, _ROUTES, _VEHICLES = "factory_info.csv", "route_info.csv", "vehicle_info"
_ORDER_COLUMNS = ("order_id", *(name for name, _ in _PARTS), "demand", "creation_time", "committed_completion_time",
                  "load_time", "unload_time", "pickup_id", "delivery_id")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Network:
    """Factories, and the ways between them."""

    ids: tuple[str, ...]
    docks: I64
    km: F64
    """(factories, factories), from row to column."""
    drive_s: I64
    """Likewise."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What travels together: an order, or a part of one that is larger than a truck."""

    order: int
    pickup: int
    """Factory."""
    delivery: int
    quarters: int
    created_s: int
    due_s: int
    load_s: int
    unload_s: int


@dataclass(frozen=True)
class Instance:
    """One day."""

    name: str
    network: Network
    order_ids: tuple[str, ...]
    vehicle_ids: tuple[str, ...]
    capacity: int
    """Of every truck, in quarters."""
    units: tuple[Unit, ...]
    """Orders as they are listed, those in parts once for each part."""

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Factory where each truck stands at midnight: as the competition drew them, by Python's generator, seed 0."""
        draw = random.Random(0)
        return tuple(draw.randint(0, len(self.network.ids) - 1) for _ in self.vehicle_ids)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Days on one network, read from one folder or archive."""

    path: Path
    names: tuple[str, ...]

    def read(self, name: str) -> Instance:
        """One day. TableError names file, line and column of what cannot be used."""
        files = _files(self.path)
        network = _network(files)
        tables = {path: data for path, data in files.items() if PurePosixPath(path).parent.name == name}
        vehicles = [path for path in tables if PurePosixPath(path).name.startswith(_VEHICLES)]
        orders = [path for path in tables if path not in vehicles]
        if len(vehicles) != 1 or len(orders) != 1:
            raise ValueError(f"{self.path}: {name} has {len(vehicles)} tables of vehicles and {len(orders)} of orders")
        ids, capacity = _vehicles(read_table(vehicles[0], tables[vehicles[0]], ("car_num", "capacity"), ","))
        order_ids, units = _orders(read_table(orders[0], tables[orders[0]], _ORDER_COLUMNS, ","), network, capacity)
        return Instance(name, network, order_ids, ids, capacity, units)


def open_benchmark(path: Path) -> Benchmark:
    """The days in a folder or archive, by name. Raises ValueError when there are none, OSError."""
    names = {PurePosixPath(name).parent.name for name in _files(path) if PurePosixPath(name).name.startswith(_VEHICLES)}
    if not names:
        raise ValueError(f"{path}: no day here; expected {_FACTORIES}, {_ROUTES} and folders with {_VEHICLES}*.csv")
    return Benchmark(path, tuple(sorted(names)))


def _files(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*.csv"))}
    found = {}
    with tarfile.open(path) as archive:
        for entry in archive:
            stream = archive.extractfile(entry) if entry.name.endswith(".csv") else None
            if stream is not None:
                found[entry.name] = stream.read()
    return found


def _table(files: dict[str, bytes], name: str, columns: tuple[str, ...]) -> Table:
    for path, data in files.items():
        if PurePosixPath(path).name == name:
            return read_table(path, data, columns, ",")
    raise ValueError(f"{name} is missing")


def _network(files: dict[str, bytes]) -> Network:
    factories = _table(files, _FACTORIES, ("factory_id", "port_num"))
    ids, docks = factories.strings("factory_id"), factories.integers("port_num")
    for row in np.flatnonzero(docks < 1).tolist():
        raise factories.error(row, "port_num", "expected at least one dock")
    at = {factory: k for k, factory in enumerate(ids)}
    routes = _table(files, _ROUTES, ("start_factory_id", "end_factory_id", "distance", "time"))
    km, drive_s = np.full((len(ids), len(ids)), np.inf), np.full((len(ids), len(ids)), -1, np.int64)
    np.fill_diagonal(km, 0.0)
    np.fill_diagonal(drive_s, 0)
    lengths, seconds = routes.floats("distance"), routes.integers("time")
    ends = _factories(routes, "start_factory_id", at), _factories(routes, "end_factory_id", at)
    for row in np.flatnonzero((seconds < 0) | (seconds > _DAY_S)).tolist():
        raise routes.error(row, "time", "expected seconds of one day")
    for row in np.flatnonzero(lengths < 0.0).tolist():
        raise routes.error(row, "distance", "expected kilometres")
    km[ends], drive_s[ends] = lengths, seconds
    missing = np.argwhere(drive_s < 0)
    if len(missing):
        a, b = missing[0].tolist()
        raise ValueError(f"{_ROUTES}: no way from {ids[a]} to {ids[b]}")
    return Network(ids, docks, km, drive_s)


def _factories(table: Table, column: str, at: dict[str, int]) -> I64:
    names = table.strings(column)
    for row, name in enumerate(names):
        if name not in at:
            raise table.error(row, column, f"expected a factory of {_FACTORIES}")
    return np.array([at[name] for name in names], np.int64)


def _vehicles(table: Table) -> tuple[tuple[str, ...], int]:
    ids, capacity = table.strings("car_num"), table.floats("capacity")
    if not len(ids):
        raise TableError(table.file, 2, 1, "expected a truck, found none")
    for row in np.flatnonzero((capacity != capacity[0]) | (capacity * _QUARTERS != capacity * _QUARTERS // 1)).tolist():
        raise table.error(row, "capacity", "expected quarters of a pallet, the same for all trucks")
    return ids, int(capacity[0] * _QUARTERS)


def _orders(table: Table, network: Network, capacity: int) -> tuple[tuple[str, ...], tuple[Unit, ...]]:
    at = {factory: k for k, factory in enumerate(network.ids)}
    ids = table.strings("order_id")
    pickup, delivery = _factories(table, "pickup_id", at).tolist(), _factories(table, "delivery_id", at).tolist()
    counts = [table.integers(name).tolist() for name, _ in _PARTS]
    load, unload = table.integers("load_time").tolist(), table.integers("unload_time").tolist()
    demand = table.floats("demand").tolist()
    created, due = _clock(table, "creation_time"), _clock(table, "committed_completion_time")
    units: list[Unit] = []
    for row in range(len(ids)):
        parts = [size for count, (_, size) in zip(counts, _PARTS, strict=True) for _ in range(count[row])]
        whole = sum(parts)
        if whole != demand[row] * _QUARTERS or not whole:
            raise table.error(row, "demand", f"expected what its parts come to, {whole / _QUARTERS}")
        if pickup[row] == delivery[row]:
            raise table.error(row, "delivery_id", "expected another factory than pickup_id")
        # A time on the clock before the creation is one of the next day.
        by = due[row] if due[row] >= created[row] else due[row] + _DAY_S
        units += [
            Unit(row, pickup[row], delivery[row], size, created[row], by,
                 load[row] * size // whole, unload[row] * size // whole)
            for size in _loads(parts, capacity)
        ]  # fmt: skip
    return ids, tuple(units)


def _loads(parts: list[int], capacity: int) -> list[int]:
    """An order whole when it fits a truck; else its parts, largest first, as truckloads."""
    if sum(parts) <= capacity:
        return [sum(parts)]
    loads = [0]
    for size in parts:
        if loads[-1] + size > capacity:
            loads.append(0)
        loads[-1] += size
    return loads


def _clock(table: Table, column: str) -> list[int]:
    seconds = []
    for row, text in enumerate(table.strings(column)):
        parts = text.split(":")
        if len(parts) != 3 or not all(part.isdigit() for part in parts):
            raise table.error(row, column, "expected HH:MM:SS")
        hours, minutes, rest = map(int, parts)
        seconds.append(hours * 3600 + minutes * 60 + rest)
    return seconds
