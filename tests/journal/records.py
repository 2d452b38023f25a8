"""Records with made-up contents: the journal must keep any bytes."""

from __future__ import annotations

import random

import numpy as np

from matcher.domain import DecisionRecord, Effort, MatrixTravel, MetricTravel, Policy, Provenance, RecordMeta, Rung
from matcher.domain.policy import BundlingPolicy, Commitment, HoldingPolicy

POLICIES = (
    Policy(),
    Policy(
        name="patient",
        bundling=BundlingPolicy(max_orders=5),
        holding=HoldingPolicy(commitment=Commitment.LATEST_DEPARTURE, slack_ms=60_000),
        ladder=(Rung.GREEDY,),
    ),
)


def record(number: int, *, size: int = 400, matrix: bool = False) -> DecisionRecord:
    """The record `number`; equal for equal arguments. `size` random bytes of request, which do not compress."""
    rng = random.Random(number)
    policy = POLICIES[number % len(POLICIES)]
    travel: MetricTravel | MatrixTravel
    if matrix:
        values = np.arange(2 * 3 * 3, dtype=np.int32).reshape(2, 3, 3) + number
        travel = MatrixTravel("roads/7", values, np.array([0, 1, 1, 0], dtype=np.int32))
    else:
        travel = MetricTravel("great-circle/1", 1.3 + number / 7, 1_000, np.array([25_000, 5_000 + number], np.int32))
    return DecisionRecord(
        request=rng.randbytes(size),
        travel=travel,
        policy=policy,
        decision=rng.randbytes(50) + number.to_bytes(4, "big"),
        meta=RecordMeta(
            decision_id=f"d{number}",
            market_id="somewhere",
            at_ms=1_700_000_000_000 + 30_000 * number,
            decided_at_ms=number,
            effort=Effort(24, 3, Rung.GREEDY, iterations=10**12 + number, first_rung=Rung.NATIVE),
            provenance=Provenance(policy.name, policy.digest, "0.1.0", "b1", f"s{number}", {"travel": travel.version}),
            config_digest="c1",
        ),
    )
