"""Rows of the journal: DecisionRecord ⇄ Arrow.

Columns are flat and of plain types, so that DuckDB, pandas or Polars read a segment without this package. A policy's
values are written with the first record of a segment that uses it and are null in the others, so a segment can be
read alone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from enum import Enum

import dacite
import numpy as np
import pyarrow as pa

from matcher.domain import (
    DecisionRecord,
    Effort,
    MatrixTravel,
    MetricTravel,
    Policy,
    Provenance,
    RecordMeta,
    Rung,
    Travel,
)

FORMAT = b"matcher.journal/1"

SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("market_id", pa.string(), nullable=False),
        pa.field("at_ms", pa.int64(), nullable=False),
        pa.field("decided_at_ms", pa.int64(), nullable=False),
        pa.field("policy", pa.string(), nullable=False),
        pa.field("policy_digest", pa.string(), nullable=False),
        pa.field("policy_values", pa.string()),
        pa.field("config_digest", pa.string(), nullable=False),
        pa.field("build_version", pa.string(), nullable=False),
        pa.field("build_digest", pa.string(), nullable=False),
        pa.field("snapshot_digest", pa.string(), nullable=False),
        pa.field("models", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("rung", pa.int8(), nullable=False),
        pa.field("first_rung", pa.int8(), nullable=False),
        pa.field("iterations", pa.int64(), nullable=False),
        pa.field("nearest_couriers", pa.int32(), nullable=False),
        pa.field("max_bundle_orders", pa.int32(), nullable=False),
        pa.field("travel_version", pa.string(), nullable=False),
        pa.field("travel_factor", pa.float64()),
        pa.field("travel_quantum_ms", pa.int64()),
        pa.field("travel_speed_mph", pa.list_(pa.int32())),
        pa.field("travel_profile", pa.list_(pa.int32())),
        pa.field("travel_matrix_shape", pa.list_(pa.int32())),
        pa.field("travel_matrix_ms", pa.large_list(pa.int32())),
        pa.field("request", pa.large_binary(), nullable=False),
        pa.field("decision", pa.large_binary(), nullable=False),
        pa.field("crc32", pa.uint32(), nullable=False),
    ],
    metadata={b"format": FORMAT},
)


class EncodeError(ValueError):
    """A record with values that its columns cannot hold."""


class RowError(ValueError):
    """A row whose bytes are not those that were written."""


def policy_text(policy: Policy) -> str:
    """The policy's values as JSON."""
    return json.dumps(asdict(policy), sort_keys=True, default=str)


def policy_from_text(text: str) -> Policy:
    """The policy of `policy_text`; unknown or missing values raise."""
    return dacite.from_dict(Policy, json.loads(text), dacite.Config(cast=[Enum, tuple], strict=True))


def record_bytes(record: DecisionRecord) -> int:
    """What a record holds in memory, near enough to bound a queue by it."""
    travel = record.travel
    arrays = (
        travel.speed_mph.nbytes if isinstance(travel, MetricTravel) else travel.matrix_ms.nbytes + travel.profile.nbytes
    )
    return len(record.request) + len(record.decision) + arrays


def to_batch(records: Sequence[DecisionRecord], known_policies: set[str]) -> pa.RecordBatch:
    """Rows for `records`; adds the digests of policies written out to `known_policies`. Raises EncodeError."""
    try:
        return _to_batch(records, known_policies)
    except (pa.ArrowException, AttributeError, OverflowError, TypeError, ValueError) as error:
        raise EncodeError(f"{type(error).__name__}: {error}") from error


def _to_batch(records: Sequence[DecisionRecord], known_policies: set[str]) -> pa.RecordBatch:
    rows = []
    for record in records:
        values = None
        digest = record.meta.provenance.policy_digest
        if digest not in known_policies:
            values = policy_text(record.policy)
            known_policies.add(digest)
        rows.append(_row(record, values))
    return pa.RecordBatch.from_arrays(
        [pa.array([row[field.name] for row in rows], field.type) for field in SCHEMA], schema=SCHEMA
    )


def warm_up() -> None:
    """Have Arrow import now what it imports with its first array: all of pandas, a second with the interpreter held.

    Where pandas cannot be imported at this moment, Arrow does without it from then on.
    """
    pa.array([], pa.int8())


def from_batch(batch: pa.RecordBatch, policies: dict[str, Policy]) -> Iterator[DecisionRecord | RowError]:
    """Records of a batch, in order; a damaged row yields its RowError. Adds policies read to `policies`."""
    for row in range(batch.num_rows):
        values = {name: batch.column(name)[row] for name in batch.schema.names}
        try:
            yield _record(values, policies)
        except RowError as error:
            yield error


