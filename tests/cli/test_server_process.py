"""A server starts without the libraries that only other libraries might want."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.instances import snapshot
from tests.service.serving import addresses_of, raw_call, serve_process, socket_path

from matcher import wire
from matcher.journal import JournalReader

MAPS = Path("/proc/self/maps")


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
