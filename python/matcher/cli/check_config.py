"""``matcher check-config FILE``: would a server start with it?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("check-config", help="check a configuration file; tells everything that is wrong")
    parser.add_argument("file", type=Path, metavar="FILE.toml")
    parser.add_argument("--show", action="store_true", help="print every value in force, as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when the file can be used."""
    import json
    from dataclasses import asdict, replace

    from matcher.app import ConfigError, load_config

    try:
        config = load_config(args.file)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    if args.show:
        print(json.dumps(asdict(replace(config, policies=dict(config.policies))), indent=2, default=str))
    else:
        print(f"{args.file}: good; policies {', '.join(sorted(config.policies))}; digest {config.digest}")
    return 0
