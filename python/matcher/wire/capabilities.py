"""GetCapabilities: what a server says of itself, as bytes and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import DecodeError

from matcher.domain import ErrorReason, InvalidRequest, Violation
from matcher.v1 import (
    assignment_service_pb2,
    batching_service_pb2,
    capability_service_pb2,
    errors_pb2,
    matching_service_pb2,
    routing_service_pb2,
    types_pb2,
)

CONTRACT = "matcher.v1"
_FILES = (
    assignment_service_pb2,
    batching_service_pb2,
    capability_service_pb2,
    errors_pb2,
    matching_service_pb2,
    routing_service_pb2,
    types_pb2,
)


@cache
def digest_of_contract() -> str:
    """Hex digest of the descriptors that this build was made from."""
    digest = hashlib.blake2b(digest_size=16)
    for module in sorted(_FILES, key=lambda module: str(module.DESCRIPTOR.name)):
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        digest.update(file.SerializeToString(deterministic=True))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server is and what it takes."""

    build_version: str
    build_digest: str
    methods: tuple[str, ...]
    """Full names, e.g. "matcher.v1.MatchingService/Match", sorted."""
    policies: tuple[str, ...]
    """Names, sorted."""
    limits: Mapping[str, int]
    """Largest values accepted, by their names in the configuration."""
    default_deadline_ms: int
    idempotency_ms: int
    contract: str = CONTRACT
    contract_digest: str = field(default_factory=digest_of_contract)


def check_capabilities_request(data: bytes) -> None:
    """Raises InvalidRequest when the bytes are no GetCapabilitiesRequest."""
    try:
        capability_service_pb2.GetCapabilitiesRequest.FromString(data)
    except DecodeError:
        sentence = "the bytes are not a GetCapabilitiesRequest"
        raise InvalidRequest([Violation("request", sentence, ErrorReason.MALFORMED)]) from None


def encode_capabilities(known: Capabilities) -> bytes:
    """Bytes of a GetCapabilitiesResponse."""
    reply = capability_service_pb2.GetCapabilitiesResponse(
        contract=known.contract,
        contract_digest=known.contract_digest,
        build_version=known.build_version,
        build_digest=known.build_digest,
        methods=sorted(known.methods),
        policies=sorted(known.policies),
        limits=[capability_service_pb2.Limit(name=name, value=known.limits[name]) for name in sorted(known.limits)],
        default_deadline_ms=known.default_deadline_ms,
        idempotency_ms=known.idempotency_ms,
    )
    encoded: bytes = reply.SerializeToString(deterministic=True)
    return encoded


def decode_capabilities(data: bytes) -> Capabilities:
    """What a server said. Raises google.protobuf's DecodeError."""
    reply = capability_service_pb2.GetCapabilitiesResponse.FromString(data)
    return Capabilities(
        build_version=reply.build_version,
        build_digest=reply.build_digest,
        methods=tuple(reply.methods),
        policies=tuple(reply.policies),
        limits={limit.name: limit.value for limit in reply.limits},
        default_deadline_ms=reply.default_deadline_ms,
        idempotency_ms=reply.idempotency_ms,
        contract=reply.contract,
        contract_digest=reply.contract_digest,
    )
