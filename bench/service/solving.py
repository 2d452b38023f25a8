"""AssignmentService/Solve: what a call costs besides the solve.

    python -m bench.service.solving [--calls N] [--out FILE]

CPU milliseconds in this process of reading the request natively, of reading it through the official runtime (the
reference decoder; each answer is asserted to be the same), of the solve alone, of what the service does for it (its
digest included) and of writing the reply, in turn, median of the calls. Then the same requests over gRPC to a server
of its own: wall time of a call, and the CPU time that server and caller together spent on it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from bench.assignment.families import nearest
from bench.service.__main__ import server
from bench.service.insertion import Clock
from tools.machine import facts

import matcher
from matcher.app import App
from matcher.wire import SolveProblem, decode_solve_request, encode_solve_reply, encode_solve_request
from matcher.wire.assignment import decode_solve_by_reference

_METHOD = "/matcher.v1.AssignmentService/Solve"
_LARGEST = 256 << 20


def problems() -> dict[str, SolveProblem]:
    """Uniform square matrices, and pairs of near points with a price."""
    rng = np.random.default_rng(1)
    none = np.zeros(0, np.int32)
    made = {}
    for n in (100, 500, 1000):
        made[f"dense {n} x {n}"] = SolveProblem(
            n, n, rng.random((n, n)), none, none, np.zeros(0), None, maximize=False, max_iterations=None
        )
    n = 10_000
    rows = nearest(rng.random((n, 2)) * 10_000, rng.random((n, 2)) * 10_000, 20).tocoo()
    pairs = (rows.row.astype(np.int32), rows.col.astype(np.int32), rows.data.astype(np.float64))
    made["sparse 10000 k=20 + price"] = SolveProblem(
        n, n, None, *pairs, unassigned_cost=400_000.0, maximize=False, max_iterations=None
    )
    return made


def costs_of(problem: SolveProblem) -> Any:
    """As `matcher.solve_assignment` takes them."""
    if problem.dense is not None:
        return problem.dense
    import scipy.sparse

    return scipy.sparse.coo_array((problem.cost, (problem.row, problem.col)), (problem.rows, problem.cols))


def stages(app: App, data: bytes, calls: int) -> dict[str, float]:
    """Median CPU milliseconds of each."""
    problem = decode_solve_request(data)
    reply = app.solve(problem)
    assert decode_solve_by_reference(data).digest == problem.digest, "the decoders disagree"
    work: dict[str, Callable[[], object]] = {
        "decode": lambda: decode_solve_request(data),
        "by runtime": lambda: decode_solve_by_reference(data),
        "solve": lambda: matcher.solve_assignment(costs_of(problem), unassigned_cost=problem.unassigned_cost),
        "answer": lambda: app.solve(problem),
        "encode": lambda: encode_solve_reply(reply),
    }
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(calls):
        for name, call in work.items():
            began = time.process_time()
            call()
            taken[name].append((time.process_time() - began) * 1e3)
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> int:
    """0: every answer is right."""
    parser = argparse.ArgumentParser(prog="python -m bench.service.solving")
    parser.add_argument("--calls", type=int, default=15)
    parser.add_argument("--out", type=Path, help="figures as JSON")
    args = parser.parse_args()
    where = facts()
    for key, value in where.items():
        print(f"{key + ':':<11}{value}")
    requests = {name: encode_solve_request(problem) for name, problem in problems().items()}
    figures: dict[str, dict[str, float]] = {}
    with App() as app, tempfile.TemporaryDirectory() as folder, server(Path(folder), journal=False) as target:
        child = int(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()[0])
        options = [("grpc.max_receive_message_length", _LARGEST), ("grpc.max_send_message_length", _LARGEST)]
        with grpc.insecure_channel(target, options=options) as channel:
            call = channel.unary_unary(_METHOD)
            for name, data in requests.items():
                expected = encode_solve_reply(app.solve(decode_solve_request(data)))

                def ask(data: bytes = data, expected: bytes = expected) -> None:
                    assert call(data, timeout=60) == expected, "the server's answer is not this process's"

                ask()
                clock = Clock(child)
                clock.run([ask] * args.calls)
                seen = clock.figures()
                figures[name] = stages(app, data, args.calls) | {"call p50": seen["p50_ms"], "call CPU": seen["cpu_ms"]}
    heads = next(iter(figures.values()))
    print(f"{'ms':<28}" + "".join(f"{head:>11}" for head in heads))
    for name, row in figures.items():
        print(f"{name:<28}" + "".join(f"{value:>11.3f}" for value in row.values()))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps({**where, "calls": args.calls, "figures": figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
