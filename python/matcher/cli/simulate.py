"""``matcher simulate``: recorded markets through the engine, or through a live server."""

from __future__ import annotations

import argparse
from pathlib import Path

from matcher.cli.configured import add_config_argument


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    simulate = subparsers.add_parser("simulate", help="run recorded markets through the engine")
    markets = simulate.add_subparsers(title="markets", metavar="MARKET", required=True)
    mdrp = markets.add_parser(
        "mdrp",
        help="days of the Meal Delivery Routing Problem (Reyes et al., 2018)",
        description="Runs days of meal delivery by the published rules, one decision a minute, without prepositioning "
        "and without assignment updates, and judges the solutions by a strict checker.",
    )
    mdrp.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="instance folder, folder of them, or archive")
    mdrp.add_argument("--out", type=Path, required=True, metavar="DIR", help="solutions, metrics.json and report.html")
    mdrp.add_argument("--only", default="", metavar="TEXT", help="only instances whose name contains TEXT")
    mdrp.add_argument("--jobs", type=int, default=2, metavar="N", help="days at a time, a process each (default 2)")
    mdrp.add_argument("--via", choices=("engine", "grpc"), default="engine", help="in this process, or a live server")
    mdrp.add_argument(
        "--target", default="auto", metavar="ADDRESS", help='for --via grpc: "host:port", "unix:/path"; auto: start one'
    )
    add_config_argument(mdrp)
    mdrp.add_argument("--policy", default="mdrp", metavar="NAME", help="policy that decides (default mdrp)")
    mdrp.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="KEY=VALUE",
        help="change a value of the policy, e.g. bundling.max_orders=1; may be repeated",
    )
    mdrp.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0: all solutions obey every rule; 1: one does not, or something cannot be used."""
    from matcher.cli.mdrp_run import run_mdrp

    return run_mdrp(args)
