"""``matcher COMMAND``: finds the command's module and runs it."""

from __future__ import annotations

import argparse
import sys
from typing import Protocol

from matcher.cli import check_config, demo, match, replay, report, serve, simulate, solve, tune, version


class Command(Protocol):
    """What a command's module has. `run` imports what it needs: no command waits for another's libraries."""

    def add_parser(self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Add the command's parser, with `run` as its default `run`."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Execute the command; the exit status."""
        ...


COMMANDS: tuple[Command, ...] = (
    serve,
    demo,
    match,
    solve,
    simulate,
    replay,
    report,
    tune,
    check_config,
    version,
)


def main(argv: list[str] | None = None) -> int:
    """Exit status 0: done; 1: refused or failed, with the reason on standard error; 2: the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="matcher", description="Decisions for on-demand fulfilment.")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    args = parser.parse_args(argv)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone, e.g. `matcher ... | head`; the interpreter must not complain at exit.
        sys.stdout = None
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
