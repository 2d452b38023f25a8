"""The one way to the yardstick data, which cannot be shipped with the project: a path, or a skip that says why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data(*parts: str) -> Path:
    """A path below MATCHER_DATA (default: ../shared/data of the repository); skips the test when it is not there."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("MATCHER_DATA", default)).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)} of the yardstick data (set MATCHER_DATA to its folder)")
    return path
