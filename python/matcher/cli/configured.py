"""The --config argument of commands that are configured."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matcher.app import Config

_VARIABLE = "MATCHER_CONFIG"


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Add --config."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"configuration in TOML (default: ${_VARIABLE}, else built in)"
    )


def read_config(args: argparse.Namespace) -> Config:
    """The configuration that --config, else the environment, names. Raises ConfigError."""
    from matcher.app import load_config

    named = args.config or os.environ.get(_VARIABLE)
    return load_config(Path(named) if named else None)
