#!/usr/bin/env bash
# A server under callers while it is replaced and killed, and its memory over many calls of which a tenth is cancelled.
# The defaults end within ten minutes on any machine. A hundred drains and a million calls:
# DRAINS=100 SECONDS_EACH=7200 CALLS=1000000 CALLS_SECONDS=20000 (how long that takes: docs/benchmarks.md).
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
exec .venv/bin/python -m bench.service.soak --seconds "${SECONDS_EACH:-60}" ${DRAINS:+--drains "$DRAINS"} \
  --calls "${CALLS:-100000}" --calls-seconds "${CALLS_SECONDS:-300}"
