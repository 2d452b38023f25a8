"""The lame duck's time is its own: it does not come out of the drain's."""

from __future__ import annotations

import asyncio
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.service.serving import running

from matcher.app import App, parse_config


def test_a_lame_duck_longer_than_the_drain_is_served_out() -> None:
    """Connections are told to go elsewhere for connection_age_seconds; a server that ends its lame duck early, because
    nothing is in flight and the drain is short, cuts off callers who have not been told yet."""
    config = parse_config('[server]\nlisten = ["127.0.0.1:0"]\ndrain_seconds = 0.1\nlame_duck_seconds = 0.8\n')
    with running(App(config)) as server, grpc.insecure_channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        serving, leaving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=10).status == serving
        begin = time.monotonic()
        stopping = asyncio.run_coroutine_threadsafe(server.server.stop(), server.loop)
        while health.Check(health_pb2.HealthCheckRequest(), timeout=10).status == serving:
            assert time.monotonic() - begin < 5
        time.sleep(0.3)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=10).status == leaving
        assert stopping.result(30)
        assert time.monotonic() - begin >= 0.8
