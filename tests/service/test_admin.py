"""The admin port, readiness, reload: what the people who keep a server see of it."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from bench.instances import snapshot
from tests.service.serving import BlockingTravel, Running, addresses_of, running, serve_process, socket_path

import matcher.app.application as application
from matcher import wire
from matcher.app import App, parse_config
from matcher.app.self_test import SelfTestError, self_test
from matcher.client import Client
from matcher.domain import Build, InvalidRequest

CONFIG = parse_config('[server]\nlisten = ["127.0.0.1:0"]\nadmin = "127.0.0.1:0"\ninline_bytes = 0')


def get(address: str, path: str, accept: str = "*/*") -> tuple[int, str]:
    """Status and text of a page, errors included."""
    request = urllib.request.Request(f"http://{address}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def server() -> Iterator[Running]:
    with App(CONFIG) as app, running(app) as server:
        yield server


def test_probes_and_pages(server: Running) -> None:
    """Alive, ready, the configuration in force, stacks, a profile, a self-test on demand; 404 lists what there is."""
    admin = server.server.admin_address
    assert get(admin, "/livez") == (200, "ok\n")
    assert get(admin, "/readyz") == (200, "ok\n")
    status, text = get(admin, "/readyz?verbose")
    assert status == 200
    assert set(re.findall(r"^(\S+): ok$", text, re.M)) == {"event-loop", "journal", "serving"}
    assert json.loads(get(admin, "/configz")[1])["server"]["inline_bytes"] == 0
    assert "serve_forever" in get(admin, "/debug/stacks")[1]
    assert re.search(r"^\S+ \d+$", get(admin, "/debug/profile?seconds=0.1")[1], re.M)
    assert get(admin, "/debug/profile?seconds=x")[0] == 400
    assert get(admin, "/debug/self-test") == (200, "ok\n")
    assert get(admin, "/metrics")[0] == 404
    status, text = get(admin, "/nothing")
    assert status == 404
    assert "/readyz" in text


def test_a_stuck_event_loop_is_not_alive(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page answers although the loop does not, and says so."""
    monkeypatch.setattr("matcher.service.server._SILENT_SECONDS", 0.5)
    server.loop.call_soon_threadsafe(time.sleep, 1.5)
    time.sleep(0.9)
    status, text = get(server.server.admin_address, "/livez")
    assert status == 503
    assert "has not turned" in text
    time.sleep(1.0)
    assert get(server.server.admin_address, "/livez")[0] == 200


def test_a_draining_server_is_alive_and_not_ready() -> None:
    """Kubernetes must stop sending calls, and must not kill."""
    travel = BlockingTravel()
    app = App(CONFIG, travel=travel)
    with app, running(app) as server, Client(server.address) as client, ThreadPoolExecutor(2) as threads:
        call = threads.submit(client.match, snapshot("village-6x4"), timeout=30)
        travel.entered.get(timeout=10)
        stopping = threads.submit(server.stop)
        end = time.monotonic() + 10
        while get(server.server.admin_address, "/readyz")[0] == 200:
            assert time.monotonic() < end
        assert get(server.server.admin_address, "/livez")[0] == 200
        assert "serving: is draining" in get(server.server.admin_address, "/readyz")[1]
        travel.release.set()
        assert call.result(30)
        assert stopping.result(30)


def test_a_build_that_does_not_work_does_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not ready before the kernels have shown what they can do."""

    def broken(_: Build) -> None:
        raise SelfTestError("self-test: the optimum is 5, the kernel says 6")

    monkeypatch.setattr(application, "self_test", broken)
    with App(CONFIG) as app, pytest.raises(SelfTestError), running(app):
        pass


def test_the_self_test_finds_a_wrong_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A self-test that cannot fail proves nothing."""
    self_test(Build("0", "0"))
    monkeypatch.setattr("matcher.app.self_test._OPTIMUM", 4)
    with pytest.raises(SelfTestError, match="the kernel says 5"):
        self_test(Build("0", "0"))


