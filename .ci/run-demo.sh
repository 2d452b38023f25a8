#!/usr/bin/env bash
# Set everything up (only what has changed) and play the demo market through a real gRPC server. Results: out/demo.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh run
exec .venv/bin/matcher demo --out out/demo "$@"
