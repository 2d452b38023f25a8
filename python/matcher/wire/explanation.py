"""MatchingService.Explain: the question and the explanation, between bytes and values."""

from __future__ import annotations

from dataclasses import dataclass, replace

from google.protobuf.message import DecodeError

from matcher.domain import (
    ErrorReason,
    Explanation,
    InvalidRequest,
    Limits,
    Move,
    PairChange,
    PairChangeKind,
    PairVerdict,
    Snapshot,
    Violation,
)
from matcher.v1 import matching_service_pb2, types_pb2
from matcher.wire.request import MatchOptions, decode_match_request, encode_match_request, match_options


@dataclass(frozen=True, slots=True)
class ExplainQuestion:
    """An ExplainRequest: the decision, and the pair."""

    snapshot: Snapshot
    options: MatchOptions
    order_id: str
    courier_id: str


def decode_explain_request(data: bytes, limits: Limits | None = None) -> ExplainQuestion:
    """The question of an encoded ExplainRequest. Raises InvalidRequest with every violation found."""
    try:
        request = matching_service_pb2.ExplainRequest.FromString(data)
    except DecodeError as error:
        sentence = f"the bytes are no matcher.v1.ExplainRequest: {error}"
        raise InvalidRequest([Violation("request", sentence, ErrorReason.MALFORMED)]) from None
    wrong = [
        Violation(field, "is required", ErrorReason.MISSING)
        for field in ("order_id", "courier_id")
        if not getattr(request, field)
    ]
    if not request.HasField("match"):
        wrong.append(Violation("match", "is required", ErrorReason.MISSING))
    if wrong:
        raise InvalidRequest(wrong)
    try:
        options = match_options(request.match, limits or Limits())
        request.match.ClearField("effort")  # the native decoder leaves requests with one to the slow path
        snapshot, _ = decode_match_request(request.match.SerializeToString(), limits)
    except InvalidRequest as error:
        raise InvalidRequest([replace(v, field=f"match.{v.field}") for v in error.violations]) from None
    return ExplainQuestion(snapshot, options, request.order_id, request.courier_id)


def encode_explain_request(
    snapshot: Snapshot, order_id: str, courier_id: str, options: MatchOptions | None = None
) -> bytes:
    """Bytes of the ExplainRequest."""
    match = matching_service_pb2.MatchRequest.FromString(encode_match_request(snapshot, options))
    request = matching_service_pb2.ExplainRequest(match=match, order_id=order_id, courier_id=courier_id)
    return request.SerializeToString(deterministic=True)


def encode_explanation(explanation: Explanation) -> bytes:
    """Bytes of the ExplainResponse."""
    return matching_service_pb2.ExplainResponse(
        decision_id=explanation.decision_id,
        order_id=explanation.order_id,
        courier_id=explanation.courier_id,
        verdict=int(explanation.verdict),  # type: ignore[arg-type]
        holder_id=explanation.holder_id,
        cost_terms=[types_pb2.CostTerm(name=name, micros=micros) for name, micros in explanation.cost_terms],
        cost_micros=explanation.cost_micros,
        waiting_micros=explanation.waiting_micros,
        price_micros=explanation.price_micros,
        price_low_micros=explanation.price_low_micros,
        reduced_cost_micros=explanation.reduced_cost_micros,
        moves=[
            matching_service_pb2.Move(
                order_id=move.order_id, from_courier_id=move.from_courier_id, to_courier_id=move.to_courier_id
            )
            for move in explanation.moves
        ],
        changes=[
            matching_service_pb2.PairChange(
                kind=int(change.kind),  # type: ignore[arg-type]
                amount=change.amount,
                names=change.names,
            )
            for change in explanation.changes
        ],
    ).SerializeToString(deterministic=True)


def decode_explanation(data: bytes) -> Explanation:
    """The explanation of an encoded ExplainResponse. Raises ValueError when there is none in it."""
    try:
        message = matching_service_pb2.ExplainResponse.FromString(data)
    except DecodeError as error:
        raise ValueError(f"not a matcher.v1.ExplainResponse: {error}") from None
    if not message.decision_id:
        raise ValueError("the ExplainResponse carries no explanation")
    return Explanation(
        decision_id=message.decision_id,
        order_id=message.order_id,
        courier_id=message.courier_id,
        verdict=PairVerdict(message.verdict),
        holder_id=message.holder_id,
        cost_terms=tuple((term.name, term.micros) for term in message.cost_terms),
        cost_micros=message.cost_micros,
        waiting_micros=message.waiting_micros,
        price_micros=message.price_micros,
        price_low_micros=message.price_low_micros,
        reduced_cost_micros=message.reduced_cost_micros if message.HasField("reduced_cost_micros") else None,
        moves=tuple(Move(move.order_id, move.from_courier_id, move.to_courier_id) for move in message.moves),
        changes=tuple(
            PairChange(PairChangeKind(change.kind), change.amount, tuple(change.names)) for change in message.changes
        ),
    )
