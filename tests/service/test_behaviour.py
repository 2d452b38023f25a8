"""How the server behaves: same decision as in process, deadlines, overload, health, sockets, the end of a process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from bench.instances import snapshot
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.service.serving import BlockingTravel, addresses_of, running, serve_process, socket_path

from matcher import wire
from matcher.app import App, Config, parse_config
from matcher.client import Client, DeadlineExceeded, Overloaded, Unavailable
from matcher.domain import Degradation, ErrorReason, Rung
from matcher.journal import JournalReader
from matcher.service.admission import Workers
from matcher.service.refused import Refused

QUIET = '[server]\nlisten = ["127.0.0.1:0"]\n[telemetry]\nlog_calls = false\n'


def config(text: str = "") -> Config:
    """The defaults on a free port, with lines for [server] on top."""
    return parse_config(QUIET.replace("[telemetry]", text + "\n[telemetry]"))


def test_the_service_decides_as_the_library_does() -> None:
    """One engine: bytes over a socket give the very decision that App.decide gives in process."""
    for name in ("village-6x4", "scarce-60x15", "city-50x200"):
        market = snapshot(name)
        with App(config()) as app, running(app) as server, Client(server.address) as client:
            remote = client.match(market, timeout=60)
            local = app.decide(market, effort=remote.effort)
            assert replace(remote, degradations=local.degradations) == local
            assert client.match(market, effort=remote.effort, timeout=60) == local


def test_a_forced_rung_answers() -> None:
    """Each rung can be asked for by name; the decision says who answered."""
    market = snapshot("village-6x4")
    with App(config()) as app, running(app) as server, Client(server.address) as client:
        for rung in Rung:
            assert client.match(market, forced_rung=rung, timeout=60).rung is rung


def test_a_decision_comes_before_a_short_deadline_and_says_what_it_lacks() -> None:
    """With less time than the policy's work takes, the answer is smaller, in time, and names its degradations."""
    market = snapshot("city-200x1000")
    with App(config("reply_margin_ms = 1950")) as app, running(app) as server, Client(server.address) as client:
        full = client.match(market, timeout=60)
        assert set(full.degradations) <= {Degradation.BUDGET_EXHAUSTED}, "with time enough only proof may be lacking"
        short = client.match(market, timeout=2.0)
    assert set(short.degradations) - set(full.degradations)
    assert short.effort != full.effort
    assert short.total_cost_micros >= short.lower_bound_micros


def test_no_budget_at_all_still_gives_the_least_decision() -> None:
    """While there is time to answer, the lowest rung does, rather than a refusal."""
    with App(config("reply_margin_ms = 5000")) as app, running(app) as server, Client(server.address) as client:
        decision = client.match(snapshot("scarce-60x15"), timeout=4.0)
    assert decision.rung is Rung.GREEDY
    assert Degradation.LOWER_RUNG in decision.degradations


