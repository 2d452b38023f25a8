"""The writer: a bounded queue in front of segments. `record` never waits; `run` is the body of a thread of app's."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matcher.domain import DecisionRecord
from matcher.journal.schema import EncodeError, record_bytes, warm_up
from matcher.journal.segment import Segment, segments


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """Bounds of a journal."""

    queue_records: int = 1_024
    """Records that may wait to be written; one more is dropped and counted."""
    queue_bytes: int = 64 << 20
    """Bytes that may wait to be written, the batch in hand included."""
    batch_records: int = 64
    """Records written at once, at most: what a killed process may have had in hand."""
    gather_seconds: float = 0.05
    """How long a record waits for others to be written with it: a write costs far more than one more record in it."""
    segment_bytes: int = 64 << 20
    """A segment that has reached this size is closed."""
    keep_bytes: int | None = None
    """The oldest segments are deleted so that closed ones stay within this size; None: keep all."""
    fsync_seconds: float = 1.0
    """Longest time from a write until it is forced to the disk; 0: after every batch."""
    compression: Literal["lz4", "zstd"] | None = "zstd"

    def __post_init__(self) -> None:
        for name in ("queue_records", "queue_bytes", "batch_records", "segment_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"journal.{name} must be at least 1, not {getattr(self, name)}")
        for name in ("gather_seconds", "fsync_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"journal.{name} must not be negative, not {getattr(self, name)}")
        if self.keep_bytes is not None and self.keep_bytes < 0:
            raise ValueError(f"journal.keep_bytes must not be negative, not {self.keep_bytes}")


@dataclass(frozen=True, slots=True)
class JournalCounts:
    """What became of the records so far."""

    offered: int = 0
    """Calls of `record`; always written + dropped + failed + queued."""
    written: int = 0
    unsynced: int = 0
    """Written, not yet forced to the disk."""
    dropped: int = 0
    """Refused: the queue was full, or the journal closed."""
    failed: int = 0
    """Taken, then lost: the disk refused them."""
    queued: int = 0
    queued_bytes: int = 0
    bytes: int = 0
    """Written, after compression."""
    segments: int = 0
    """Segments begun."""
    deleted_segments: int = 0
    last_error: str = ""


class JournalWriter:
    """A DecisionSink that keeps records in the segments of a directory.

    `record` may be called from any thread. Exactly one thread executes `run`; without one, `close` writes what is
    queued itself. `monotonic` is a clock in seconds, for `fsync_seconds` only. OSError: the directory cannot be made.
    """

    def __init__(self, directory: Path, settings: JournalSettings, *, monotonic: Callable[[], float]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        warm_up()
        self._directory = directory
        self._settings = settings
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._queue: deque[DecisionRecord] = deque()
        self._queued_bytes = 0
        self._in_hand = 0
        self._closing = False
        self._running = False
        self._finished = threading.Event()
        self._offered = self._written = self._unsynced = self._dropped = self._failed = 0
        self._bytes = self._segments = self._deleted = 0
        self._last_error = ""
        # Only the thread in `run` touches these.
        self._segment: Segment | None = None
        self._unsynced_since = 0.0

    @property
    def counts(self) -> JournalCounts:
        """A consistent reading of the counters."""
        with self._changed:
            return JournalCounts(
                offered=self._offered,
                written=self._written,
                unsynced=self._unsynced,
                dropped=self._dropped,
                failed=self._failed,
                queued=len(self._queue) + self._in_hand,
                queued_bytes=self._queued_bytes,
                bytes=self._bytes,
                segments=self._segments,
                deleted_segments=self._deleted,
                last_error=self._last_error,
            )

    def record(self, record: DecisionRecord) -> bool:
        """Queue a record; False when it is dropped because the queue is full or the journal closed. Never waits."""
        size = record_bytes(record)
        with self._changed:
            self._offered += 1
            if (
                self._closing
                or len(self._queue) + self._in_hand >= self._settings.queue_records
                or self._queued_bytes + size > self._settings.queue_bytes
            ):
                self._dropped += 1
                return False
            self._queue.append(record)
            self._queued_bytes += size
            if len(self._queue) == 1 or self._has_batch():  # else the writer has nothing new to do
                self._changed.notify()
            return True

    def run(self) -> None:
        """Write what is recorded until `close`; the body of the journal's thread."""
        with self._changed:
            if self._running:
                raise RuntimeError("the journal is already being written by another thread")
            self._running = True
        try:
            while batch := self._next_batch():
                self._append(batch)
                self._sync_when_due()
        finally:
            self._close_segment()
            self._finished.set()

    def close(self, timeout: float) -> bool:
        """Refuse new records and write the queued ones; False when `timeout` seconds did not suffice.

        What is then still queued is lost and counted as dropped.
        """
        with self._changed:
            self._closing = True
            alone = not self._running
            self._changed.notify_all()
        if alone:
            self.run()
        if self._finished.wait(timeout):
            return True
        with self._changed:
            self._dropped += len(self._queue)
            self._queue.clear()
        return False

    def _next_batch(self) -> list[DecisionRecord]:
        """Records to write now; empty when the journal is closed and all is written."""
        while True:
            with self._changed:
                while not self._queue and not self._closing:
                    wait = self._seconds_to_sync()
                    if wait is not None and wait <= 0:
                        break
                    self._changed.wait(wait)
                if self._queue:
                    self._changed.wait_for(self._has_batch, self._settings.gather_seconds)
                    take = min(len(self._queue), self._settings.batch_records)
                    self._in_hand = take
                    return [self._queue.popleft() for _ in range(take)]
                if self._closing:
                    return []
            self._sync_when_due()

    def _has_batch(self) -> bool:
        """Whether to write at once: others would not fit into the batch, or soon not into the queue."""
        settings = self._settings
        return (
            self._closing
            or len(self._queue) >= min(settings.batch_records, settings.queue_records)
            or 2 * self._queued_bytes >= settings.queue_bytes
        )

    def _append(self, batch: list[DecisionRecord]) -> None:
        written, failed, grown, error = self._write(batch)
        with self._changed:
            if written and not self._unsynced:
                self._unsynced_since = self._monotonic()
            self._written += written
            self._unsynced += written
            self._failed += failed
            self._bytes += grown
            self._in_hand = 0
            self._queued_bytes -= sum(map(record_bytes, batch))
            if error:
                self._last_error = error
        if self._segment is not None and self._segment.size >= self._settings.segment_bytes:
            self._close_segment()
            self._delete_oldest()

    def _write(self, batch: list[DecisionRecord]) -> tuple[int, int, int, str]:
        """(written, failed, bytes, error) of one batch."""
        try:
            if self._segment is None:
                self._segment = Segment(self._directory, self._settings.compression)
                with self._changed:
                    self._segments += 1
            before = self._segment.size
            self._segment.append(batch)
            return len(batch), 0, self._segment.size - before, ""
        except OSError as error:
            self._close_segment()
            return 0, len(batch), 0, f"{type(error).__name__}: {error}"
        except EncodeError as error:
            if len(batch) == 1:
                return 0, 1, 0, str(error)
            # One record that cannot be encoded costs itself only.
            parts = [self._write([record]) for record in batch]
            return (
                sum(part[0] for part in parts),
                sum(part[1] for part in parts),
                sum(part[2] for part in parts),
                next((part[3] for part in reversed(parts) if part[3]), ""),
            )

    def _seconds_to_sync(self) -> float | None:
        if not self._unsynced:
            return None
        return self._unsynced_since + self._settings.fsync_seconds - self._monotonic()

    def _sync_when_due(self) -> None:
        wait = self._seconds_to_sync()
        if wait is None or wait > 0 or self._segment is None:
            return
        error = ""
        try:
            self._segment.sync()
        except OSError as failure:
            # After a failed fsync the pages may be gone while later calls succeed; only a new file is to be trusted.
            error = f"{type(failure).__name__}: {failure}"
            self._close_segment()
        with self._changed:
            self._unsynced = 0
            self._last_error = error or self._last_error

    def _close_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        error = ""
        try:
            segment.close()
        except OSError as failure:
            error = f"{type(failure).__name__}: {failure}"
        with self._changed:
            self._unsynced = 0
            self._last_error = error or self._last_error

    def _delete_oldest(self) -> None:
        if self._settings.keep_bytes is None:
            return
        try:
            have = [(path, path.stat().st_size) for path in segments(self._directory)]
            total = sum(size for _, size in have)
            for path, size in have:
                if total <= self._settings.keep_bytes:
                    break
                path.unlink()
                total -= size
                with self._changed:
                    self._deleted += 1
        except OSError as failure:
            with self._changed:
                self._last_error = f"{type(failure).__name__}: {failure}"
