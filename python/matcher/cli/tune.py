"""``matcher tune``: search for the policy that does best on recorded days."""

from __future__ import annotations

import argparse
from pathlib import Path

from matcher.cli.configured import add_config_argument

_WEIGHTS = ("click_to_door_mean=1", "undelivered_pct=4", "overage_mean=0.5", "cost_per_order=0.5")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    tune = subparsers.add_parser(
        "tune",
        help="search for the policy that does best on recorded days",
        description="Changes a policy's numbers and keeps what lowers the weighted sum of metrics, mean over days. "
        "Days are in the format of the Meal Delivery Routing Problem. Started again with the same --out it continues.",
    )
    tune.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="instance folder, folder of them, or archive")
    tune.add_argument("--out", type=Path, required=True, metavar="DIR", help="trials.jsonl, and best.toml to be served")
    tune.add_argument("--only", default="", metavar="REGEX", help="only days whose name it matches somewhere")
    tune.add_argument("--generations", type=int, default=10, metavar="N", help="rounds of the search (default 10)")
    tune.add_argument("--trials", type=int, default=8, metavar="N", help="policies tried in a round (default 8)")
    tune.add_argument("--seed", type=int, default=0, help="of everything drawn (default 0)")
    tune.add_argument("--jobs", type=int, default=2, metavar="N", help="days at a time, a process each (default 2)")
    tune.add_argument(
        "--weight",
        action="append",
        default=[],
        dest="weights",
        metavar="METRIC=WEIGHT",
        help=f"part of what is lowered; may be repeated (default {' '.join(_WEIGHTS)})",
    )
    tune.add_argument(
        "--knob", action="append", default=[], dest="knobs", metavar="NAME", help="change only this; may be repeated"
    )
    add_config_argument(tune)
    tune.add_argument("--policy", default="mdrp", metavar="NAME", help="where the search starts (default mdrp)")
    tune.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="KEY=VALUE",
        help="change the start; may be repeated",
    )
    tune.set_defaults(run=run, default_weights=_WEIGHTS)


def run(args: argparse.Namespace) -> int:
    """0: the search has ended and best.toml holds the best policy; 1: something cannot be used."""
    from matcher.cli.tune_run import run_tune

    return run_tune(args)
