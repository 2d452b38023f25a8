"""The market of a session: whatever is sent, it is the market that a careful bookkeeper would have, or it says no."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.markets import MINUTE, NOW, a_courier, an_order, plane, random_market

from matcher.domain import (
    Courier,
    CourierMoved,
    CourierOff,
    CourierOn,
    Delta,
    ErrorReason,
    InvalidRequest,
    Limits,
    OfferRefused,
    Order,
    OrderChanged,
    OrderIn,
    OrderOut,
    RouteAdvanced,
    RouteChanged,
    RouteStop,
    SpatialFrame,
    StopKind,
    StreamStatus,
    build_snapshot,
)
from matcher.wire import MarketSession, Taken, decode_match_request, encode_stream_request

PICKUP, DROPOFF = StopKind.PICKUP, StopKind.DROPOFF
LIMITS = Limits(orders=60, couriers=30)


class Bookkeeper:
    """The market as plain rows, changed by the book: the reference for what deltas mean."""

    def __init__(self, orders: list[Order], couriers: list[Courier]) -> None:
        self.at_ms = NOW
        self.orders = {order.id: order for order in orders}
        self.couriers = {courier.id: courier for courier in couriers}

    def digest(self) -> bytes:
        return build_snapshot(
            "m", self.at_ms, list(self.orders.values()), list(self.couriers.values()), frame=SpatialFrame.PLANE_METERS
        ).digest

    def on_board(self, courier: Courier) -> set[str]:
        picked = {stop.order_id for stop in courier.route if stop.kind is PICKUP}
        return {stop.order_id for stop in courier.route} - picked

    def draw(self, random: Random) -> Delta:
        """A change that makes sense, or now and then one that does not."""
        order = random.choice([*self.orders, "nobody"])
        courier = random.choice([*self.couriers, "nobody"])
        known = self.couriers.get(courier, Courier("nobody"))
        open_ids = sorted(set(self.orders) - {s.order_id for c in self.couriers.values() for s in c.route})
        kept = list(known.route)
        if open_ids and random.random() < 0.7:
            kept += [RouteStop(PICKUP, open_ids[0]), RouteStop(DROPOFF, open_ids[0])]
        elif kept and random.random() < 0.5:
            kept = [stop for stop in kept if stop.order_id != kept[0].order_id]
        return random.choice(
            [
                OrderIn(an_order(f"n{random.randrange(40)}", dropoff_longitude=float(random.randrange(5000)))),
                OrderChanged(replace(self.orders.get(order, an_order("nobody")), priority=random.randrange(9))),
                OrderOut(order),
                CourierOn(a_courier(f"k{random.randrange(20)}")),
                CourierMoved(courier, float(random.randrange(5000)), 7.0, NOW + random.randrange(10) * MINUTE),
                CourierOff(courier),
                OfferRefused(courier, order),
                RouteChanged(courier, tuple(kept), random.randrange(len(kept) + 1)),
                RouteAdvanced(courier, random.randrange(4), NOW + MINUTE),
            ]
        )

    def apply(self, delta: Delta) -> None:
        """KeyError or ValueError when the change makes no sense; the books may be half changed then."""
        match delta:
            case OrderIn(order) if order.id not in self.orders:
                self.orders[order.id] = order
            case OrderChanged(order):
                refused = {*self.orders[order.id].refused_courier_ids, *order.refused_courier_ids}
                self.orders[order.id] = replace(order, refused_courier_ids=tuple(refused))
            case OrderOut(order_id):
                del self.orders[order_id]
                for courier in list(self.couriers.values()):
                    self._reroute(courier, [stop for stop in courier.route if stop.order_id != order_id])
            case CourierOn(courier) if courier.id not in self.couriers:
                self.couriers[courier.id] = courier
            case CourierMoved(courier_id, latitude, longitude, free_at_ms):
                moved = replace(
                    self.couriers[courier_id], latitude=latitude, longitude=longitude, free_at_ms=free_at_ms
                )
                self.couriers[courier_id] = moved
            case CourierOff(courier_id) if not self.on_board(self.couriers[courier_id]):
                del self.couriers[courier_id]
            case OfferRefused(courier_id, order_id) if order_id not in self.on_board(self.couriers[courier_id]):
                order, courier = self.orders[order_id], self.couriers[courier_id]
                refused = {*order.refused_courier_ids, courier_id}
                self.orders[order_id] = replace(order, refused_courier_ids=tuple(refused))
                self._reroute(courier, [stop for stop in courier.route if stop.order_id != order_id])
            case RouteChanged(courier_id, route, locked):
                changed = replace(self.couriers[courier_id], route=route, locked_stops=locked)
                if self.on_board(changed) != self.on_board(self.couriers[courier_id]):
                    raise ValueError
                self.couriers[courier_id] = changed
            case RouteAdvanced(courier_id, stops, at_ms) if 1 <= stops <= len(self.couriers[courier_id].route):
                courier = self.couriers[courier_id]
                for stop in courier.route[:stops]:
                    if stop.kind is PICKUP:
                        self.orders[stop.order_id] = replace(self.orders[stop.order_id], picked_up_at_ms=at_ms)
                    else:
                        del self.orders[stop.order_id]
                locked = max(0, courier.locked_stops - stops)
                self.couriers[courier_id] = replace(courier, route=courier.route[stops:], locked_stops=locked)
            case _:
                raise ValueError(delta)

    def _reroute(self, courier: Courier, route: list[RouteStop]) -> None:
        locked = sum(stop in route for stop in courier.route[: courier.locked_stops])
        self.couriers[courier.id] = replace(courier, route=tuple(route), locked_stops=locked)


def begun(orders: list[Order], couriers: list[Courier], limits: Limits = LIMITS, size: int = 1 << 20) -> MarketSession:
    """A session that has taken a market as its message number 1."""
    session = MarketSession(limits, size)
    assert told(session, 1, snapshot=plane(orders, couriers)).status is StreamStatus.APPLIED
    return session


def told(session: MarketSession, number: int, *deltas: Delta, **more: object) -> Taken:
    """The session after one message."""
    return session.take(encode_stream_request(number, deltas=deltas, **more), lambda _: None)  # type: ignore[arg-type]


def held(session: MarketSession) -> bytes:
    """Digest of the market that the session would decide on."""
    return decode_match_request(session.match_request())[0].digest


def reasons(taken: Taken) -> list[tuple[str, ErrorReason]]:
    return [(violation.field, violation.reason) for violation in taken.violations]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_a_session_holds_the_market_that_the_books_say(seed: int) -> None:
    """Random changes in messages of some: the market is that of a plain reference, and a message with anything wrong in
    it changes nothing at all."""
    random = Random(seed)
    orders, couriers = random_market(seed)
    session, books = begun(orders, couriers), Bookkeeper(orders, couriers)
    for _ in range(12):
        trial = Bookkeeper([], [])
        trial.at_ms, trial.orders, trial.couriers = books.at_ms, dict(books.orders), dict(books.couriers)
        deltas = []
        good = True
        for _ in range(random.randint(1, 3)):
            deltas.append(trial.draw(random))
            try:
                trial.apply(deltas[-1])
                trial.digest()
            except (KeyError, ValueError):
                good = False
                break
        before = held(session)
        taken = told(session, session.sequence + 1, *deltas)
        assert (taken.status is StreamStatus.APPLIED) == good, (deltas, taken)
        if good:
            books = trial
            assert held(session) == books.digest()
        else:
            assert taken.violations
            assert held(session) == before
        assert session.bytes == sum(map(len, session.orders.values())) + sum(map(len, session.couriers.values()))


def test_numbers_keep_messages_in_order_and_apply_them_once() -> None:
    """A repeated, early or lost message is told so and changes nothing; a rejected one has not used its number."""
    session = MarketSession(LIMITS, 1 << 20)
    assert told(session, 1, OrderOut("a")).status is StreamStatus.NO_SNAPSHOT
    session = begun([an_order("a"), an_order("b")], [a_courier("ana")])
    assert told(session, 1, OrderOut("a")).status is StreamStatus.DUPLICATE
    assert told(session, 3, OrderOut("a")).status is StreamStatus.OUT_OF_ORDER
    assert told(session, 2, OrderOut("nobody")).status is StreamStatus.REJECTED
    assert told(session, 3, OrderOut("a")).status is StreamStatus.OUT_OF_ORDER
    assert told(session, 2, OrderOut("a")).status is StreamStatus.APPLIED
    assert told(session, 2, OrderOut("b")).status is StreamStatus.DUPLICATE
    assert sorted(session.orders) == ["b"]
    assert reasons(told(session, 0)) == [("sequence", ErrorReason.OUT_OF_RANGE)]
    assert told(session, 2, snapshot=plane([], [])).status is StreamStatus.DUPLICATE
    assert told(session, 9, snapshot=plane([], [])).status is StreamStatus.APPLIED
    assert not session.orders
    assert told(session, 10, OrderIn(an_order("c")), decide=True).match_request == session.match_request()


ROUTE = (RouteStop(DROPOFF, "aboard"), RouteStop(PICKUP, "planned"), RouteStop(DROPOFF, "planned"))


@pytest.mark.parametrize(
    ("delta", "field", "reason"),
    [
        (OrderIn(an_order("planned")), "order_in.id", ErrorReason.DUPLICATE),
        (OrderIn(an_order("x", pickup_latitude=2e7)), "order_in.pickup_latitude", ErrorReason.OUT_OF_RANGE),
        (OrderIn(an_order("")), "order_in.id", ErrorReason.MISSING),
        (OrderChanged(an_order("x")), "order_changed.id", ErrorReason.UNKNOWN_REFERENCE),
        (CourierOff("ana"), "courier_off", ErrorReason.INVALID_ROUTE),
        (OfferRefused("ana", "aboard"), "offer_refused.order_id", ErrorReason.INVALID_ROUTE),
        (RouteChanged("ana", ROUTE[1:]), "route_changed.route", ErrorReason.INVALID_ROUTE),
        (RouteChanged("bo", (RouteStop(DROPOFF, "open"),)), "route_changed.route", ErrorReason.INVALID_ROUTE),
        (RouteChanged("bo", ROUTE[1:]), "route_changed.route", ErrorReason.INVALID_ROUTE),
        (RouteChanged("ana", ROUTE[:2]), "route_changed.route", ErrorReason.INVALID_ROUTE),
        (RouteChanged("ana", ROUTE, 4), "route_changed.locked_stops", ErrorReason.OUT_OF_RANGE),
        (RouteAdvanced("ana", 4), "route_advanced.stops", ErrorReason.OUT_OF_RANGE),
        (CourierMoved("ana", float("nan"), 0.0), "courier_moved.latitude", ErrorReason.OUT_OF_RANGE),
    ],
)
def test_what_makes_no_sense_is_told_by_field(delta: Delta, field: str, reason: ErrorReason) -> None:
    """Goods on board cannot vanish or appear by a message, an order is with one courier, and the path leads to the
    delta that is at fault."""
    orders = [an_order("aboard"), an_order("planned"), an_order("open")]
    session = begun(orders, [a_courier("ana", route=ROUTE), a_courier("bo")])
    before = held(session)
    taken = told(session, 2, OrderOut("open") if field.startswith("order") else CourierOn(a_courier("cy")), delta)
    assert reasons(taken) == [(f"deltas[1].{field}", reason)]
    assert held(session) == before


def test_time_goes_on_and_never_back() -> None:
    """The clock of the market moves with its messages; going back would make the past of other rows the future."""
    session = begun([an_order("a")], [a_courier("ana")])
    assert told(session, 2, at_ms=NOW + MINUTE).status is StreamStatus.APPLIED
    assert decode_match_request(session.match_request())[0].at_unix_ms == NOW + MINUTE
    assert reasons(told(session, 3, at_ms=NOW)) == [("at_ms", ErrorReason.OUT_OF_RANGE)]
    assert told(session, 3, OrderIn(an_order("b", ready_at_ms=NOW + 2 * MINUTE))).status is StreamStatus.APPLIED


def test_the_memory_of_a_session_is_bounded() -> None:
    """Rows, bytes and skills have the limits of a request, however slowly they are reached; what has gone is free."""
    session = begun([], [], Limits(orders=3, couriers=2))
    assert told(session, 2, *(OrderIn(an_order(f"o{k}")) for k in range(3))).status is StreamStatus.APPLIED
    assert reasons(told(session, 3, OrderIn(an_order("o3")))) == [("deltas", ErrorReason.TOO_LARGE)]
    assert told(session, 3, OrderOut("o0"), OrderIn(an_order("o3"))).status is StreamStatus.APPLIED
    small = begun([], [], LIMITS, size=300)
    number = 2
    while (taken := told(small, number, OrderIn(an_order(f"o{number}")))).status is StreamStatus.APPLIED:
        number += 1
    assert reasons(taken) == [("deltas", ErrorReason.TOO_LARGE)]
    assert 200 < small.bytes <= 300
    skilled = begun([an_order("o")], [])
    for k in range(90):  # never more than one at a time
        changed = OrderChanged(an_order("o", required_skills=(f"s{k}",)))
        assert told(skilled, k + 2, changed).status is StreamStatus.APPLIED
    crowd = [OrderIn(an_order(f"p{k}", required_skills=(f"s{k}",))) for k in range(40)]
    assert told(skilled, 92, *crowd[:30]).status is StreamStatus.APPLIED
    others = [CourierOn(a_courier(f"c{k}", skills=(f"t{2 * k}", f"t{2 * k + 1}"))) for k in range(20)]
    assert reasons(told(skilled, 93, *others)) == [("deltas", ErrorReason.TOO_LARGE)]


def test_an_unknown_policy_is_told_before_anything_is_applied() -> None:
    """The caller's mistake about how to decide must not leave the market ahead of what it was told."""

    def none(name: str) -> None:
        raise InvalidRequest([])

    session = begun([an_order("a")], [])
    request = encode_stream_request(2, deltas=[OrderOut("a")], decide=True)
    assert session.take(request, none).status is StreamStatus.REJECTED
    assert sorted(session.orders) == ["a"]
