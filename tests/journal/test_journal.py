"""The journal keeps what it is given, within its bounds, and counts what it loses."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.journal.records import record

from matcher.domain import DecisionRecord, MatrixTravel, MetricTravel
from matcher.journal import JournalReader, JournalSettings, JournalWriter, SegmentState


def write(directory: Path, records: list[DecisionRecord], **settings: object) -> JournalWriter:
    """Write all of `records` in this thread."""
    writer = JournalWriter(directory, JournalSettings(**settings), monotonic=time.monotonic)  # type: ignore[arg-type]
    for one in records:
        assert writer.record(one)
    assert writer.close(10)
    return writer


def read(directory: Path) -> tuple[list[DecisionRecord], list[SegmentState]]:
    """Everything in a journal, and the state of each segment that is not whole."""
    reader = JournalReader(directory)
    records = [entry.record for entry in reader.entries()]
    return records, [note.state for note in reader.notes]


def assert_equal(one: DecisionRecord, other: DecisionRecord) -> None:
    """Equality of records, arrays and their types included."""
    assert replace(one, travel=other.travel) == other
    for a, b in zip(_parts(one), _parts(other), strict=True):
        if isinstance(a, np.ndarray):
            assert isinstance(b, np.ndarray)
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
        else:
            assert a == b


def _parts(record: DecisionRecord) -> tuple[object, ...]:
    travel = record.travel
    if isinstance(travel, MetricTravel):
        return (MetricTravel, travel.version, travel.factor, travel.quantum_ms, travel.speed_mph)
    return (MatrixTravel, travel.version, travel.matrix_ms, travel.profile)


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_records_come_back_as_they_were(tmp_path: Path, compression: str | None) -> None:
    """Replay stands on this: every field, both kinds of travel, more than one policy, in order."""
    given = [record(number, matrix=number % 3 == 0) for number in range(20)]
    write(tmp_path, given, batch_records=3, compression=compression)
    got, states = read(tmp_path)
    assert states == []
    assert len(got) == len(given)
    for one, other in zip(given, got, strict=True):
        assert_equal(one, other)
        assert one.policy.digest == other.policy.digest


def test_a_policy_is_written_once_a_segment(tmp_path: Path) -> None:
    """Segments must be readable alone, and must not repeat a kilobyte of policy with every record."""
    write(tmp_path, [record(number, size=3_000) for number in range(24)], batch_records=2, segment_bytes=20_000)
    paths = sorted(tmp_path.iterdir())
    assert len(paths) > 2
    for path in paths:
        with pa.OSFile(str(path)) as file:
            table = pa.ipc.open_stream(file).read_all()
        digests = table.filter(pa.compute.is_valid(table["policy_values"]))["policy_digest"].to_pylist()
        assert sorted(digests) == sorted(set(table["policy_digest"].to_pylist()))
        assert [entry.record.meta.decision_id for entry in JournalReader(path).entries()] == table[
            "decision_id"
        ].to_pylist()


def test_a_full_queue_drops_and_counts(tmp_path: Path) -> None:
    """A decision must never wait for the disk: with no room the record is refused at once and counted."""
    writer = JournalWriter(tmp_path, JournalSettings(queue_records=5), monotonic=time.monotonic)
    assert [writer.record(record(number)) for number in range(8)] == [True] * 5 + [False] * 3
    assert writer.counts.dropped == 3
    assert writer.counts.queued == 5
    assert writer.close(10)
    assert not writer.record(record(9))
    counts = writer.counts
    assert (counts.offered, counts.written, counts.dropped, counts.queued, counts.queued_bytes) == (9, 5, 4, 0, 0)
    assert [one.meta.decision_id for one in read(tmp_path)[0]] == [f"d{number}" for number in range(5)]


def test_the_queue_is_bounded_in_bytes(tmp_path: Path) -> None:
    """Few large snapshots fill memory as well as many small ones; one beyond the bound is refused even when alone."""
    writer = JournalWriter(tmp_path, JournalSettings(queue_bytes=10_000), monotonic=time.monotonic)
    assert not writer.record(record(0, size=20_000))
    assert writer.record(record(1, size=6_000))
    assert not writer.record(record(2, size=6_000))
    assert writer.record(record(3, size=3_000))
    assert writer.counts.queued_bytes <= 10_000
    assert writer.close(10)


def test_records_that_come_apart_are_written_together(tmp_path: Path) -> None:
    """One write a record would cost the server more than the decision; and nobody waits once the journal closes."""
    writer = JournalWriter(tmp_path, JournalSettings(gather_seconds=600.0, batch_records=4), monotonic=time.monotonic)
    thread = threading.Thread(target=writer.run)
    thread.start()
    for number in range(6):
        assert writer.record(record(number))
        time.sleep(0.002)
    assert writer.close(60)
    thread.join(60)
    (segment,) = tmp_path.iterdir()
    with pa.ipc.open_stream(segment) as stream:
        assert [batch.num_rows for batch in stream] == [4, 2]


def test_segments_rotate_and_the_oldest_go(tmp_path: Path) -> None:
    """A journal left alone must not fill the disk when told how much to keep."""
    given = [record(number, size=5_000) for number in range(60)]
    writer = write(tmp_path, given, batch_records=2, segment_bytes=20_000, keep_bytes=70_000)
    assert writer.counts.segments > 5
    assert writer.counts.deleted_segments > 0
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 70_000 + 20_000
    got, states = read(tmp_path)
    assert states == []
    assert [one.meta.decision_id for one in got] == [f"d{number}" for number in range(60 - len(got), 60)]


def test_a_second_writer_begins_a_new_segment(tmp_path: Path) -> None:
    """A restarted process, or a second one, never writes into a segment that is there."""
    first = JournalWriter(tmp_path, JournalSettings(), monotonic=time.monotonic)
    second = JournalWriter(tmp_path, JournalSettings(), monotonic=time.monotonic)
    first.record(record(0))
    second.record(record(1))
    assert second.close(10)
    assert first.close(10)
    write(tmp_path, [record(2)])
    assert [path.name for path in sorted(tmp_path.iterdir())] == [f"segment-{n:08d}.arrows" for n in (1, 2, 3)]
    assert {one.meta.decision_id for one in read(tmp_path)[0]} == {"d0", "d1", "d2"}


def test_many_threads_record_while_one_writes(tmp_path: Path) -> None:
    """Solver threads share the journal; every record taken is written exactly once."""
    writer = JournalWriter(tmp_path, JournalSettings(queue_records=64), monotonic=time.monotonic)
    thread = threading.Thread(target=writer.run)
    thread.start()
    taken: list[list[int]] = [[] for _ in range(4)]

    def offer(part: int) -> None:
        for number in range(part, 800, 4):
            if writer.record(record(number)):
                taken[part].append(number)

    threads = [threading.Thread(target=offer, args=(part,)) for part in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert writer.close(30)
    thread.join(10)
    assert not thread.is_alive()
    counts = writer.counts
    assert counts.offered == 800 == counts.written + counts.dropped
    got = [one.meta.decision_id for one in read(tmp_path)[0]]
    assert sorted(got) == sorted(f"d{number}" for part in taken for number in part)


def test_fsync_keeps_its_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a lost machine may lose is what was written within the interval; an idle journal is synced too."""
    synced: list[float] = []
    real, clock = os.fsync, [0.0]

    def fsync(fd: int) -> None:
        synced.append(clock[0])
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    writer = JournalWriter(tmp_path, JournalSettings(fsync_seconds=0.05), monotonic=time.monotonic)
    thread = threading.Thread(target=writer.run)
    thread.start()
    writer.record(record(0))
    deadline = time.monotonic() + 10
    while (writer.counts.written, writer.counts.unsynced) != (1, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert writer.counts.unsynced == 0
    # One for the directory, one for the record; the segment is still open.
    assert len(synced) == 2
    assert writer.close(10)
    thread.join(10)


def test_close_gives_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shutdown must not hang on a disk that does; what is left is counted as lost."""
    release = threading.Event()
    real = os.write

    def stuck(fd: int, data: bytes) -> int:
        release.wait(30)
        return real(fd, data)

    monkeypatch.setattr(os, "write", stuck)
    writer = JournalWriter(tmp_path, JournalSettings(batch_records=1), monotonic=time.monotonic)
    thread = threading.Thread(target=writer.run)
    thread.start()
    for number in range(4):
        writer.record(record(number))
    while writer.counts.segments == 0:
        time.sleep(0.001)
    assert not writer.close(0.05)
    assert writer.counts.dropped == 3
    release.set()
    thread.join(10)
    counts = writer.counts
    assert (counts.written, counts.dropped, counts.queued) == (1, 3, 0)


def test_a_record_that_is_no_row_costs_itself_only(tmp_path: Path) -> None:
    """A bug in one caller must not take the records of others with it."""
    bad = replace(record(1), meta=replace(record(1).meta, at_ms=1 << 80))
    writer = write(tmp_path, [record(0), bad, record(2)])
    assert (writer.counts.written, writer.counts.failed) == (2, 1)
    assert "Error" in writer.counts.last_error
    assert [one.meta.decision_id for one in read(tmp_path)[0]] == ["d0", "d2"]


@pytest.mark.parametrize(
    "values",
    [{"queue_records": 0}, {"segment_bytes": 0}, {"fsync_seconds": -1.0}, {"gather_seconds": -1.0}, {"keep_bytes": -1}],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    """check-config must catch them, with the name of the setting."""
    with pytest.raises(ValueError, match=f"journal.{next(iter(values))}"):
        JournalSettings(**values)  # type: ignore[arg-type]
