"""Thin typed clients of a matcher server: snapshots in, decisions out, refusals as exceptions.

`Client` blocks, `AsyncClient` awaits; both have the same methods, hold one connection and are safe to share (the
first between threads, the second between tasks of one loop).
"""

from matcher.client.aio import AsyncClient
from matcher.client.errors import CallFailed, DeadlineExceeded, Overloaded, Unavailable, UnknownFleet
from matcher.client.sessions import AsyncMatchSession, MatchSession
from matcher.client.sync import Client
from matcher.domain import InvalidRequest, Violation
from matcher.wire import InsertionReply, RouteOptions, RouteReply, SolveReply, SolveStatus

__all__ = [
    "AsyncClient",
    "AsyncMatchSession",
    "CallFailed",
    "Client",
    "DeadlineExceeded",
    "InsertionReply",
    "InvalidRequest",
    "MatchSession",
    "Overloaded",
    "RouteOptions",
    "RouteReply",
    "SolveReply",
    "SolveStatus",
    "Unavailable",
    "UnknownFleet",
    "Violation",
]
