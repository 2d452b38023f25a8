"""One day of the Meal Delivery Routing Problem (Reyes, Erera, Savelsbergh, Sahasrabudhe & O'Neil, 2018).

Reads the published text format from instance folders, folders of them, and tar archives of them. Times are whole
minutes from the start of business, coordinates metres.
"""

from __future__ import annotations

import itertools
import math
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from matcher.domain.snapshot import F64, I64
from matcher.simulation.tables import Table, TableError, read_table

_FILES = ("orders.txt", "restaurants.txt", "couriers.txt", "instance_parameters.txt")
_PARAMETERS = (
    "meters_per_minute",
    "pickup service minutes",
    "dropoff service minutes",
    "target click-to-door",
    "maximum click-to-door",
    "pay per order",
    "guaranteed pay per hour",
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What holds for the whole day. Minutes, metres, dollars."""

    meters_per_minute: int
    pickup_service: int
    """Minutes at a restaurant: one half before the hand-over, one after it."""
    dropoff_service: int
    target_click_to_door: int
    maximum_click_to_door: int
    pay_per_order: float
    guaranteed_pay_per_hour: float


@dataclass(frozen=True, slots=True)
class DayOrders:
    """Orders as listed in the file, one entry each."""

    ids: tuple[str, ...]
    x: F64
    y: F64
    placement: I64
    restaurant: tuple[str, ...]
    ready: I64


@dataclass(frozen=True, slots=True)
class DayRestaurants:
    """Restaurants as listed in the file."""

    ids: tuple[str, ...]
    x: F64
    y: F64


@dataclass(frozen=True, slots=True)
class DayCouriers:
    """Couriers as listed in the file; (x, y) is where each is at `on`."""

    ids: tuple[str, ...]
    x: F64
    y: F64
    on: I64
    off: I64


@dataclass(frozen=True, slots=True)
class Instance:
    """One day."""

    name: str
    orders: DayOrders
    restaurants: DayRestaurants
    couriers: DayCouriers
    parameters: Parameters

    def places(self) -> dict[str, tuple[float, float]]:
        """Position of every restaurant, of every order's door, and of every courier at the start of its shift."""
        found: dict[str, tuple[float, float]] = {}
        for table in (self.orders, self.restaurants, self.couriers):
            found |= zip(table.ids, zip(table.x.tolist(), table.y.tolist(), strict=True), strict=True)
        return found


def travel_minutes(start: tuple[float, float], end: tuple[float, float], meters_per_minute: int) -> int:
    """Whole minutes between two places: the straight distance at the day's speed, rounded up."""
    return math.ceil(math.sqrt((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) / meters_per_minute)


@dataclass(frozen=True, slots=True)
class InstanceSource:
    """Where an instance is, so that a worker process can read it itself."""

    name: str
    path: Path
    """The instance's folder, or the archive that holds it."""
    member: str | None
    """Folder inside the archive; None: `path` is the folder."""
    bytes: int
    """Size of its orders: how much work to expect."""

    def read(self) -> Instance:
        """The instance. TableError when a file cannot be read: file, line, column, and what was expected."""
        if self.member is None:
            return parse_instance(self.name, str(self.path), {name: (self.path / name).read_bytes() for name in _FILES})
        wanted = {f"{self.member}/{name}": name for name in _FILES}
        texts: dict[str, bytes] = {}
        with tarfile.open(self.path) as archive:
            for entry in archive:
                name = wanted.get(str(PurePosixPath(entry.name)))
                stream = archive.extractfile(entry) if name is not None else None
                if name is not None and stream is not None:
                    texts[name] = stream.read()
        return parse_instance(self.name, f"{self.path}:{self.member}", texts)


def find_instances(paths: list[Path]) -> list[InstanceSource]:
    """The instances at `paths`, sorted by name; each path is an instance folder, a folder of such, or a tar archive.

    Raises ValueError when a path holds none, and when two have the same name.
    """
    sources: list[InstanceSource] = []
    for path in paths:
        found = _in_archive(path) if path.is_file() else _in_folder(path)
        if not found:
            raise ValueError(
                f"{path}: no instance here; expected folders (or an archive of them) with {', '.join(_FILES)}"
            )
        sources += found
    sources.sort(key=lambda source: source.name)
    for before, after in itertools.pairwise(sources):
        if before.name == after.name:
            raise ValueError(f"instance {after.name} is given twice: {before.path} and {after.path}")
    return sources


def _in_folder(path: Path) -> list[InstanceSource]:
    if not path.is_dir():
        raise ValueError(f"{path}: no such folder or archive")
    if (path / _FILES[0]).is_file():
        missing = [name for name in _FILES if not (path / name).is_file()]
        if missing:
            raise ValueError(f"{path}: the instance lacks {', '.join(missing)}")
        return [InstanceSource(path.resolve().name, path, None, (path / _FILES[0]).stat().st_size)]
    found: list[InstanceSource] = []
    for entry in sorted(path.iterdir()):
        if entry.is_dir() and (entry / _FILES[0]).is_file():
            found += _in_folder(entry)
        elif entry.is_file() and entry.name.endswith((".tar.gz", ".tgz", ".tar")):
            found += _in_archive(entry)
    return found


def _in_archive(path: Path) -> list[InstanceSource]:
    folders: dict[str, dict[str, int]] = {}
    try:
        with tarfile.open(path) as archive:
            for entry in archive:
                inside = PurePosixPath(entry.name)
                if entry.isfile() and inside.name in _FILES:
                    folders.setdefault(str(inside.parent), {})[inside.name] = entry.size
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"{path}: not a readable tar archive ({error})") from None
    for folder, sizes in folders.items():
        missing = [name for name in _FILES if name not in sizes]
        if missing:
            raise ValueError(f"{path}: {folder} lacks {', '.join(missing)}")
    return [
        InstanceSource(PurePosixPath(folder).name, path, folder, sizes[_FILES[0]]) for folder, sizes in folders.items()
    ]


def parse_instance(name: str, where: str, files: Mapping[str, bytes]) -> Instance:
    """An instance from the contents of its four files; `where` precedes their names in errors."""

    def table(file: str, columns: tuple[str, ...]) -> Table:
        return read_table(f"{where}/{file}", files[file], columns)

    orders = table("orders.txt", ("order", "x", "y", "placement_time", "restaurant", "ready_time"))
    restaurants = table("restaurants.txt", ("restaurant", "x", "y"))
    couriers = table("couriers.txt", ("courier", "x", "y", "on_time", "off_time"))
    _check_ids((orders, "order"), (restaurants, "restaurant"), (couriers, "courier"))
    instance = Instance(
        name=name,
        orders=DayOrders(
            orders.strings("order"),
            orders.floats("x"),
            orders.floats("y"),
            orders.integers("placement_time"),
            orders.strings("restaurant"),
            orders.integers("ready_time"),
        ),
        restaurants=DayRestaurants(restaurants.strings("restaurant"), restaurants.floats("x"), restaurants.floats("y")),
        couriers=DayCouriers(
            couriers.strings("courier"),
            couriers.floats("x"),
            couriers.floats("y"),
            couriers.integers("on_time"),
            couriers.integers("off_time"),
        ),
        parameters=_parameters(table("instance_parameters.txt", _PARAMETERS)),
    )
    known = set(instance.restaurants.ids)
    for row, restaurant in enumerate(instance.orders.restaurant):
        if restaurant not in known:
            raise orders.error(row, "restaurant", "expected a restaurant of restaurants.txt")
        if instance.orders.ready[row] < instance.orders.placement[row]:
            raise orders.error(row, "ready_time", f"expected {instance.orders.placement[row]} (its placement) or later")
        if instance.orders.placement[row] < 0:
            raise orders.error(row, "placement_time", "expected 0 (start of business) or later")
    for row in range(len(instance.couriers.ids)):
        if instance.couriers.off[row] < instance.couriers.on[row]:
            raise couriers.error(row, "off_time", f"expected {instance.couriers.on[row]} (the on_time) or later")
    return instance


def _check_ids(*tables: tuple[Table, str]) -> None:
    """Every id is there, once, and holds no blank (solution files separate by blanks)."""
    seen: set[str] = set()
    for table, column in tables:
        for row, id_ in enumerate(table.strings(column)):
            if not id_ or len(id_.split()) != 1:
                raise table.error(row, column, f"expected the id of the {column}, without blanks")
            if id_ in seen:
                raise table.error(row, column, "expected an id that is not yet taken")
            seen.add(id_)


def _parameters(table: Table) -> Parameters:
    if len(table.rows) != 1:
        raise TableError(table.file, 2, 1, f"expected one row of parameters, found {len(table.rows)}")
    whole = {name: int(table.integers(name)[0]) for name in _PARAMETERS[:5]}
    pay = {name: float(table.floats(name)[0]) for name in _PARAMETERS[5:]}
    for name, value in (*whole.items(), *pay.items()):
        if value < 0 or (value == 0 and name == "meters_per_minute"):
            raise table.error(0, name, "expected a positive number")
        if name.endswith("service minutes") and value % 2:
            raise table.error(0, name, "expected an even number of minutes: half before the hand-over, half after")
    return Parameters(
        meters_per_minute=whole["meters_per_minute"],
        pickup_service=whole["pickup service minutes"],
        dropoff_service=whole["dropoff service minutes"],
        target_click_to_door=whole["target click-to-door"],
        maximum_click_to_door=whole["maximum click-to-door"],
        pay_per_order=pay["pay per order"],
        guaranteed_pay_per_hour=pay["guaranteed pay per hour"],
    )
