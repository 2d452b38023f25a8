"""TLS on TCP addresses: who gets a connection, who may call what, and certificates renewed under running calls."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import structlog
from bench.instances import snapshot
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from tests.service.certificates import Authority, Pair
from tests.service.serving import Running, running, serve_process

from matcher.app import App, ConfigError, TlsConfig, parse_config
from matcher.app.config import TelemetryConfig
from matcher.app.telemetry import configure_logs
from matcher.client import CallFailed, Client
from matcher.service.authorization import AllowList
from matcher.service.credentials import CertificateError, ServerCertificate

DISPATCH = "spiffe://prod.example/ns/dispatch/sa/api"
MARKET = snapshot("village-6x4")


@dataclass(frozen=True)
class Files:
    """Where a server finds its certificate, and who signed it."""

    folder: Path
    authority: Authority

    def renew(self, pair: Pair | None = None) -> Pair:
        pair = pair or self.authority.sign("localhost")
        pair.write(self.folder / "tls.crt", self.folder / "tls.key")
        return pair

    def section(self, *rules: str, mutual: bool = True) -> str:
        text = f'[tls]\ncertificate = "{self.folder / "tls.crt"}"\nkey = "{self.folder / "tls.key"}"\n'
        if mutual:
            text += f'client_ca = "{self.folder / "ca.crt"}"\n'
        return text + f"allow = {list(rules)}\n"

    def client(self, server: Running, pair: Pair | None, authority: Authority | None = None) -> Client:
        roots = (authority or self.authority).certificate
        shown = (pair.key, pair.certificate) if pair else (None, None)
        credentials = grpc.ssl_channel_credentials(roots, *shown)
        port = server.address.rpartition(":")[2]
        return Client(f"localhost:{port}", credentials=credentials, timeout=20)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    authority = Authority("tests")
    (tmp_path / "ca.crt").write_bytes(authority.certificate)
    files = Files(tmp_path, authority)
    files.renew()
    return files


@contextmanager
def serving(text: str) -> Iterator[Running]:
    with App(parse_config('[server]\nlisten = ["127.0.0.1:0"]\n' + text)) as app, running(app) as server:
        yield server


def served_certificate(server: Running, files: Files) -> str:
    """PEM of what the server shows a new connection."""
    context = ssl.create_default_context(cadata=files.authority.certificate.decode())
    context.set_alpn_protocols(["h2"])
    port = int(server.address.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        der = wrapped.getpeercert(binary_form=True)
    assert der is not None
    return ssl.DER_cert_to_PEM_cert(der)


def test_calls_over_tls_are_answered_and_calls_in_clear_are_not(files: Files) -> None:
    """Whoever speaks in clear to a port with TLS gets no connection, whatever they ask."""
    with serving(files.section(mutual=False)) as server:
        with files.client(server, None) as client:
            assert client.match(MARKET).outcomes
        with Client(server.address, timeout=2, wait_for_ready=False) as clear, pytest.raises(CallFailed) as failed:
            clear.match(MARKET)
        assert failed.value.code == "UNAVAILABLE"


def test_only_callers_with_a_certificate_of_ours_get_a_connection(files: Files) -> None:
    """mTLS: none shown, and one that somebody else signed, both end at the handshake."""
    stranger = Authority("elsewhere").sign("x", spiffe=DISPATCH)
    with serving(files.section()) as server:
        with files.client(server, files.authority.sign("x")) as client:
            assert client.match(MARKET).outcomes
        for shown in (None, stranger):
            with files.client(server, shown) as client, pytest.raises(CallFailed) as failed:
                client.match(MARKET, timeout=2)
            assert failed.value.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED")


def test_a_caller_may_call_what_its_rules_name(files: Files) -> None:
    """The name is the certificate's SPIFFE id; health is for everybody; the refusal carries a reason and reaches the
    log with the caller's name."""
    stream = io.BytesIO()
    configure_logs(TelemetryConfig(), stream)
    rules = (
        f"{DISPATCH} matcher.v1.MatchingService/*",
        "spiffe://prod.example/ns/*/sa/finance matcher.v1.AssignmentService/Solve",
    )
    try:
        with serving(files.section(*rules)) as server:
            with files.client(server, files.authority.sign("x", spiffe=DISPATCH)) as client:
                assert client.match(MARKET).outcomes
                assert client.is_serving()
                with pytest.raises(CallFailed) as failed:
                    client.solve([[1.0]])
                assert failed.value.code == "PERMISSION_DENIED"
                assert failed.value.reason is not None
                assert failed.value.reason.name == "PERMISSION_DENIED"
            finance = "spiffe://prod.example/ns/any/sa/finance"
            with files.client(server, files.authority.sign("x", spiffe=finance)) as client:
                assert client.solve([[1.0]]).total_cost == 1.0
                with pytest.raises(CallFailed, match="may not call"):
                    client.match(MARKET)
            with files.client(server, files.authority.sign("x")) as client, pytest.raises(CallFailed, match="without"):
                client.match(MARKET)
    finally:
        structlog.reset_defaults()
    logged = stream.getvalue().decode()
    assert f'"caller":"{DISPATCH}"' in logged
    assert "PRIVATE KEY" not in logged


def test_sockets_are_guarded_by_their_file(files: Files, tmp_path: Path) -> None:
    """A sidecar's application has no certificate: the rules are for those who come over the network."""
    text = f'[server]\nlisten = ["unix:{tmp_path}/m.sock", "127.0.0.1:0"]\n' + files.section(f"{DISPATCH} a/*")
    with App(parse_config(text)) as app, running(app) as server, Client(server.address, timeout=20) as client:
        assert server.address.startswith("unix:")
        assert client.match(MARKET).outcomes


