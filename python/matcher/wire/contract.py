"""What the contract names, read from its descriptors."""

from __future__ import annotations

from matcher.v1 import (
    assignment_service_pb2,
    batching_service_pb2,
    capability_service_pb2,
    matching_service_pb2,
    routing_service_pb2,
)

_FILES = (
    assignment_service_pb2,
    batching_service_pb2,
    capability_service_pb2,
    matching_service_pb2,
    routing_service_pb2,
)


def method_names() -> frozenset[str]:
    """Full names of all methods, e.g. "matcher.v1.MatchingService/Match"."""
    return frozenset(
        f"{service.full_name}/{method.name}"
        for file in _FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    )
