"""InsertOrder: bytes to the fleet, its changes and the orders to insert, and insertions to bytes; both ways.

Fleets and orders are checked by the decoder of snapshots: a request is laid out as one, and the paths of violations are
turned back into those of the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields

from google.protobuf.message import DecodeError

from matcher.domain import (
    ErrorReason,
    InvalidRequest,
    Limits,
    Order,
    OrderCandidate,
    OrderInsertion,
    Provenance,
    Snapshot,
    SpatialFrame,
    Violation,
    WaitReason,
)
from matcher.v1 import matching_service_pb2, routing_service_pb2, types_pb2
from matcher.wire.decision import plan_message, plan_value, provenance_message, provenance_value
from matcher.wire.request import DEFAULT_POLICY, decode_match_request, encode_match_request

MAX_CANDIDATES = 100
_ORDER_FIELDS = tuple(name.name for name in fields(Order))
_ORDER_PATH = re.compile(r"^snapshot\.orders\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class InsertionReply:
    """What the server answers."""

    insertions: tuple[OrderInsertion, ...]
    """One for each order of the request."""
    fleet_token: str
    """Names the fleet as it is now; empty: it is not kept."""
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class InsertRequest:
    """An InsertOrderRequest that was read; orders and couriers are checked when the fleet's clock is known."""

    fleet_token: str
    """Empty: the request brings its fleet."""
    order_ids: tuple[str, ...]
    """To be inserted, in the order of the request."""
    max_candidates: int
    policy: str
    keep_fleet: bool
    removed_courier_ids: tuple[str, ...]
    changes_fleet: bool
    update_bytes: bytes
    """The encoded update; empty without one."""
    _message: routing_service_pb2.InsertOrderRequest = field(repr=False)

    def fleet(self, limits: Limits) -> Snapshot:
        """The fleet that the request brings, the orders to insert among its orders. Raises InvalidRequest."""
        snapshot = self._message.snapshot
        own = len(snapshot.orders)
        snapshot.orders.extend(self._message.orders)
        try:
            decoded = _checked(snapshot, limits, lambda path: _paths(path, own, "snapshot.orders", "snapshot"))
        finally:
            del snapshot.orders[own:]
        self._in_no_route(decoded)
        return decoded

    def changes(self, at_unix_ms: int, frame: SpatialFrame, market_id: str, limits: Limits) -> Snapshot:
        """What changes in a kept fleet, and the orders to insert, as a snapshot at the new time of the fleet's clock.

        Raises InvalidRequest.
        """
        update = self._message.update
        snapshot = types_pb2.Snapshot(
            market_id=market_id,
            at_ms=update.at_ms or at_unix_ms,
            frame=int(frame),  # type: ignore[arg-type]
            orders=update.orders,
            couriers=update.couriers,
        )
        snapshot.orders.extend(self._message.orders)
        own = len(update.orders)
        decoded = _checked(snapshot, limits, lambda path: _paths(path, own, "update.orders", "update"))
        self._in_no_route(decoded)
        return decoded

    def _in_no_route(self, decoded: Snapshot) -> None:
        owner = dict(zip(decoded.orders.ids, decoded.orders.courier.tolist(), strict=True))
        self.refuse_orders(name for name in self.order_ids if owner[name] >= 0)

    def refuse_orders(self, names: Iterable[str]) -> None:
        """Raise InvalidRequest for orders to insert that are in a route already; nothing when there are none."""
        wrong = [
            Violation(
                f"orders[{self.order_ids.index(name)}].id", f"{name!r} is in a route already", ErrorReason.DUPLICATE
            )
            for name in names
        ]
        if wrong:
            raise InvalidRequest(wrong)


def decode_insert_request(data: bytes, max_orders: int) -> InsertRequest:
    """The request in the bytes of an InsertOrderRequest. Raises InvalidRequest for what is wrong with it as a whole."""
    try:
        message = routing_service_pb2.InsertOrderRequest.FromString(data)
    except DecodeError as error:
        sentence = f"the bytes are no matcher.v1.InsertOrderRequest: {error}"
        raise InvalidRequest([Violation("request", sentence, ErrorReason.MALFORMED)]) from None
    wrong = []
    kind = message.WhichOneof("fleet")
    if kind is None or (kind == "fleet_token" and not message.fleet_token):
        wrong.append(Violation("fleet", "snapshot or fleet_token is required", ErrorReason.MISSING))
    if kind == "snapshot" and message.HasField("update"):
        sentence = "changes a fleet that the server keeps; a snapshot is the fleet as it is"
        wrong.append(Violation("update", sentence, ErrorReason.MALFORMED))
    if len(message.orders) > max_orders:
        sentence = f"{len(message.orders)} orders; at most {max_orders} are allowed"
        wrong.append(Violation("orders", sentence, ErrorReason.TOO_LARGE))
    most = message.max_candidates or 1
    if not 1 <= most <= MAX_CANDIDATES:
        sentence = f"must be between 1 and {MAX_CANDIDATES}, is {most}"
        wrong.append(Violation("max_candidates", sentence, ErrorReason.OUT_OF_RANGE))
    if message.update.at_ms < 0:
        wrong.append(Violation("update.at_ms", f"is negative: {message.update.at_ms}", ErrorReason.OUT_OF_RANGE))
    if wrong:
        raise InvalidRequest(wrong)
    changes = message.HasField("update")
    return InsertRequest(
        fleet_token=message.fleet_token if kind == "fleet_token" else "",
        order_ids=tuple(order.id for order in message.orders),
        max_candidates=most,
        policy=message.policy or DEFAULT_POLICY,
        keep_fleet=message.keep_fleet,
        removed_courier_ids=tuple(message.update.removed_courier_ids),
        changes_fleet=changes,
        update_bytes=message.update.SerializeToString(deterministic=True) if changes else b"",
        _message=message,
    )


