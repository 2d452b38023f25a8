"""InsertOrder: fleets taken over from snapshots, kept within bounds, brought up to date, and asked.

A kept fleet is a cache: it may go at any time, and then the caller sends its snapshot again.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry import trace

from matcher.domain import (
    Build,
    ErrorReason,
    InvalidRequest,
    Limits,
    OrderInsertion,
    Policy,
    Provenance,
    Snapshot,
    Violation,
)
from matcher.engine.spans import step
from matcher.ports import TravelTime
from matcher.routing import FleetOutgrown, LiveFleet
from matcher.wire import InsertionReply, InsertRequest

_tracer = trace.get_tracer("matcher.app")
_CELLS_AT_ONCE = 200_000
"""Couriers times orders between two looks at the time: some ten milliseconds."""


class UnknownFleet(LookupError):  # noqa: N818 - what the caller is told
    """The fleet is not kept, or is not what the token names any more."""


class OutOfTime(RuntimeError):  # noqa: N818 - what happened
    """The caller's time is over before every order was looked at."""


@dataclass(slots=True)
class _Kept:
    fleet: LiveFleet
    token: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    last_change: tuple[str, bytes] = ("", b"")
    """Token and update that led to this fleet: the same once more is a retry."""


class Insertions:
    """Answers InsertOrder. Safe to use from many threads; calls on one fleet take turns."""

    def __init__(self, travel: TravelTime, build: Build, most: int) -> None:
        """`most`: fleets kept."""
        self._travel = travel
        self._build = build
        self._most = most
        self._lock = threading.Lock()
        self._by_token: dict[str, _Kept] = {}
        self._by_use: OrderedDict[int, _Kept] = OrderedDict()  # by id(); the one longest unused first

    def __len__(self) -> int:
        """Fleets kept."""
        return len(self._by_use)

    def is_quick(self, token: str, orders: int) -> bool:
        """Whether a request would be answered without waiting for another one, and within a millisecond or so."""
        kept = self._by_token.get(token)
        return kept is None or (not kept.lock.locked() and kept.fleet.couriers * orders <= _CELLS_AT_ONCE // 10)

    def answer(
        self, request: InsertRequest, policy: Policy, limits: Limits, seconds_left: Callable[[], float] | None = None
    ) -> InsertionReply:
        """Insertions for every order of the request.

        Raises InvalidRequest, UnknownFleet, and OutOfTime when `seconds_left` says so before the end.
        """
        if request.fleet_token:
            return self._ask_kept(request, policy, limits, seconds_left)
        with step(_tracer, "snapshot"):
            snapshot = request.fleet(limits)
        with step(_tracer, "fleet"), _refusing("snapshot"):
            fleet = LiveFleet(snapshot, self._travel.travel(snapshot, policy.travel), policy)
        insertions = _insert(fleet, snapshot, request, seconds_left)
        token = ""
        if request.keep_fleet and fleet.can_change and self._most:
            token = _token("fleet", snapshot.digest, policy.digest.encode(), self._build.digest.encode())
            self._keep(_Kept(fleet, token))
        return self._reply(insertions, token, policy, snapshot.digest.hex())

    def _ask_kept(
        self, request: InsertRequest, policy: Policy, limits: Limits, seconds_left: Callable[[], float] | None
    ) -> InsertionReply:
        kept = self._find(request.fleet_token)
        with kept.lock:
            fleet = kept.fleet
            repeated = kept.token != request.fleet_token
            if repeated and kept.last_change != (request.fleet_token, request.update_bytes):
                raise UnknownFleet("the fleet of this token has been changed since")
            if fleet.policy.digest != policy.digest:
                raise UnknownFleet(f"the fleet was taken over under other values of policy {fleet.policy.name!r}")
            with step(_tracer, "snapshot"):
                changes = request.changes(fleet.at_unix_ms, fleet.frame, fleet.market_id, limits)
            if request.changes_fleet and not repeated:
                with step(_tracer, "fleet"):
                    self._change(kept, changes, request, policy)
            request.refuse_orders(name for name in request.order_ids if fleet.knows_order(name))
            insertions = _insert(fleet, changes, request, seconds_left)
            return self._reply(insertions, kept.token, policy, "")

    def _change(self, kept: _Kept, changes: Snapshot, request: InsertRequest, policy: Policy) -> None:
        travel = self._travel.travel(changes, policy.travel)
        try:
            kept.fleet.update(changes, travel, request.removed_courier_ids)
        except InvalidRequest:
            raise  # nothing was changed
        except FleetOutgrown as error:
            self._drop(kept)
            raise UnknownFleet(str(error)) from None
        except ValueError as error:
            self._drop(kept)  # refused by the kernels halfway
            raise InvalidRequest([Violation("update", str(error), ErrorReason.OUT_OF_RANGE)]) from None
        before, kept.last_change = kept.last_change[0], (request.fleet_token, request.update_bytes)
        kept.token = _token("change", request.fleet_token.encode(), request.update_bytes)
        with self._lock:
            self._by_token.pop(before, None)
            self._by_token[kept.token] = kept  # the token sent goes on leading here until the next change: for retries

    def _reply(
        self, insertions: list[OrderInsertion], token: str, policy: Policy, snapshot_digest: str
    ) -> InsertionReply:
        provenance = Provenance(
            policy=policy.name,
            policy_digest=policy.digest,
            build_version=self._build.version,
            build_digest=self._build.digest,
            snapshot_digest=snapshot_digest,
        )
        return InsertionReply(tuple(insertions), token, provenance)

    def _find(self, token: str) -> _Kept:
        with self._lock:
            kept = self._by_token.get(token)
            if kept is None:
                raise UnknownFleet("the server does not keep the fleet of this token; send its snapshot")
            self._by_use.move_to_end(id(kept))
            return kept

    def _keep(self, kept: _Kept) -> None:
        with self._lock:
            replaced = self._by_token.get(kept.token)
            self._by_token[kept.token] = kept
            self._by_use[id(kept)] = kept
            oldest = next(iter(self._by_use.values()))
        if replaced is not None and replaced.token == kept.token:
            self._drop(replaced)
        if len(self._by_use) > self._most:
            self._drop(oldest)

    def _drop(self, gone: _Kept) -> None:
        with self._lock:
            self._by_use.pop(id(gone), None)
            for token in (gone.token, gone.last_change[0]):
                if self._by_token.get(token) is gone:
                    del self._by_token[token]


def _insert(
    fleet: LiveFleet, orders: Snapshot, request: InsertRequest, seconds_left: Callable[[], float] | None
) -> list[OrderInsertion]:
    """Order after order, in pieces between which the time is looked at."""
    at_once = max(1, _CELLS_AT_ONCE // max(1, fleet.couriers))
    found: list[OrderInsertion] = []
    with step(_tracer, "insert"):
        for begin in range(0, len(request.order_ids), at_once):
            if begin and seconds_left is not None and seconds_left() <= 0:
                raise OutOfTime(f"{begin} of {len(request.order_ids)} orders were looked at within the deadline")
            with _refusing("orders"):
                names = request.order_ids[begin : begin + at_once]
                found += fleet.insertions(orders, names, request.max_candidates)
    return found


@contextmanager
def _refusing(field: str) -> Iterator[None]:
    """What the kernels refuse (e.g. a courier so slow that times overflow) is the caller's to put right."""
    try:
        yield
    except InvalidRequest:
        raise
    except ValueError as error:
        raise InvalidRequest([Violation(field, str(error), ErrorReason.OUT_OF_RANGE)]) from None


def _token(*parts: str | bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()
