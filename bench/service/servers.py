"""Processes to measure: the server as deployed, its transport alone, and a servicer on Python message objects."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from matcher import wire
from matcher.cli.server_process import ONE_THREAD, POLLING
from matcher.domain import Courier, Order, Provenance, build_snapshot

MATCH = "/matcher.v1.MatchingService/Match"
UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def request(orders: int, couriers: int, *, validate_only: bool = True) -> bytes:
    """A seeded market of plain rows. `validate_only`: everything but the decision is done, a trivial kernel."""
    rng = random.Random(orders)

    def place() -> tuple[float, float]:
        return round(41.1 + rng.random() * 0.1, 6), round(-8.7 + rng.random() * 0.1, 6)

    clock = 1_767_009_600_000
    market = build_snapshot(
        "bench",
        clock,
        [
            Order(f"order-{k:06}", *place(), *place(), placed_at_ms=clock - 60_000, ready_at_ms=clock + 300_000, size=1)
            for k in range(orders)
        ],
        [Courier(f"courier-{k:06}", *place(), capacity=4) for k in range(couriers)],
    )
    return wire.encode_match_request(market, wire.MatchOptions(validate_only=validate_only))


@dataclass(frozen=True)
class Process:
    """A running server."""

    process: subprocess.Popen[str]
    target: str

    @property
    def cpu_seconds(self) -> float:
        """Processor time so far, which does not depend on what else the machine does."""
        return time.clock_gettime(~self.process.pid << 3 | 2)  # its CPU clock's id (clock_getcpuclockid)

    @property
    def resident_mib(self) -> float:
        """Memory in use."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / (1 << 20)


@contextmanager
def started(command: list[str], environment: dict[str, str] | None = None) -> Iterator[Process]:
    """A server process that says "... serving on ADDRESS" when it is ready; ended by SIGTERM, which must go well."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | (environment or {})
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert "serving on " in line, f"the server did not start: {line!r}"
        yield Process(process, line.partition("serving on ")[2].strip())
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(120) == 0, "the server did not end well"


@contextmanager
def matcher(
    text: str = "", *, listen: str = "", log_calls: bool = False, environment: dict[str, str] | None = None
) -> Iterator[Process]:
    """`matcher serve` on a Unix socket, with lines for [server] on top of the defaults."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "matcher.toml")
        config.write_text(f"[server]\nqueue_calls = 64\n{text}\n[telemetry]\nlog_calls = {str(log_calls).lower()}\n")
        command = [sys.executable, "-m", "matcher.cli.main", "serve", "--config", str(config)]
        with started([*command, "--listen", listen or f"unix:{folder}/m.sock"], environment) as process:
            yield process


@contextmanager
def other(kind: str, method: str = MATCH, reply_bytes: int = 60, *, listen: str = "") -> Iterator[Process]:
    """One of the servers below: "transport", whose replies are as long as ours (of validate_only, if nothing is
    said), or "objects"."""
    with tempfile.TemporaryDirectory() as folder:
        address = listen or f"unix:{folder}/o.sock"
        command = [sys.executable, "-m", "bench.service.servers", kind, address, method, str(reply_bytes)]
        with started(command, {POLLING: ONE_THREAD}) as process:  # as ours; grpc is imported before it could set this
            yield process


async def _serve(kind: str, address: str, path: str, reply_bytes: int) -> None:
    nothing = Provenance("", "", "", "", "", {})

    async def transport(data: bytes, context: object) -> bytes:
        """The bytes arrive, and as many go back as ours sends."""
        del context
        assert data
        return b"\0" * reply_bytes

    async def objects(data: bytes, context: object) -> bytes:
        """Message objects of the official runtime, read row by row into the same snapshot."""
        del context
        snapshot, _ = wire.request.decode_by_reference(data)
        return wire.encode_validated(snapshot, nothing)

    body = {"transport": transport, "objects": objects}[kind]
    service, _, method = path[1:].partition("/")
    server = grpc.aio.server(options=UNLIMITED)
    handler = grpc.unary_unary_rpc_method_handler(body)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    port = server.add_insecure_port(address)
    await server.start()
    print(f"{kind} is serving on {address if address.startswith('unix:') else f'127.0.0.1:{port}'}", flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(15, ended.set)
    await ended.wait()
    await server.stop(1)


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
