"""Killed writers, torn files, flipped bits and full disks: the reader gives what is whole and says what is not."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.journal.records import record
from tests.journal.test_journal import assert_equal, read, write

from matcher.journal import JournalError, JournalReader, JournalSettings, JournalWriter, SegmentState

PROGRAM = [sys.executable, str(Path(__file__).with_name("writing_process.py"))]


@pytest.mark.parametrize("batch", [1, 8])
def test_kill_loses_only_what_was_not_yet_written(tmp_path: Path, batch: int) -> None:
    """kill -9 in the middle of writing: all that `counts` had called written is there, whole, in order."""
    process = subprocess.Popen([*PROGRAM, str(tmp_path), "100000", str(batch)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    written = 0
    while written < 40:
        written = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    for line in process.stdout:
        if line.endswith("\n"):
            written = int(line)
    assert process.wait(30) == -signal.SIGKILL
    process.stdout.close()
    got, states = read(tmp_path)
    assert len(got) >= written
    assert states in ([SegmentState.OPEN], [SegmentState.TORN])
    for number, one in enumerate(got):
        assert_equal(one, record(number, size=10_000))


def test_a_segment_cut_anywhere_gives_a_prefix(tmp_path: Path) -> None:
    """Whatever part of a file reached the disk, reading it never fails and never invents a record."""
    given = [record(number) for number in range(6)]
    write(tmp_path / "whole", given, batch_records=2)
    data = (tmp_path / "whole" / "segment-00000001.arrows").read_bytes()
    cut = tmp_path / "cut" / "segment-00000001.arrows"
    cut.parent.mkdir()
    seen = set()
    for size in [*range(0, len(data) - 8, 97), *range(len(data) - 8, len(data))]:
        cut.write_bytes(data[:size])
        got, states = read(cut.parent)
        assert [one.meta.decision_id for one in got] == [f"d{number}" for number in range(len(got))]
        assert len(states) == 1
        assert states[0] in (SegmentState.OPEN, SegmentState.TORN)
        seen.add((len(got), states[0]))
    assert {count for count, _ in seen} == {0, 2, 4, 6}


def test_flipped_bits_are_never_read_as_records(tmp_path: Path) -> None:
    """A row with other bytes than were written is left out and noted, wherever the damage is."""
    given = [record(number) for number in range(4)]
    write(tmp_path, given, batch_records=2, compression=None)
    path = tmp_path / "segment-00000001.arrows"
    data = path.read_bytes()
    for one in given:
        at = data.index(one.request)
        path.write_bytes(data[: at + 5] + bytes([data[at + 5] ^ 1]) + data[at + 6 :])
        got, states = read(tmp_path)
        assert states == [SegmentState.DAMAGED]
        assert [other.meta.decision_id for other in got] == [
            other.meta.decision_id for other in given if other is not one
        ]


def test_disk_errors_are_counted_and_what_is_there_stays_readable(tmp_path: Path) -> None:
    """The kernel refuses writes beyond a file size; records lost so are counted and no other is touched."""
    run = subprocess.run([*PROGRAM, str(tmp_path), "60", "4", "100000"], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    _, written, failed, begun, error = run.stdout.splitlines()[-1].split("\t")
    assert int(written) + int(failed) == 60
    assert int(failed) > 0
    assert int(begun) > 1
    assert "File too large" in error
    reader = JournalReader(tmp_path)
    got = [entry.record for entry in reader.entries()]
    assert len(got) == int(written)
    for one in got:
        assert_equal(one, record(int(one.meta.decision_id[1:]), size=10_000))
    assert all(note.state in (SegmentState.OPEN,) for note in reader.notes)


def test_a_directory_that_goes_away_is_counted(tmp_path: Path) -> None:
    """No room for a new segment (here: a file where the directory was) loses records by count, not the process."""
    directory = tmp_path / "journal"
    writer = JournalWriter(directory, JournalSettings(), monotonic=time.monotonic)
    directory.rmdir()
    directory.write_text("in the way")
    writer.record(record(0))
    assert writer.close(10)
    assert (writer.counts.written, writer.counts.failed) == (0, 1)
    assert "FileExistsError" in writer.counts.last_error


def test_a_journal_that_cannot_be_made_fails_at_once(tmp_path: Path) -> None:
    """A server with a wrong journal path must not start and lose every decision."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        JournalWriter(tmp_path / "file" / "journal", JournalSettings(), monotonic=time.monotonic)


def test_paths_that_hold_no_journal_are_named(tmp_path: Path) -> None:
    """The command line prints these sentences."""
    with pytest.raises(JournalError, match="holds no journal segments"):
        JournalReader(tmp_path)
    with pytest.raises(JournalError, match="does not exist"):
        JournalReader(tmp_path / "nowhere")
    (tmp_path / "segment-00000001.arrows").write_text("something else, long enough to have a head")
    got, states = read(tmp_path)
    assert (got, states) == ([], [SegmentState.TORN])