def test_a_deadline_that_cannot_be_kept_is_told_before_it_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller gets the server's own DEADLINE_EXCEEDED with its reason, not its library's guess."""
    monkeypatch.setattr("matcher.service.server.GIVE_UP_SECONDS", 0.5)  # a busy machine needs more than milliseconds
    travel = BlockingTravel()
    app = App(config("inline_bytes = 0\nreply_margin_ms = 500"), travel=travel)
    with app, running(app) as server, Client(server.address) as client:
        with pytest.raises(DeadlineExceeded) as caught:
            client.match(snapshot("village-6x4"), timeout=1.0)
        assert caught.value.reason is ErrorReason.DEADLINE
        travel.release.set()


def test_work_that_nobody_waits_for_is_not_begun() -> None:
    """A call whose deadline passes in the queue never reaches the engine."""
    travel = BlockingTravel()
    app = App(config("inline_bytes = 0\nworker_threads = 1"), travel=travel)
    with app, running(app) as server, Client(server.address) as client, ThreadPoolExecutor(2) as threads:
        first = threads.submit(client.match, snapshot("village-6x4"), timeout=30)
        travel.entered.get(timeout=10)
        with pytest.raises(DeadlineExceeded):
            client.match(snapshot("village-6x4"), timeout=0.2)
        wait_until(lambda: server.server.workers.admitted == 1)  # the server's clock may be behind the caller's
        travel.release.set()
        first.result(30)
        assert travel.entered.empty()
        wait_until(lambda: server.server.workers.admitted == 0)


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back() -> None:
    """Beyond threads + queue_calls: RESOURCE_EXHAUSTED with RetryInfo, while those inside are answered."""
    travel = BlockingTravel()
    app = App(config("inline_bytes = 0\nworker_threads = 1\nqueue_calls = 2"), travel=travel)
    with app, running(app) as server, Client(server.address) as client, ThreadPoolExecutor(4) as threads:
        inside = [threads.submit(client.match, snapshot("village-6x4"), timeout=30) for _ in range(3)]
        wait_until(lambda: server.server.workers.admitted == 3)
        with pytest.raises(Overloaded) as caught:
            client.match(snapshot("village-6x4"), timeout=30)
        assert caught.value.code == "RESOURCE_EXHAUSTED"
        assert caught.value.retry_after_ms
        travel.release.set()
        assert all(future.result(30).outcomes for future in inside)
        assert client.match(snapshot("village-6x4"), timeout=30)


def test_while_many_wait_decisions_get_smaller_and_say_so() -> None:
    """Brown-out: with a fuller queue each decision is planned with less time; the last one, with nobody behind it, is
    whole again."""
    travel = BlockingTravel()
    # One of four waits at least a quarter of the queue full, however long calls have taken.
    settings = "inline_bytes = 0\nworker_threads = 1\nqueue_calls = 4\nbrownout_budget_ms = 1"
    settings += "\nbrownout_queue_share = 0.25"
    market = snapshot("scarce-60x15")
    app = App(config(settings), travel=travel)
    with app, running(app) as server, Client(server.address) as client, ThreadPoolExecutor(3) as threads:
        calls = []
        for number in range(1, 4):
            calls.append(threads.submit(client.match, market, timeout=30))
            wait_until(lambda number=number: server.server.workers.admitted == number)
        travel.release.set()
        first, second, third = (call.result(30) for call in calls)
    assert (first.degradations, third.degradations) == ((), ())
    assert Degradation.LOWER_RUNG in second.degradations
    assert second.effort != first.effort


async def test_a_queue_that_would_outlast_the_deadline_is_told_at_once() -> None:
    """A caller who would wait in vain is refused while it can still ask elsewhere."""
    workers = Workers(threads=1, queue_calls=100)
    for _ in range(30):
        await workers.run(lambda: time.sleep(0.01), seconds=10)
    waiting = [asyncio.ensure_future(workers.run(lambda: time.sleep(0.01), seconds=10)) for _ in range(40)]
    await asyncio.sleep(0)
    with pytest.raises(Refused) as caught:
        await workers.run(lambda: None, seconds=0.05)
    assert caught.value.refusal.reason is ErrorReason.OVERLOADED
    assert caught.value.refusal.retry_after_ms is not None
    assert caught.value.refusal.retry_after_ms > 50
    await asyncio.gather(*waiting)
    await workers.run(lambda: None, seconds=1.0)
    workers.close()


def test_health_answers_while_every_thread_is_busy() -> None:
    """Kernels never hold up the loop that a probe needs."""
    travel = BlockingTravel()
    app = App(config("inline_bytes = 0\nworker_threads = 2"), travel=travel)
    with app, running(app) as server, Client(server.address) as client, ThreadPoolExecutor(2) as threads:
        busy = [threads.submit(client.match, snapshot("village-6x4"), timeout=30) for _ in range(2)]
        for _ in busy:
            travel.entered.get(timeout=10)
        for service in ("", "matcher.v1.MatchingService", "matcher.v1.AssignmentService"):
            assert client.is_serving(service, timeout=2)
        travel.release.set()
        assert all(future.result(30) for future in busy)


def test_reflection_names_the_services_to_those_who_asked_for_it() -> None:
    """grpcurl and its like need no proto files where it is on; a server that was not told to says nothing of itself."""
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    on = App(config("reflection = true"))
    with on, running(on) as server, grpc.insecure_channel(server.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        reply = next(iter(stub.ServerReflectionInfo(iter([request]), timeout=5)))
        names = {service.name for service in reply.list_services_response.service}
        assert {"matcher.v1.MatchingService", "matcher.v1.AssignmentService", "grpc.health.v1.Health"} <= names
    off = App(config())
    with off, running(off) as server, grpc.insecure_channel(server.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        with pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
            next(iter(stub.ServerReflectionInfo(iter([request]), timeout=5)))


def test_stopping_finishes_what_is_in_flight() -> None:
    """stop(): health says NOT_SERVING at once, the call in flight is answered, then nobody is there."""
    travel = BlockingTravel()
    app = App(config("inline_bytes = 0"), travel=travel)
    with app, running(app) as server, Client(server.address) as client, ThreadPoolExecutor(2) as threads:
        call = threads.submit(client.match, snapshot("village-6x4"), timeout=30)
        travel.entered.get(timeout=10)
        stopping = threads.submit(server.stop)
        with grpc.insecure_channel(server.address) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            wait_until(
                lambda: check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            )
        assert not stopping.done()
        travel.release.set()
        assert call.result(30).outcomes
        assert stopping.result(30) is True
        with Client(server.address, wait_for_ready=False) as other, pytest.raises(Unavailable):
            other.match(snapshot("village-6x4"), timeout=2)


def test_a_call_that_never_ends_does_not_hold_the_end_up() -> None:
    """stop() gives up after its time and says so."""
    travel = BlockingTravel()
    app = App(config("inline_bytes = 0"), travel=travel)
    with app, running(app) as server, Client(server.address) as client, ThreadPoolExecutor(2) as threads:
        call = threads.submit(client.match, snapshot("village-6x4"), timeout=30)
        travel.entered.get(timeout=10)
        stopping = threads.submit(server.stop, 0.2)
        threading.Timer(1.0, travel.release.set).start()
        assert stopping.result(30) is False
        with pytest.raises(RuntimeError):
            call.result(30)


def test_default_deadline_holds_for_calls_without_one() -> None:
    """A caller that sets no deadline cannot occupy a thread for ever."""
    travel = BlockingTravel()
    app = App(config("inline_bytes = 0\ndefault_deadline_ms = 150"), travel=travel)
    request = wire.encode_match_request(snapshot("village-6x4"))
    with app, running(app) as server, grpc.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/matcher.v1.MatchingService/Match")(request)
        assert isinstance(caught.value, grpc.Call)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        travel.release.set()


def test_a_fault_of_ours_is_internal_and_the_server_goes_on() -> None:
    """An exception nobody foresaw ends one call, tells nothing of our insides, and the next call is answered."""

    class Broken:
        def travel(self, *_: object) -> None:
            raise RuntimeError("secret of the machine room")

    app = App(config(), travel=Broken())  # type: ignore[arg-type]
    with app, running(app) as server, Client(server.address) as client:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="INTERNAL") as caught:
                client.match(snapshot("village-6x4"))
            assert "secret" not in str(caught.value)
        assert client.is_serving()


def test_a_process_serves_tcp_and_a_socket_and_ends_well(tmp_path: Path) -> None:
    """`matcher serve`: the ready line names real addresses; SIGTERM in mid-call: answered, journal whole, status 0."""
    socket, journal = socket_path(tmp_path), tmp_path / "journal"
    market = snapshot("city-200x1000")
    with serve_process("--listen", "127.0.0.1:0", "--listen", socket, "--journal", str(journal)) as process:
        tcp, unix = addresses_of(process)
        assert unix == socket
        with Client(tcp) as by_tcp, Client(unix) as by_socket, ThreadPoolExecutor(1) as threads:
            first = by_tcp.match(market, timeout=60)
            in_flight = threads.submit(by_socket.match, market, timeout=60)
            time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            last = in_flight.result(60)
        assert process.wait(30) == 0
    assert last.decision_id == first.decision_id or last.effort != first.effort
    records = [entry.record for entry in JournalReader(journal).entries()]
    assert [record.meta.decision_id for record in records] == [first.decision_id, last.decision_id]
    assert wire.decode_decision(records[0].decision) == first
    assert not (tmp_path / "m.sock").exists()
    assert not list(tmp_path.glob("m.sock*"))


def test_a_successor_takes_the_socket_over(tmp_path: Path) -> None:
    """Two processes on one published path: the new one answers at once, the old one's end does not unlink it."""
    socket = socket_path(tmp_path)
    market = snapshot("village-6x4")
    with serve_process("--listen", socket) as old:
        addresses_of(old)
        with serve_process("--listen", socket) as new:
            addresses_of(new)
            old.send_signal(signal.SIGTERM)
            assert old.wait(30) == 0
            with Client(socket) as client:
                assert client.match(market).outcomes
            assert os.readlink(tmp_path / "m.sock") == f"m.sock.{new.pid}"
    assert not list(tmp_path.glob("m.sock*"))


