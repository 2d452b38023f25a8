"""``matcher simulate recorded``: from two tables of any operator to figures, or to the cell that is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from tests.shared_data import shared_data

from matcher.cli.main import main
from matcher.domain.enums import TravelMode
from matcher.simulation.recorded import MIDNIGHT_MS, read_recorded

ORDERS = """order_id,pickup_lat,pickup_lng,dropoff_lat,dropoff_lng,placement_s,prep_start_s,ready_s,expected_dropoff_s
a,41.150,-8.610,41.155,-8.605,36000,36010,36600,38400
b,41.150,-8.610,41.156,-8.604,36060,36070,36000,38400
c,41.152,-8.612,41.151,-8.600,30000,30000,43200,45000
"""
COURIERS = """courier_id,vehicle,on_lat,on_lng,on_s,off_s
k1,bicycle,41.151,-8.611,35000,46000
k2,walking,41.150,-8.610,35000,35000
"""


def tables(folder: Path, orders: str = ORDERS, couriers: str = COURIERS) -> list[str]:
    (folder / "orders.csv").write_text(orders)
    (folder / "couriers.csv.gz").write_bytes(gzip.compress(couriers.encode()))
    return [str(folder / "orders.csv"), str(folder / "couriers.csv.gz")]


def test_tables_become_a_market_by_the_stated_assumptions(tmp_path: Path) -> None:
    """Ready before placement, scheduled hours ahead, one store per place: each by its rule."""
    a, b, c = read_recorded(*map(Path, tables(tmp_path))).orders
    assert (a.placed_at_ms, a.ready_at_ms, a.promised_by_ms) == tuple(
        MIDNIGHT_MS + second * 1000 for second in (36000, 36600, 38400)
    )
    assert b.ready_at_ms == b.placed_at_ms
    assert c.placed_at_ms == MIDNIGHT_MS + (43200 - 3600) * 1000
    assert a.store_id == b.store_id != c.store_id
    market = read_recorded(*map(Path, tables(tmp_path)), between_s=(36000, 36060))
    assert [order.id for order in market.orders] == ["a"]
    assert [(s.courier.mode, s.courier.capacity) for s in market.shifts] == [
        (TravelMode.BICYCLE, 2),
        (TravelMode.FOOT, 1),
    ]


def test_a_day_is_played_and_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All three are delivered; metrics.json has the names of every simulation; the report is a page."""
    out = tmp_path / "out"
    assert main(["simulate", "recorded", *tables(tmp_path), "--out", str(out), "--cycle", "60"]) == 0
    entry = json.loads((out / "metrics.json").read_text())["mean"]
    assert (entry["orders"], entry["delivered"], entry["strict_violations"]) == (3, 3, 0)
    assert entry["click_to_door_mean"] > 10
    assert "<html" in (out / "report.html").read_text()
    shown = capsys.readouterr().out
    assert "of 3 orders" in shown
    assert "orders carried at once: walking 1, bicycle 2" in shown


@pytest.mark.parametrize(
    ("orders", "couriers", "sentence"),
    [
        (ORDERS.replace("36600", "soon"), COURIERS, "orders.csv, line 2, column 43: expected a whole number"),
        (ORDERS.replace("\nb,", "\na,"), COURIERS, "line 3, column 1: expected an id not seen before (line 2)"),
        (ORDERS.replace("b,41.150", "b,141.15"), COURIERS, "line 3, column 3: expected degrees within ±90"),
        (ORDERS.replace("ready_s", "done_s"), COURIERS, "the header lacks the column 'ready_s'"),
        (ORDERS, COURIERS.replace("bicycle", "rocket"), "expected one of walking, bicycle, motorcycle, car"),
        (ORDERS, COURIERS.replace("46000", "34999"), "expected a time not before on_s, 35000"),
        (ORDERS.splitlines()[0], COURIERS, "no order is placed within the time asked for"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], orders: str, couriers: str, sentence: str
) -> None:
    """File, line, column and what was expected there; status 1."""
    assert main(["simulate", "recorded", *tables(tmp_path, orders, couriers), "--out", str(tmp_path)]) == 1
    assert sentence in capsys.readouterr().err


def test_broken_gzip_and_bad_times_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest of what a command line can get wrong."""
    files = tables(tmp_path)
    assert main(["simulate", "recorded", *files, "--out", str(tmp_path), "--from", "noon"]) == 1
    assert "a time of day is HH:MM, not 'noon'" in capsys.readouterr().err
    (tmp_path / "couriers.csv.gz").write_bytes(b"plain")
    assert main(["simulate", "recorded", *files, "--out", str(tmp_path)]) == 1
    assert "expected a gzip file" in capsys.readouterr().err


def test_a_real_small_city(tmp_path: Path) -> None:
    """A whole recorded day of a small city: everything delivered by every rule."""
    folder = shared_data("rappi", "16_pereira_orders.csv.gz").parent
    files = [str(folder / f"16_pereira_{kind}.csv.gz") for kind in ("orders", "couriers")]
    out = tmp_path / "out"
    assert main(["simulate", "recorded", *files, "--out", str(out), "--cycle", "60", "--to", "14:00"]) == 0
    entry = json.loads((out / "metrics.json").read_text())["mean"]
    assert entry["delivered"] == entry["orders"] > 100