def test_a_process_shows_metrics_and_reloads_policies(tmp_path: Path) -> None:
    """/metrics in Prometheus' format; SIGHUP brings a policy without a restart; a broken file changes nothing."""
    file = tmp_path / "m.toml"
    file.write_text('[server]\nlisten = ["127.0.0.1:0"]\nadmin = "127.0.0.1:0"\n')
    market = snapshot("village-6x4")
    with serve_process("--config", str(file)) as process:
        assert process.stdout is not None
        admin = process.stdout.readline().split("http://")[1].strip().rstrip("/")
        with Client(addresses_of(process)[0]) as client:
            client.match(market)
            with pytest.raises(InvalidRequest):
                client.match(market, "lunch")
            text = get(admin, "/metrics")[1]
            assert 'matcher_decisions_total{matcher_policy="default",matcher_rung="NATIVE"} 1' in text
            assert "# TYPE rpc_server_call_duration_seconds histogram" in text
            assert re.search(r'rpc_server_call_duration_seconds_bucket\{le="\+Inf",[^}]*="OK"\} 1', text)

            file.write_text(file.read_text() + '[policies.lunch]\nextends = "default"\n')
            process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 10
            while "lunch" not in json.loads(get(admin, "/configz")[1])["policies"]:
                assert time.monotonic() < end
                time.sleep(0.05)
            assert client.match(market, "lunch").provenance.policy == "lunch"

            file.write_text("[serve]\n")
            process.send_signal(signal.SIGHUP)
            assert process.stderr is not None
            for line in process.stderr:
                if "reload refused" in line:
                    break
            assert client.match(market, "lunch").outcomes


def test_histograms_name_a_sampled_call_of_each_bucket(tmp_path: Path) -> None:
    """From a slow bucket to the trace that says why: OpenMetrics' exemplars, for those who can read them."""
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    environment = os.environ | {"OTEL_TRACES_EXPORTER": "console"}
    arguments = ["--listen", socket_path(tmp_path), "--admin", "127.0.0.1:0"]
    with serve_process(*arguments, environment=environment) as process:
        assert process.stdout is not None
        admin = process.stdout.readline().split("http://")[1].strip().rstrip("/")
        with grpc.insecure_channel(addresses_of(process)[0]) as channel:
            match = channel.unary_unary("/matcher.v1.MatchingService/Match")
            request = wire.encode_match_request(snapshot("village-6x4"))
            match(request, timeout=30, metadata=[("traceparent", f"00-{trace_id}-00f067aa0ba902b7-01")])
            match(request, timeout=30, metadata=[("traceparent", f"00-{trace_id[::-1]}-00f067aa0ba902b7-00")])
        _, text = get(admin, "/metrics", "application/openmetrics-text; version=1.0.0,text/plain;q=0.5")
        assert text.endswith("\n# EOF\n")
        assert "# TYPE matcher_decisions counter" in text
        assert 'matcher_decisions_total{matcher_policy="default",matcher_rung="NATIVE"} 2' in text
        stages = set()
        for line in text.splitlines():
            if "_bucket{" not in line or " # " not in line:
                continue
            sample, _, exemplar = line.partition(" # ")
            found = re.fullmatch(r'\{span_id="[0-9a-f]{16}",trace_id="([0-9a-f]{32})"\} (\S+) \d+\.\d{3}', exemplar)
            assert found is not None, line
            assert found[1] == trace_id  # the other call was not sampled
            bound = re.search(r'le="([^"]+)"', sample)
            assert bound is not None
            assert float(found[2]) <= float(bound[1])
            stages |= set(re.findall(r'matcher_stage="(\w+)"', sample)) | set(re.findall(r"^rpc_server\w+", sample))
        assert stages == {"decode", "decide", "reply", "rpc_server_call_duration_seconds_bucket"}
        assert " # " not in "".join(line for line in get(admin, "/metrics")[1].splitlines() if "_bucket" in line)
