"""A server under callers for as long as wanted: replaced, killed, cancelled; and what it remembers of it.

    python -m bench.service.soak [--drains N] [--seconds S] [--calls N] [--calls-seconds S]

First calls are made through our clients, Python's and Go's, with the shipped service config, while the server is
replaced every few seconds: in turn by a successor on the same socket while it drains, and by a restart after kill -9.
No caller may see a failure. That ends when `--seconds` are over, or after `--drains` drains and as many kills less one.
Then one server answers `--calls` calls of which one in ten is cancelled, and its memory is printed; on a slow machine
as many as `--calls-seconds` allow, so that both parts end when they should.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from bench.instances import snapshot
from bench.service.caller import NoCallerError, built, calling, made
from bench.service.servers import matcher, request
from tools.machine import facts

from matcher import wire
from matcher.client import Client
from matcher.journal import JournalReader

_CALLERS = 4
_SETTINGS = "connection_age_seconds = 1\nlame_duck_seconds = 2\n"
_WARM_UP_CALLS = 10_000
_WARM_UP_SHARE = 0.2
"""Of the time, at most."""
_ROWS = 10
_RECOVERY_SECONDS = 30.0


def _start(config: Path, socket: str, journal: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "matcher.cli.main", "serve", "--config", str(config), "--listen", socket]
    process = subprocess.Popen(
        [*command, "--journal", str(journal)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert "serving on " in process.stdout.readline(), "the server did not start"
    return process


def replacing(seconds: float, most_drains: int | None) -> None:
    """Drains and kills under callers, for `seconds` or until there were `most_drains`. Raises AssertionError where a
    caller saw a failure, or the journal lost much."""
    data = wire.encode_match_request(snapshot("village-6x4"))
    stop, failures, answered = threading.Event(), list[str](), Counter[str]()

    def caller(socket: str) -> None:
        with Client(socket, timeout=30) as client:
            while not stop.is_set():
                try:
                    client.match_bytes(data)
                except Exception as error:
                    failures.append(f"{type(error).__name__}: {error}")
                else:
                    answered["calls"] += 1

    with ExitStack() as resources:
        folder = resources.enter_context(tempfile.TemporaryDirectory())
        config, socket = Path(folder, "matcher.toml"), f"unix:{folder}/m.sock"
        config.write_text(f"[server]\n{_SETTINGS}[journal]\nfsync_seconds = 0.1\n[telemetry]\nlog_calls = false\n")
        journals = 0
        server = _start(config, socket, Path(folder, f"j{journals}"))
        print(f"{'event':<8}{'took s':>8}{'calls':>9}{'failures':>10}")
        threads = [threading.Thread(target=caller, args=(socket,)) for _ in range(_CALLERS)]
        for thread in threads:
            thread.start()
        go = resources.enter_context(calling(socket, data, callers=_CALLERS, shipped=True))
        end, drains, kills = time.monotonic() + seconds, 0, 0
        while time.monotonic() < end and drains != most_drains:
            time.sleep(1.0)
            journals += 1
            began, kind = time.monotonic(), "drain" if drains <= kills else "kill"
            if kind == "drain":
                successor = _start(config, socket, Path(folder, f"j{journals}"))
                server.send_signal(signal.SIGTERM)
                assert server.wait(60) == 0, "the drain did not end well"
                server, drains = successor, drains + 1
            else:
                server.kill()
                server.wait()
                server, kills = _start(config, socket, Path(folder, f"j{journals}")), kills + 1
            took = time.monotonic() - began
            print(f"{kind:<8}{took:>8.1f}{answered['calls']:>9}{len(failures):>10}", flush=True)
            before, patience = answered["calls"], time.monotonic() + _RECOVERY_SECONDS
            while answered["calls"] == before and not failures:
                assert time.monotonic() < patience, "nobody reached the server that took over"
                time.sleep(0.01)
        if most_drains and drains < most_drains:
            print(f"the time sufficed for {drains} of {most_drains} drains")
        stop.set()
        for thread in threads:
            thread.join()
        go.end()
        seen = go.seen().codes
        server.terminate()
        assert server.wait(60) == 0
        kept = sum(1 for j in range(journals + 1) for _ in JournalReader(Path(folder, f"j{j}")).entries())
    failed = len(failures) + seen.total() - seen["OK"]
    print(f"{answered['calls']} calls of Python's client and {seen.total()} of Go's through {drains} drains and "
          f"{kills} kills: {failed} failures; the journals hold {kept} decisions")  # fmt: skip
    assert not failures, failures[:3]
    assert set(seen) == {"OK"}, seen
    assert drains, "the time did not suffice for a drain"


def remembering(calls: int, seconds: float) -> None:
    """Memory by calls, one in ten cancelled."""
    data = request(20, 100)
    step = max(1_000, calls // _ROWS)
    with matcher("inline_bytes = 0") as server:
        end = time.monotonic() + seconds

        def some(number: int, share: float) -> Counter[str]:
            limit = min(share * seconds, max(0.1, end - time.monotonic()))
            settings = {"cancel_share": 0.1, "seed": sum(total.values())}
            return made(server.target, data, calls=number, callers=_CALLERS, seconds=limit, **settings).codes

        total: Counter[str] = Counter()
        warm = sum(some(min(_WARM_UP_CALLS, calls), _WARM_UP_SHARE).values())
        first = last = server.resident_mib
        print(f"{'calls':>9}{'MiB':>9}\n{0:>9}{first:>9.1f}   after {warm} to warm up", flush=True)
        while (done := sum(total.values())) < calls and time.monotonic() < end:
            total += some(step, 1 / _ROWS)
            last = server.resident_mib
            print(f"{sum(total.values()):>9}{last:>9.1f}", flush=True)
    assert done, "the time did not suffice for a call"
    print(f"{dict(sorted(total.items()))}; {(last - first) * 100_000 / done:+.2f} MiB per 100,000 calls")
    assert total["OK"] > 0.8 * done
    assert total["CANCELLED"] > 0.02 * done
    # A machine with much else to do can keep even four callers waiting; admission then turns some away.
    assert set(total) <= {"OK", "CANCELLED", "RESOURCE_EXHAUSTED"}, total


def main() -> int:
    """0: no caller saw a failure."""
    parser = argparse.ArgumentParser(prog="python -m bench.service.soak")
    parser.add_argument("--seconds", type=float, default=60.0, help="of replacing the server")
    parser.add_argument("--drains", type=int, help="end replacing after so many")
    parser.add_argument("--calls", type=int, default=100_000, help="of watching its memory")
    parser.add_argument("--calls-seconds", type=float, default=300.0, help="for these calls at most")
    args = parser.parse_args()
    try:
        built()
    except NoCallerError as reason:
        print(f"SKIPPED: the caller cannot be built: {reason}")
        return 0
    for key, value in facts().items():
        print(f"{key + ':':<11}{value}")
    if args.seconds:
        replacing(args.seconds, args.drains)
    if args.calls:
        remembering(args.calls, args.calls_seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
