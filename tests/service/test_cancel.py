"""Cancelled and expired calls over a real socket: the kernel stops, the processor is free, and the status is right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import grpc
import pytest
from bench.instances import snapshot
from tests.service.serving import Running, details, running

from matcher import wire
from matcher.app import App, parse_config
from matcher.domain import Effort, Rung

MATCH = "/matcher.v1.MatchingService/Match"
LONG = Effort(1_000, 6, Rung.NATIVE, 10_000_000, Rung.NATIVE)
"""Half a minute of work on a market whose optimum is not proven before."""
REQUEST = wire.encode_match_request(snapshot("city-1000x5000"), wire.MatchOptions(effort=LONG))
SMALL = wire.encode_match_request(snapshot("village-6x4"), wire.MatchOptions(effort=replace(LONG, nearest_couriers=4)))


@contextmanager
def serving(text: str = "") -> Iterator[tuple[Running, grpc.Channel]]:
    config = parse_config(
        f'[server]\nlisten = ["127.0.0.1:0"]\nworker_threads = 1\n{text}\n[telemetry]\nlog_calls = false'
    )
    options = [("grpc.max_send_message_length", -1)]
    with App(config) as app, running(app) as server, grpc.insecure_channel(server.address, options) as channel:
        yield server, channel


def kernel_seconds(server: Running) -> float:
    """Processor time of the one kernel thread."""
    (thread,) = server.server.workers.kernel_threads
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def wait_until_busy(server: Running, seconds: float) -> None:
    """Until the kernel thread has worked so long."""
    end = time.monotonic() + 120
    while kernel_seconds(server) < seconds:
        assert time.monotonic() < end, "the work was not begun"
        time.sleep(0.005)


def stops(server: Running) -> None:
    """The thread is given back, and burns nothing afterwards."""
    end = time.monotonic() + 20
    while server.server.workers.admitted:
        assert time.monotonic() < end, "the work goes on"
        time.sleep(0.002)
    before = kernel_seconds(server)
    time.sleep(0.2)
    assert kernel_seconds(server) - before < 0.01


@pytest.mark.parametrize("begun_seconds", [0.2, 1.5])
def test_a_cancelled_call_frees_its_thread(begun_seconds: float) -> None:
    """In the kernels before the solver, and in the solver: half a minute of work ends when the caller goes."""
    with serving() as (server, channel):
        call = channel.unary_unary(MATCH).future(REQUEST, timeout=100)
        wait_until_busy(server, begun_seconds)
        call.cancel()
        stops(server)
        assert kernel_seconds(server) < begun_seconds + 5.0


def test_a_caller_that_goes_away_frees_its_thread_too() -> None:
    """A closed connection is a cancelled call."""
    with serving() as (server, channel):
        call = channel.unary_unary(MATCH).future(REQUEST, timeout=100)
        wait_until_busy(server, 0.3)
        channel.close()
        stops(server)
        assert call.done()


def test_work_under_a_key_waits_a_moment_for_its_retry_and_ends() -> None:
    """See test_retries.py for a retry that comes; here none does."""
    with serving("idempotency_orphan_ms = 100") as (server, channel):
        call = channel.unary_unary(MATCH).future(REQUEST, timeout=100, metadata=[("idempotency-key", "k")])
        wait_until_busy(server, 0.3)
        call.cancel()
        stops(server)
        assert len(server.server.methods.replies) == 0


def test_an_expired_call_is_told_so_and_frees_its_thread() -> None:
    """DEADLINE_EXCEEDED from the server with its reason, never CANCELLED, and the work stops with it."""
    with serving() as (server, channel):
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(MATCH)(REQUEST, timeout=3)
        assert isinstance(caught.value, grpc.Call)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        stops(server)


def test_the_longest_deadline_bounds_every_call() -> None:
    """A caller with all the time in the world cannot occupy a thread for longer than the configuration says."""
    with serving("longest_deadline_ms = 500") as (server, channel):
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(MATCH)(REQUEST, timeout=3600)
        assert isinstance(caught.value, grpc.Call)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.monotonic() - began < 60
        info, _ = details(caught.value)
        assert info.reason == "ERROR_REASON_DEADLINE"
        stops(server)


def test_pinned_work_never_runs_on_the_event_loop() -> None:
    """A small request is decided inline, but not one that pins its work: the loop must go on whatever is asked."""
    with serving() as (server, channel):
        begun: list[str] = []
        server.server.workers.on_wait = lambda method, seconds: begun.append(method)
        assert len(SMALL) <= server.server._config.inline_bytes
        channel.unary_unary(MATCH)(wire.encode_match_request(snapshot("village-6x4")), timeout=60)
        assert begun == []
        channel.unary_unary(MATCH)(SMALL, timeout=60)
        assert begun == [MATCH.strip("/")]
