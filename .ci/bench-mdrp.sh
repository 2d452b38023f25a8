#!/usr/bin/env bash
# The reach table of the Grubhub days and the ablations. Arguments go to bench.dispatch, e.g. --days '^0o50' --jobs 4.
# Needs the yardstick data: MATCHER_DATA, or ../shared/data.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
exec .venv/bin/python -m bench.dispatch "$@"
