#!/usr/bin/env bash
# The Reach tables of docs/benchmarks.md. Usage: bench-routing.sh [arguments of bench.routing.reach]
# Without arguments: one instance of every class at 0.1, 1 and 10 CPU seconds, then pure distance and real streets.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
reach() { .venv/bin/python -m bench.routing.reach "$@" 2>>out/bench-routing.log; }
mkdir -p out
if [ $# -gt 0 ]; then reach "$@"; exit; fi
echo "insertion"; .venv/bin/python -m bench.routing.insertion
echo "beside OR-Tools"; .venv/bin/python -m bench.routing.rungs --seconds 1 --requests 10 50 100
reach --budgets 0.1 1 10 --per-class 1 --out out/reach-hierarchical.json
reach --objective distance --budgets 1 --per-class 9 --out out/reach-distance.json
reach --family sartori_buriol --tasks 100 200 --budgets 10 --per-class 2 --out out/reach-streets.json
