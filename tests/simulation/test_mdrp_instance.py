"""Instances are read exactly, from folders and archives, and whatever is wrong with a file is said where it is."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.shared_data import shared_data
from tests.simulation.days import FILES, instance_files, solved

from matcher.simulation.mdrp.instance import find_instances, parse_instance, travel_minutes
from matcher.simulation.mdrp.solution import parse_solution, read_solution, write_solution
from matcher.simulation.tables import TableError

ORDERS = [("o1", 640, 0, 5, "r1", 10), ("o2", 1280, 0, 6, "r1", 12)]
COURIERS = [("c1", 0, 0, 0, 100)]


def write_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, text in instance_files(ORDERS, COURIERS).items():
        (folder / name).write_bytes(text)
    return folder


def test_folders_folders_of_folders_and_archives_hold_the_same_days(tmp_path: Path) -> None:
    """The published instances come as archives, quick starts as folders."""
    write_folder(tmp_path / "all" / "day-1")
    write_folder(tmp_path / "all" / "day-2")
    archive = tmp_path / "seed.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "all" / "day-1", "day-1")
        tar.add(tmp_path / "all" / "day-2", "./day-2")
    from_folders = find_instances([tmp_path / "all"])
    from_archive = find_instances([archive])
    assert [s.name for s in from_folders] == [s.name for s in from_archive] == ["day-1", "day-2"]
    assert [s.name for s in find_instances([tmp_path / "all" / "day-2"])] == ["day-2"]
    for one, other in zip(from_folders, from_archive, strict=True):
        assert one.read().orders.ids == other.read().orders.ids == ("o1", "o2")
        assert other.read().couriers.off.tolist() == [100]


def test_paths_without_instances_are_refused(tmp_path: Path) -> None:
    """An empty run that looks like a good one would be worse than an error."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.tar.gz").write_text("not an archive")
    write_folder(tmp_path / "lacking")
    (tmp_path / "lacking" / "couriers.txt").unlink()
    for path, message in (
        (tmp_path / "empty", "no instance here"),
        (tmp_path / "nowhere", "no such folder or archive"),
        (tmp_path / "text.tar.gz", "not a readable tar archive"),
        (tmp_path / "lacking", "lacks couriers.txt"),
    ):
        with pytest.raises(ValueError, match=message):
            find_instances([path])
    write_folder(tmp_path / "a" / "day")
    write_folder(tmp_path / "b" / "day")
    with pytest.raises(ValueError, match="given twice"):
        find_instances([tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "message"),
    [
        ("orders.txt", "640", "x", (2, 4), "expected a finite number, found 'x'"),
        ("orders.txt", "640", "nan", (2, 4), "expected a finite number, found 'nan'"),
        ("orders.txt", "1280\t0\t6", "1280\t0\t6.5", (3, 11), "expected a whole number, found '6.5'"),
        ("orders.txt", "r1\t12", "r9\t12", (3, 13), "expected a restaurant of restaurants.txt, found 'r9'"),
        ("orders.txt", "r1\t12", "r1\t3", (3, 16), "expected 6 (its placement) or later, found '3'"),
        ("orders.txt", "o2", "o1", (3, 1), "not yet taken"),
        ("orders.txt", "o2", "c1", None, "not yet taken"),
        ("orders.txt", "o2", "o 2", (3, 1), "without blanks"),
        ("orders.txt", "r1\t12", "r1", (3, 15), "expected 6 cells ('ready_time' is next), found 5"),
        ("orders.txt", "r1\t12", "r1\t12\t13", (3, 19), "expected 6 cells, found 7"),
        ("orders.txt", "placement_time", "placed", None, "lacks the column 'placement_time'"),
        ("orders.txt", "\t5\t", "\t-5\t", (2, 10), "expected 0 (start of business) or later"),
        ("couriers.txt", "\t100", "\t-1", (2, 10), "expected 0 (the on_time) or later"),
        ("instance_parameters.txt", "320", "0", (2, 1), "expected a positive number"),
        ("instance_parameters.txt", "320\t4", "320\t3", (2, 5), "expected an even number of minutes"),
        (
            "instance_parameters.txt",
            "\n320\t4\t4\t40\t90\t10\t15",
            "",
            (2, 1),
            "expected one row of parameters, found 0",
        ),
    ],
)
def test_an_unreadable_file_is_named_with_line_and_column(
    file: str, old: str, new: str, where: tuple[int, int] | None, message: str
) -> None:
    """Who has a broken file needs to know where to look."""
    files = instance_files(ORDERS, COURIERS)
    text = files[file].decode()
    assert old in text
    files[file] = text.replace(old, new, 1).encode()
    with pytest.raises(TableError) as error:
        parse_instance("day", "folder", files)
    assert message in str(error.value)
    if where is not None:
        assert (error.value.line, error.value.column) == where
    assert str(error.value).startswith(f"folder/{error.value.file.removeprefix('folder/')}, line ")


