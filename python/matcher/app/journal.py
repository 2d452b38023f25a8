"""The journal of a process: a writer with its thread, or nothing."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from matcher.app.config import JournalConfig
from matcher.domain import DecisionRecord
from matcher.journal import JournalCounts, JournalWriter


class NoJournal:
    """A DecisionSink for a process that was told to keep no journal."""

    counts = JournalCounts()

    def record(self, record: DecisionRecord) -> bool:
        """Nothing is kept, and nothing is lost that was promised."""
        del record
        return True

    def close(self, timeout: float) -> bool:
        """Nothing to write."""
        del timeout
        return True


class Journal:
    """A JournalWriter with the thread that writes."""

    def __init__(self, config: JournalConfig) -> None:
        self._writer = JournalWriter(Path(config.directory), config, monotonic=time.monotonic)
        self._thread = threading.Thread(target=self._writer.run, name="journal", daemon=True)
        self._thread.start()
        self.record = self._writer.record

    @property
    def counts(self) -> JournalCounts:
        """What became of the records so far."""
        return self._writer.counts

    def close(self, timeout: float) -> bool:
        """Write what is queued; False when `timeout` seconds did not suffice."""
        finished = self._writer.close(timeout)
        self._thread.join(timeout)
        return finished


def open_journal(config: JournalConfig) -> Journal | NoJournal:
    """The journal that the configuration asks for. OSError: its directory cannot be made."""
    return Journal(config) if config.directory else NoJournal()
