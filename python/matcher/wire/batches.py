"""BatchingService: what to group and the batches proposed, between bytes and values."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from matcher.domain import (
    Batch,
    Batches,
    ErrorReason,
    InvalidRequest,
    Limits,
    Snapshot,
    StopKind,
    UnbatchedReason,
    Violation,
)
from matcher.v1 import batching_service_pb2, matching_service_pb2, types_pb2
from matcher.wire.decision import provenance_message, provenance_value
from matcher.wire.request import DEFAULT_POLICY, decode_match_request, encode_match_request

_MAX_ORDERS = 6
_MAX_BATCHES = 100_000


@dataclass(frozen=True, slots=True)
class BatchQuestion:
    """A ProposeBatchesRequest."""

    snapshot: Snapshot
    policy: str
    max_orders: int | None
    """None: as the policy says."""
    max_batches: int | None
    """None: as the policy says."""


def decode_batches_request(data: bytes, limits: Limits | None = None) -> BatchQuestion:
    """The question of an encoded ProposeBatchesRequest. Raises InvalidRequest with every violation found."""
    try:
        request = batching_service_pb2.ProposeBatchesRequest.FromString(data)
    except DecodeError as error:
        sentence = f"the bytes are no matcher.v1.ProposeBatchesRequest: {error}"
        raise InvalidRequest([Violation("request", sentence, ErrorReason.MALFORMED)]) from None
    wrong: list[Violation] = []
    for field, low, high in (("max_orders", 2, _MAX_ORDERS), ("max_batches", 1, _MAX_BATCHES)):
        value = getattr(request, field)
        if value and not low <= value <= high:
            sentence = f"must be between {low} and {high:,}, or 0 for the policy's, is {value}"
            wrong.append(Violation(field, sentence, ErrorReason.OUT_OF_RANGE))
    if not request.HasField("snapshot"):
        wrong.append(Violation("snapshot", "is required", ErrorReason.MISSING))
    if wrong:
        raise InvalidRequest(wrong)
    # A MatchRequest of the snapshot alone, for the native decoder.
    match = matching_service_pb2.MatchRequest(snapshot=request.snapshot)
    snapshot, _ = decode_match_request(match.SerializeToString(), limits)
    return BatchQuestion(
        snapshot, request.policy or DEFAULT_POLICY, request.max_orders or None, request.max_batches or None
    )


def encode_batches_request(
    snapshot: Snapshot, policy: str = DEFAULT_POLICY, max_orders: int | None = None, max_batches: int | None = None
) -> bytes:
    """Bytes of the ProposeBatchesRequest."""
    match = matching_service_pb2.MatchRequest.FromString(encode_match_request(snapshot))
    return batching_service_pb2.ProposeBatchesRequest(
        snapshot=match.snapshot, policy=policy, max_orders=max_orders or 0, max_batches=max_batches or 0
    ).SerializeToString(deterministic=True)


def encode_batches(batches: Batches) -> bytes:
    """Bytes of the ProposeBatchesResponse."""
    return batching_service_pb2.ProposeBatchesResponse(
        batches=[
            batching_service_pb2.Batch(
                store_id=batch.store_id,
                order_ids=batch.order_ids,
                stops=[
                    types_pb2.RouteStop(kind=int(kind), order_id=name)  # type: ignore[arg-type]
                    for kind in (StopKind.PICKUP, StopKind.DROPOFF)
                    for name in batch.order_ids
                ],
                saving_ms=batch.saving_ms,
                delay_ms=batch.delay_ms,
                ready_at_ms=batch.ready_at_ms,
            )
            for batch in batches.batches
        ],
        unbatched=[
            batching_service_pb2.UnbatchedOrder(order_id=name, reason=int(reason))  # type: ignore[arg-type]
            for name, reason in batches.unbatched
        ],
        dropped=batches.dropped,
        provenance=provenance_message(batches.provenance),
    ).SerializeToString(deterministic=True)


def decode_batches(data: bytes) -> Batches:
    """The proposals of an encoded ProposeBatchesResponse. Raises ValueError for other bytes."""
    try:
        message = batching_service_pb2.ProposeBatchesResponse.FromString(data)
    except DecodeError as error:
        raise ValueError(f"not a matcher.v1.ProposeBatchesResponse: {error}") from None
    return Batches(
        batches=tuple(
            Batch(batch.store_id, tuple(batch.order_ids), batch.saving_ms, batch.delay_ms, batch.ready_at_ms)
            for batch in message.batches
        ),
        unbatched=tuple((order.order_id, UnbatchedReason(order.reason)) for order in message.unbatched),
        dropped=message.dropped,
        provenance=provenance_value(message.provenance),
    )
