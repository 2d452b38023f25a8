"""What a caller gets from a server: time of a call, and calls a second.

    python -m bench.service [--instances NAME ...] [--calls N] [--callers N] [--out FILE]

The server is a process of its own, as deployed, without a journal and with one. Requests are encoded beforehand, as a
caller in another language would. Each reply is asserted to be the decision that `decide()` makes in this process, byte
for byte. The time of decide() in this process is measured in turn with the calls; the ratio is what the service costs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.instances import NAMES, snapshot
from tools.machine import facts

from matcher import wire
from matcher.app import App
from matcher.client import Client
from matcher.wire import MatchOptions

DEFAULT = ("village-6x4", "city-50x200", "city-200x1000")
_TIMEOUT_S = 120.0


@contextmanager
def server(directory: Path, journal: bool) -> Iterator[str]:
    """A server process; gives its address."""
    config = directory / "matcher.toml"
    # Without brown-out: callers at once would get less work, and so another decision than the engine's here.
    config.write_text('[server]\nbrownout_queue_share = 1.0\n[telemetry]\nlog_level = "error"\nlog_calls = false\n')
    command = [sys.executable, "-m", "matcher.cli.main", "serve", "--config", str(config), "--listen", "127.0.0.1:0"]
    if journal:
        command += ["--journal", str(directory / "journal")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("matcher is serving on "), f"the server did not start: {line!r}"
        yield line.removeprefix("matcher is serving on ").strip()
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(60) == 0, "the server did not end well"


def latencies(target: str, request: bytes, expected: bytes, calls: int, app: App) -> tuple[list[float], list[float]]:
    """Milliseconds of each call, and of the same decision made here, in turn."""
    market, options = wire.decode_match_request(request)
    remote, local = [], []
    with Client(target, timeout=_TIMEOUT_S) as client:
        client.match_bytes(request)
        for _ in range(calls):
            began = time.perf_counter()
            reply = client.match_bytes(request)
            remote.append((time.perf_counter() - began) * 1e3)
            assert reply == expected, "the server's decision is not the engine's"
            began = time.perf_counter()
            app.answer_match(request, market, options)
            local.append((time.perf_counter() - began) * 1e3)
    return remote, local


def throughput(target: str, request: bytes, expected: bytes, calls: int, callers: int) -> float:
    """Calls a second of `callers` at once."""
    wrong: list[str] = []

    def call() -> None:
        with Client(target, timeout=_TIMEOUT_S) as client:
            for _ in range(calls):
                if client.match_bytes(request) != expected:
                    wrong.append("the server's decision is not the engine's")

    threads = [threading.Thread(target=call) for _ in range(callers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[0]
    return calls * callers / (time.perf_counter() - began)


def main() -> int:
    """0: every answer is right."""
    parser = argparse.ArgumentParser(prog="python -m bench.service")
    parser.add_argument("--instances", nargs="+", choices=sorted(NAMES), default=list(DEFAULT))
    parser.add_argument("--calls", type=int, default=30)
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--out", type=Path, help="figures as JSON")
    args = parser.parse_args()
    where = facts()
    for key, value in where.items():
        print(f"{key + ':':<11}{value}")
    print(f"Match over gRPC, {args.calls} calls in turn with decide() here, then {args.callers} callers at once")
    heads = ("journal", "kB", "p50 ms", "p95 ms", "here ms", "ratio", "calls/s")
    print(f"{'orders × couriers':<18}" + "".join(f"{head:>9}" for head in heads))
    figures = []
    with App() as app:
        requests = {name: wire.encode_match_request(snapshot(name), MatchOptions()) for name in args.instances}
        expected = {name: app.answer_match(request, *wire.decode_match_request(request)).reply
                    for name, request in requests.items()}  # fmt: skip
        for journal in (False, True):
            with tempfile.TemporaryDirectory() as folder, server(Path(folder), journal) as target:
                for name, request in requests.items():
                    remote, local = latencies(target, request, expected[name], args.calls, app)
                    rate = throughput(target, request, expected[name], max(2, args.calls // 4), args.callers)
                    p50, p95 = statistics.median(remote), statistics.quantiles(remote, n=20)[-1]
                    here = statistics.median(local)
                    figure = {
                        "instance": name,
                        "journal": journal,
                        "request_bytes": len(request),
                        "p50_ms": p50,
                        "p95_ms": p95,
                        "here_ms": here,
                        "ratio": p50 / here,
                        "calls_per_s": rate,
                    }
                    figures.append(figure)
                    shown = (len(request) / 1e3, p50, p95, here, p50 / here, rate)
                    print(f"{name:<18}{'yes' if journal else 'no':>9}" + "".join(f"{value:>9.2f}" for value in shown))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps({**where, "calls": args.calls, "figures": figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
