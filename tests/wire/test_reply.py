"""Decisions, matchings and refusals: what is encoded comes back, with equal bytes for equal values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from google.rpc import code_pb2

from matcher import wire
from matcher.domain import (
    CourierMove,
    CourierPlan,
    Decision,
    Degradation,
    Effort,
    ErrorReason,
    InvalidRequest,
    MoveReason,
    OrderOutcome,
    OrderStatus,
    PlannedStop,
    Provenance,
    Rung,
    StopKind,
    Violation,
    WaitReason,
    build_snapshot,
)
from matcher.v1 import assignment_service_pb2, matching_service_pb2

PROVENANCE = Provenance("default", "aa", "0.1.0", "bb", "cc", {"travel": "great-circle/1", "eta": "x"})
DECISION = Decision(
    decision_id="d1",
    market_id="porto",
    at_ms=1_700_000_000_000,
    plans=(
        CourierPlan(
            "c1",
            (PlannedStop(StopKind.PICKUP, "o1", 1, 2, 3), PlannedStop(StopKind.DROPOFF, "o1", 4, 5, 6)),
            ("o1",),
            -7,
        ),
    ),
    outcomes=(
        OrderOutcome("o1", OrderStatus.ASSIGNED, None, "c1", 0, 5, 20),
        OrderOutcome("o2", OrderStatus.WAITING, WaitReason.SKILLS, "", 0, 0, 30),
    ),
    cost_terms=(("waiting", 30), ("travel", -4)),
    total_cost_micros=26,
    lower_bound_micros=25,
    gap=1 / 26,
    rung=Rung.GREEDY,
    degradations=(Degradation.LOWER_RUNG, Degradation.BUDGET_EXHAUSTED),
    effort=Effort(24, 3, Rung.GREEDY, 1 << 40, Rung.NATIVE),
    provenance=PROVENANCE,
    moves=(CourierMove("c2", 41.1, -8.6, 9, MoveReason.EXPECTED_DEMAND, 1 << 33),),
)


def test_a_decision_survives_the_wire() -> None:
    """Every field comes back; the order of a map's keys does not reach the bytes."""
    data = wire.encode_decision(DECISION)
    assert wire.decode_decision(data) == DECISION
    turned = replace(PROVENANCE, models=dict(reversed(PROVENANCE.models.items())))
    assert wire.encode_decision(replace(DECISION, provenance=turned)) == data


def test_no_decision_is_not_read_as_one() -> None:
    """An empty reply or other bytes raise instead of giving a decision about nothing."""
    for data in (b"", b"\xff\xff", wire.encode_validated(build_snapshot("p", 1, [], []), PROVENANCE)):
        with pytest.raises(ValueError, match="MatchResponse"):
            wire.decode_decision(data)


def test_validation_only_still_says_who_checked() -> None:
    """The empty decision names market, time and provenance."""
    data = wire.encode_validated(build_snapshot("porto", 5, [], []), PROVENANCE)
    decision = matching_service_pb2.MatchResponse.FromString(data).decision
    assert (decision.market_id, decision.at_ms, decision.provenance.policy) == ("porto", 5, "default")
    assert not decision.plans
    assert not decision.outcomes


@pytest.mark.parametrize("unassigned", [None, 2.5, np.array([1.0, 2.0])])
@pytest.mark.parametrize("dense", [True, False])
def test_a_problem_survives_the_wire(dense: bool, unassigned: object) -> None:
    """Dense and sparse, with each form of the price of leaving a row out."""
    problem = wire.SolveProblem(
        rows=2,
        cols=3,
        dense=np.array([[1.0, np.inf, 3.0], [0.5, -2.0, 1e300]]) if dense else None,
        row=np.zeros(0, np.int32) if dense else np.array([0, 1, 1], np.int32),
        col=np.zeros(0, np.int32) if dense else np.array([2, 0, 1], np.int32),
        cost=np.zeros(0) if dense else np.array([0.5, 1.0, np.inf]),
        unassigned_cost=unassigned,  # type: ignore[arg-type]
        maximize=True,
        max_iterations=9,
    )
    again = wire.decode_solve_request(wire.encode_solve_request(problem))
    assert (again.rows, again.cols, again.maximize, again.max_iterations) == (2, 3, True, 9)
    assert (again.dense is None) is not dense
    if dense:
        np.testing.assert_array_equal(again.dense, problem.dense)
    for field in ("row", "col", "cost"):
        np.testing.assert_array_equal(getattr(again, field), getattr(problem, field))
    if unassigned is None:
        assert again.unassigned_cost is None
    else:
        np.testing.assert_array_equal(again.unassigned_cost, unassigned)


