"""One segment: a file that is an Arrow IPC stream, written message by message.

A batch reaches the file as whole messages; what a failed write left is taken back, so a segment stays readable on a
full disk. A segment that was closed ends with Arrow's end mark.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from matcher.domain import DecisionRecord
from matcher.journal.schema import SCHEMA, to_batch

END_MARK = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_NAME = re.compile(r"segment-(\d{8})\.arrows")


def segments(directory: Path) -> list[Path]:
    """Segments of a journal, oldest first."""
    return sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name))


class _Buffer:
    """The file that Arrow writes to: collects the bytes of a batch."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        data = b"".join(self.parts)
        self.parts.clear()
        return data


class Segment:
    """A segment being written. Not thread-safe: it belongs to one writer."""

    def __init__(self, directory: Path, compression: str | None) -> None:
        """Create the next segment of `directory`; OSError when that fails. Safe beside other processes' writers."""
        self.path, self._fd = _create(directory)
        self.size = 0
        """Bytes of whole messages."""
        self._known_policies: set[str] = set()
        self._buffer = _Buffer()
        options = pa.ipc.IpcWriteOptions(compression=compression)
        self._stream = pa.ipc.new_stream(self._buffer, SCHEMA, options=options)

    def append(self, records: Sequence[DecisionRecord]) -> None:
        """Write `records`, all or none. EncodeError: they are no rows. OSError: the disk refuses; use no more."""
        known = set(self._known_policies)
        batch = to_batch(records, known)
        try:
            self._stream.write_batch(batch)
            data = self._buffer.take()
            self._write(data)
        except OSError:
            os.ftruncate(self._fd, self.size)
            raise
        self._known_policies = known
        self.size += len(data)

    def sync(self) -> None:
        """Have the operating system put everything on the disk."""
        os.fsync(self._fd)

    def close(self) -> None:
        """End the stream and the file; one that holds nothing is removed."""
        try:
            if self.size:
                self._write(END_MARK)
                os.fsync(self._fd)
            else:
                self.path.unlink(missing_ok=True)
        finally:
            os.close(self._fd)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]


def _create(directory: Path) -> tuple[Path, int]:
    directory.mkdir(parents=True, exist_ok=True)
    have = segments(directory)
    number = int(have[-1].name[8:16]) + 1 if have else 1
    while True:
        path = directory / f"segment-{number:08d}.arrows"
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            number += 1
            continue
        # The name must survive a power failure, not only the contents.
        folder = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return path, fd
