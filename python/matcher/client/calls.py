"""What both clients share: method names, channel options, requests and replies."""

from __future__ import annotations

import uuid
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from opentelemetry import propagate

from matcher.domain import Effort, Rung, Snapshot
from matcher.wire import MatchOptions, SolveProblem, encode_match_request

MATCH = "/matcher.v1.MatchingService/Match"
STREAM_MATCH = "/matcher.v1.MatchingService/StreamMatch"
EXPLAIN = "/matcher.v1.MatchingService/Explain"
PROPOSE_BATCHES = "/matcher.v1.BatchingService/ProposeBatches"
SOLVE = "/matcher.v1.AssignmentService/Solve"
STREAM_SOLVE = "/matcher.v1.AssignmentService/StreamSolve"
MOST_NUMBERS_AT_ONCE = 1 << 20
"""Problems of more cells or pairs are sent in parts, unless the caller says otherwise."""
INSERT = "/matcher.v1.RoutingService/InsertOrder"
OPTIMIZE = "/matcher.v1.RoutingService/OptimizeRoutes"
STREAM_OPTIMIZE = "/matcher.v1.RoutingService/StreamOptimizeRoutes"
MATRIX = "/matcher.v1.RoutingService/ComputeTravelMatrix"
GET_CAPABILITIES = "/matcher.v1.CapabilityService/GetCapabilities"
SERVICE_CONFIG = files("matcher.client").joinpath("service_config.json").read_text(encoding="utf-8")
"""Retries with backoff, throttled; any language's gRPC takes the same text."""
OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.service_config", SERVICE_CONFIG),
    ("grpc.max_receive_message_length", 32 << 20),
    ("grpc.max_send_message_length", 32 << 20),
    # Between attempts to connect gRPC waits ever longer, up to two minutes: a server that is back would not be noticed
    # before the calls that wait for it have given up.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


MARKET_KEY = "matcher-market"
"""Metadata by which a router keeps a market's calls on one replica; the server itself does not look at it."""


def metadata(*, key: str | None = None, market: str = "") -> list[tuple[str, str]]:
    """The caller's trace, so that the server's spans become its children, the call's idempotency key and its market."""
    carrier: dict[str, str] = {} if key is None else {"idempotency-key": key}
    if market:
        carrier[MARKET_KEY] = market_value(market)
    propagate.inject(carrier)
    return list(carrier.items())


def market_value(market: str) -> str:
    """A market's id as metadata: what is not printable ASCII, and "%" itself, is percent-encoded, in every client."""
    return "".join(chr(byte) if 0x20 < byte < 0x7F and byte != 0x25 else f"%{byte:02X}" for byte in market.encode())


def new_key() -> str:
    """A key that makes the retries of one call one decision."""
    return uuid.uuid4().hex


def match_bytes(
    snapshot: Snapshot,
    policy: str,
    *,
    forced_rung: Rung | None = None,
    effort: Effort | None = None,
    validate_only: bool = False,
) -> bytes:
    """An encoded MatchRequest."""
    return encode_match_request(snapshot, MatchOptions(policy, forced_rung, validate_only, effort))


def solve_problem(
    costs: npt.ArrayLike | Any,
    unassigned_cost: npt.ArrayLike | None,
    maximize: bool,
    max_iterations: int | None,
    capacities: npt.ArrayLike | None,
) -> SolveProblem:
    """The problem to send; `costs` is a matrix or anything sparse with `tocoo`. ValueError: not two-dimensional."""
    price = None if unassigned_cost is None else np.asarray(unassigned_cost, dtype=np.float64)
    empty = np.zeros(0, dtype=np.int32)
    if hasattr(costs, "tocoo"):
        coo = costs.tocoo()
        rows, cols = coo.shape
        dense, row, col = None, coo.row.astype(np.int32), coo.col.astype(np.int32)
        cost = coo.data.astype(np.float64)
    else:
        dense = np.asarray(costs, dtype=np.float64)
        if dense.ndim != 2:
            raise ValueError(f"costs must be a matrix of rows and columns, not of {dense.ndim} dimension(s)")
        rows, cols = dense.shape
        row, col, cost = empty, empty, np.zeros(0)
    return SolveProblem(
        rows=rows,
        cols=cols,
        dense=dense,
        row=row,
        col=col,
        cost=cost,
        unassigned_cost=price,
        maximize=maximize,
        max_iterations=max_iterations,
        capacities=None if capacities is None else np.asarray(capacities, dtype=np.int32),
    )


def in_parts(problem: SolveProblem, streamed: bool | None) -> bool:
    """Whether to send the problem in parts; `streamed` is the caller's wish, None: by size."""
    if streamed is not None:
        return streamed
    numbers = len(problem.cost) if problem.dense is None else problem.dense.size
    return numbers > MOST_NUMBERS_AT_ONCE