def solve_request(**values: object) -> bytes:
    return assignment_service_pb2.SolveRequest(**values).SerializeToString()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "field", "reason"),
    [
        (b"\xff", "request", ErrorReason.MALFORMED),
        (b"", "costs", ErrorReason.MISSING),
        (solve_request(dense={"rows": -1, "cols": 2}), "dense.rows", ErrorReason.OUT_OF_RANGE),
        (solve_request(dense={"rows": 1, "cols": 2, "costs": [1]}), "dense.costs", ErrorReason.MALFORMED),
        (solve_request(dense={"rows": 1 << 20, "cols": 1 << 20}), "dense", ErrorReason.TOO_LARGE),
        (
            solve_request(dense={"rows": 1, "cols": 2, "costs": [1, float("nan")]}),
            "dense.costs[1]",
            ErrorReason.OUT_OF_RANGE,
        ),
        (
            solve_request(dense={"rows": 1, "cols": 1, "costs": [float("-inf")]}),
            "dense.costs[0]",
            ErrorReason.OUT_OF_RANGE,
        ),
        (
            solve_request(sparse={"rows": 1, "cols": 1, "row": [0], "col": [1], "cost": [1]}),
            "sparse.col[0]",
            ErrorReason.OUT_OF_RANGE,
        ),
        (
            solve_request(sparse={"rows": 1, "cols": 1, "row": [0], "col": [0]}),
            "sparse",
            ErrorReason.MALFORMED,
        ),
        (
            solve_request(sparse={"rows": 2, "cols": 2, "row": [0, 1, 0], "col": [1, 1, 1], "cost": [1, 2, 3]}),
            "sparse.row[2]",
            ErrorReason.DUPLICATE,
        ),
        (
            solve_request(dense={"rows": 1, "cols": 1, "costs": [1]}, unassigned_cost=[1, 2]),
            "unassigned_cost",
            ErrorReason.MALFORMED,
        ),
        (
            solve_request(dense={"rows": 1, "cols": 1, "costs": [1]}, unassigned_cost=[float("nan")]),
            "unassigned_cost[0]",
            ErrorReason.OUT_OF_RANGE,
        ),
        (
            solve_request(dense={"rows": 1, "cols": 1, "costs": [1]}, max_iterations=-1),
            "max_iterations",
            ErrorReason.OUT_OF_RANGE,
        ),
    ],
)
def test_a_bad_problem_names_the_cell(data: bytes, field: str, reason: ErrorReason) -> None:
    """Each violation of a cost matrix points at the field or the cell."""
    with pytest.raises(InvalidRequest) as caught:
        wire.decode_solve_request(data)
    assert [(v.field, v.reason) for v in caught.value.violations] == [(field, reason)]


def test_a_matching_survives_the_wire() -> None:
    """Duals, bound and provenance come back exactly."""
    reply = wire.SolveReply(
        status=wire.SolveStatus.OPTIMAL,
        col_for_row=np.array([1, -1, 0], np.int32),
        total_cost=0.1 + 0.2,
        row_duals=np.array([0.1, 1e-300, -5.0]),
        col_duals=np.array([0.0, 2.0]),
        lower_bound=0.3,
        gap=0.0,
        iterations=12,
        rung=Rung.NATIVE,
        decision_id="x",
        provenance=PROVENANCE,
    )
    again = wire.decode_solve_reply(wire.encode_solve_reply(reply))
    for field in ("status", "total_cost", "lower_bound", "gap", "iterations", "rung", "decision_id", "provenance"):
        assert getattr(again, field) == getattr(reply, field)
    for field in ("col_for_row", "row_duals", "col_duals"):
        np.testing.assert_array_equal(getattr(again, field), getattr(reply, field))


def test_refusals_travel_in_the_status_details() -> None:
    """Reason, violations and the time to wait are read back by any client that knows google.rpc."""
    violations = (Violation("snapshot.orders[3].id", "is required and empty", ErrorReason.MISSING),)
    for refusal in (
        wire.Refusal.invalid(InvalidRequest(violations)),
        wire.Refusal.overloaded("64 calls wait", retry_after_ms=250),
        wire.Refusal.deadline("3 ms left"),
        wire.Refusal.shutting_down(),
        wire.Refusal.too_large("too many bytes"),
        wire.Refusal.internal("a fault"),
    ):
        assert wire.read_status(wire.encode_status(refusal)) == refusal
    assert wire.Refusal.invalid(InvalidRequest(violations)).code == code_pb2.INVALID_ARGUMENT
    assert wire.read_status(b"\xff") is None
    assert wire.read_status(b"") is None
