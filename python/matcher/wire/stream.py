"""StreamMatch: messages of a session and their answers, between bytes and values."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import DecodeError

from matcher.domain import ErrorReason, Snapshot, Violation
from matcher.domain.deltas import (
    CourierMoved,
    CourierOff,
    CourierOn,
    Delta,
    OfferRefused,
    OrderChanged,
    OrderIn,
    OrderOut,
    RouteAdvanced,
    RouteChanged,
    StreamReply,
)
from matcher.domain.enums import StreamStatus
from matcher.v1 import matching_service_pb2
from matcher.wire.decision import decode_decision
from matcher.wire.request import (
    MatchOptions,
    courier_message,
    effort_message,
    encode_match_request,
    order_message,
    route_messages,
)
from matcher.wire.session import Taken
from matcher.wire.status import Refusal


def encode_stream_request(
    sequence: int,
    *,
    snapshot: Snapshot | None = None,
    deltas: Sequence[Delta] = (),
    at_ms: int | None = None,
    decide: bool = False,
    options: MatchOptions | None = None,
    budget_ms: int | None = None,
) -> bytes:
    """Bytes of a StreamMatchRequest."""
    options = options or MatchOptions()
    request = matching_service_pb2.StreamMatchRequest(
        sequence=sequence,
        deltas=[_delta_message(delta) for delta in deltas],
        at_ms=at_ms or 0,
        decide=decide,
        policy=options.policy,
        forced_rung=int(options.forced_rung or 0),  # type: ignore[arg-type]
        effort=None if options.effort is None else effort_message(options.effort),
        budget_ms=budget_ms or 0,
    )
    if snapshot is not None:
        match = matching_service_pb2.MatchRequest.FromString(encode_match_request(snapshot))
        request.snapshot.CopyFrom(match.snapshot)
    return request.SerializeToString()


def encode_stream_reply(
    taken: Taken, next_sequence: int, match_response: bytes | None = None, refusal: Refusal | None = None
) -> bytes:
    """Bytes of a StreamMatchResponse: what became of a message, with the decision, or why there is none."""
    response = matching_service_pb2.StreamMatchResponse(
        sequence=taken.sequence,
        status=int(taken.status),  # type: ignore[arg-type]
        next_sequence=next_sequence,
        message=taken.message,
    )
    violations = taken.violations
    if violations:
        response.reason = int(violations[0].reason)  # type: ignore[assignment]
    if refusal is not None:
        response.status = int(StreamStatus.UNDECIDED)  # type: ignore[assignment]
        response.reason = int(refusal.reason)  # type: ignore[assignment]
        response.message, violations = refusal.message, refusal.violations
    for violation in violations:
        response.violations.add(
            field=violation.field,
            description=violation.description,
            reason=int(violation.reason),
        )
    if match_response is not None:
        response.decision.CopyFrom(matching_service_pb2.MatchResponse.FromString(match_response).decision)
    return response.SerializeToString(deterministic=True)


def decode_stream_reply(data: bytes) -> StreamReply:
    """The answer in an encoded StreamMatchResponse. Raises ValueError for other bytes."""
    try:
        message = matching_service_pb2.StreamMatchResponse.FromString(data)
    except DecodeError as error:
        raise ValueError(f"not a matcher.v1.StreamMatchResponse: {error}") from None
    decision = None
    if message.HasField("decision"):
        carried = matching_service_pb2.MatchResponse(decision=message.decision)
        decision = decode_decision(carried.SerializeToString())
    return StreamReply(
        sequence=message.sequence,
        status=StreamStatus(message.status),
        next_sequence=message.next_sequence,
        decision=decision,
        reason=ErrorReason(message.reason) if message.reason else None,
        message=message.message,
        violations=tuple(
            Violation(violation.field, violation.description, ErrorReason(violation.reason))
            for violation in message.violations
        ),
    )


def _delta_message(delta: Delta) -> matching_service_pb2.MarketDelta:
    change = matching_service_pb2.MarketDelta
    match delta:
        case OrderIn(order):
            return change(order_in=order_message(order))
        case OrderChanged(order):
            return change(order_changed=order_message(order))
        case OrderOut(order_id):
            return change(order_out=order_id)
        case CourierOn(courier):
            return change(courier_on=courier_message(courier))
        case CourierMoved(courier_id, latitude, longitude, free_at_ms):
            moved = matching_service_pb2.CourierMoved(
                courier_id=courier_id, latitude=latitude, longitude=longitude, free_at_ms=free_at_ms or 0
            )
            return change(courier_moved=moved)
        case CourierOff(courier_id):
            return change(courier_off=courier_id)
        case OfferRefused(courier_id, order_id):
            refused = matching_service_pb2.OfferRefused(courier_id=courier_id, order_id=order_id)
            return change(offer_refused=refused)
        case RouteChanged(courier_id, route, locked_stops):
            changed = matching_service_pb2.RouteChanged(
                courier_id=courier_id, route=route_messages(route), locked_stops=locked_stops
            )
            return change(route_changed=changed)
        case RouteAdvanced(courier_id, stops, at_ms):
            advanced = matching_service_pb2.RouteAdvanced(courier_id=courier_id, stops=stops, at_ms=at_ms or 0)
            return change(route_advanced=advanced)
