#!/usr/bin/env bash
# Set up and run every test: native (as shipped, and under sanitizers), the Go client, then Python with the manifests.
# Arguments go to pytest. What was skipped, and why, stands in pytest's summary above its closing line, and in lines with SKIPPED.
#
# Compilers share the processors; tests run when nothing else does, for some of them watch the clock.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE= # the tests start many processes; each would compile what it imports again
logs=build/test
mkdir -p "$logs"
shown() { # NAME PROCESS: wait for it and show what it said
  local status=0
  wait "$2" || status=$?
  cat "$logs/$1.log"
  return $status
}
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

bash .ci/manifests.sh >"$logs/manifests.log" 2>&1 &
manifests=$!
bash .ci/setup.sh dev
if [ -n "${CI:-}" ]; then # of the benchmarks' peers the one whose adapter has tests
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 8 "pylmcf>=1.3"
fi
bash .ci/go.sh build >"$logs/go.log" 2>&1 &
go=$!
bash .ci/native.sh all
shown manifests $manifests
shown go $go
bash .ci/go.sh test
workers=$(nproc 2>/dev/null || echo 2)
.venv/bin/python -m pytest -n "$((workers < 4 ? workers : 4))" "$@"
