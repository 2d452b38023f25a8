"""What a call can end with instead of a reply."""

from __future__ import annotations

import grpc

from matcher.domain import ErrorReason, InvalidRequest
from matcher.wire import read_status


class CallFailed(RuntimeError):  # noqa: N818 - says what happened
    """The server did not answer."""

    def __init__(self, code: str, message: str, reason: ErrorReason | None, retry_after_ms: int | None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        """Name of the gRPC status, e.g. "UNAVAILABLE"."""
        self.message = message
        self.reason = reason
        """The server's reason; None when the status is not the server's own, e.g. there was no connection."""
        self.retry_after_ms = retry_after_ms
        """When the server expects to have room again."""


class DeadlineExceeded(CallFailed):
    """There was not enough time."""


class Overloaded(CallFailed):
    """The server has more work than it takes on."""


class Unavailable(CallFailed):
    """There is no server, or it is shutting down."""


class UnknownFleet(CallFailed):
    """The server does not keep the fleet of the token; it needs the snapshot again."""


_KINDS: dict[str, type[CallFailed]] = {"DEADLINE_EXCEEDED": DeadlineExceeded, "UNAVAILABLE": Unavailable}
_BY_REASON = {ErrorReason.OVERLOADED: Overloaded, ErrorReason.UNKNOWN_FLEET: UnknownFleet}


def failure(error: grpc.RpcError) -> Exception:
    """The exception to raise for a failed call: InvalidRequest with violations, or a CallFailed."""
    assert isinstance(error, (grpc.Call, grpc.aio.AioRpcError))
    refusal = None
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            refusal = read_status(value if isinstance(value, bytes) else value.encode())
    code, details = error.code().name, error.details() or ""
    if refusal is None:
        return _KINDS.get(code, CallFailed)(code, details, None, None)
    if refusal.violations:
        return InvalidRequest(refusal.violations)
    kind = _BY_REASON.get(refusal.reason) or _KINDS.get(code, CallFailed)
    return kind(code, refusal.message, refusal.reason, refusal.retry_after_ms)