def encode_insert_request(
    orders: Sequence[Order],
    *,
    fleet: Snapshot | None = None,
    fleet_token: str = "",
    changes: Snapshot | None = None,
    removed_courier_ids: Sequence[str] = (),
    max_candidates: int = 1,
    policy: str = DEFAULT_POLICY,
    keep_fleet: bool = False,
) -> bytes:
    """Bytes of an InsertOrderRequest: orders, and a fleet or the token of one.

    changes: its couriers with their orders, and its time, become those of the kept fleet.
    """
    request = routing_service_pb2.InsertOrderRequest(
        orders=[_order_message(order) for order in orders],
        max_candidates=max_candidates,
        policy=policy,
        keep_fleet=keep_fleet,
    )
    if fleet is not None:
        request.snapshot.CopyFrom(_message_of(fleet))
    else:
        request.fleet_token = fleet_token
    if changes is not None or removed_courier_ids:
        request.update.removed_courier_ids.extend(removed_courier_ids)
        if changes is not None:
            message = _message_of(changes)
            request.update.at_ms = message.at_ms
            request.update.orders.extend(message.orders)
            request.update.couriers.extend(message.couriers)
    return request.SerializeToString(deterministic=True)


def encode_insert_reply(reply: InsertionReply) -> bytes:
    """Bytes of the InsertOrderResponse."""
    message = routing_service_pb2.InsertOrderResponse(
        insertions=[_insertion_message(insertion) for insertion in reply.insertions],
        fleet_token=reply.fleet_token,
        provenance=provenance_message(reply.provenance),
    )
    return message.SerializeToString(deterministic=True)


def decode_insert_reply(data: bytes) -> InsertionReply:
    """The reply in the bytes of an InsertOrderResponse. Raises ValueError when there is none in it."""
    try:
        message = routing_service_pb2.InsertOrderResponse.FromString(data)
    except DecodeError as error:
        raise ValueError(f"not a matcher.v1.InsertOrderResponse: {error}") from None
    return InsertionReply(
        insertions=tuple(_insertion_value(insertion) for insertion in message.insertions),
        fleet_token=message.fleet_token,
        provenance=provenance_value(message.provenance),
    )


def _order_message(order: Order) -> types_pb2.Order:
    """The fields of the row have the names of the contract's; None is "not set"."""
    values = ((name, getattr(order, name)) for name in _ORDER_FIELDS)
    return types_pb2.Order(**{name: value for name, value in values if value is not None})


def _message_of(snapshot: Snapshot) -> types_pb2.Snapshot:
    return matching_service_pb2.MatchRequest.FromString(encode_match_request(snapshot)).snapshot


def _checked(snapshot: types_pb2.Snapshot, limits: Limits, path: Callable[[str], str]) -> Snapshot:
    """The snapshot that a message says, with the paths of violations changed by `path`."""
    data = matching_service_pb2.MatchRequest(snapshot=snapshot).SerializeToString()
    try:
        return decode_match_request(data, limits)[0]
    except InvalidRequest as error:
        violations = [Violation(path(v.field), v.description, v.reason) for v in error.violations]
        raise InvalidRequest(violations) from None


def _paths(path: str, own: int, orders: str, root: str) -> str:
    """The request's path of a path in the snapshot that the request was laid out as, with `own` orders before those to
    be inserted."""
    found = _ORDER_PATH.match(path)
    if found is None:
        return root + path.removeprefix("snapshot")
    row, rest = int(found.group(1)), path[found.end() :]
    return f"{orders}[{row}]{rest}" if row < own else f"orders[{row - own}]{rest}"


def _insertion_message(insertion: OrderInsertion) -> routing_service_pb2.OrderInsertion:
    return routing_service_pb2.OrderInsertion(
        order_id=insertion.order_id,
        candidates=[_candidate_message(candidate) for candidate in insertion.candidates],
        reason=0 if insertion.reason is None else int(insertion.reason),  # type: ignore[arg-type]
        refused=[
            routing_service_pb2.RefusedCouriers(reason=int(reason), couriers=couriers)  # type: ignore[arg-type]
            for reason, couriers in insertion.refused
        ],
    )


def _candidate_message(candidate: OrderCandidate) -> routing_service_pb2.InsertionCandidate:
    return routing_service_pb2.InsertionCandidate(
        plan=plan_message(candidate.plan),
        pickup_position=candidate.pickup_pos,
        dropoff_position=candidate.dropoff_pos,
        cost_micros=candidate.cost_micros,
        cost_terms=[types_pb2.CostTerm(name=name, micros=micros) for name, micros in candidate.cost_terms],
        pickup_at_ms=candidate.pickup_at_ms,
        dropoff_at_ms=candidate.dropoff_at_ms,
        finish_at_ms=candidate.finish_at_ms,
    )


def _insertion_value(message: routing_service_pb2.OrderInsertion) -> OrderInsertion:
    return OrderInsertion(
        order_id=message.order_id,
        candidates=tuple(
            OrderCandidate(
                plan=plan_value(candidate.plan),
                pickup_pos=candidate.pickup_position,
                dropoff_pos=candidate.dropoff_position,
                cost_terms=tuple((term.name, term.micros) for term in candidate.cost_terms),
                pickup_at_ms=candidate.pickup_at_ms,
                dropoff_at_ms=candidate.dropoff_at_ms,
                finish_at_ms=candidate.finish_at_ms,
            )
            for candidate in message.candidates
        ),
        reason=WaitReason(message.reason) if message.reason else None,
        refused=tuple((WaitReason(refused.reason), refused.couriers) for refused in message.refused),
    )
