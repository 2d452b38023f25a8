#!/usr/bin/env bash
# The native packing solver against CP-SAT, HiGHS and SCIP (Gurobi and CPLEX where installed) on seeded instances.
# Arguments go to `python -m bench.packing`, e.g. --families random cycle --seeds 10 --seconds 0.2 1 5.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
exec .venv/bin/python -m bench.packing "$@"
