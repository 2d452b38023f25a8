"""Print what a table of figures needs above it: machine, compiler, libraries and commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _said(*command: str) -> str:
    """First line that a command prints; "unknown" where it cannot run."""
    try:
        lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return lines[0] if lines else "unknown"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.split(": ", 1)[1] for line in text.splitlines() if line.startswith("model name")), "unknown")


def facts() -> dict[str, str]:
    """What a figure depends on besides the code that it measures."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "ortools", "grpcio"))
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "compiler": _said(os.environ.get("CXX", "c++"), "--version"),
        "libraries": f"Python {platform.python_version()}, {libraries}",
        "commit": _said("git", "describe", "--always", "--dirty"),
    }


def main() -> None:
    for name, value in facts().items():
        print(f"{name + ':':<11}{value}")


if __name__ == "__main__":
    main()