def test_bytes_that_are_not_text_are_named_too() -> None:
    """A truncated or binary file is a broken file, not a crash."""
    files = instance_files(ORDERS, COURIERS)
    files["couriers.txt"] = b"courier\tx\n\xff\xfe"
    with pytest.raises(TableError, match=r"line 2, column 1: expected UTF-8 text, found byte 0xff"):
        parse_instance("day", "folder", files)
    files["couriers.txt"] = b""
    with pytest.raises(TableError, match="found an empty file"):
        parse_instance("day", "folder", files)


@given(st.binary(max_size=200), st.sampled_from(sorted(instance_files(ORDERS, COURIERS))), st.integers(0, 300))
def test_any_bytes_are_read_or_refused(noise: bytes, file: str, at: int) -> None:
    """No input may end in anything but an instance or a TableError."""
    files = instance_files(ORDERS, COURIERS)
    files[file] = files[file][:at] + noise + files[file][at + 20 :]
    with suppress(TableError):
        parse_instance("day", "folder", files)


def test_solutions_survive_being_written_and_read(tmp_path: Path) -> None:
    """What is checked and reported is what stands in the files."""
    _, solution = solved()
    write_solution(solution, tmp_path / "day")
    assert read_solution(tmp_path / "day") == solution


@pytest.mark.parametrize(
    ("file", "row", "message"),
    [
        ("solution_info_assignments.txt", "1 2 c1", "expected assignment_time pickup_time courier order"),
        ("solution_info_assignments.txt", "1 2.5 c1 o1", "column 3: expected a whole minute, found '2.5'"),
        (
            "solution_info_couriers.txt",
            "c0 900 r1 o1\nc9 1 c9 r1\nc0 901 o1 r1",
            "expected the moves of c0 in one block",
        ),
        ("solution_info_orders.txt", "o1 1 2 3", "expected 6 cells"),
    ],
)
def test_unreadable_solutions_are_named_with_line_and_column(file: str, row: str, message: str) -> None:
    """Solutions of others are checked too."""
    _, solution = solved()
    files = {name: write(solution) for name, write in FILES.items()}
    files[file] += row.encode() + b"\n"
    with pytest.raises(TableError) as error:
        parse_solution("here", files)
    assert message in str(error.value)
    assert error.value.file == f"here/{file}"


def test_a_start_point_may_be_written_as_zero_and_the_moves_may_lack_a_header() -> None:
    """The reference evaluator reads both forms."""
    _, solution = solved()
    files = {name: write(solution) for name, write in FILES.items()}
    text = files["solution_info_couriers.txt"].decode().split("\n", 1)[1]
    for courier in {move.courier for move in solution.moves}:
        text = text.replace(f" {courier} r", " 0 r")
    files["solution_info_couriers.txt"] = text.encode()
    assert parse_solution("here", files) == solution


def test_travel_takes_whole_minutes_rounded_up() -> None:
    """Rule 2; an exact multiple is not rounded once more."""
    assert travel_minutes((0, 0), (3200, 0), 320) == 10
    assert travel_minutes((0, 0), (3201, 0), 320) == 11
    assert travel_minutes((7, 7), (7, 7), 320) == 0


def test_the_public_instances_are_all_there_and_have_the_indexed_sizes() -> None:
    """Reads all 144; the index was computed apart from this reader."""
    archives = [shared_data("mdrp", f"seed{seed}.tar.gz") for seed in range(6)]
    sources = {source.name: source for source in find_instances(archives)}
    lines = shared_data("mdrp", "index.csv").read_text().splitlines()
    names = lines[0].split(",")
    index = {row["instance"]: row for row in (dict(zip(names, line.split(","), strict=True)) for line in lines[1:])}
    assert sources.keys() == index.keys()
    for name in sorted(index)[::9]:
        instance, row = sources[name].read(), index[name]
        assert len(instance.orders.ids) == int(row["orders"])
        assert len(instance.couriers.ids) == int(row["couriers"])
        assert len(instance.restaurants.ids) == int(row["restaurants"])
        assert instance.parameters.meters_per_minute == int(row["meters_per_minute"])
        hours = float((instance.couriers.off - instance.couriers.on).sum()) / 60
        assert hours == pytest.approx(float(row["courier_hours"]), abs=0.06)


def test_archives_with_foreign_members_are_read_past_them(tmp_path: Path) -> None:
    """Archives carry notes and links; only the four files matter."""
    archive = tmp_path / "days.tar"
    with tarfile.open(archive, "w") as tar:
        for name, data in {**instance_files(ORDERS, COURIERS), "notes.md": b"hello"}.items():
            entry = tarfile.TarInfo(f"day/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        link = tarfile.TarInfo("day/link")
        link.type, link.linkname = tarfile.SYMTYPE, "orders.txt"
        tar.addfile(link)
    (source,) = find_instances([archive])
    assert source.read().orders.ids == ("o1", "o2")
