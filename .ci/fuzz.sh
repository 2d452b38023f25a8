#!/usr/bin/env bash
# Differential fuzzing of the native decoder against the official protobuf runtime. Usage: fuzz.sh [THOUSANDS [SEED]]
# (default 100 thousand inputs from seed 0). Two runs with other seeds try other inputs; a failure names its seed.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
MATCHER_FUZZ_SEEDS=${1:-100} MATCHER_FUZZ_FIRST_SEED=${2:-0} exec .venv/bin/python -m pytest -q -x \
  tests/wire/test_native_decoder.py -k wounded -p no:cacheprovider
