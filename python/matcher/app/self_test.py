"""A look at the whole decision path before anyone relies on it: is this build, on this machine, in working order?"""

from __future__ import annotations

import numpy as np

from matcher import wire
from matcher.domain import Build, Courier, InvalidRequest, Order, Policy, Rung, build_snapshot
from matcher.engine import decide
from matcher.ports import Budget, Ports
from matcher.solve import solve_assignment
from matcher.travel import StraightLine

_AT_MS = 1_767_009_600_000
_COSTS = np.array([[4, 1, 3], [2, 0, 5], [3, 2, 2]], dtype=np.int64)
_OPTIMUM = 5


class SelfTestError(RuntimeError):
    """The build does not do what it must; it should not serve."""


def self_test(build: Build) -> None:
    """Solve a known problem, decide on a small market with two rungs, and send it through the wire and back.

    Takes a few milliseconds, and loads what the first call would have to. Raises SelfTestError.
    """
    try:
        _check(build)
    except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise SelfTestError(f"self-test: {type(error).__name__}: {error}") from error


def _check(build: Build) -> None:
    solution = solve_assignment(_COSTS)
    if (solution.total_cost, solution.lower_bound) != (_OPTIMUM, _OPTIMUM):
        raise SelfTestError(f"self-test: the optimum is {_OPTIMUM}, the kernel says {solution.total_cost}")
    orders = [
        Order("a", 41.150, -8.610, 41.158, -8.629, store_id="s"),
        Order("b", 41.150, -8.610, 41.160, -8.633, store_id="s"),
        Order("c", 41.146, -8.614, 41.140, -8.610),
    ]
    couriers = [Courier("x", 41.151, -8.611), Courier("y", 41.145, -8.615)]
    snapshot = build_snapshot("self-test", _AT_MS, orders, couriers)
    again, _ = wire.decode_match_request(wire.encode_match_request(snapshot))
    if again.digest != snapshot.digest:
        raise SelfTestError("self-test: a snapshot came back changed from the wire")
    ports = Ports(travel=StraightLine(), build=build)
    native, greedy = (
        decide(again, Policy(), budget=Budget(forced_rung=rung), ports=ports) for rung in (Rung.NATIVE, Rung.GREEDY)
    )
    if not native.lower_bound_micros <= native.total_cost_micros <= greedy.total_cost_micros:
        raise SelfTestError("self-test: the native rung's decision costs more than the greedy one's")
    if wire.decode_decision(wire.encode_decision(native)) != native:
        raise SelfTestError("self-test: a decision came back changed from the wire")
    try:
        build_snapshot("self-test", _AT_MS, [orders[0], orders[0]], [])
    except InvalidRequest:
        return
    raise SelfTestError("self-test: a request with an id twice was accepted")
