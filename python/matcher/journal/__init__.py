"""The decision journal: append-only Arrow segments in a directory, one row a decision, enough to decide again.

What can be lost, and no more: a killed process loses the records still in the queue and the batch in hand (both
bounded by `JournalSettings`; at most `gather_seconds` of records where the disk keeps up); a lost machine also loses
what was written in the last `fsync_seconds`. Records refused by a full queue and records that the disk refused are
counted in `JournalCounts`.
"""

from matcher.journal.reader import JournalEntry, JournalError, JournalReader, SegmentNote, SegmentState
from matcher.journal.writer import JournalCounts, JournalSettings, JournalWriter

__all__ = [
    "JournalCounts",
    "JournalEntry",
    "JournalError",
    "JournalReader",
    "JournalSettings",
    "JournalWriter",
    "SegmentNote",
    "SegmentState",
]
