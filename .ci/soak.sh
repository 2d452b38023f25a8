#!/usr/bin/env bash
# A server under callers while it is replaced and killed, and its memory over many calls of which a tenth is cancelled.
# The defaults end within ten minutes on any machine; SECONDS_EACH=3600 CALLS=1000000 CALLS_SECONDS=20000 is a night.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
exec .venv/bin/python -m bench.service.soak --seconds "${SECONDS_EACH:-60}" --calls "${CALLS:-100000}" \
  --calls-seconds "${CALLS_SECONDS:-300}"