def test_a_killed_predecessor_is_cleaned_up(tmp_path: Path) -> None:
    """kill -9 leaves a socket file behind; the next start serves on the same path and removes it."""
    socket = socket_path(tmp_path)
    with serve_process("--listen", socket) as old:
        addresses_of(old)
        old.kill()
        old.wait()
    assert (tmp_path / f"m.sock.{old.pid}").exists()
    with serve_process("--listen", socket) as new:
        addresses_of(new)
        assert not (tmp_path / f"m.sock.{old.pid}").exists()
        with Client(socket) as client:
            assert client.is_serving()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--listen", "nonsense"], "neither"),
        (["--listen", "256.1.1.1:80"], "cannot be bound"),
        (["--config", "no-such.toml"], "no-such.toml: cannot be read"),
        (["--listen", "unix:/" + "x" * 200], "longer than"),
    ],
)
def test_a_start_that_fails_says_why(arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]) -> None:
    """One line on standard error and status 1."""
    with serve_process(*arguments) as process:
        assert process.wait(30) == 1
        assert process.stderr is not None
        said = process.stderr.read()
    assert words in said
    assert "Traceback" not in said


def test_a_file_in_the_sockets_place_is_not_touched(tmp_path: Path) -> None:
    """A typing mistake must not delete somebody's file."""
    (tmp_path / "m.sock").write_text("precious")
    with serve_process("--listen", socket_path(tmp_path)) as process:
        assert process.wait(30) == 1
    assert (tmp_path / "m.sock").read_text() == "precious"


def wait_until(condition: object, seconds: float = 10.0) -> None:
    """Until the condition holds; a failure when it does not in time."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come to hold"
        time.sleep(0.005)


def test_exporters_that_do_not_exist_are_refused() -> None:
    """A misspelt OTEL variable must not switch telemetry off without a word."""
    environment = os.environ | {"OTEL_TRACES_EXPORTER": "zipkin"}
    with serve_process("--listen", "127.0.0.1:0", environment=environment) as process:
        assert process.wait(30) == 1
        assert process.stderr is not None
        assert "OTEL_TRACES_EXPORTER" in process.stderr.read()


def test_the_module_runs_as_a_command() -> None:
    """`matcher --help` lists the commands."""
    command_line = str(Path(sys.executable).with_name("matcher"))
    done = subprocess.run([command_line, "--help"], capture_output=True, text=True, check=True)
    for command in ("serve", "match", "check-config", "version"):
        assert command in done.stdout
