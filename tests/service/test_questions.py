"""Explain and ProposeBatches over a real socket: the library's answers, and refusals that name the field."""

from __future__ import annotations

import asyncio

import pytest
from bench.instances import snapshot
from tests.service.serving import running
from tests.service.test_behaviour import config

from matcher.app import App
from matcher.client import AsyncClient, Client
from matcher.domain import ErrorReason, InvalidRequest, PairVerdict
from matcher.v1 import matching_service_pb2
from matcher.wire import encode_explain_request


def test_a_decision_is_explained_by_its_effort() -> None:
    """The question after the fact, with what the decision said of itself, is answered about that very decision."""
    market = snapshot("scarce-60x15")
    with App(config()) as app, running(app) as server, Client(server.address) as client:
        decision = client.match(market, timeout=60)
        waiting = next(outcome for outcome in decision.outcomes if not outcome.courier_id)
        carried = next(outcome for outcome in decision.outcomes if outcome.courier_id)
        for outcome, courier_id in ((waiting, market.couriers.ids[0]), (carried, carried.courier_id)):
            question = (market, outcome.order_id, courier_id)
            found = client.explain(*question, effort=decision.effort, timeout=60)
            assert found.decision_id == decision.decision_id
            assert found.holder_id == outcome.courier_id
            assert (found.verdict is PairVerdict.CHOSEN) == (outcome.courier_id == courier_id)

            async def ask(question: tuple[object, ...] = question) -> object:
                async with AsyncClient(server.address) as awaiting:
                    return await awaiting.explain(*question, effort=decision.effort, timeout=60)  # type: ignore[arg-type]

            assert asyncio.run(ask()) == found


def test_batches_come_over_the_wire_as_the_library_proposes_them() -> None:
    """Savings, sequence, reasons and what fell to the limit survive the trip; arguments reach the kernel."""
    market = snapshot("scarce-60x15")
    with App(config()) as app, running(app) as server, Client(server.address) as client:
        everything = client.propose_batches(market, max_orders=4, timeout=60)
        assert everything == app.propose_batches(market, max_orders=4)
        assert max(len(batch.order_ids) for batch in everything.batches) == 4
        few = client.propose_batches(market, max_batches=3, timeout=60)
        assert len(few.batches) == 3
        assert few.dropped > 0
        assert few.batches[0] in everything.batches

        async def ask() -> object:
            async with AsyncClient(server.address) as awaiting:
                return await awaiting.propose_batches(market, max_batches=3, timeout=60)

        assert asyncio.run(ask()) == few


def test_questions_that_cannot_be_answered_name_the_field() -> None:
    """Paths lead to the place in the request that was sent, also through the message inside."""
    market = snapshot("village-6x4")

    def fields(error: InvalidRequest) -> list[tuple[str, ErrorReason]]:
        return [(violation.field, violation.reason) for violation in error.violations]

    with App(config()) as app, running(app) as server, Client(server.address) as client:
        with pytest.raises(InvalidRequest) as unknown:
            client.explain(market, "nobody", market.couriers.ids[0])
        assert fields(unknown.value) == [("order_id", ErrorReason.UNKNOWN_REFERENCE)]
        with pytest.raises(InvalidRequest) as no_policy:
            client.propose_batches(market, "nope")
        assert fields(no_policy.value) == [("policy", ErrorReason.UNKNOWN_POLICY)]
        with pytest.raises(InvalidRequest) as too_many:
            client.propose_batches(market, max_orders=7)
        assert fields(too_many.value) == [("max_orders", ErrorReason.OUT_OF_RANGE)]
        request = matching_service_pb2.ExplainRequest.FromString(encode_explain_request(market, "o", "c"))
        request.match.snapshot.orders[2].pickup_latitude = 91
        with pytest.raises(InvalidRequest) as nested:
            app_answer(client, request.SerializeToString())
        assert fields(nested.value) == [("match.snapshot.orders[2].pickup_latitude", ErrorReason.OUT_OF_RANGE)]


def app_answer(client: Client, request: bytes) -> bytes:
    """The bytes of an ExplainRequest as some other client might send them."""
    return client._call(client._explain, request, 60)
