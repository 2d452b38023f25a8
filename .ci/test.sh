#!/usr/bin/env bash
# Set up and run every test: native (as shipped, and under sanitizers), the Go client, then Python with the manifests.
# Arguments go to pytest. What was skipped, and why, stands in pytest's summary above its closing line, and in lines with SKIPPED.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
bash .ci/native.sh all
bash .ci/go.sh
bash .ci/manifests.sh
.venv/bin/python -m pytest "$@"
