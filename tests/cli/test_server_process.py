"""A server starts without the libraries that only other libraries might want."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from bench.instances import snapshot
from tests.service.serving import addresses_of, raw_call, serve_process, socket_path

from matcher import wire
from matcher.journal import JournalReader

MAPS = Path("/proc/self/maps")
CALLS = 200


def test_libraries_that_look_for_others_find_none_and_do_their_work() -> None:
    """In a process of its own, as what was imported stays: afterwards everything can be imported as before."""
    script = """
import sys
from matcher.cli.server_process import settle, without
settle()
import pyarrow, structlog
assert pyarrow.array([1, None, 3], pyarrow.int8()).null_count == 1
assert {"pandas", "rich"}.isdisjoint(sys.modules), "nobody asked for them"
import pandas, rich
with without("rich"):
    import rich.console  # what is there stays
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_collector_passes_over_what_the_start_has_made() -> None:
    """And finds what calls leave behind, as before."""
    script = """
import gc, weakref
from matcher.cli.server_process import spare_what_stays
spare_what_stays()
assert gc.get_freeze_count() > 1_000
class Node: pass
node = Node()
node.itself, seen = node, weakref.ref(node)
del node
gc.collect()
assert seen() is None
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not MAPS.exists(), reason="libraries of another process are read from /proc, which there is none")
def test_a_server_with_a_journal_maps_nothing_of_pandas(tmp_path: Path) -> None:
    """Callers wait for a server that starts again after a crash; its journal needs Arrow, but not what Arrow offers."""
    journal = tmp_path / "journal"
    with serve_process("--listen", socket_path(tmp_path), "--journal", str(journal)) as process:
        (address,) = addresses_of(process)
        raw_call(address, "/matcher.v1.MatchingService/Match", wire.encode_match_request(snapshot("village-6x4")))
        mapped = Path(f"/proc/{process.pid}/maps").read_text()
    assert "pyarrow" in mapped
    assert "pandas" not in mapped
    assert len(list(JournalReader(journal).entries())) == 1


def _switches(process: int, thread_name: str) -> int:
    """How often threads of that name have waited for something."""
    total = 0
    for task in Path(f"/proc/{process}/task").iterdir():
        if (task / "comm").read_text().startswith(thread_name):
            fields = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
            total += int(fields["voluntary_ctxt_switches"])
    return total


@pytest.mark.skipif(not MAPS.exists(), reason="threads of another process are read from /proc, which there is none")
def test_sockets_are_read_where_calls_are_handed_on(tmp_path: Path) -> None:
    """gRPC's pool of threads has no part in a call: with it they switch there five times a call. A gRPC
    that does not know the setting any more ignores it, and would be found out here."""
    with serve_process("--listen", socket_path(tmp_path)) as process:
        (address,) = addresses_of(process)
        request = wire.encode_match_request(snapshot("village-6x4"))
        with grpc.insecure_channel(address) as channel:
            call = channel.unary_unary("/matcher.v1.MatchingService/Match")
            call(request, timeout=30)
            before = _switches(process.pid, "event_engine")
            for _ in range(CALLS):
                call(request, timeout=30)
        assert _switches(process.pid, "event_engine") - before < 2 * CALLS


@pytest.mark.skipif(not MAPS.exists(), reason="threads of another process are read from /proc, which there is none")
def test_kernel_threads_step_back_and_no_others(tmp_path: Path) -> None:
    """What all callers wait for goes first when processors are scarce."""
    config = tmp_path / "matcher.toml"
    config.write_text("[server]\nconnection_age_seconds = 1\nworker_threads = 3\nkernel_nice = 7\n")
    with serve_process("--config", str(config), "--listen", socket_path(tmp_path)) as process:
        addresses_of(process)
        threads = [int(task.name) for task in Path(f"/proc/{process.pid}/task").iterdir()]
        nices = [os.getpriority(os.PRIO_PROCESS, thread) for thread in threads]
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert [nice for nice in nices if nice != ours] == ([7] * 3 if ours < 7 else [])
