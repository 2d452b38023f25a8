#!/usr/bin/env bash
# Set everything up (only what has changed) and serve the gRPC API until Ctrl-C. Arguments go to `matcher serve`.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh run
exec .venv/bin/matcher serve --journal out/journal "$@"