@pytest.mark.parametrize(
    ("rule", "caller", "method", "permitted"),
    [
        ("spiffe://p/ns/*/sa/x a.B/*", "spiffe://p/ns/n/sa/x", "a.B/C", True),
        ("spiffe://p/ns/*/sa/x a.B/*", "spiffe://p/ns/n/m/sa/x", "a.B/C", False),
        ("spiffe://p/ns/*/sa/x a.B/*", "spiffe://p/ns/n/sa/xy", "a.B/C", False),
        ("spiffe://p/x a.B/C", "spiffe://p/x", "aXB/C", False),
        ("spiffe://p/x a.B/C", "", "a.B/C", False),
        ("spiffe://p/* */*", "spiffe://p/x", "a.B/C", True),
        ("spiffe://p/* */*", "spiffe://q/x", "a.B/C", False),
    ],
)
def test_rules_match_whole_names_segment_by_segment(rule: str, caller: str, method: str, permitted: bool) -> None:
    """A "*" that crossed a "/" would let a namespace's owner make up names of other namespaces."""
    assert AllowList([rule]).permits(caller, method) is permitted


def test_a_renewed_certificate_is_served_without_a_restart(files: Files) -> None:
    """New connections see the new certificate; the connection that is open, and its calls, do not notice."""
    with serving(files.section(mutual=False)) as server, files.client(server, None) as client:
        client.match(MARKET)
        before = served_certificate(server, files)
        renewed = files.renew()
        assert served_certificate(server, files) != before
        assert served_certificate(server, files) == renewed.certificate.decode()
        assert client.match(MARKET).outcomes


def test_callers_of_a_new_authority_are_let_in(files: Files) -> None:
    """Authorities are rotated too: first both are trusted, then the new one alone."""
    successor = Authority("next")
    shown = successor.sign("x")
    with serving(files.section()) as server:
        with files.client(server, shown) as client, pytest.raises(CallFailed):
            client.match(MARKET, timeout=2)
        (files.folder / "ca.crt").write_bytes(files.authority.certificate + successor.certificate)
        for pair in (shown, files.authority.sign("x")):
            with files.client(server, pair) as client:
                assert client.match(MARKET).outcomes


@pytest.mark.parametrize("broken", ["another key", "no certificate", "gone"])
def test_what_cannot_be_served_changes_nothing(files: Files, broken: str) -> None:
    """A renewal that went wrong is told of; the former certificate goes on being served until a good one comes."""
    changes: list[bool] = []
    config = TlsConfig(str(files.folder / "tls.crt"), str(files.folder / "tls.key"))
    certificate = ServerCertificate(config, changes.append)
    assert certificate._changed() is None
    if broken == "another key":
        (files.folder / "tls.key").write_bytes(files.authority.sign("localhost").key)
    elif broken == "no certificate":
        (files.folder / "tls.crt").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    else:
        (files.folder / "tls.key").unlink()
    assert certificate._changed() is None
    assert changes == [False]
    files.renew()
    assert certificate._changed() is not None
    assert changes == [False, True]
    assert certificate._changed() is None


def test_a_server_does_not_start_with_files_that_do_not_fit(files: Files, tmp_path: Path) -> None:
    """One sentence naming the file, before anything listens; and never a line of the key."""
    (files.folder / "tls.key").write_bytes(files.authority.sign("localhost").key)
    file = tmp_path / "m.toml"
    file.write_text('[server]\nlisten = ["127.0.0.1:0"]\n' + files.section())
    with serve_process("--config", str(file)) as process:
        assert process.wait(180) == 1
        assert process.stderr is not None
        said = process.stderr.read()
    assert f"matcher serve: {files.folder / 'tls.crt'}: " in said
    assert "PRIVATE" not in said
    with pytest.raises(CertificateError, match="No such file"):
        ServerCertificate(TlsConfig("/nonexistent/a", "/nonexistent/b"), lambda _: None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('certificate = "a"', "certificate and key belong together"),
        ('client_ca = "a"', "client_ca needs a certificate"),
        ('certificate = "a"\nkey = "b"\nallow = ["spiffe://a b/c"]', "allow needs client_ca"),
        ('certificate = "a"\nkey = "b"\nclient_ca = "c"\nallow = ["dispatch b/c"]', "is not"),
        ('certificate = "a"\nkey = "b"\nclient_ca = "c"\nallow = ["spiffe://a"]', "is not"),
        ('certificate = "a"\nkey = "b"\nclient_ca = "c"\nallow = ["spiffe://a b"]', "is not"),
    ],
)
def test_half_a_configuration_is_refused(text: str, problem: str) -> None:
    """Half of TLS is none, and looks like all of it."""
    with pytest.raises(ConfigError, match=problem):
        parse_config(f"[tls]\n{text}")


def test_channelz_answers_those_who_asked_for_it() -> None:
    """Who is connected from where is nobody's business unless the configuration says so."""
    for text, there in (("[server]\nchannelz = true", True), ("[server]", False)):
        config = parse_config(f'{text}\nlisten = ["127.0.0.1:0"]')
        with App(config) as app, running(app) as server, grpc.insecure_channel(server.address) as channel:
            servers = channelz_pb2_grpc.ChannelzStub(channel).GetServers
            if there:
                assert servers(channelz_pb2.GetServersRequest(), timeout=10).server
            else:
                with pytest.raises(grpc.RpcError) as refused:
                    servers(channelz_pb2.GetServersRequest(), timeout=10)
                assert isinstance(refused.value, grpc.Call)
                assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
