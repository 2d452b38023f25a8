#!/usr/bin/env bash
# What the service costs and promises: latency and throughput beside transport and message objects, telemetry, health,
# deadlines, overload, half-open calls. Arguments go to bench.service.reach, e.g. `bash .ci/bench-service.sh overload`.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
exec .venv/bin/python -m bench.service.reach "$@"
