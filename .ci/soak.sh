#!/usr/bin/env bash
# A server under callers while it is replaced and killed, and its memory over many calls of which a tenth is cancelled.
# SECONDS_EACH and CALLS say for how long: the defaults take a few minutes; SECONDS_EACH=3600 CALLS=1000000 a night.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
exec .venv/bin/python -m bench.service.soak --seconds "${SECONDS_EACH:-60}" --calls "${CALLS:-100000}"
