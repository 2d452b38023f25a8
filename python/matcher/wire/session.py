"""The market of a StreamMatch session: encoded rows by id, and the changes that messages make to them.

Rows stay encoded: a decision joins them into the bytes of a MatchRequest, so what is decided, recorded and replayed is
what Match would have been sent. A message is applied as a whole or not at all. Every row that it touches is checked by
the decoder of requests, together with the routes it appears in; a market that passed once cannot become one that does
not by a message that leaves it alone, but for the passing of time, which the decision itself would say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.message import DecodeError

from matcher.domain import ErrorReason, InvalidRequest, Limits, StopKind, StreamStatus, Violation
from matcher.v1 import matching_service_pb2, types_pb2
from matcher.wire.request import DEFAULT_POLICY, MatchOptions, decode_match_request, effort_message, match_options

_MAX_SKILLS = 63
_LENGTH_DELIMITED = 2
_ORDER_TAG = bytes([types_pb2.Snapshot.ORDERS_FIELD_NUMBER << 3 | _LENGTH_DELIMITED])
_COURIER_TAG = bytes([types_pb2.Snapshot.COURIERS_FIELD_NUMBER << 3 | _LENGTH_DELIMITED])
_SNAPSHOT_TAG = bytes([matching_service_pb2.MatchRequest.SNAPSHOT_FIELD_NUMBER << 3 | _LENGTH_DELIMITED])


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message, and the decision that it asks for."""

    sequence: int
    status: StreamStatus
    message: str = ""
    violations: tuple[Violation, ...] = ()
    match_request: bytes | None = None
    """A MatchRequest of the market as it now is; None: no decision was asked for."""
    budget_ms: int | None = None


class _WrongError(Exception):
    """A delta that cannot be applied."""

    def __init__(self, field: str, sentence: str, reason: ErrorReason) -> None:
        super().__init__(sentence)
        self.field, self.sentence, self.reason = field, sentence, reason


class MarketSession:
    """One session: feed it messages in the order in which they come."""

    def __init__(self, limits: Limits, max_bytes: int) -> None:
        """`max_bytes`: of all rows together, as they are encoded."""
        self.limits, self.max_bytes = limits, max_bytes
        self.sequence = 0
        """Of the last message applied."""
        self.at_ms = 0
        self.head = types_pb2.Snapshot()
        """The snapshot without its orders and couriers."""
        self.orders: dict[str, bytes] = {}
        """By id: field tag, length and message, ready to be joined."""
        self.couriers: dict[str, bytes] = {}
        self.owner: dict[str, str] = {}
        """Courier of each order that is in a route."""
        self.skills: set[str] = set()
        """All that were ever named since the snapshot."""
        self.bytes = 0

    @property
    def market_id(self) -> str:
        """Empty before the first snapshot."""
        return self.head.market_id

    def take(self, data: bytes, check_policy: Callable[[str], object]) -> Taken:
        """Apply an encoded StreamMatchRequest, or say why not. `check_policy` raises InvalidRequest for others."""
        try:
            request = matching_service_pb2.StreamMatchRequest.FromString(data)
        except DecodeError as error:
            sentence = f"the bytes are no matcher.v1.StreamMatchRequest: {error}"
            return self._rejected(0, [Violation("request", sentence, ErrorReason.MALFORMED)])
        number = request.sequence
        if number < 1:
            sentence = f"must be 1 or more, is {number}"
            return self._rejected(number, [Violation("sequence", sentence, ErrorReason.OUT_OF_RANGE)])
        anew = request.HasField("snapshot")
        if not anew and not self.market_id:
            return Taken(number, StreamStatus.NO_SNAPSHOT, "the session begins with a message that has a snapshot")
        if number <= self.sequence:
            return Taken(number, StreamStatus.DUPLICATE, f"{self.sequence} is already applied")
        if not anew and number != self.sequence + 1:
            return Taken(number, StreamStatus.OUT_OF_ORDER, f"{self.sequence + 1} comes next")
        try:
            options = _options(request, self.limits)
            check_policy(options.policy)
            draft = _Draft(self if not anew else self._of_snapshot(request.snapshot))
            draft.apply(request)
        except InvalidRequest as error:
            return self._rejected(number, error.violations)
        draft.commit(self)
        self.sequence = number
        return Taken(
            number,
            StreamStatus.APPLIED,
            match_request=self.match_request(options) if request.decide else None,
            budget_ms=request.budget_ms or None,
        )

    def match_request(self, options: MatchOptions | None = None) -> bytes:
        """The bytes of a MatchRequest for the market as it is."""
        options = options or MatchOptions()
        self.head.at_ms = self.at_ms
        body = b"".join([self.head.SerializeToString(), *self.orders.values(), *self.couriers.values()])
        rest = matching_service_pb2.MatchRequest(policy=options.policy, forced_rung=int(options.forced_rung or 0))  # type: ignore[arg-type]
        if options.effort is not None:
            rest.effort.CopyFrom(effort_message(options.effort))
        return _framed(_SNAPSHOT_TAG, body) + rest.SerializeToString()

    def _of_snapshot(self, snapshot: types_pb2.Snapshot) -> MarketSession:
        """A session that holds this snapshot. Raises InvalidRequest."""
        checked = matching_service_pb2.MatchRequest(snapshot=snapshot)
        decode_match_request(checked.SerializeToString(), self.limits)
        held = MarketSession(self.limits, self.max_bytes)
        held.at_ms = snapshot.at_ms
        for order in snapshot.orders:
            held.orders[order.id] = _framed(_ORDER_TAG, order.SerializeToString())
            held.skills.update(order.required_skills)
        for courier in snapshot.couriers:
            held.couriers[courier.id] = _framed(_COURIER_TAG, courier.SerializeToString())
            held.skills.update(courier.skills)
            held.owner.update((stop.order_id, courier.id) for stop in courier.route)
        held.bytes = sum(map(len, held.orders.values())) + sum(map(len, held.couriers.values()))
        held.head.CopyFrom(snapshot)
        del held.head.orders[:]
        del held.head.couriers[:]
        return held

    def _rejected(self, number: int, violations: Sequence[Violation]) -> Taken:
        error = InvalidRequest(violations)
        return Taken(number, StreamStatus.REJECTED, str(error), error.violations)


