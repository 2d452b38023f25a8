"""Decision to the bytes of a MatchResponse, and back. Equal decisions have equal bytes."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from matcher.domain import (
    CourierMove,
    CourierPlan,
    Decision,
    Degradation,
    MoveReason,
    OrderOutcome,
    OrderStatus,
    PlannedStop,
    Provenance,
    Rung,
    Snapshot,
    StopKind,
    WaitReason,
)
from matcher.v1 import matching_service_pb2, types_pb2
from matcher.wire.request import effort_message, effort_value


def encode_decision(decision: Decision) -> bytes:
    """Bytes of the MatchResponse that carries the decision."""
    return response_message(decision).SerializeToString(deterministic=True)


def encode_validated(snapshot: Snapshot, provenance: Provenance) -> bytes:
    """Bytes of the MatchResponse to a request that was to be validated only: a decision that decides nothing."""
    empty = types_pb2.Decision(
        market_id=snapshot.market_id, at_ms=snapshot.at_unix_ms, provenance=provenance_message(provenance)
    )
    return matching_service_pb2.MatchResponse(decision=empty).SerializeToString(deterministic=True)


def decode_decision(data: bytes) -> Decision:
    """The decision of an encoded MatchResponse. Raises ValueError when there is none in it."""
    try:
        message = matching_service_pb2.MatchResponse.FromString(data).decision
    except DecodeError as error:
        raise ValueError(f"not a matcher.v1.MatchResponse: {error}") from None
    if not message.decision_id:
        raise ValueError("the MatchResponse carries no decision")
    return Decision(
        decision_id=message.decision_id,
        market_id=message.market_id,
        at_ms=message.at_ms,
        plans=tuple(plan_value(plan) for plan in message.plans),
        outcomes=tuple(_outcome(outcome) for outcome in message.outcomes),
        cost_terms=tuple((term.name, term.micros) for term in message.cost_terms),
        total_cost_micros=message.total_cost_micros,
        lower_bound_micros=message.lower_bound_micros,
        gap=message.gap,
        rung=Rung(message.rung),
        degradations=tuple(Degradation(number) for number in message.degradations),
        effort=effort_value(message.effort),
        provenance=provenance_value(message.provenance),
        moves=tuple(_move(move) for move in message.moves),
    )


def response_message(decision: Decision) -> matching_service_pb2.MatchResponse:
    """The MatchResponse message that carries the decision."""
    return matching_service_pb2.MatchResponse(
        decision=types_pb2.Decision(
            decision_id=decision.decision_id,
            market_id=decision.market_id,
            at_ms=decision.at_ms,
            plans=[plan_message(plan) for plan in decision.plans],
            outcomes=[_outcome_message(outcome) for outcome in decision.outcomes],
            cost_terms=[types_pb2.CostTerm(name=name, micros=micros) for name, micros in decision.cost_terms],
            total_cost_micros=decision.total_cost_micros,
            lower_bound_micros=decision.lower_bound_micros,
            gap=decision.gap,
            rung=int(decision.rung),  # type: ignore[arg-type]
            degradations=[int(degradation) for degradation in decision.degradations],  # type: ignore[misc]
            effort=effort_message(decision.effort),
            provenance=provenance_message(decision.provenance),
            moves=[_move_message(move) for move in decision.moves],
        )
    )


def provenance_message(provenance: Provenance) -> types_pb2.Provenance:
    """The wire's form of a Provenance."""
    return types_pb2.Provenance(
        policy=provenance.policy,
        policy_digest=provenance.policy_digest,
        build_version=provenance.build_version,
        build_digest=provenance.build_digest,
        snapshot_digest=provenance.snapshot_digest,
        models=provenance.models,
    )


def provenance_value(message: types_pb2.Provenance) -> Provenance:
    """The domain's form of a Provenance."""
    return Provenance(
        policy=message.policy,
        policy_digest=message.policy_digest,
        build_version=message.build_version,
        build_digest=message.build_digest,
        snapshot_digest=message.snapshot_digest,
        models=dict(sorted(message.models.items())),
    )


def plan_message(plan: CourierPlan) -> types_pb2.CourierPlan:
    """The wire's form of a CourierPlan."""
    return types_pb2.CourierPlan(
        courier_id=plan.courier_id,
        stops=[
            types_pb2.PlannedStop(
                kind=int(stop.kind),  # type: ignore[arg-type]
                order_id=stop.order_id,
                arrive_at_ms=stop.arrive_at_ms,
                at_ms=stop.at_ms,
                depart_at_ms=stop.depart_at_ms,
            )
            for stop in plan.stops
        ],
        new_order_ids=plan.new_order_ids,
        depart_by_ms=plan.depart_by_ms,
    )


def _outcome_message(outcome: OrderOutcome) -> types_pb2.OrderOutcome:
    return types_pb2.OrderOutcome(
        order_id=outcome.order_id,
        status=int(outcome.status),  # type: ignore[arg-type]
        reason=0 if outcome.reason is None else int(outcome.reason),  # type: ignore[arg-type]
        courier_id=outcome.courier_id,
        hold_until_ms=outcome.hold_until_ms,
        dropoff_at_ms=outcome.dropoff_at_ms,
        waiting_micros=outcome.waiting_micros,
    )


def _move_message(move: CourierMove) -> types_pb2.CourierMove:
    return types_pb2.CourierMove(
        courier_id=move.courier_id,
        latitude=move.latitude,
        longitude=move.longitude,
        arrive_at_ms=move.arrive_at_ms,
        reason=int(move.reason),  # type: ignore[arg-type]
        saved_ms=move.saved_ms,
    )


def _move(message: types_pb2.CourierMove) -> CourierMove:
    return CourierMove(
        courier_id=message.courier_id,
        latitude=message.latitude,
        longitude=message.longitude,
        arrive_at_ms=message.arrive_at_ms,
        reason=MoveReason(message.reason),
        saved_ms=message.saved_ms,
    )


def plan_value(message: types_pb2.CourierPlan) -> CourierPlan:
    """The domain's form of a CourierPlan."""
    return CourierPlan(
        courier_id=message.courier_id,
        stops=tuple(
            PlannedStop(StopKind(stop.kind), stop.order_id, stop.arrive_at_ms, stop.at_ms, stop.depart_at_ms)
            for stop in message.stops
        ),
        new_order_ids=tuple(message.new_order_ids),
        depart_by_ms=message.depart_by_ms,
    )


def _outcome(message: types_pb2.OrderOutcome) -> OrderOutcome:
    return OrderOutcome(
        order_id=message.order_id,
        status=OrderStatus(message.status),
        reason=WaitReason(message.reason) if message.reason else None,
        courier_id=message.courier_id,
        hold_until_ms=message.hold_until_ms,
        dropoff_at_ms=message.dropoff_at_ms,
        waiting_micros=message.waiting_micros,
    )
