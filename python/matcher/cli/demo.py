"""``matcher demo``: a made-up city over lunch, played through a real gRPC server."""

from __future__ import annotations

import argparse
from pathlib import Path

from matcher.cli.configured import add_config_argument


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "demo",
        help="play a seeded demo market through a gRPC server and report on it",
        description="Two hours around lunch in a made-up city, one decision every 30 simulated seconds through a gRPC "
        "server in this process. Leaves report.html, metrics.json and journal/ in DIR.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the results are written")
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="which city (default 7)")
    parser.add_argument("--policy", default="default", metavar="NAME", help="policy that decides (default default)")
    add_config_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Play; 0 when the run went to its end and broke no rule."""
    from matcher.cli.demo_run import run_demo

    return run_demo(args)