class _Draft:
    """A market with changes that are not made yet."""

    def __init__(self, held: MarketSession) -> None:
        self._held = held
        self._at_ms = held.at_ms
        self._orders: dict[str, types_pb2.Order | None] = {}
        self._couriers: dict[str, types_pb2.Courier | None] = {}
        self._owner: dict[str, str] = {}
        """Of orders whose courier has changed; "": none."""
        self._cause: dict[tuple[str, str], str] = {}
        """Path of the last delta that touched an order or courier, e.g. "deltas[3].order_in"."""

    def apply(self, request: matching_service_pb2.StreamMatchRequest) -> None:
        """Make the changes of the message. Raises InvalidRequest, and is of no use then."""
        if request.at_ms:
            if request.at_ms < self._at_ms:
                sentence = f"is {self._at_ms - request.at_ms} ms before the market's clock reading {self._at_ms}"
                raise InvalidRequest([Violation("at_ms", sentence, ErrorReason.OUT_OF_RANGE)])
            self._at_ms = request.at_ms
        for index, delta in enumerate(request.deltas):
            kind = delta.WhichOneof("change")
            path = f"deltas[{index}].{kind}" if kind else f"deltas[{index}]"
            try:
                if kind is None:
                    raise _WrongError("", "one of its fields is required", ErrorReason.MISSING)
                self._CHANGES[kind](self, getattr(delta, kind), path)
            except _WrongError as wrong:
                field = f"{path}.{wrong.field}" if wrong.field else path
                raise InvalidRequest([Violation(field, wrong.sentence, wrong.reason)]) from None
        if request.deltas or request.at_ms:
            self._check_touched()
            self._check_whole()

    def commit(self, session: MarketSession) -> None:
        """Make the changes in the session; it becomes the draft's market."""
        held = self._held
        session.at_ms = self._at_ms
        if held is not session:
            session.head, session.orders, session.couriers, session.owner = (
                held.head,
                held.orders,
                held.couriers,
                held.owner,
            )
            session.skills, session.bytes = held.skills, held.bytes
        for id_, order in self._orders.items():
            session.bytes += _replace(session.orders, id_, _ORDER_TAG, order)
            session.skills.update(order.required_skills if order is not None else ())
        for id_, courier in self._couriers.items():
            session.bytes += _replace(session.couriers, id_, _COURIER_TAG, courier)
            session.skills.update(courier.skills if courier is not None else ())
        for order_id, courier_id in self._owner.items():
            if courier_id:
                session.owner[order_id] = courier_id
            else:
                session.owner.pop(order_id, None)

    # The market with the changes so far.

    def _order(self, id_: str) -> types_pb2.Order | None:
        if id_ in self._orders:
            return self._orders[id_]
        frame = self._held.orders.get(id_)
        return None if frame is None else types_pb2.Order.FromString(_payload(frame))

    def _courier(self, id_: str) -> types_pb2.Courier | None:
        if id_ in self._couriers:
            return self._couriers[id_]
        frame = self._held.couriers.get(id_)
        return None if frame is None else types_pb2.Courier.FromString(_payload(frame))

    def _owner_of(self, order_id: str) -> str:
        return self._owner.get(order_id, self._held.owner.get(order_id, ""))

    def _known_order(self, field: str, id_: str) -> types_pb2.Order:
        order = self._order(id_)
        if order is None:
            raise _WrongError(field, f"the session has no order {id_!r}", ErrorReason.UNKNOWN_REFERENCE)
        return order

    def _known_courier(self, field: str, id_: str) -> types_pb2.Courier:
        courier = self._courier(id_)
        if courier is None:
            raise _WrongError(field, f"the session has no courier {id_!r}", ErrorReason.UNKNOWN_REFERENCE)
        return courier

    def _set_order(self, order_id: str, order: types_pb2.Order | None, path: str) -> None:
        self._orders[order_id] = order
        self._cause["orders", order_id] = path

    def _set_courier(self, courier_id: str, courier: types_pb2.Courier | None, path: str) -> None:
        before = self._courier(courier_id)
        for stop in before.route if before is not None else ():
            self._owner[stop.order_id] = ""
        for stop in courier.route if courier is not None else ():
            other = self._owner_of(stop.order_id)
            if other not in ("", courier_id):
                sentence = f"{stop.order_id!r} is already in the route of {other!r}"
                raise _WrongError("route", sentence, ErrorReason.INVALID_ROUTE)
        for stop in courier.route if courier is not None else ():
            self._owner[stop.order_id] = courier_id
        self._couriers[courier_id] = courier
        self._cause["couriers", courier_id] = path

    def _without(self, courier: types_pb2.Courier, order_id: str) -> types_pb2.Courier:
        """The courier with the order's stops taken out of the route."""
        kept = [stop.order_id != order_id for stop in courier.route]
        changed = types_pb2.Courier()
        changed.CopyFrom(courier)
        del changed.route[:]
        changed.route.extend(stop for stop, keep in zip(courier.route, kept, strict=True) if keep)
        changed.locked_stops = sum(kept[: courier.locked_stops])
        return changed

    # One method a change.

    def _order_in(self, order: types_pb2.Order, path: str) -> None:
        if self._order(order.id) is not None:
            raise _WrongError("id", f"the session has an order {order.id!r} already", ErrorReason.DUPLICATE)
        self._set_order(order.id, order, path)

    def _order_changed(self, order: types_pb2.Order, path: str) -> None:
        before = self._known_order("id", order.id)
        refused = sorted({*before.refused_courier_ids, *order.refused_courier_ids})
        del order.refused_courier_ids[:]
        order.refused_courier_ids.extend(refused)
        self._set_order(order.id, order, path)

    def _order_out(self, order_id: str, path: str) -> None:
        self._known_order("", order_id)
        owner = self._owner_of(order_id)
        if owner:
            self._set_courier(owner, self._without(self._known_courier("", owner), order_id), path)
        self._set_order(order_id, None, path)

    def _courier_on(self, courier: types_pb2.Courier, path: str) -> None:
        if self._courier(courier.id) is not None:
            raise _WrongError("id", f"the session has a courier {courier.id!r} already", ErrorReason.DUPLICATE)
        self._set_courier(courier.id, courier, path)

    def _courier_moved(self, moved: matching_service_pb2.CourierMoved, path: str) -> None:
        courier = self._known_courier("courier_id", moved.courier_id)
        courier.latitude, courier.longitude = moved.latitude, moved.longitude
        courier.free_at_ms = moved.free_at_ms
        self._set_courier(courier.id, courier, path)

    def _courier_off(self, courier_id: str, path: str) -> None:
        courier = self._known_courier("", courier_id)
        self._stays_on_board("", courier, [])
        self._set_courier(courier_id, None, path)

    def _offer_refused(self, refused: matching_service_pb2.OfferRefused, path: str) -> None:
        courier = self._known_courier("courier_id", refused.courier_id)
        order = self._known_order("order_id", refused.order_id)
        if self._owner_of(order.id) == courier.id:
            if order.id in _on_board(courier):
                sentence = f"{order.id!r} is on board of {courier.id!r}"
                raise _WrongError("order_id", sentence, ErrorReason.INVALID_ROUTE)
            self._set_courier(courier.id, self._without(courier, order.id), path)
        if courier.id not in order.refused_courier_ids:
            order.refused_courier_ids.append(courier.id)
        self._set_order(order.id, order, path)

    def _route_changed(self, changed: matching_service_pb2.RouteChanged, path: str) -> None:
        courier = self._known_courier("courier_id", changed.courier_id)
        for stop in changed.route:
            self._known_order("route", stop.order_id)
        self._stays_on_board("route", courier, changed.route)
        copy = types_pb2.Courier()
        copy.CopyFrom(courier)
        del copy.route[:]
        copy.route.extend(changed.route)
        copy.locked_stops = changed.locked_stops
        self._set_courier(courier.id, copy, path)

    def _route_advanced(self, advanced: matching_service_pb2.RouteAdvanced, path: str) -> None:
        courier = self._known_courier("courier_id", advanced.courier_id)
        stops = len(courier.route)
        if not 1 <= advanced.stops <= stops:
            sentence = f"must be between 1 and the {stops} stops of the route, is {advanced.stops}"
            raise _WrongError("stops", sentence, ErrorReason.OUT_OF_RANGE)
        made = list(courier.route[: advanced.stops])
        copy = types_pb2.Courier()
        copy.CopyFrom(courier)
        del copy.route[: advanced.stops]
        copy.locked_stops = max(0, courier.locked_stops - advanced.stops)
        self._set_courier(courier.id, copy, path)
        for stop in made:
            order = self._known_order("", stop.order_id)
            if int(stop.kind) == StopKind.PICKUP:
                order.picked_up_at_ms = advanced.at_ms or self._at_ms
                self._set_order(order.id, order, path)
            else:
                self._set_order(order.id, None, path)

    _CHANGES: ClassVar[dict[str, Callable[..., None]]] = {
        "order_in": _order_in,
        "order_changed": _order_changed,
        "order_out": _order_out,
        "courier_on": _courier_on,
        "courier_moved": _courier_moved,
        "courier_off": _courier_off,
        "offer_refused": _offer_refused,
        "route_changed": _route_changed,
        "route_advanced": _route_advanced,
    }

    def _stays_on_board(self, field: str, courier: types_pb2.Courier, route: Iterable[types_pb2.RouteStop]) -> None:
        """Goods on board neither vanish nor appear by saying so: they are in the route with their drop-off alone."""
        after = _on_board_of(route)
        before = _on_board(courier)
        for order_id in sorted(before - after):
            sentence = f"{order_id!r} is on board of {courier.id!r} and must stay in the route, its drop-off alone"
            raise _WrongError(field, sentence, ErrorReason.INVALID_ROUTE)
        for order_id in sorted(after - before):
            sentence = f"{order_id!r} is not on board of {courier.id!r}: its pick-up is missing"
            raise _WrongError(field, sentence, ErrorReason.INVALID_ROUTE)

    def _check_touched(self) -> None:
        """Have the decoder of requests check what was touched, with the routes it is in and the orders of those."""
        couriers = {id_: courier for id_, courier in self._couriers.items() if courier is not None}
        for order_id in self._orders:
            owner = self._owner_of(order_id)
            courier = self._courier(owner) if owner else None
            if courier is not None:
                couriers.setdefault(owner, courier)
        orders = {id_: order for id_, order in self._orders.items() if order is not None}
        for courier in couriers.values():
            for stop in courier.route:
                order = self._order(stop.order_id)
                if order is not None:
                    orders.setdefault(stop.order_id, order)
        held = self._held
        request = matching_service_pb2.MatchRequest(
            snapshot=types_pb2.Snapshot(
                market_id=held.market_id,
                at_ms=self._at_ms,
                frame=held.head.frame,
                orders=orders.values(),
                couriers=couriers.values(),
            )
        )
        try:
            decode_match_request(request.SerializeToString(), held.limits)
        except InvalidRequest as error:
            rows = {"orders": list(orders), "couriers": list(couriers)}
            raise InvalidRequest([self._located(violation, rows) for violation in error.violations]) from None

    def _located(self, violation: Violation, rows: dict[str, list[str]]) -> Violation:
        """The violation at the place in the message that brought it about."""
        group, bracket, rest = violation.field.removeprefix("snapshot.").partition("[")
        if not bracket or group not in rows:
            return Violation(violation.field.removeprefix("snapshot."), violation.description, violation.reason)
        number, _, tail = rest.partition("]")
        id_ = rows[group][int(number)]
        where = self._cause.get((group, id_), f"{group}[{id_!r}]")
        return Violation(where + tail, violation.description, violation.reason)

    def _check_whole(self) -> None:
        """What no single row can say: the numbers of rows, their bytes, the skills of all of them."""
        held, wrong = self._held, []
        sizes = {"orders": len(held.orders), "couriers": len(held.couriers)}
        grown = held.bytes
        changes: tuple[tuple[str, dict[str, bytes], dict[str, types_pb2.Order | None]], ...] = (
            ("orders", held.orders, self._orders),
            ("couriers", held.couriers, self._couriers),  # type: ignore[assignment]
        )
        for group, rows, touched in changes:
            for id_, row in touched.items():
                sizes[group] += (row is not None) - (id_ in rows)
                grown += (0 if row is None else row.ByteSize() + 6) - len(rows.get(id_, b""))
            most = getattr(held.limits, group)
            if sizes[group] > most:
                sentence = f"{sizes[group]} {group} in the session; at most {most} are allowed"
                wrong.append(Violation("deltas", sentence, ErrorReason.TOO_LARGE))
        if grown > held.max_bytes:
            sentence = f"{grown} bytes in the session; at most {held.max_bytes} are allowed"
            wrong.append(Violation("deltas", sentence, ErrorReason.TOO_LARGE))
        skills = set(held.skills)
        for order in self._orders.values():
            skills.update(order.required_skills if order is not None else ())
        for courier in self._couriers.values():
            skills.update(courier.skills if courier is not None else ())
        if len(skills) > _MAX_SKILLS and len(self._skills_in_use()) > _MAX_SKILLS:
            sentence = f"more than {_MAX_SKILLS} distinct skills in the session"
            wrong.append(Violation("deltas", sentence, ErrorReason.TOO_LARGE))
        if wrong:
            raise InvalidRequest(wrong)

    def _skills_in_use(self) -> set[str]:
        """Those of the rows that are left: `skills` also has those of rows that have gone."""
        used: set[str] = set()
        for id_ in {*self._held.orders, *self._orders}:
            order = self._order(id_)
            used.update(order.required_skills if order is not None else ())
        for id_ in {*self._held.couriers, *self._couriers}:
            courier = self._courier(id_)
            used.update(courier.skills if courier is not None else ())
        return used


