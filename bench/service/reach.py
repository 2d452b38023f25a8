"""What the service promises under load, measured: one table a promise.

    python -m bench.service.reach [PART ...] [--calls N] [--seconds S]

Parts: overhead, throughput, telemetry, health, storm, overload, halfopen; all by default. The servers are processes of
their own on Unix sockets, the caller is Go's. Costs are processor time of the server, which holds on a busy machine;
latencies are the clock's and do not. Behaviour is asserted, figures are printed.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager

import grpc
from bench.instances import snapshot
from bench.service.caller import NoCallerError, Seen, built, calling, made, probing
from bench.service.servers import MATCH, Process, matcher, other, request
from tools.machine import facts

from matcher import wire
from matcher.app.config import ServerConfig

SIZES = ((20, 100), (200, 1_000), (2_000, 10_000))
_WARM_UP = 30
_ROUNDS = 7
_SETTLING_SECONDS = 1.5
"""After a burst that fills the queue."""


def quantile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else float("nan")


def in_turn(server: Process, data: bytes, calls: int, callers: int = 1) -> Seen:
    """`callers` that each make one call after the other."""
    return made(server.target, data, calls=calls, callers=callers)


def cpu_per_call(server: Process, data: bytes, calls: int, callers: int = 4) -> float:
    """Processor seconds of the server for each of `calls` calls."""
    in_turn(server, data, _WARM_UP * callers, callers)
    before = server.cpu_seconds
    seen = in_turn(server, data, calls, callers)
    assert seen.codes == {"OK": calls}, seen.codes
    return (server.cpu_seconds - before) / calls


def side_by_side(servers: dict[str, tuple[Process, int]], data: bytes) -> dict[str, float]:
    """Processor seconds of each server for a call of so many, in turn: medians, as a busy machine slows all alike."""
    costs: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(_ROUNDS):
        for name, (server, calls) in servers.items():
            costs[name].append(cpu_per_call(server, data, max(20, calls // _ROUNDS)))
    return {name: statistics.median(seconds) for name, seconds in costs.items()}


def overhead(calls: int, _: float) -> None:
    """Latency of a call with a trivial kernel beside that of transport alone, in turn."""
    print("\np50 of one caller, ms: validate_only (all but the decision), and the same bytes through transport alone")
    print(f"{'orders × couriers':<20}{'kB':>8}{'ours':>9}{'transport':>11}{'ratio':>8}")
    with matcher() as ours, other("transport") as bare:
        for orders, couriers in SIZES:
            data = request(orders, couriers)
            count = max(20, calls // (1 + orders // 100))
            medians: list[list[float]] = [[], []]
            for _round in range(_ROUNDS):
                for server, column in zip((ours, bare), medians, strict=True):
                    in_turn(server, data, _WARM_UP)
                    column.append(statistics.median(in_turn(server, data, max(20, count // _ROUNDS)).took_ms()))
            mine, theirs = (statistics.median(column) for column in medians)
            shown = f"{mine:>9.2f}{theirs:>11.2f}{mine / theirs:>8.2f}"
            print(f"{orders:>7} × {couriers:<10}{len(data) / 1e3:>8.0f}{shown}", flush=True)


def throughput(calls: int, _: float) -> None:
    """Calls a second of one core with a trivial kernel, ours and on Python message objects."""
    print("\ncalls a core-second with a trivial kernel: native decoder, Python message objects, and transport alone")
    print(f"{'orders × couriers':<20}{'ours':>9}{'objects':>9}{'ratio':>8}{'transport':>11}{'ratio':>8}")
    with matcher("inline_bytes = 65536") as ours, other("objects") as objects, other("transport") as bare:
        for orders, couriers in SIZES[:2]:
            servers = {"ours": (ours, calls), "objects": (objects, calls // 5), "bare": (bare, calls)}
            cost = side_by_side(servers, request(orders, couriers))
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
    for signal in ("trace.v1.Trace", "metrics.v1.Metrics", "logs.v1.Logs"):
        handler = grpc.unary_unary_rpc_method_handler(take)
        name = f"opentelemetry.proto.collector.{signal}Service"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Export": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, f"http://127.0.0.1:{port}", received


def telemetry(calls: int, _: float) -> None:
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
        costs = side_by_side(servers, data)
    print("\nprocessor µs a call at 20 × 100, trivial kernel: logs, metrics and traces")
    for name, cost in costs.items():
        print(f"{name:<20}{cost * 1e6:>8.0f}   {(cost - costs['off']) * 1e6:>+6.0f}", flush=True)
    assert received, "nothing was exported"
    sink.stop(0)


@contextmanager
def _spinning(programs: int) -> Iterator[None]:
    """So many programs that only use a processor, at the niceness of kernel threads."""
    program = f"import os; os.nice({ServerConfig().kernel_nice})\nwhile True: pass"
    with ExitStack() as stack:
        for _ in range(programs):
            spinning = stack.enter_context(subprocess.Popen([sys.executable, "-c", program]))
            stack.callback(spinning.kill)
        yield


def health(_: int, seconds: float) -> None:
    """The health service while every kernel thread is busy: with as many callers as work and wait, and with twice as
    many, most of whose calls are refused and made again. Before that, of a server that does nothing, with the
    processors free and then with other programs on them, as polite as kernels are: what is the machine's of it."""
    for busy_programs, what in ((0, "nothing else runs"), (os.cpu_count() or 1, "other programs keep every processor")):
        with matcher() as server, _spinning(busy_programs):
            probed = probing(server.target, seconds=seconds, pause_ms=5)
        assert set(probed.codes) == {"OK"}, probed.codes
        print(f"\nhealth of an idle server while {what}, ms: "
              f"p50 {quantile(probed.took_ms(), 0.5):.2f}, p99 {quantile(probed.took_ms(), 0.99):.2f}")  # fmt: skip
    data = wire.encode_match_request(snapshot("city-200x1000"))
    for callers, pause_ms, what in ((4, 0, "saturate"), (8, 10, "saturate and most calls are refused")):
        with (
            matcher("worker_threads = 2") as server,
            calling(server.target, data, callers=callers, pause_ms=pause_ms, seconds=seconds + 1) as busy,
        ):
            time.sleep(0.5)
            probed = probing(server.target, seconds=seconds, pause_ms=5)
            seen = busy.seen()
        took = probed.took_ms()
        assert set(probed.codes) == {"OK"}, probed.codes
        assert set(seen.codes) <= {"OK", "RESOURCE_EXHAUSTED"}, seen.codes
        print(f"\nhealth while kernels {what} ({dict(sorted(seen.codes.items()))}), ms: "
              f"p50 {quantile(took, 0.5):.2f}, p99 {quantile(took, 0.99):.2f}")  # fmt: skip


