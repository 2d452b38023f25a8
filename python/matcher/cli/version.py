"""``matcher version``: which build this is."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("version", help="print the version and the digest of the deciding code")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print one line."""
    del args
    from matcher.app import this_build

    build = this_build()
    print(f"matcher {build.version} (decisions {build.digest})")
    return 0
