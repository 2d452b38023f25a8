"""The native decoder of MatchRequests: bytes to the columns of a Snapshot, without the GIL."""

from __future__ import annotations

from typing import Any, NamedTuple

from matcher.kernels import _native


class DecodedRequest(NamedTuple):
    """What the bytes say. The groups hold the fields of the classes of the same name in `matcher.domain.snapshot`."""

    market_id: str
    at_unix_ms: int
    frame: int
    locations: tuple[Any, ...]
    orders: tuple[Any, ...]
    couriers: tuple[Any, ...]
    routes: tuple[Any, ...]
    demand: tuple[Any, ...]
    skills: tuple[str, ...]
    stores: tuple[str, ...]
    policy: str
    forced_rung: int
    validate_only: bool
    refusals: tuple[Any, ...]
    content: bytes
    """What the digest is made of; see `matcher.domain.canonical`."""


def decode_match_request(
    request: bytes, *, orders: int, couriers: int, route_stops: int, id_bytes: int, demand_points: int
) -> DecodedRequest | None:
    """Columns of an encoded matcher.v1.MatchRequest, all arrays read-only.

    The keywords are the limits of `matcher.domain.Limits`. None: the request is invalid, over a limit or unusual, and
    only the reference decoder can tell; see cpp/include/matcher/match_request.h.
    """
    decoded = _native.decode_match_request(request, orders, couriers, route_stops, id_bytes, demand_points)
    return None if decoded is None else DecodedRequest(*decoded)


def match_request_fields() -> list[tuple[str, str, int, str]]:
    """(message, field, number, kind) of every field that the native decoder knows, for comparison with the contract."""
    return _native.match_request_fields()
