"""OptimizeRoutes and ComputeTravelMatrix: bytes to tasks, plans and matrices to bytes; both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from matcher.domain import (
    Courier,
    Degradation,
    ErrorReason,
    InvalidRequest,
    Limits,
    Order,
    OrderRelaxation,
    Provenance,
    RelaxedLimit,
    RoutePlan,
    Rung,
    Snapshot,
    TravelMode,
    UnservedOrder,
    Violation,
    WaitReason,
    build_snapshot,
)
from matcher.v1 import matching_service_pb2, routing_service_pb2, types_pb2
from matcher.wire.decision import plan_message, plan_value, provenance_message, provenance_value
from matcher.wire.request import DEFAULT_POLICY, decode_match_request, encode_match_request

_MAX_UNSERVED_MICROS = 1 << 46
_RUNGS = (Rung.NATIVE, Rung.GREEDY)


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """What a RoutingTask asks for besides the snapshot."""

    policy: str = DEFAULT_POLICY
    max_iterations: int = 0
    seed: int = 0
    unserved_micros: int = 0
    forced_rung: Rung | None = None
    """NATIVE, GREEDY; None: NATIVE."""


@dataclass(frozen=True, slots=True)
class RouteReply:
    """A plan as the server sends it."""

    plan: RoutePlan
    provenance: Provenance


def decode_route_task(data: bytes, limits: Limits, *, stream: bool) -> tuple[Snapshot, RouteOptions]:
    """Snapshot and options of an OptimizeRoutesRequest, or of its streaming twin. Raises InvalidRequest."""
    kind = routing_service_pb2.StreamOptimizeRoutesRequest if stream else routing_service_pb2.OptimizeRoutesRequest
    try:
        task = kind.FromString(data).task
    except DecodeError as error:
        raise _malformed(kind.__name__, error) from None
    wrong = []
    if not task.HasField("snapshot"):
        wrong.append(Violation("task.snapshot", "is required", ErrorReason.MISSING))
    if task.max_iterations < 0:
        sentence = f"is negative: {task.max_iterations}"
        wrong.append(Violation("task.max_iterations", sentence, ErrorReason.OUT_OF_RANGE))
    if not 0 <= task.unserved_micros <= _MAX_UNSERVED_MICROS:
        sentence = f"must be between 0 and {_MAX_UNSERVED_MICROS}, is {task.unserved_micros}"
        wrong.append(Violation("task.unserved_micros", sentence, ErrorReason.OUT_OF_RANGE))
    if int(task.forced_rung) not in (0, *_RUNGS):
        sentence = f"must be RUNG_NATIVE or RUNG_GREEDY, is {task.forced_rung}"
        reason = ErrorReason.OUT_OF_RANGE if int(task.forced_rung) in list(Rung) else ErrorReason.UNKNOWN_ENUM_VALUE
        wrong.append(Violation("task.forced_rung", sentence, reason))
    if wrong:
        raise InvalidRequest(wrong)
    request = matching_service_pb2.MatchRequest(snapshot=task.snapshot).SerializeToString()
    try:
        snapshot = decode_match_request(request, limits)[0]
    except InvalidRequest as error:
        found = [Violation(f"task.{v.field}", v.description, v.reason) for v in error.violations]
        raise InvalidRequest(found) from None
    options = RouteOptions(
        policy=task.policy or DEFAULT_POLICY,
        max_iterations=task.max_iterations,
        seed=task.seed,
        unserved_micros=task.unserved_micros,
        forced_rung=Rung(task.forced_rung) if task.forced_rung else None,
    )
    return snapshot, options


def encode_route_task(snapshot: Snapshot, options: RouteOptions, *, stream: bool) -> bytes:
    """Bytes of an OptimizeRoutesRequest, or of its streaming twin."""
    task = routing_service_pb2.RoutingTask(
        snapshot=matching_service_pb2.MatchRequest.FromString(encode_match_request(snapshot)).snapshot,
        policy=options.policy,
        max_iterations=options.max_iterations,
        seed=options.seed,
        unserved_micros=options.unserved_micros,
        forced_rung=int(options.forced_rung or 0),  # type: ignore[arg-type]
    )
    kind = routing_service_pb2.StreamOptimizeRoutesRequest if stream else routing_service_pb2.OptimizeRoutesRequest
    return kind(task=task).SerializeToString(deterministic=True)


def encode_route_reply(reply: RouteReply, *, stream: bool) -> bytes:
    """Bytes of an OptimizeRoutesResponse, or of one message of the stream."""
    plan = reply.plan
    message = routing_service_pb2.RoutePlan(
        plans=[plan_message(part) for part in plan.plans],
        unserved=[
            routing_service_pb2.UnservedOrder(
                order_id=order.order_id,
                reason=int(order.reason),  # type: ignore[arg-type]
                refused=[
                    routing_service_pb2.RefusedCouriers(reason=int(reason), couriers=couriers)  # type: ignore[arg-type]
                    for reason, couriers in order.refused
                ],
                relaxations=[_relaxation_message(relaxation) for relaxation in order.relaxations or ()],
                relaxations_known=order.relaxations is not None,
            )
            for order in plan.unserved
        ],
        cost_terms=[types_pb2.CostTerm(name=name, micros=micros) for name, micros in plan.cost_terms],
        cost_micros=plan.cost_micros,
        initial_cost_micros=plan.initial_cost_micros,
        iterations=plan.iterations,
        degradations=[int(Degradation.BUDGET_EXHAUSTED)] if plan.exhausted else [],  # type: ignore[list-item]
        provenance=provenance_message(reply.provenance),
        rung=int(plan.rung),  # type: ignore[arg-type]
    )
    if stream:
        streamed = routing_service_pb2.StreamOptimizeRoutesResponse(plan=message, final=plan.final)
        return streamed.SerializeToString(deterministic=True)
    return routing_service_pb2.OptimizeRoutesResponse(plan=message).SerializeToString(deterministic=True)


def decode_route_reply(data: bytes, *, stream: bool) -> RouteReply:
    """The plan in the bytes of a reply. Raises ValueError when there is none in them."""
    final = True
    try:
        if stream:
            streamed = routing_service_pb2.StreamOptimizeRoutesResponse.FromString(data)
            plan, final = streamed.plan, streamed.final
        else:
            plan = routing_service_pb2.OptimizeRoutesResponse.FromString(data).plan
    except DecodeError as error:
        raise ValueError(f"not a reply of OptimizeRoutes: {error}") from None
    value = RoutePlan(
        plans=tuple(plan_value(part) for part in plan.plans),
        unserved=tuple(
            UnservedOrder(
                order.order_id,
                WaitReason(order.reason),
                tuple((WaitReason(refused.reason), refused.couriers) for refused in order.refused),
                tuple(_relaxation_values(order.relaxations)) if order.relaxations_known else None,
            )
            for order in plan.unserved
        ),
        cost_terms=tuple((term.name, term.micros) for term in plan.cost_terms),
        initial_cost_micros=plan.initial_cost_micros,
        iterations=plan.iterations,
        exhausted=int(Degradation.BUDGET_EXHAUSTED) in plan.degradations,
        final=final,
        rung=Rung(plan.rung),
    )
    return RouteReply(value, provenance_value(plan.provenance))


def _relaxation_message(relaxation: OrderRelaxation) -> routing_service_pb2.Relaxation:
    message = routing_service_pb2.Relaxation(courier_id=relaxation.courier_id)
    searched = relaxation.limit is RelaxedLimit.SEARCH
    setattr(message, relaxation.limit.value, True if searched else relaxation.amount)
    return message


def _relaxation_values(messages: Iterable[routing_service_pb2.Relaxation]) -> Iterator[OrderRelaxation]:
    """Kinds that this build does not know are left out."""
    for message in messages:
        if name := message.WhichOneof("least"):
            limit = RelaxedLimit(name)
            amount = 0 if limit is RelaxedLimit.SEARCH else getattr(message, name)
            yield OrderRelaxation(limit, amount, message.courier_id)


@dataclass(frozen=True, slots=True)
class MatrixQuestion:
    """A ComputeTravelMatrixRequest as a market: one courier, and an order from every origin to every place."""

    snapshot: Snapshot
    origins: npt.NDArray[np.int32]
    """Rows of the snapshot's locations."""
    destinations: npt.NDArray[np.int32]
    policy: str


