"""GetCapabilities: a client of another version finds out what a server takes without failing first."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pool
from tests.service.serving import details, raw_call, running

from matcher.app import App, parse_config
from matcher.client import AsyncClient, Client
from matcher.service.capabilities import GET_CAPABILITIES
from matcher.wire import Capabilities
from matcher.wire.capabilities import _FILES, digest_of_contract

ROOT = Path(__file__).resolve().parents[2]
CONFIG = parse_config(
    '[server]\nlisten = ["127.0.0.1:0"]\nidempotency_seconds = 2.5\n'
    '[limits]\norders = 77\n[policies.lunch]\nextends = "default"\n'
)


async def test_a_server_says_what_it_is() -> None:
    """Everything comes from the configuration in force, and both clients read the same."""
    with App(CONFIG) as app, running(app) as server, Client(server.address, timeout=20) as client:
        known = client.capabilities()
        assert known == Capabilities(
            build_version=app.build.version,
            build_digest=app.build.digest,
            methods=known.methods,
            policies=tuple(sorted(CONFIG.policies)),
            limits=known.limits,
            default_deadline_ms=5_000,
            idempotency_ms=2_500,
            contract="matcher.v1",
            contract_digest=digest_of_contract(),
        )
        assert "lunch" in known.policies
        assert known.limits["orders"] == 77
        assert known.limits["max_message_bytes"] == 32 << 20
        async with AsyncClient(server.address, timeout=20) as other:
            assert await other.capabilities() == known


def test_the_methods_are_the_contract() -> None:
    """A method that is in the contract and not served, or served and not said, is found here."""
    contract = {
        f"{service.full_name}/{method.name}"
        for module in _FILES
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    with App(CONFIG) as app, running(app) as server, Client(server.address, timeout=20) as client:
        assert set(client.capabilities().methods) == contract


def test_the_contract_digest_covers_every_file() -> None:
    """A file that it leaves out could change without a client noticing."""
    files = {f"matcher/v1/{path.name}" for path in (ROOT / "proto" / "matcher" / "v1").glob("*.proto")}
    assert {module.DESCRIPTOR.name for module in _FILES} == files
    assert all(descriptor_pool.Default().FindFileByName(name) for name in files)


def test_bytes_that_are_no_request_are_refused() -> None:
    """Even the simplest method holds to the contract for refusals."""
    with App(CONFIG) as app, running(app) as server, pytest.raises(grpc.RpcError) as refused:
        raw_call(server.address, f"/{GET_CAPABILITIES}", b"\xff\xff")
    info, _ = details(refused.value)
    assert info.reason == "ERROR_REASON_MALFORMED"
