"""Frozen values that every room shares: Snapshot, Policy, Travel, Decision and the enumerations."""

from matcher.domain.decision import Build, CourierPlan, Decision, Effort, OrderOutcome, PlannedStop, Provenance
from matcher.domain.enums import (
    Degradation,
    OrderStatus,
    Rung,
    SpatialFrame,
    StopKind,
    TravelMode,
    WaitReason,
)
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
from matcher.domain.snapshot import EARTH_RADIUS_M, NEVER_MS, Couriers, Locations, Orders, Routes, Snapshot
from matcher.domain.travel import MatrixTravel, MetricTravel, Travel

__all__ = [
    "EARTH_RADIUS_M",
    "NEVER_MS",
    "Build",
    "BundlingPolicy",
    "CandidatePolicy",
    "Commitment",
    "CostPolicy",
    "CourierPlan",
    "Couriers",
    "Decision",
    "DecisionRecord",
    "Degradation",
    "Effort",
    "HoldingPolicy",
    "Locations",
    "MatrixTravel",
    "MetricTravel",
    "OrderOutcome",
    "OrderStatus",
    "Orders",
    "PlannedStop",
    "Policy",
    "Provenance",
    "RecordMeta",
    "Routes",
    "Rung",
    "Snapshot",
    "SpatialFrame",
    "StopKind",
    "Travel",
    "TravelMode",
    "TravelPolicy",
    "WaitReason",
    "WaitingPolicy",
]
