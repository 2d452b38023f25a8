"""``matcher report``: the HTML report of a run, from its metrics.json."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "report", help="write the HTML report of a run", description="A report from the metrics.json of any run."
    )
    parser.add_argument("run_directory", type=Path, metavar="DIR", help="what --out named; holds metrics.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the report, HTML")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the report; 0 when it is written."""
    from matcher.cli.metrics_view import MetricsError, metrics_view, read_metrics
    from matcher.console import write_report

    path = args.run_directory / "metrics.json"
    try:
        view = metrics_view(read_metrics(path), f"Run in {args.run_directory.name}", "", (("metrics", path.name),))
        write_report(view, args.out)
    except (MetricsError, OSError) as error:
        print(f"matcher report: {error}", file=sys.stderr)
        return 1
    print(f"written: {args.out}")
    return 0
