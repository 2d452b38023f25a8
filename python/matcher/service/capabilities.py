"""CapabilityService: what this server is and what it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from matcher.app import App
from matcher.service.calls import Call
from matcher.wire import Capabilities, check_capabilities_request, encode_capabilities

GET_CAPABILITIES = "matcher.v1.CapabilityService/GetCapabilities"


class CapabilityMethods:
    """CapabilityService."""

    def __init__(self, app: App, methods: Iterable[str]) -> None:
        """`methods`: full names of all that the server serves, this one included."""
        self._app = app
        self._methods = tuple(methods)

    async def get(self, call: Call) -> bytes:
        """CapabilityService.GetCapabilities. Policies can be reloaded, so the answer is made anew."""
        check_capabilities_request(call.request)
        config = self._app.config
        return encode_capabilities(
            Capabilities(
                build_version=self._app.build.version,
                build_digest=self._app.build.digest,
                methods=self._methods,
                policies=tuple(config.policies),
                limits=asdict(config.limits) | {"max_message_bytes": config.server.max_message_bytes},
                default_deadline_ms=config.server.default_deadline_ms,
                idempotency_ms=round(config.server.idempotency_seconds * 1e3),
            )
        )
