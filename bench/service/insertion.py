"""InsertOrder over gRPC: one order into a fleet of 1,000 couriers with some 5.6 stops each.

    python -m bench.service.insertion [--couriers N] [--calls N] [--out FILE]

Three ways to ask: by the token of a kept fleet; by token with the accepted plan sent back as a change; with the whole
snapshot. Every answer is asserted to be the in-process kernel's. Times are wall times of a call as a Python caller sees
them; beside them stands the CPU time that server and caller together spent on it, which a busy machine does not change.
Where Go is, the calls by token are made once more from there, as most callers are, in turn with calls of the same bytes
to a handler that only answers with as many as ours does: what is left is the service's. Their CPU time is the server's.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import grpc
from bench.service.__main__ import server
from bench.service.caller import NoCallerError, built, made
from bench.service.servers import other
from tools.machine import facts

from matcher.app import App
from matcher.client import Client, InsertionReply
from matcher.domain import Courier, Order, RouteStop, Snapshot, StopKind, build_snapshot
from matcher.routing import LiveFleet
from matcher.travel import StraightLine
from matcher.wire import encode_insert_request

_AT = 1_767_009_600_000
_MINUTE = 60_000
_METHOD = "/matcher.v1.RoutingService/InsertOrder"
_GO_ORDERS = 5
_CALLS_A_REQUEST = 500
"""From Go; the first of them connects."""


def order(rng: random.Random, name: str) -> Order:
    """An order in a square of 10 km around Porto, with a ride limit like a meal's."""

    def place() -> tuple[float, float]:
        return 41.15 + rng.uniform(-0.045, 0.045), -8.61 + rng.uniform(-0.06, 0.06)

    (a, b), (c, d) = place(), place()
    ready = _AT + rng.randrange(0, 20) * _MINUTE
    return Order(
        name, a, b, c, d,
        placed_at_ms=_AT, ready_at_ms=ready, promised_by_ms=ready + 40 * _MINUTE, freshness_limit_ms=60 * _MINUTE,
        size=1, pickup_leave_ms=_MINUTE, dropoff_leave_ms=_MINUTE,
    )  # fmt: skip


def fleet(couriers: int, seed: int = 1) -> tuple[Snapshot, dict[str, Courier], dict[str, Order]]:
    """Couriers whose routes hold 5.6 stops on average, with the rows that they were made of."""
    rng = random.Random(seed)
    orders: dict[str, Order] = {}
    rows: dict[str, Courier] = {}
    for number in range(couriers):
        held = [f"o{number}-{k}" for k in range(rng.choices((2, 3, 4), (3, 6, 1))[0])]
        orders |= {name: order(rng, name) for name in held}
        route = tuple(RouteStop(kind, name) for name in held for kind in (StopKind.PICKUP, StopKind.DROPOFF))
        at = order(rng, "")
        rows[f"c{number}"] = Courier(
            f"c{number}", at.pickup_latitude, at.pickup_longitude, capacity=4, route=route
        )  # fmt: skip
    return build_snapshot("bench", _AT, list(orders.values()), list(rows.values())), rows, orders


