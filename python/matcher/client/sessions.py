"""StreamMatch for callers: a session holds a market at the server; deltas go in, decisions come out.

Numbers are kept here: a message that was rejected has not used its number, so the next one gets it again. When the
session breaks (an exception), begin a new one with a full snapshot.
"""

from __future__ import annotations

import queue
from typing import Any

import grpc

from matcher.client.calls import metadata
from matcher.client.errors import Unavailable, failure
from matcher.domain import Delta, Effort, Rung, Snapshot, StreamReply
from matcher.wire import MatchOptions, decode_stream_reply, encode_stream_request


class _Numbered:
    """The messages of one session."""

    def __init__(self, policy: str) -> None:
        self._policy = policy
        self.next_sequence = 1
        """The number of the next message."""

    def _message(
        self,
        snapshot: Snapshot | None,
        deltas: tuple[Delta, ...],
        at_ms: int | None,
        decide: bool,
        forced_rung: Rung | None,
        effort: Effort | None,
        budget_seconds: float | None,
    ) -> bytes:
        return encode_stream_request(
            self.next_sequence,
            snapshot=snapshot,
            deltas=deltas,
            at_ms=at_ms,
            decide=decide,
            options=MatchOptions(self._policy, forced_rung, False, effort),
            budget_ms=None if budget_seconds is None else max(1, int(budget_seconds * 1e3)),
        )

    def _heard(self, data: bytes) -> StreamReply:
        reply = decode_stream_reply(data)
        self.next_sequence = reply.next_sequence
        return reply


class MatchSession(_Numbered):
    """A session of a `Client`; a context manager, for one thread at a time."""

    def __init__(self, method: Any, policy: str, *, wait_for_ready: bool) -> None:
        super().__init__(policy)
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._call = method(iter(self._messages.get, None), metadata=metadata(), wait_for_ready=wait_for_ready)

    def __enter__(self) -> MatchSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        self._messages.put(None)
        self._call.cancel()

    def send(
        self,
        *deltas: Delta,
        snapshot: Snapshot | None = None,
        at_ms: int | None = None,
        decide: bool = False,
        forced_rung: Rung | None = None,
        effort: Effort | None = None,
        budget_seconds: float | None = None,
    ) -> StreamReply:
        """Send one message and wait for what became of it.

        The first message has a `snapshot`; a later one may, to begin anew. `deltas` are applied all or none; `at_ms`
        moves the market's clock; `decide` asks for a decision, for which the server takes `budget_seconds` at most.
        Raises CallFailed, or one of its kinds, when the session has ended.
        """
        self._messages.put(self._message(snapshot, deltas, at_ms, decide, forced_rung, effort, budget_seconds))
        try:
            return self._heard(next(self._call))
        except StopIteration:
            raise Unavailable("UNAVAILABLE", "the session has ended", None, None) from None
        except grpc.RpcError as error:
            raise failure(error) from None


class AsyncMatchSession(_Numbered):
    """A session of an `AsyncClient`; a context manager, for one task at a time."""

    def __init__(self, method: Any, policy: str, *, wait_for_ready: bool) -> None:
        super().__init__(policy)
        self._call = method(metadata=metadata(), wait_for_ready=wait_for_ready)

    async def __aenter__(self) -> AsyncMatchSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the session."""
        self._call.cancel()

    async def send(
        self,
        *deltas: Delta,
        snapshot: Snapshot | None = None,
        at_ms: int | None = None,
        decide: bool = False,
        forced_rung: Rung | None = None,
        effort: Effort | None = None,
        budget_seconds: float | None = None,
    ) -> StreamReply:
        """As `MatchSession.send`."""
        message = self._message(snapshot, deltas, at_ms, decide, forced_rung, effort, budget_seconds)
        try:
            await self._call.write(message)
            data = await self._call.read()
        except grpc.RpcError as error:
            raise failure(error) from None
        if data is grpc.aio.EOF:
            raise Unavailable("UNAVAILABLE", "the session has ended", None, None)
        return self._heard(data)