def _row(record: DecisionRecord, policy_values: str | None) -> dict[str, object]:
    meta, provenance = record.meta, record.meta.provenance
    return {
        "decision_id": meta.decision_id,
        "market_id": meta.market_id,
        "at_ms": meta.at_ms,
        "decided_at_ms": meta.decided_at_ms,
        "policy": provenance.policy,
        "policy_digest": provenance.policy_digest,
        "policy_values": policy_values,
        "config_digest": meta.config_digest,
        "build_version": provenance.build_version,
        "build_digest": provenance.build_digest,
        "snapshot_digest": provenance.snapshot_digest,
        "models": sorted(provenance.models.items()),
        "rung": int(meta.effort.rung),
        "first_rung": int(meta.effort.first_rung),
        "iterations": meta.effort.iterations,
        "nearest_couriers": meta.effort.nearest_couriers,
        "max_bundle_orders": meta.effort.max_bundle_orders,
        **_travel_row(record.travel),
        "request": record.request,
        "decision": record.decision,
        "crc32": _checksum(record.request, record.decision),
    }


def _travel_row(travel: Travel) -> dict[str, object]:
    if isinstance(travel, MetricTravel):
        return {
            "travel_version": travel.version,
            "travel_factor": travel.factor,
            "travel_quantum_ms": travel.quantum_ms,
            "travel_speed_mph": travel.speed_mph,
            "travel_profile": None,
            "travel_matrix_shape": None,
            "travel_matrix_ms": None,
        }
    return {
        "travel_version": travel.version,
        "travel_factor": None,
        "travel_quantum_ms": None,
        "travel_speed_mph": None,
        "travel_profile": travel.profile,
        "travel_matrix_shape": list(travel.matrix_ms.shape),
        "travel_matrix_ms": travel.matrix_ms.reshape(-1),
    }


def _checksum(request: bytes, decision: bytes) -> int:
    return zlib.crc32(decision, zlib.crc32(request))


def _int32(scalar: pa.Scalar) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.ascontiguousarray(scalar.values.to_numpy(zero_copy_only=False), dtype=np.int32)


def _travel(values: dict[str, pa.Scalar]) -> Travel:
    version = values["travel_version"].as_py()
    if values["travel_speed_mph"].is_valid:
        return MetricTravel(
            version=version,
            factor=values["travel_factor"].as_py(),
            quantum_ms=values["travel_quantum_ms"].as_py(),
            speed_mph=_int32(values["travel_speed_mph"]),
        )
    shape = values["travel_matrix_shape"].as_py()
    return MatrixTravel(
        version=version,
        matrix_ms=_int32(values["travel_matrix_ms"]).reshape(shape),
        profile=_int32(values["travel_profile"]),
    )


def _policy(values: dict[str, pa.Scalar], policies: dict[str, Policy]) -> Policy:
    digest = values["policy_digest"].as_py()
    if values["policy_values"].is_valid and digest not in policies:
        try:
            policy = policy_from_text(values["policy_values"].as_py())
        except (dacite.DaciteError, ValueError, TypeError) as error:
            raise RowError(f"policy {digest} is of another build's shape: {error}") from error
        if policy.digest != digest:
            raise RowError(f"values of policy {digest} have the digest {policy.digest}")
        policies[digest] = policy
    if digest not in policies:
        raise RowError(f"values of policy {digest} are missing")
    return policies[digest]


def _record(values: dict[str, pa.Scalar], policies: dict[str, Policy]) -> DecisionRecord:
    # First, and checked by its own digest: later rows need the policy even when the rest of this one is damaged.
    policy = _policy(values, policies)
    request, decision = values["request"].as_py(), values["decision"].as_py()
    if _checksum(request, decision) != values["crc32"].as_py():
        raise RowError(f"decision {values['decision_id'].as_py()} does not match its checksum")
    return DecisionRecord(
        request=request,
        travel=_travel(values),
        policy=policy,
        decision=decision,
        meta=RecordMeta(
            decision_id=values["decision_id"].as_py(),
            market_id=values["market_id"].as_py(),
            at_ms=values["at_ms"].as_py(),
            decided_at_ms=values["decided_at_ms"].as_py(),
            effort=Effort(
                nearest_couriers=values["nearest_couriers"].as_py(),
                max_bundle_orders=values["max_bundle_orders"].as_py(),
                rung=Rung(values["rung"].as_py()),
                iterations=values["iterations"].as_py(),
                first_rung=Rung(values["first_rung"].as_py()),
            ),
            provenance=Provenance(
                policy=values["policy"].as_py(),
                policy_digest=values["policy_digest"].as_py(),
                build_version=values["build_version"].as_py(),
                build_digest=values["build_digest"].as_py(),
                snapshot_digest=values["snapshot_digest"].as_py(),
                models=dict(values["models"].as_py()),
            ),
            config_digest=values["config_digest"].as_py(),
        ),
    )