class Clock:
    """Wall time of calls, and CPU time of server and caller."""

    def __init__(self, server_id: int) -> None:
        self._server_id = server_id
        self.wall_ms: list[float] = []
        self._cpu = 0.0

    def _server_spent(self) -> float:
        fields = Path(f"/proc/{self._server_id}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _spent(self) -> float:
        return self._server_spent() + time.process_time()

    def run(self, calls: list[Callable[[], object]]) -> None:
        """Make the calls one after another."""
        before = self._spent()
        for call in calls:
            began = time.perf_counter()
            call()
            self.wall_ms.append((time.perf_counter() - began) * 1e3)
        self._cpu = self._spent() - before

    def run_from_go(self, target: str, request: bytes) -> None:
        """Make calls of the request one after another, from a process in Go."""
        before = self._server_spent()
        seen = made(target, request, _METHOD, calls=_CALLS_A_REQUEST)
        self._cpu += self._server_spent() - before
        assert set(seen.codes) == {"OK"}, seen.codes
        self.wall_ms += seen.took_ms()

    def figures(self) -> dict[str, float]:
        """Percentiles of the wall time, and CPU time a call."""
        cuts = statistics.quantiles(self.wall_ms, n=100)
        return {
            "p50_ms": statistics.median(self.wall_ms),
            "p99_ms": cuts[98],
            "cpu_ms": self._cpu * 1e3 / len(self.wall_ms),
        }


def _asked(target: str, request: bytes) -> bytes:
    """The bytes of the reply."""
    with grpc.insecure_channel(target) as channel:
        reply: bytes = channel.unary_unary(_METHOD)(request)
        return reply


def row(name: str, figures: dict[str, float]) -> str:
    """A line of the table."""
    return f"{name:<30}" + "".join(f"{value:>10.3f}" for value in figures.values())


def main() -> int:
    """0: every answer is right."""
    parser = argparse.ArgumentParser(prog="python -m bench.service.insertion")
    parser.add_argument("--couriers", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--out", type=Path, help="figures as JSON")
    args = parser.parse_args()
    where = facts()
    for key, value in where.items():
        print(f"{key + ':':<11}{value}")
    market, couriers, orders = fleet(args.couriers)
    rng = random.Random(2)
    queries = [order(rng, f"new{k}") for k in range(args.calls)]
    with App() as app:
        policy = app.policy("default")
    local = LiveFleet(market, StraightLine().travel(market, policy.travel), policy)
    wanted = build_snapshot("bench", _AT, queries, [])
    began = time.process_time()
    expected = local.insertions(wanted, [query.id for query in queries], 1)
    kernel_ms = (time.process_time() - began) * 1e3 / len(queries)
    stops = len(market.routes.stop_order) / args.couriers
    print(f"InsertOrder, 1 order into {args.couriers} couriers with {stops:.1f} stops each; {args.calls} calls")
    print(f"in this process: {kernel_ms:.3f} ms of CPU time an order, its new route with times included")
    print(f"{'':<30}{'p50 ms':>10}{'p99 ms':>10}{'CPU ms':>10}")
    figures: dict[str, dict[str, float]] = {"here": {"cpu_ms": kernel_ms}}

    with tempfile.TemporaryDirectory() as folder, server(Path(folder), journal=False) as target:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        child = int(children[0])
        with Client(target, timeout=60.0) as client:
            reply = client.insert_orders([], fleet=market, keep_fleet=True)

            def ask(number: int) -> None:
                got = client.insert_orders([queries[number]], fleet_token=reply.fleet_token)
                assert got.insertions[0] == expected[number], "the server's answer is not the kernel's"

            def whole(number: int) -> None:
                got = client.insert_orders([queries[number]], fleet=market)
                assert got.insertions[0] == expected[number], "the server's answer is not the kernel's"

            last: list[InsertionReply] = [reply]

            def accept(number: int) -> None:
                """The plan of the last answer becomes the route of its courier, and the next order is asked for."""
                changes = None
                if last[0].insertions:
                    plan = last[0].insertions[0].candidates[0].plan
                    orders[plan.new_order_ids[0]] = queries[number - 1]
                    route = tuple(RouteStop(stop.kind, stop.order_id) for stop in plan.stops)
                    row = dataclasses.replace(couriers[plan.courier_id], route=route)
                    held = [orders[name] for name in dict.fromkeys(stop.order_id for stop in route)]
                    changes = build_snapshot("bench", _AT, held, [row])
                last[0] = client.insert_orders([queries[number]], fleet_token=last[0].fleet_token, changes=changes)
                assert last[0].insertions[0].candidates

            few = max(3, args.calls // 20)
            for name, one, count in (
                ("by token", ask, args.calls),
                ("by token, plan accepted", accept, args.calls),
                ("whole snapshot", whole, few),
            ):
                one(0)
                clock = Clock(child)
                start = 1 if one is accept else 0
                clock.run([lambda one=one, k=k: one(k) for k in range(start, count)])  # type: ignore[misc]
                figures[name] = clock.figures()
                print(row(name, figures[name]))
            clock = Clock(child)
            token = client.insert_orders([], fleet=market, keep_fleet=True).fleet_token  # the first was changed
            requests = [encode_insert_request([query], fleet_token=token) for query in queries[:_GO_ORDERS]]
            replies = [len(_asked(target, request)) for request in requests]
            try:
                built()
            except NoCallerError as error:
                print(f"by token, from Go: left out, {error}")
            else:
                with other("transport", _METHOD, max(replies), listen="127.0.0.1:0") as bare:
                    alone = Clock(bare.process.pid)
                    for request in requests:
                        clock.run_from_go(target, request)
                        alone.run_from_go(bare.target, request)
                for name, taken in (("by token, from Go", clock), ("transport alone, from Go", alone)):
                    figures[name] = taken.figures()
                    print(row(name, figures[name]))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps({**where, "couriers": args.couriers, "figures": figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
