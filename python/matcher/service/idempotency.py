"""Safe retries: a call repeated with its idempotency key gets the bytes of the first answer.

Decisions for equal requests differ when their deadlines do, because less time buys less work. A caller that retries
after a broken connection must not be told two different things about one market. Within the window the same key with
the same request is one piece of work, also while that is still going on, and also when its first caller has gone: a
broken connection looks like a cancellation, so the work goes on for a moment in which the retry may come. When nobody
has come by then it is cancelled.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from matcher.domain import ErrorReason, InvalidRequest, Violation
from matcher.service.refused import Refused

KEY = "idempotency-key"
"""Metadata key; the value is the caller's own, unique per intended decision."""
_MAX_KEY_CHARACTERS = 128


@dataclass(slots=True)
class _Entry:
    request_digest: bytes
    work: asyncio.Task[bytes]
    until: float
    waiting: int = 0


class Replies:
    """Answers by key, for a window of time; on one event loop."""

    def __init__(self, seconds: float, entries: int, orphan_seconds: float) -> None:
        """`seconds` from the first call on; `entries` at most, the oldest finished ones go first; `orphan_seconds`:
        how long work goes on that nobody waits for."""
        self._seconds = seconds
        self._orphan_seconds = orphan_seconds
        self._max_entries = entries
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    async def once(self, key: str, request: bytes, answer: Callable[[], Awaitable[bytes]]) -> tuple[bytes, bool]:
        """The bytes for this key, and whether they are a repetition.

        A failure is not kept: the next call with the key tries again, and so does one that joined work whose first
        caller's deadline has passed. Raises InvalidRequest when the key was used for another request.
        """
        if len(key) > _MAX_KEY_CHARACTERS:
            sentence = f"has {len(key)} characters; at most {_MAX_KEY_CHARACTERS} are allowed"
            raise InvalidRequest([Violation(KEY, sentence, ErrorReason.TOO_LARGE)])
        digest = hashlib.sha256(request).digest()
        while True:
            entry, repeated = self._entry(key, digest, answer)
            try:
                return await self._wait(key, entry), repeated
            except Refused as refused:
                if not repeated or refused.refusal.reason is not ErrorReason.DEADLINE:
                    raise

    def _entry(self, key: str, digest: bytes, answer: Callable[[], Awaitable[bytes]]) -> tuple[_Entry, bool]:
        now = time.monotonic()
        self._forget(now)
        entry = self._entries.get(key)
        if entry is not None and entry.request_digest != digest:
            sentence = f"was used for another request in the last {self._seconds:.0f} s"
            raise InvalidRequest([Violation(KEY, sentence, ErrorReason.DUPLICATE)])
        if entry is not None:
            return entry, True
        entry = _Entry(digest, asyncio.ensure_future(answer()), now + self._seconds)
        entry.work.add_done_callback(lambda work: self._drop_failure(key, work))
        self._entries[key] = entry
        return entry, False

    async def _wait(self, key: str, entry: _Entry) -> bytes:
        entry.waiting += 1
        try:
            return await asyncio.shield(entry.work)
        finally:
            entry.waiting -= 1
            if not entry.waiting and not entry.work.done():
                asyncio.get_running_loop().call_later(self._orphan_seconds, self._abandon, key, entry)

    def _abandon(self, key: str, entry: _Entry) -> None:
        """Give up work that still nobody waits for."""
        if entry.waiting or entry.work.done():
            return
        if self._entries.get(key) is entry:
            del self._entries[key]
        entry.work.cancel()

    def _drop_failure(self, key: str, work: asyncio.Task[bytes]) -> None:
        if work.cancelled() or work.exception() is not None:
            entry = self._entries.get(key)
            if entry is not None and entry.work is work:
                del self._entries[key]

    def _forget(self, now: float) -> None:
        """Drop what is past its window, and the oldest beyond the bound."""
        while self._entries:
            key, oldest = next(iter(self._entries.items()))
            full = len(self._entries) >= self._max_entries
            if not oldest.work.done() or (oldest.until > now and not full):
                break
            del self._entries[key]
