"""Retries that are safe: one key, one decision, whatever happens to connections and deadlines in between."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from bench.instances import snapshot
from tests.service.serving import BlockingTravel, Running, addresses_of, details, running, serve_process, socket_path

from matcher import wire
from matcher.app import App, parse_config
from matcher.client import Client
from matcher.client.calls import SERVICE_CONFIG
from matcher.journal import JournalReader

MATCH = "/matcher.v1.MatchingService/Match"
LARGE = wire.encode_match_request(snapshot("city-200x1000"))
SMALL = wire.encode_match_request(snapshot("village-6x4"))


@contextmanager
def serving(tmp_path: Path, server: str = "", **parts: Any) -> Iterator[tuple[Running, grpc.Channel]]:
    """A server with a journal, and a plain channel to it."""
    text = f'[server]\nlisten = ["127.0.0.1:0"]\ninline_bytes = 0\n{server}\n[journal]\ndirectory = "{tmp_path}/j"'
    app = App(parse_config(text + "\n[telemetry]\nlog_calls = false"), **parts)
    with app, running(app) as started, grpc.insecure_channel(started.address) as channel:
        yield started, channel


def call(channel: grpc.Channel, request: bytes, key: str, timeout: float = 30.0) -> bytes:
    reply: bytes = channel.unary_unary(MATCH)(request, timeout=timeout, metadata=[("idempotency-key", key)])
    return reply


def test_a_repeated_key_gets_the_same_bytes(tmp_path: Path) -> None:
    """Even with a deadline that would buy less work; and the journal has one record."""
    with serving(tmp_path, "reply_margin_ms = 1950") as (_, channel):
        first = call(channel, LARGE, "k1")
        assert call(channel, LARGE, "k1", timeout=2.0) == first
        assert call(channel, LARGE, "k2", timeout=2.0) != first
    assert len(list(JournalReader(tmp_path / "j").entries())) == 2


def test_a_key_of_another_request_is_refused(tmp_path: Path) -> None:
    """A caller's mix-up must not be answered with another market's decision."""
    with serving(tmp_path) as (_, channel):
        call(channel, SMALL, "k")
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, LARGE, "k")
        _, bad_request = details(caught.value)
        assert [v.field for v in bad_request.field_violations] == ["idempotency-key"]


def test_a_retry_joins_the_work_that_its_first_attempt_began(tmp_path: Path) -> None:
    """The first caller gives up (a broken connection looks the same); the second gets what was begun for the first."""
    travel = BlockingTravel()
    with serving(tmp_path, travel=travel) as (_, channel), ThreadPoolExecutor(1) as pool:
        first = channel.unary_unary(MATCH).future(SMALL, timeout=30, metadata=[("idempotency-key", "k")])
        travel.entered.get(timeout=10)
        first.cancel()
        second = pool.submit(call, channel, SMALL, "k")
        time.sleep(0.1)
        travel.release.set()
        assert wire.decode_decision(second.result(30)).outcomes
        assert travel.entered.empty()
    assert len(list(JournalReader(tmp_path / "j").entries())) == 1


def test_failures_and_old_answers_are_not_kept(tmp_path: Path) -> None:
    """A failed attempt may be tried again; after the window a key is as new; the number kept is bounded."""

    class OnceBroken(BlockingTravel):
        def travel(self, *arguments: Any) -> Any:
            if not self.release.is_set():
                self.release.set()
                raise RuntimeError("only once")
            return super().travel(*arguments)

    settings = "idempotency_seconds = 0.2\nidempotency_entries = 2"
    with serving(tmp_path, settings, travel=OnceBroken()) as (server, channel):
        with pytest.raises(grpc.RpcError, match="INTERNAL"):
            call(channel, SMALL, "k")
        first = call(channel, SMALL, "k")
        time.sleep(0.25)
        assert call(channel, LARGE, "k") != first  # another request under an old key
        for number in range(5):
            call(channel, SMALL, f"n{number}")
        assert len(server.server.methods.replies) <= 2


SERVICES = ("MatchingService", "AssignmentService", "BatchingService", "CapabilityService", "RoutingService")


def test_the_shipped_service_config_is_what_grpc_reads() -> None:
    """Names of services, and only statuses after which nothing was done or a key makes it safe."""
    unbounded, bounded = json.loads(SERVICE_CONFIG)["methodConfig"]
    assert {name["service"] for name in bounded["name"]} == {f"matcher.v1.{name}" for name in SERVICES}
    assert set(bounded["retryPolicy"]["retryableStatusCodes"]) == {"UNAVAILABLE", "RESOURCE_EXHAUSTED"}
    # Sessions, and searches as long as the caller likes: their own deadlines, and no retry behind the caller's back.
    assert {name["method"] for name in unbounded["name"]} == {
        "StreamMatch",
        "StreamSolve",
        "OptimizeRoutes",
        "StreamOptimizeRoutes",
    }
    assert not unbounded.keys() & {"timeout", "retryPolicy"}


def test_no_call_fails_over_a_kill_and_a_restart(tmp_path: Path) -> None:
    """kill -9 in mid-traffic, a new process on the same socket: callers with the shipped config see no failure."""
    socket = socket_path(tmp_path)
    market = snapshot("village-6x4")
    with serve_process("--listen", socket) as old, Client(socket, timeout=30) as client:
        addresses_of(old)
        with ThreadPoolExecutor(4) as threads:
            calls = [threads.submit(client.match, market) for _ in range(40)]
            old.kill()
            old.wait()
            with serve_process("--listen", socket) as new:
                addresses_of(new)
                calls += [threads.submit(client.match, market) for _ in range(40)]
                decisions = [future.result(60) for future in calls]
    assert len({decision.decision_id for decision in decisions}) == 1


def test_overload_is_told_with_a_time_and_retried_by_grpc(tmp_path: Path) -> None:
    """A refusal says when to come back; a client with the shipped config waits for it and gets its answer."""
    travel = BlockingTravel()
    settings = "worker_threads = 1\nqueue_calls = 0"
    with serving(tmp_path, settings, travel=travel) as (server, channel), ThreadPoolExecutor(2) as threads:
        client = Client(server.address)
        first = threads.submit(client.match, snapshot("village-6x4"))
        travel.entered.get(timeout=10)
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, SMALL, "x")
        assert isinstance(caught.value, grpc.Call)
        trailing = dict(caught.value.trailing_metadata() or ())
        assert int(trailing["grpc-retry-pushback-ms"]) > 0
        second = threads.submit(client.match, snapshot("village-6x4"))
        time.sleep(0.01)
        travel.release.set()
        assert first.result(30).outcomes == second.result(30).outcomes
        client.close()
