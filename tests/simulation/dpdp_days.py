"""Small days of trucks between factories, from a seed, as the files that the reader takes."""

from __future__ import annotations

import random
from pathlib import Path

from matcher.simulation.dpdp.instance import Instance, open_benchmark

ORDER_HEADER = (
    "order_id,q_standard,q_small,q_box,demand,creation_time,committed_completion_time,load_time,unload_time,"
    "pickup_id,delivery_id"
)


def clock(seconds: int) -> str:
    """HH:MM:SS of the day."""
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def order_row(
    name: str, parts: tuple[int, int, int], created_s: int, ends: tuple[int, int], due_s: int | None = None
) -> str:
    """A line of an orders' table: four hours to deliver unless told otherwise, 240 s a pallet at either end."""
    demand = parts[0] + parts[1] / 2 + parts[2] / 4
    service = int(240 * demand)
    due = created_s + 4 * 3600 if due_s is None else due_s
    cells = (name, *parts, demand, clock(created_s), clock(due), service, service, f"f{ends[0]}", f"f{ends[1]}")
    return ",".join(map(str, cells))


def random_orders(seed: int, count: int, factories: int, last_s: int = 20 * 3600) -> list[str]:
    """Orders through the day; one in fifteen is larger than a truck."""
    draw = random.Random(seed)
    rows = []
    for k, created in enumerate(sorted(draw.randrange(last_s) for _ in range(count))):
        parts = (
            (draw.randrange(16, 24), 1, 2)
            if k % 15 == 7
            else (draw.randrange(3), draw.randrange(2), draw.randrange(1, 4))
        )
        ends = draw.sample(range(factories), 2)
        rows.append(order_row(f"o{k}", parts, created, (ends[0], ends[1])))
    return rows


def write_benchmark(
    folder: Path, days: dict[str, list[str]], *, trucks: int = 4, factories: int = 6, docks: int = 2
) -> Path:
    """Factories on a square of 60 km, 30 km/h between them, and a day for each list of orders."""
    draw = random.Random(1)
    xy = [(draw.uniform(0, 60), draw.uniform(0, 60)) for _ in range(factories)]
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"f{k},{x:.4f},{y:.4f},{docks}" for k, (x, y) in enumerate(xy)]
    (folder / "factory_info.csv").write_text("\n".join(["factory_id,longitude,latitude,port_num", *lines]) + "\n")
    lines = []
    for a, (ax, ay) in enumerate(xy):
        for b, (bx, by) in enumerate(xy):
            if a != b:
                km = round(((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5 + 0.1 * (a > b), 1)
                lines.append(f"r{a}-{b},f{a},f{b},{km},{round(km * 120)}")
    header = "route_code,start_factory_id,end_factory_id,distance,time"
    (folder / "route_info.csv").write_text("\n".join([header, *lines]) + "\n")
    for name, rows in days.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "orders.csv").write_text("\n".join([ORDER_HEADER, *rows]) + "\n")
        fleet = [f"V_{k},15,24,G_{k}" for k in range(trucks)]
        header = "car_num,capacity,operation_time,gps_id"
        (folder / name / "vehicle_info_x.csv").write_text("\n".join([header, *fleet]) + "\n")
    return folder


def day(folder: Path, rows: list[str], **options: int) -> Instance:
    """One day, read."""
    return open_benchmark(write_benchmark(folder, {"day": rows}, **options)).read("day")
