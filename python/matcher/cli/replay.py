"""``matcher replay``: decisions of a journal made again, and what differs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

_SHOWN = 10


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "replay",
        help="make the decisions of a journal again and compare them byte for byte",
        description="Exit status 0: every decision is identical; 1: one differs, or the journal is damaged.",
    )
    parser.add_argument("journal", type=Path, metavar="JOURNAL", help="directory of a journal, or one segment")
    parser.add_argument(
        "--json", action="store_true", help='print {"records": n, "identical": n, "different": n} on standard output'
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay; 0 when all is identical."""
    from rich.console import Console
    from rich.progress import Progress

    from matcher.app import this_build
    from matcher.journal import JournalError, JournalReader, SegmentState
    from matcher.replay import Replayed, replay

    records, different = 0, []
    builds: dict[str, int] = {}
    progress = Progress(
        "{task.description}", "{task.completed} decisions", console=Console(stderr=True), transient=True
    )
    try:
        reader = JournalReader(args.journal)
        with progress:
            task = progress.add_task("replaying", total=None)
            one: Replayed
            for one in replay(reader.entries()):
                records += 1
                builds[one.recorded_build.digest] = builds.get(one.recorded_build.digest, 0) + 1
                if not one.identical:
                    different.append(one)
                progress.advance(task)
    except (JournalError, OSError) as error:
        print(f"matcher replay: {error}", file=sys.stderr)
        return 1
    own = this_build()
    for digest, count in sorted(builds.items()):
        if digest != own.digest:
            print(f"{count} decisions were made by build {digest}; this is build {own.digest}", file=sys.stderr)
    for note in reader.notes:
        print(f"{note.segment} is {note.state.value}: {note.text}", file=sys.stderr)
    for one in different[:_SHOWN]:
        where = f"{one.segment} row {one.index}"
        print(f"decision {one.decision_id} ({where}) differs in {one.difference}", file=sys.stderr)
    if len(different) > _SHOWN:
        print(f"... and {len(different) - _SHOWN} more", file=sys.stderr)
    counts = {"records": records, "identical": records - len(different), "different": len(different)}
    if args.json:
        print(json.dumps(counts))
    else:
        print(", ".join(f"{count} {name}" for name, count in counts.items()))
    damaged = any(note.state is SegmentState.DAMAGED for note in reader.notes)
    return 1 if different or damaged else 0
