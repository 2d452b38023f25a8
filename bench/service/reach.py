"""What the service promises under load, measured: one table a promise.

    python -m bench.service.reach [PART ...] [--calls N] [--seconds S]

Parts: overhead, throughput, telemetry, health, storm, overload, halfopen; all by default. The servers are processes of
their own on Unix sockets, the callers are Python's. Costs are processor time of the server, which holds on a busy
machine; latencies are the clock's and do not. Behaviour is asserted, figures are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import statistics
import struct
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent import futures
from contextlib import ExitStack
from dataclasses import dataclass, field

import grpc
from bench.instances import snapshot
from bench.service.servers import MATCH, UNLIMITED, Process, matcher, other, request
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tools.machine import facts

from matcher import wire

SIZES = ((20, 100), (200, 1_000), (2_000, 10_000))
_WARM_UP = 30
_ROUNDS = 7
_SETTLING_SECONDS = 1.5
"""After a burst that fills the queue."""


@dataclass
class Seen:
    """What callers saw."""

    ok_ms: list[float] = field(default_factory=list)
    refused_ms: list[float] = field(default_factory=list)
    settled_ms: list[float] = field(default_factory=list)
    """Of `ok_ms`, calls that came when admission had had time to follow the load."""
    left_ms: list[float] = field(default_factory=list)
    """From the reply to the caller's deadline."""
    pushed_back: int = 0
    """Refusals that say when to come back."""
    codes: Counter[str] = field(default_factory=Counter)


def quantile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else float("nan")


async def one(
    call: Callable[..., Awaitable[bytes]], data: bytes, seconds: float, seen: Seen, settled: bool = False
) -> None:
    """One call, its outcome noted."""
    began = time.perf_counter()
    try:
        await call(data, timeout=seconds)
    except grpc.aio.AioRpcError as error:
        code = error.code().name
        took = (time.perf_counter() - began) * 1e3
        if code == "RESOURCE_EXHAUSTED":
            seen.refused_ms.append(took)
            seen.pushed_back += any(key == "grpc-retry-pushback-ms" for key, _ in error.trailing_metadata() or ())
    else:
        code, took = "OK", (time.perf_counter() - began) * 1e3
        seen.ok_ms.append(took)
        if settled:
            seen.settled_ms.append(took)
    seen.left_ms.append(seconds * 1e3 - took)
    seen.codes[code] += 1


