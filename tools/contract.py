"""Hold the wire contract of proto/ to the one last released, proto/baseline/matcher.v1.json.

    contract.py check      fails when today's contract would break a client built from the baseline (buf's FILE rules)
    contract.py release    makes today's contract the baseline; part of a release, never of a change

The baseline is a FileDescriptorSet in JSON, so that a release's change of contract can be read in review.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "proto" / "baseline" / "matcher.v1.json"
BUF = Path(sys.executable).parent / "buf"


def check() -> int:
    """Compare; buf prints each breaking change with its place."""
    against = f"{BASELINE.relative_to(ROOT)}#format=json"
    return subprocess.run([BUF, "breaking", "--against", against], cwd=ROOT, check=False).returncode


def release() -> int:
    """Write the baseline, without comments and positions: they are no part of the promise."""
    built = subprocess.run(
        [BUF, "build", "--exclude-source-info", "--as-file-descriptor-set", "-o", "-#format=json"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    BASELINE.write_text(json.dumps(json.loads(built.stdout), indent=1, sort_keys=True) + "\n")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold the wire contract to the one last released.")
    parser.add_argument("action", choices=["check", "release"])
    return {"check": check, "release": release}[parser.parse_args().action]()


if __name__ == "__main__":
    sys.exit(main())
