"""Deploys under traffic: one server takes over from another, and no caller notices."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import grpc
from bench.instances import snapshot
from tests.service.serving import addresses_of, serve_process, socket_path

from matcher import wire

ROUNDS = 3
CALLERS = 4


def test_no_call_fails_while_servers_take_over_from_each_other(tmp_path: Path) -> None:
    """Callers without a retry policy, on a Unix socket: each new server publishes itself, each old one gets SIGTERM.

    What gRPC itself sends again is only what a closing connection says it never looked at (a call that crosses its
    GOAWAY on the way); nothing that a server began.

    The old server's connections age out while it goes on as a lame duck, as docs/operations.md asks for (without
    that, a caller who was silent just then meets a closed connection), and reconnecting callers find the successor.
    """
    # Nobody reads the processes' logs here: a line per call would fill the pipe and hold the server up.
    text = (
        f'[server]\nlisten = ["{socket_path(tmp_path)}"]\nconnection_age_seconds = 1\nlame_duck_seconds = 2.0\n'
        "[telemetry]\nlog_calls = false\n"
    )
    (tmp_path / "m.toml").write_text(text)
    arguments = ["--config", str(tmp_path / "m.toml")]
    request = wire.encode_match_request(snapshot("village-6x4"))
    done = threading.Event()
    answered = [0] * CALLERS
    failures: list[str] = []

    def caller(number: int) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(socket_path(tmp_path), options=options) as channel:
            match = channel.unary_unary("/matcher.v1.MatchingService/Match")
            while not done.is_set():
                try:
                    match(request, timeout=20, wait_for_ready=True)
                    answered[number] += 1
                except grpc.RpcError as error:
                    failures.append(str(error))

    callers = [threading.Thread(target=caller, args=(number,)) for number in range(CALLERS)]
    server = serve_process(*arguments)
    process = server.__enter__()
    try:
        addresses_of(process)
        for thread in callers:
            thread.start()
        for _ in range(ROUNDS):
            successor = serve_process(*arguments)
            next_process = successor.__enter__()
            addresses_of(next_process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
            server.__exit__(None, None, None)
            server, process = successor, next_process
    finally:
        done.set()
        for thread in callers:
            thread.join(30)
        server.__exit__(None, None, None)
    assert failures == []
    assert all(count > ROUNDS for count in answered)