async def in_turn(target: str, data: bytes, calls: int, callers: int = 1) -> Seen:
    """`callers` that each make one call after the other."""
    seen = Seen()
    async with grpc.aio.insecure_channel(target, options=UNLIMITED) as channel:
        call = channel.unary_unary(MATCH)

        async def caller() -> None:
            for _ in range(calls // callers):
                await one(call, data, 60.0, seen)

        await asyncio.gather(*(caller() for _ in range(callers)))
    return seen


async def cpu_per_call(server: Process, data: bytes, calls: int, callers: int = 4) -> float:
    """Processor seconds of the server for each of `calls` calls."""
    await in_turn(server.target, data, _WARM_UP * callers, callers)
    before = server.cpu_seconds
    seen = await in_turn(server.target, data, calls, callers)
    assert seen.codes == {"OK": calls // callers * callers}, seen.codes
    return (server.cpu_seconds - before) / sum(seen.codes.values())


async def side_by_side(servers: dict[str, tuple[Process, int]], data: bytes) -> dict[str, float]:
    """Processor seconds of each server for a call of so many, in turn: medians, as a busy machine slows all alike."""
    costs: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(_ROUNDS):
        for name, (server, calls) in servers.items():
            costs[name].append(await cpu_per_call(server, data, max(20, calls // _ROUNDS)))
    return {name: statistics.median(seconds) for name, seconds in costs.items()}


async def overhead(calls: int, _: float) -> None:
    """Latency of a call with a trivial kernel beside that of transport alone, in turn."""
    print("\np50 of one caller, ms: validate_only (all but the decision), and the same bytes through transport alone")
    print(f"{'orders × couriers':<20}{'kB':>8}{'ours':>9}{'transport':>11}{'ratio':>8}")
    with matcher("inline_bytes = 0") as ours, other("transport") as bare:
        for orders, couriers in SIZES:
            data = request(orders, couriers)
            count = max(20, calls // (1 + orders // 100))
            columns = []
            for server in (ours, bare):
                await in_turn(server.target, data, _WARM_UP)
                columns.append(statistics.median((await in_turn(server.target, data, count)).ok_ms))
            shown = f"{columns[0]:>9.2f}{columns[1]:>11.2f}{columns[0] / columns[1]:>8.2f}"
            print(f"{orders:>7} × {couriers:<10}{len(data) / 1e3:>8.0f}{shown}", flush=True)


async def throughput(calls: int, _: float) -> None:
    """Calls a second of one core with a trivial kernel, ours and on Python message objects."""
    print("\ncalls a core-second with a trivial kernel: native decoder, Python message objects, and transport alone")
    print(f"{'orders × couriers':<20}{'ours':>9}{'objects':>9}{'ratio':>8}{'transport':>11}{'ratio':>8}")
    with matcher("inline_bytes = 65536") as ours, other("objects") as objects, other("transport") as bare:
        for orders, couriers in SIZES[:2]:
            servers = {"ours": (ours, calls), "objects": (objects, calls // 5), "bare": (bare, calls)}
            cost = await side_by_side(servers, request(orders, couriers))
            assert cost["ours"] < cost["objects"], "the native decoder must pay"
            print(f"{orders:>7} × {couriers:<10}{1 / cost['ours']:>9.0f}{1 / cost['objects']:>9.0f}"
                  f"{cost['objects'] / cost['ours']:>8.1f}{1 / cost['bare']:>11.0f}{cost['ours'] / cost['bare']:>8.2f}",
                  flush=True)  # fmt: skip


def _sink() -> tuple[grpc.Server, str, list[int]]:
    """A collector that takes everything and keeps nothing but the number of exports."""
    received: list[int] = []

    def take(data: bytes, _: grpc.ServicerContext) -> bytes:
        received.append(len(data))
        return b""

    server = grpc.server(futures.ThreadPoolExecutor(2))
    for signal in ("trace.v1.Trace", "metrics.v1.Metrics"):
        handler = grpc.unary_unary_rpc_method_handler(take)
        name = f"opentelemetry.proto.collector.{signal}Service"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Export": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, f"http://127.0.0.1:{port}", received


async def telemetry(calls: int, _: float) -> None:
    """Processor time that logs, metrics and traces add to a call."""
    data = request(20, 100)
    sink, endpoint, received = _sink()
    exporting = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_INSECURE": "true"}
    kinds: dict[str, tuple[bool, dict[str, str]]] = {
        "off": (False, {}),
        "on, not sampled": (True, {**exporting, "OTEL_TRACES_SAMPLER": "always_off"}),
        "on, sampled": (True, exporting),
    }
    with ExitStack() as stack:
        servers = {
            name: (stack.enter_context(matcher("inline_bytes = 65536", log_calls=logs, environment=environment)), calls)
            for name, (logs, environment) in kinds.items()
        }
        costs = await side_by_side(servers, data)
    print("\nprocessor µs a call at 20 × 100, trivial kernel: logs, metrics and traces")
    for name, cost in costs.items():
        print(f"{name:<20}{cost * 1e6:>8.0f}   {(cost - costs['off']) * 1e6:>+6.0f}", flush=True)
    assert received, "nothing was exported"
    sink.stop(0)


async def health(_: int, seconds: float) -> None:
    """The health service while every kernel thread is busy."""
    data = wire.encode_match_request(snapshot("city-200x1000"))
    took, seen = list[float](), Seen()
    with matcher("worker_threads = 2") as server:
        async with grpc.aio.insecure_channel(server.target, options=UNLIMITED) as channel:
            call, stop = channel.unary_unary(MATCH), time.monotonic() + seconds

            async def caller() -> None:
                while time.monotonic() < stop:
                    await one(call, data, 60.0, seen)
                    await asyncio.sleep(0.01)  # those that admission turns away come again

            busy = [asyncio.ensure_future(caller()) for _ in range(8)]
            await asyncio.sleep(0.5)
            async with grpc.aio.insecure_channel(server.target) as probe:
                check = health_pb2_grpc.HealthStub(probe).Check
                while time.monotonic() < stop:
                    began = time.perf_counter()
                    answer = await check(health_pb2.HealthCheckRequest(), timeout=10)
                    took.append((time.perf_counter() - began) * 1e3)
                    assert answer.status == health_pb2.HealthCheckResponse.SERVING
                    await asyncio.sleep(0.005)
            await asyncio.gather(*busy)
    assert set(seen.codes) <= {"OK", "RESOURCE_EXHAUSTED"}, seen.codes
    print(f"\nhealth while kernels saturate, ms: p50 {quantile(took, 0.5):.2f}, p99 {quantile(took, 0.99):.2f}")


async def storm(_: int, seconds: float) -> None:
    """Many callers with deadlines around what a decision takes: nobody is told CANCELLED."""
    data = wire.encode_match_request(snapshot("city-50x200"))
    seen, rng = Seen(), random.Random(3)
    with matcher() as server:
        await in_turn(server.target, data, 120, 4)  # the margin of the reply is measured
        async with grpc.aio.insecure_channel(server.target) as channel:
            call, stop = channel.unary_unary(MATCH), time.monotonic() + seconds

            async def caller() -> None:
                while time.monotonic() < stop:
                    await one(call, data, rng.uniform(0.02, 0.4), seen)

            await asyncio.gather(*(caller() for _ in range(24)))
    answered = dict(sorted(seen.codes.items()))
    print(f"\ndeadlines of 20 to 400 ms in a storm: {answered}; before the deadline, ms: "
          f"p50 {quantile(seen.left_ms, 0.5):.1f}, p0.1 {quantile(seen.left_ms, 0.001):.1f}")  # fmt: skip
    assert set(seen.codes) <= {"OK", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}, seen.codes


async def overload(_: int, seconds: float) -> None:
    """Five times what the server can do: it does as much as before, and refuses the rest at once."""
    data = wire.encode_match_request(snapshot("city-50x200"))
    with matcher("worker_threads = 2") as server:
        began = time.monotonic()
        peak = await in_turn(server.target, data, 200, 3)
        rate = len(peak.ok_ms) / (time.monotonic() - began)
        seen, pending = Seen(), set[asyncio.Task[None]]()
        async with grpc.aio.insecure_channel(server.target) as channel:
            call, start = channel.unary_unary(MATCH), time.monotonic()
            sent = 0
            while (now := time.monotonic()) < start + seconds:
                while sent < (now - start) * rate * 5:
                    task = asyncio.ensure_future(one(call, data, 5.0, seen, now > start + _SETTLING_SECONDS))
                    pending.add(task)
                    task.add_done_callback(pending.discard)
                    sent += 1
                await asyncio.sleep(0.002)
            good = len(seen.ok_ms) / seconds
            await asyncio.gather(*pending)
    print(f"\n5x overload: peak {rate:.0f}/s, then {good:.0f}/s of {sent / seconds:.0f}/s sent ({good / rate:.0%}); "
          f"p99 ms of the admitted {quantile(seen.ok_ms, 0.99):.0f}, after the first {_SETTLING_SECONDS:g} s "
          f"{quantile(seen.settled_ms, 0.99):.0f} (peak's {quantile(peak.ok_ms, 0.99):.0f}); "
          f"refused p50 {quantile(seen.refused_ms, 0.5):.1f}, p99 {quantile(seen.refused_ms, 0.99):.1f}")  # fmt: skip
    assert set(seen.codes) <= {"OK", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}, seen.codes
    assert seen.codes["RESOURCE_EXHAUSTED"], "five times the peak must be refused in part"
    assert seen.pushed_back == seen.codes["RESOURCE_EXHAUSTED"], "a refusal says when to come back"


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """An HTTP/2 frame (RFC 9113, section 4.1)."""
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def half_open(address: tuple[str, int]) -> socket.socket:
    """A connection whose call has sent its headers and will never send its message."""
    headers = ((b":method", b"POST"), (b":scheme", b"http"), (b":path", MATCH.encode()), (b":authority", b"x"),
               (b"te", b"trailers"), (b"content-type", b"application/grpc"))  # fmt: skip
    block = b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in headers)
    connection = socket.create_connection(address)
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b"") + _frame(1, 4, 1, block))
    return connection


async def halfopen(calls: int, _: float) -> None:
    """A thousand calls that never send their message beside those that do."""
    data = request(20, 100)
    with matcher("inline_bytes = 65536\nconnection_age_seconds = 600", listen="127.0.0.1:0") as server:
        before = await cpu_per_call(server, data, calls)
        host, _, port = server.target.rpartition(":")
        stalled = [half_open((host, int(port))) for _ in range(1_000)]
        try:
            after = await cpu_per_call(server, data, calls)
        finally:
            for connection in stalled:
                connection.close()
    print(f"\n1,000 half-open calls: {1 / before:.0f} calls a core-second before, {1 / after:.0f} beside them "
          f"({before / after - 1:+.0%})")  # fmt: skip


PARTS = {part.__name__: part for part in (overhead, throughput, telemetry, health, storm, overload, halfopen)}


def main() -> int:
    """0: everything behaved as promised."""
    parser = argparse.ArgumentParser(prog="python -m bench.service.reach")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each part that takes time")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    for key, value in facts().items():
        print(f"{key + ':':<11}{value}")
    for name, part in PARTS.items():
        if not args.parts or name in args.parts:
            asyncio.run(part(args.calls, args.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