def decode_matrix_request(data: bytes, max_cells: int) -> MatrixQuestion:
    """The question in the bytes of a ComputeTravelMatrixRequest. Raises InvalidRequest."""
    try:
        message = routing_service_pb2.ComputeTravelMatrixRequest.FromString(data)
    except DecodeError as error:
        raise _malformed("ComputeTravelMatrixRequest", error) from None
    wrong = []
    columns = message.destinations or message.origins
    cells = len(message.origins) * len(columns)
    if not message.origins:
        wrong.append(Violation("origins", "at least one is required", ErrorReason.MISSING))
    if cells > max_cells:
        wrong.append(Violation("origins", f"{cells} cells; at most {max_cells} are allowed", ErrorReason.TOO_LARGE))
    if not message.at_ms:
        wrong.append(Violation("at_ms", "is required", ErrorReason.MISSING))
    if message.mode not in (0, *TravelMode):
        wrong.append(Violation("mode", f"{message.mode} is no TravelMode", ErrorReason.UNKNOWN_ENUM_VALUE))
    if wrong:
        raise InvalidRequest(wrong)
    places = [*message.origins, *message.destinations]
    first = places[0]
    orders = [
        Order(f"{k:09}", place.latitude, place.longitude, place.latitude, place.longitude)
        for k, place in enumerate(places)
    ]
    courier = Courier(
        "traveller",
        first.latitude,
        first.longitude,
        mode=TravelMode(message.mode or TravelMode.CAR),
        speed_meters_per_hour=message.speed_meters_per_hour,
    )
    try:
        snapshot = build_snapshot(
            "matrix",
            message.at_ms,
            orders,
            [courier],
            frame=message.frame,  # type: ignore[arg-type]
            limits=Limits(orders=max(1, len(orders))),
        )
    except InvalidRequest as error:
        raise InvalidRequest([_matrix_violation(v, len(message.origins)) for v in error.violations]) from None
    rows = snapshot.orders.pickup_loc
    origins = rows[: len(message.origins)]
    destinations = rows[len(message.origins) :] if message.destinations else origins
    return MatrixQuestion(snapshot, origins, destinations, message.policy or DEFAULT_POLICY)


