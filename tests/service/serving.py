"""Real servers over real sockets, for tests: one on a thread of this process, or `matcher serve` as a process."""

from __future__ import annotations

import asyncio
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from google.rpc import error_details_pb2, status_pb2

from matcher.app import App
from matcher.domain import MetricTravel, Snapshot
from matcher.domain.policy import TravelPolicy
from matcher.service import MatcherServer
from matcher.travel import StraightLine


class BlockingTravel:
    """A TravelTime that answers when it is let go: it makes a decision take as long as a test wants."""

    def __init__(self) -> None:
        self.entered = queue.SimpleQueue[None]()
        self.release = threading.Event()

    def travel(self, snapshot: Snapshot, policy: TravelPolicy) -> MetricTravel:
        self.entered.put(None)
        assert self.release.wait(30)
        return StraightLine().travel(snapshot, policy)


@dataclass(frozen=True)
class Running:
    """A server on its own event loop in a thread."""

    server: MatcherServer
    loop: asyncio.AbstractEventLoop

    @property
    def address(self) -> str:
        return self.server.addresses[0]

    def call(self, work: Callable[[], object]) -> None:
        """Execute something on the server's loop and wait for it."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (work(), done.set()))
        assert done.wait(10)

    def stop(self, seconds: float = 10.0) -> bool:
        return asyncio.run_coroutine_threadsafe(self.server.stop(seconds), self.loop).result(30)


@contextmanager
def running(app: App) -> Iterator[Running]:
    """A started server; it is stopped in the end unless the test has done so."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="server", daemon=True)
    thread.start()

    async def make() -> MatcherServer:
        server = MatcherServer(app)
        await server.start()
        return server

    try:
        server = asyncio.run_coroutine_threadsafe(make(), loop).result(30)
        try:
            yield Running(server, loop)
        finally:
            if not server.stopped:
                asyncio.run_coroutine_threadsafe(server.stop(5.0), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def serve_process(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """`matcher serve` with these arguments, once it has said that it serves; ended by SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", "matcher.cli.main", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def addresses_of(process: subprocess.Popen[str]) -> list[str]:
    """The addresses in the line that says that the server is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("matcher is serving on "), line
    return line.removeprefix("matcher is serving on ").strip().split(", ")


def raw_call(target: str, method: str, request: bytes, timeout: float = 10.0) -> bytes:
    """A call without our client: what any other language would do."""
    with grpc.insecure_channel(target, options=[("grpc.max_send_message_length", -1)]) as channel:
        reply: bytes = channel.unary_unary(method)(request, timeout=timeout)
        return reply


def details(error: grpc.RpcError) -> tuple[error_details_pb2.ErrorInfo, error_details_pb2.BadRequest]:
    """The status details of a failed call, read as google.rpc prescribes."""
    assert isinstance(error, grpc.Call)
    raw = next(value for key, value in error.trailing_metadata() or () if key == "grpc-status-details-bin")
    status = status_pb2.Status.FromString(raw if isinstance(raw, bytes) else raw.encode())
    assert status.code == error.code().value[0]
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
    return info, bad_request


def socket_path(directory: Path) -> str:
    """An address of a Unix socket in the directory."""
    return f"unix:{directory / 'm.sock'}"