def storm(_: int, seconds: float) -> None:
    """Many callers with deadlines around what a decision takes: nobody is told CANCELLED."""
    data = wire.encode_match_request(snapshot("city-50x200"))
    with matcher() as server:
        in_turn(server, data, 120, 4)  # the margin of the reply is measured
        seen = made(server.target, data, callers=24, seconds=seconds, least_ms=20, most_ms=400)
    left = [call.left_ms for call in seen.calls]
    late = sum(milliseconds < 1.0 for milliseconds in left)
    print(f"\ndeadlines of 20 to 400 ms in a storm: {dict(sorted(seen.codes.items()))}; before the deadline, ms: "
          f"p50 {quantile(left, 0.5):.1f}, p0.1 {quantile(left, 0.001):.1f}; "
          f"{late} of {len(left)} less than 1 ms before it")  # fmt: skip
    assert set(seen.codes) <= {"OK", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}, seen.codes


def overload(_: int, seconds: float) -> None:
    """Five times what the server can do: it does as much as before, and refuses the rest at once."""
    data = wire.encode_match_request(snapshot("city-50x200"))
    with matcher("worker_threads = 2") as server:
        in_turn(server, data, _WARM_UP, 3)
        began = time.monotonic()
        peak = in_turn(server, data, 200, 3).took_ms()
        rate = len(peak) / (time.monotonic() - began)
        seen = made(server.target, data, rate=rate * 5, seconds=seconds, least_ms=5_000, most_ms=5_000)
    good = sum(call.code == "OK" and call.began_s + call.took_ms / 1e3 <= seconds for call in seen.calls) / seconds
    refused = seen.took_ms("RESOURCE_EXHAUSTED")
    print(f"\n5x overload: peak {rate:.0f}/s, then {good:.0f}/s of {len(seen.calls) / seconds:.0f}/s sent "
          f"({good / rate:.0%}); p99 ms of the admitted {quantile(seen.took_ms(), 0.99):.0f}, after the first "
          f"{_SETTLING_SECONDS:g} s {quantile(seen.took_ms(since_s=_SETTLING_SECONDS), 0.99):.0f} "
          f"(peak's {quantile(peak, 0.99):.0f}); "
          f"refused p50 {quantile(refused, 0.5):.1f}, p99 {quantile(refused, 0.99):.1f}")  # fmt: skip
    assert set(seen.codes) <= {"OK", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}, seen.codes
    assert refused, "five times the peak must be refused in part"
    assert all(call.pushed_back for call in seen.calls if call.code == "RESOURCE_EXHAUSTED"), (
        "it says when to come back"
    )


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """An HTTP/2 frame (RFC 9113, section 4.1)."""
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


@contextmanager
def half_open(address: tuple[str, int]) -> Iterator[None]:
    """A connection whose call has sent its headers and will never send its message."""
    headers = ((b":method", b"POST"), (b":scheme", b"http"), (b":path", MATCH.encode()), (b":authority", b"x"),
               (b"te", b"trailers"), (b"content-type", b"application/grpc"))  # fmt: skip
    block = b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in headers)
    with socket.create_connection(address) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b"") + _frame(1, 4, 1, block))
        yield


def halfopen(calls: int, _: float) -> None:
    """A thousand calls that never send their message beside those that do, and a server without them, in turn."""
    data = request(20, 100)
    settings = "inline_bytes = 65536\nconnection_age_seconds = 600"
    with ExitStack() as stack:
        alone, beside = (stack.enter_context(matcher(settings, listen="127.0.0.1:0")) for _ in range(2))
        host, _colon, port = beside.target.rpartition(":")
        for _stalled in range(1_000):
            stack.enter_context(half_open((host, int(port))))
        cost = side_by_side({"alone": (alone, calls), "beside": (beside, calls)}, data)
    print(f"\n1,000 half-open calls: {1 / cost['alone']:.0f} calls a core-second without, "
          f"{1 / cost['beside']:.0f} beside them ({cost['alone'] / cost['beside'] - 1:+.0%})")  # fmt: skip


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
    try:
        built()
    except NoCallerError as reason:
        print(f"SKIPPED: the caller cannot be built: {reason}")
        return 0
    for key, value in facts().items():
        print(f"{key + ':':<11}{value}")
    for name, part in PARTS.items():
        if not args.parts or name in args.parts:
            part(args.calls, args.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
