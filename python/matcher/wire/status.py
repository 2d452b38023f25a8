"""Refusals as google.rpc.Status: what went wrong for machines (ErrorInfo, BadRequest, RetryInfo) and for people.

The bytes travel in the trailing metadata "grpc-status-details-bin", as every gRPC language expects them.
"""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from matcher.domain import ErrorReason, InvalidRequest, Violation
from matcher.v1 import errors_pb2

DOMAIN = "matcher.v1"
_PREFIX = "ERROR_REASON_"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call was not answered."""

    code: int
    """google.rpc.Code, the number of the gRPC status."""
    reason: ErrorReason
    message: str
    violations: tuple[Violation, ...] = ()
    retry_after_ms: int | None = None

    @classmethod
    def invalid(cls, error: InvalidRequest) -> Refusal:
        """INVALID_ARGUMENT with the violations of the error."""
        return cls(code_pb2.INVALID_ARGUMENT, error.violations[0].reason, str(error), error.violations)

    @classmethod
    def deadline(cls, message: str) -> Refusal:
        """DEADLINE_EXCEEDED."""
        return cls(code_pb2.DEADLINE_EXCEEDED, ErrorReason.DEADLINE, message)

    @classmethod
    def overloaded(cls, message: str, retry_after_ms: int) -> Refusal:
        """RESOURCE_EXHAUSTED, to be tried again."""
        return cls(code_pb2.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED, message, retry_after_ms=retry_after_ms)

    @classmethod
    def too_large(cls, message: str) -> Refusal:
        """RESOURCE_EXHAUSTED, and trying again does not help."""
        return cls(code_pb2.RESOURCE_EXHAUSTED, ErrorReason.TOO_LARGE, message)

    @classmethod
    def unknown_fleet(cls, message: str) -> Refusal:
        """FAILED_PRECONDITION: the snapshot is needed."""
        return cls(code_pb2.FAILED_PRECONDITION, ErrorReason.UNKNOWN_FLEET, message)

    @classmethod
    def shutting_down(cls) -> Refusal:
        """UNAVAILABLE: another server answers."""
        return cls(code_pb2.UNAVAILABLE, ErrorReason.SHUTTING_DOWN, "the server is shutting down")

    @classmethod
    def denied(cls, message: str) -> Refusal:
        """PERMISSION_DENIED."""
        return cls(code_pb2.PERMISSION_DENIED, ErrorReason.PERMISSION_DENIED, message)

    @classmethod
    def session_over(cls, message: str) -> Refusal:
        """DEADLINE_EXCEEDED: the session has ended; a new one may begin."""
        return cls(code_pb2.DEADLINE_EXCEEDED, ErrorReason.SESSION_IDLE, message)

    @classmethod
    def internal(cls, message: str) -> Refusal:
        """INTERNAL."""
        return cls(code_pb2.INTERNAL, ErrorReason.INTERNAL, message)


def encode_status(refusal: Refusal) -> bytes:
    """Bytes of the google.rpc.Status."""
    status = status_pb2.Status(code=refusal.code, message=refusal.message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=_PREFIX + refusal.reason.name, domain=DOMAIN))
    if refusal.violations:
        bad_request = error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(
                    field=violation.field,
                    description=violation.description,
                    reason=_PREFIX + violation.reason.name,
                )
                for violation in refusal.violations
            ]
        )
        status.details.add().Pack(bad_request)
    if refusal.retry_after_ms is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(refusal.retry_after_ms)
        status.details.add().Pack(retry)
    encoded: bytes = status.SerializeToString(deterministic=True)
    return encoded


def read_status(data: bytes) -> Refusal | None:
    """The refusal in the bytes of a google.rpc.Status; None when they are another domain's."""
    try:
        status = status_pb2.Status.FromString(data)
    except DecodeError:
        return None
    reason: ErrorReason | None = None
    violations: tuple[Violation, ...] = ()
    retry_after_ms: int | None = None
    for detail in status.details:
        info, bad_request, retry = (
            error_details_pb2.ErrorInfo(),
            error_details_pb2.BadRequest(),
            error_details_pb2.RetryInfo(),
        )
        if detail.Unpack(info) and info.domain == DOMAIN:
            reason = _reason(info.reason)
        elif detail.Unpack(bad_request):
            violations = tuple(
                Violation(v.field, v.description, _reason(v.reason)) for v in bad_request.field_violations
            )
        elif detail.Unpack(retry):
            retry_after_ms = retry.retry_delay.ToMilliseconds()
    if reason is None:
        return None
    return Refusal(status.code, reason, status.message, violations, retry_after_ms)


def _reason(name: str) -> ErrorReason:
    """A reason by its name; one that a newer server knows and we do not is INTERNAL to us."""
    number = (
        errors_pb2.ErrorReason.Value(name) if name in dict(errors_pb2.ErrorReason.items()) else ErrorReason.INTERNAL
    )
    return ErrorReason(number)
