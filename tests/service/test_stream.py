"""StreamMatch over a real socket: decisions of Match, numbers that hold, and ends that are announced."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from bench.instances import AT_MS, rows
from tests.service.serving import BlockingTravel, running
from tests.service.test_behaviour import config

from matcher.app import App
from matcher.app.config import JournalConfig
from matcher.client import AsyncClient, CallFailed, Client, DeadlineExceeded, Overloaded, Unavailable
from matcher.domain import (
    CourierMoved,
    CourierOff,
    Decision,
    ErrorReason,
    OfferRefused,
    OrderIn,
    OrderOut,
    RouteAdvanced,
    RouteChanged,
    Snapshot,
    StreamStatus,
    build_snapshot,
)
from matcher.journal import JournalReader
from matcher.replay import replay

MINUTE = 60_000


def village() -> tuple[list, list, Snapshot]:  # type: ignore[type-arg]
    """A small market as rows and as a snapshot."""
    orders, couriers = rows("village-6x4")
    return orders, couriers, build_snapshot("village", AT_MS, orders, couriers)


def decided(reply: object) -> Decision:
    """The decision of a reply that has one."""
    assert getattr(reply, "status", None) is StreamStatus.APPLIED, reply
    decision = getattr(reply, "decision", None)
    assert isinstance(decision, Decision)
    return decision


def test_a_sessions_decisions_are_those_of_match(tmp_path: Path) -> None:
    """Minutes of a market by deltas: each decision is, byte for byte, the one that Match gives for the whole snapshot;
    all of them are in the journal and can be decided again."""
    orders, couriers, first = village()
    listed = {order.id: order for order in orders}
    journalled = replace(config(), journal=JournalConfig(directory=str(tmp_path)))
    with (
        App(journalled) as app,
        running(app) as server,
        Client(server.address) as client,
        client.session() as session,
    ):
        decision = decided(session.send(snapshot=first, decide=True, budget_seconds=30))
        assert decision == client.match(first, effort=decision.effort, timeout=60)
        # One plan is accepted, one courier refuses, an order is cancelled, another comes, a minute passes.
        plan = decision.plans[0]
        gone = next(o.order_id for o in decision.outcomes if o.order_id not in plan.new_order_ids)
        late = replace(orders[0], id="late")
        refusing = next(c.id for c in couriers if c.id != plan.courier_id)
        reply = session.send(
            RouteChanged.of_plan(plan),
            OfferRefused(refusing, "late2"),
            decide=True,
        )
        assert reply.status is StreamStatus.REJECTED
        assert [violation.field for violation in reply.violations] == ["deltas[1].offer_refused.order_id"]
        reply = session.send(
            RouteChanged.of_plan(plan),
            OrderOut(gone),
            OrderIn(late),
            OfferRefused(refusing, "late"),
            at_ms=first.at_unix_ms + MINUTE,
            decide=True,
            budget_seconds=30,
        )
        decision = decided(reply)
        del listed[gone]
        listed["late"] = replace(late, refused_courier_ids=(refusing,))
        route = RouteChanged.of_plan(plan).route
        now = [replace(c, route=route, locked_stops=0) if c.id == plan.courier_id else c for c in couriers]
        whole = build_snapshot("village", first.at_unix_ms + MINUTE, list(listed.values()), now)
        assert decision.provenance.snapshot_digest == whole.digest.hex()
        assert decision == client.match(whole, effort=decision.effort, timeout=60)
        assert all(plan.courier_id != refusing for plan in decision.plans if "late" in plan.new_order_ids)
        # The first stop is made; the courier stands there.
        place = CourierMoved(plan.courier_id, 41.15, -8.61, first.at_unix_ms + 2 * MINUTE)
        advanced = RouteAdvanced(plan.courier_id, 1, first.at_unix_ms + 2 * MINUTE)
        later = first.at_unix_ms + 2 * MINUTE
        assert decided(session.send(advanced, place, at_ms=later, decide=True, budget_seconds=30))
    replayed = list(replay(JournalReader(tmp_path).entries()))
    assert len(replayed) == 5
    assert [record.difference for record in replayed] == [None] * 5


def test_after_a_break_one_snapshot_restores_the_session() -> None:
    """What a session held is gone with it; a new one that begins with the whole market decides the same."""
    _, _, market = village()
    with App(config()) as app, running(app) as server, Client(server.address) as client:
        with client.session() as session:
            before = decided(session.send(snapshot=market, decide=True, budget_seconds=30))
        with client.session() as session:
            reply = session.send(OrderOut(before.outcomes[0].order_id), decide=True)
            assert reply.status is StreamStatus.NO_SNAPSHOT
            assert reply.decision is None
            again = decided(session.send(snapshot=market, decide=True, effort=before.effort))
            assert again == before

        async def awaiting() -> None:
            async with AsyncClient(server.address) as other, other.session() as session:
                reply = await session.send(snapshot=market, decide=True, effort=before.effort)
                assert reply.decision == before
                courier = before.plans[0].courier_id
                rejected = await session.send(CourierOff("nobody"), decide=True)
                assert (rejected.status, rejected.next_sequence) == (StreamStatus.REJECTED, 2)
                reply = await session.send(CourierOff(courier), decide=True)
                assert courier not in {plan.courier_id for plan in decided(reply).plans}

        asyncio.run(awaiting())


def test_a_decision_out_of_time_leaves_the_market_ahead_and_says_so() -> None:
    """UNDECIDED: the deltas count, the decision can be asked for again."""
    _, _, market = village()
    travel = BlockingTravel()
    big = config("inline_bytes = 0")
    with (
        App(big, travel=travel) as app,
        running(app) as server,
        Client(server.address) as client,
        client.session() as session,
    ):
        reply = session.send(snapshot=market, decide=True, budget_seconds=0.3)
        assert (reply.status, reply.reason) == (StreamStatus.UNDECIDED, ErrorReason.DEADLINE)
        travel.release.set()
        assert decided(session.send(decide=True, budget_seconds=30))


def test_a_silent_session_is_ended_and_says_why() -> None:
    """A client that vanished without a word does not hold a market for ever."""
    _, _, market = village()
    with (
        App(config("session_idle_seconds = 0.3")) as app,
        running(app) as server,
        Client(server.address) as client,
        client.session() as session,
    ):
        session.send(snapshot=market)
        deadline = time.monotonic() + 20
        while server.server.sessions.open and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.server.sessions.open == 0
        with pytest.raises(DeadlineExceeded) as over:
            session.send(OrderOut("x"))
        assert over.value.reason is ErrorReason.SESSION_IDLE


def test_no_more_sessions_than_the_server_takes_on() -> None:
    """Each session holds a market: their number is bounded, and the refused client is told when to come again."""
    _, _, market = village()
    with (
        App(config("sessions = 1")) as app,
        running(app) as server,
        Client(server.address) as client,
        client.session() as first,
    ):
        first.send(snapshot=market)
        with client.session() as second, pytest.raises(Overloaded) as refused:
            second.send(snapshot=market)
        assert refused.value.retry_after_ms


def test_a_draining_server_ends_its_sessions() -> None:
    """A session would outlast any drain: it is told to go to another server, and the drain ends in time."""
    _, _, market = village()
    with (
        App(config()) as app,
        running(app) as server,
        Client(server.address, wait_for_ready=False) as client,
        client.session() as session,
    ):
        session.send(snapshot=market)
        failures: list[CallFailed] = []

        def listen() -> None:
            try:
                next(session._call)
            except Exception as error:
                from matcher.client.errors import failure

                failures.append(failure(error))  # type: ignore[arg-type]

        listener = threading.Thread(target=listen)
        listener.start()
        assert server.stop(20.0)
        listener.join(20)
        assert isinstance(failures[0], Unavailable)
        assert failures[0].reason is ErrorReason.SHUTTING_DOWN
