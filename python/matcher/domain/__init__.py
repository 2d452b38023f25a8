"""Frozen values that every room shares: Snapshot, Policy, Travel, Decision and the enumerations."""

from matcher.domain.batches import Batch, Batches
from matcher.domain.builder import Limits, build_snapshot
from matcher.domain.decision import Build, CourierPlan, Decision, Effort, OrderOutcome, PlannedStop, Provenance
from matcher.domain.enums import (
    Degradation,
    OrderStatus,
    PairChangeKind,
    PairVerdict,
    Rung,
    SpatialFrame,
    StopKind,
    TravelMode,
    UnbatchedReason,
    WaitReason,
)
from matcher.domain.explanation import Explanation, Move, PairChange
from matcher.domain.insertion import OrderCandidate, OrderInsertion
from matcher.domain.policy import (
    BundlingPolicy,
    CandidatePolicy,
    Commitment,
    CostPolicy,
    HoldingPolicy,
    Policy,
    TravelPolicy,
    WaitingPolicy,
)
from matcher.domain.record import DecisionRecord, RecordMeta
from matcher.domain.rows import Courier, DemandPoint, Order, RouteStop
from matcher.domain.snapshot import EARTH_RADIUS_M, NEVER_MS, Couriers, Demand, Locations, Orders, Routes, Snapshot
from matcher.domain.travel import MatrixTravel, MetricTravel, Travel
from matcher.domain.violations import ErrorReason, InvalidRequest, InvalidSnapshot, Violation

__all__ = [
    "EARTH_RADIUS_M",
    "NEVER_MS",
    "Batch",
    "Batches",
    "Build",
    "BundlingPolicy",
    "CandidatePolicy",
    "Commitment",
    "CostPolicy",
    "Courier",
    "CourierPlan",
    "Couriers",
    "Decision",
    "DecisionRecord",
    "Degradation",
    "Demand",
    "DemandPoint",
    "Effort",
    "ErrorReason",
    "Explanation",
    "HoldingPolicy",
    "InvalidRequest",
    "InvalidSnapshot",
    "Limits",
    "Locations",
    "MatrixTravel",
    "MetricTravel",
    "Move",
    "Order",
    "OrderCandidate",
    "OrderInsertion",
    "OrderOutcome",
    "OrderStatus",
    "Orders",
    "PairChange",
    "PairChangeKind",
    "PairVerdict",
    "PlannedStop",
    "Policy",
    "Provenance",
    "RecordMeta",
    "RouteStop",
    "Routes",
    "Rung",
    "Snapshot",
    "SpatialFrame",
    "StopKind",
    "Travel",
    "TravelMode",
    "TravelPolicy",
    "UnbatchedReason",
    "Violation",
    "WaitReason",
    "WaitingPolicy",
    "build_snapshot",
]
