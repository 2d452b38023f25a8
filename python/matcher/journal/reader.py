"""The reader: records of a journal in the order written, and a note for every segment that is not whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from matcher.domain import DecisionRecord, Policy
from matcher.journal.schema import FORMAT, RowError, from_batch
from matcher.journal.segment import END_MARK, segments


class JournalError(ValueError):
    """The path holds no journal that this build reads."""


class SegmentState(StrEnum):
    """Why a segment is noted."""

    OPEN = "open"
    """Ends between two batches without the end mark: it is being written, or its writer was killed."""
    TORN = "torn"
    """Ends inside a batch: its writer was killed or the machine lost; the batches before are whole."""
    DAMAGED = "damaged"
    """Holds rows that are not those that were written; they are left out."""


@dataclass(frozen=True, slots=True)
class SegmentNote:
    """One thing to know about a segment."""

    segment: str
    state: SegmentState
    records: int
    """Records of the segment that were read."""
    text: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A record and where it was found."""

    segment: str
    index: int
    """Position of the row in its segment."""
    record: DecisionRecord


class JournalReader:
    """Reads a journal's directory, or one segment.

    `notes` is complete once `entries` has been read to the end.
    """

    def __init__(self, path: Path) -> None:
        """Raises JournalError when `path` is neither a directory with segments nor a segment."""
        if path.is_dir():
            self._segments = segments(path)
            if not self._segments:
                raise JournalError(f"{path} holds no journal segments (segment-NNNNNNNN.arrows)")
        elif path.is_file():
            self._segments = [path]
        else:
            raise JournalError(f"{path} does not exist")
        self.notes: list[SegmentNote] = []

    def entries(self) -> Iterator[JournalEntry]:
        """Every whole record, oldest segment first; reads one batch at a time."""
        self.notes.clear()
        for segment in self._segments:
            yield from self._read(segment)

    def _read(self, segment: Path) -> Iterator[JournalEntry]:
        policies: dict[str, Policy] = {}
        rows = records = 0
        torn = ""
        with pa.OSFile(str(segment), "rb") as file:
            size = file.size()
            stream = None
            try:
                stream = pa.ipc.open_stream(file)
            except (pa.ArrowInvalid, OSError) as error:
                torn = f"its head is not readable: {error}"
            if stream is not None and (stream.schema.metadata or {}).get(b"format") != FORMAT:
                raise JournalError(f"{segment} is not a journal segment of format {FORMAT.decode()}")
            while stream is not None:
                try:
                    batch = stream.read_next_batch()
                except StopIteration:
                    break
                except (pa.ArrowInvalid, OSError) as error:
                    torn = f"the batch after its record {rows} is not whole: {error}"
                    break
                for found in from_batch(batch, policies):
                    if isinstance(found, RowError):
                        self._note(segment, SegmentState.DAMAGED, records, f"row {rows}: {found}")
                    else:
                        yield JournalEntry(segment.name, rows, found)
                        records += 1
                    rows += 1
            if torn:
                self._note(segment, SegmentState.TORN, records, f"{torn} ({size} bytes; {records} records read)")
            elif not _ends_whole(segment, size):
                text = f"no end mark: still being written, or its writer was killed ({records} records read)"
                self._note(segment, SegmentState.OPEN, records, text)

    def _note(self, segment: Path, state: SegmentState, records: int, text: str) -> None:
        self.notes.append(SegmentNote(segment.name, state, records, text))


def _ends_whole(segment: Path, size: int) -> bool:
    with segment.open("rb") as file:
        file.seek(max(0, size - len(END_MARK)))
        return file.read() == END_MARK