def _options(request: matching_service_pb2.StreamMatchRequest, limits: Limits) -> MatchOptions:
    if request.budget_ms < 0:
        sentence = f"must not be negative, is {request.budget_ms}"
        raise InvalidRequest([Violation("budget_ms", sentence, ErrorReason.OUT_OF_RANGE)])
    asked = matching_service_pb2.MatchRequest(
        policy=request.policy or DEFAULT_POLICY,
        forced_rung=request.forced_rung,
        effort=request.effort if request.HasField("effort") else None,
    )
    return match_options(asked, limits)


def _on_board(courier: types_pb2.Courier) -> set[str]:
    return _on_board_of(courier.route)


def _on_board_of(route: Iterable[types_pb2.RouteStop]) -> set[str]:
    stops = list(route)
    picked = {stop.order_id for stop in stops if int(stop.kind) == StopKind.PICKUP}
    return {stop.order_id for stop in stops if int(stop.kind) == StopKind.DROPOFF} - picked


def _replace(rows: dict[str, bytes], id_: str, tag: bytes, row: types_pb2.Order | types_pb2.Courier | None) -> int:
    """Put the row in, or take it out; by how many bytes the rows have grown."""
    before = len(rows.pop(id_, b""))
    if row is None:
        return -before
    rows[id_] = _framed(tag, row.SerializeToString())
    return len(rows[id_]) - before


def _framed(tag: bytes, payload: bytes) -> bytes:
    length, size = bytearray(), len(payload)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return b"".join([tag, bytes(length), payload])


def _payload(frame: bytes) -> bytes:
    begin = 1
    while frame[begin] & 0x80:
        begin += 1
    return frame[begin + 1 :]