def encode_matrix_request(
    origins: Sequence[tuple[float, float]],
    destinations: Sequence[tuple[float, float]],
    *,
    at_ms: int,
    mode: TravelMode,
    speed_meters_per_hour: int,
    frame: int,
    policy: str,
) -> bytes:
    """Bytes of a ComputeTravelMatrixRequest."""

    def places(rows: Sequence[tuple[float, float]]) -> list[routing_service_pb2.Place]:
        return [routing_service_pb2.Place(latitude=latitude, longitude=longitude) for latitude, longitude in rows]

    return routing_service_pb2.ComputeTravelMatrixRequest(
        origins=places(origins),
        destinations=places(destinations),
        frame=frame,  # type: ignore[arg-type]
        mode=int(mode),  # type: ignore[arg-type]
        speed_meters_per_hour=speed_meters_per_hour,
        at_ms=at_ms,
        policy=policy,
    ).SerializeToString(deterministic=True)


def encode_matrix_reply(duration_ms: npt.NDArray[np.int64], provider: str) -> bytes:
    """Bytes of the ComputeTravelMatrixResponse with this (origins, destinations) matrix."""
    return routing_service_pb2.ComputeTravelMatrixResponse(
        duration_ms=duration_ms.ravel().tolist(), destinations=duration_ms.shape[1], provider=provider
    ).SerializeToString()


def decode_matrix_reply(data: bytes) -> tuple[npt.NDArray[np.int64], str]:
    """(origins, destinations) milliseconds, and what answered."""
    try:
        message = routing_service_pb2.ComputeTravelMatrixResponse.FromString(data)
    except DecodeError as error:
        raise ValueError(f"not a matcher.v1.ComputeTravelMatrixResponse: {error}") from None
    cells = np.array(message.duration_ms, dtype=np.int64)
    return cells.reshape(-1, max(1, message.destinations)), message.provider


def _matrix_violation(violation: Violation, origins: int) -> Violation:
    """Paths of the market that a question was laid out as become those of the question."""
    field = violation.field.removeprefix("snapshot.")
    if field.startswith("orders["):
        row = int(field[len("orders[") : field.index("]")])
        name = "latitude" if "latitude" in field else "longitude"
        field = f"origins[{row}].{name}" if row < origins else f"destinations[{row - origins}].{name}"
    field = field.removeprefix("couriers[0].")
    return Violation(field, violation.description, violation.reason)


def _malformed(message: str, error: DecodeError) -> InvalidRequest:
    sentence = f"the bytes are no matcher.v1.{message}: {error}"
    return InvalidRequest([Violation("request", sentence, ErrorReason.MALFORMED)])
