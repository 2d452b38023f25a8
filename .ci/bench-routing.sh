#!/usr/bin/env bash
# Plans against best known ones and every peer that installs (extra "bench-routing"); charts of gap over CPU time in out/.
# Usage: bench-routing.sh [--full | arguments of bench.routing.reach]
# Without arguments: insertion, small mixed problems beside OR-Tools, and one instance of every class of 100 and 200 tasks
# at 0.1 and 1 CPU seconds: some five minutes. --full: the tables of docs/benchmarks.md, some hours with all peers.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
# One by one: a peer without a wheel for this platform is left out of the table, not a reason to have none.
.venv/bin/python - <<'PY' | while read -r peer; do
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench-routing"], sep="\n")
PY
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: "$peer" 2>/dev/null || echo "no wheel: $peer"
done
export OMP_NUM_THREADS=1
mkdir -p out
reach() { .venv/bin/python -m bench.routing.reach "$@" 2>>out/bench-routing.log; }
rungs() { echo "beside OR-Tools"; .venv/bin/python -m bench.routing.rungs --seconds 1 "$@"; }
if [ $# -gt 0 ] && [ "$1" != --full ]; then reach "$@"; exit; fi
.venv/bin/python tools/machine.py
echo "insertion"; .venv/bin/python -m bench.routing.insertion
if [ $# -eq 0 ]; then
  rungs --requests 8 20
  reach --budgets 0.1 1 --tasks 100 200 --per-class 1 --peers all --out out/routing.json --plot out/routing.svg
  exit
fi
rungs --requests 10 50 100
reach --budgets 0.1 1 10 --per-class 1 --peers all --out out/reach-hierarchical.json --plot out/reach-hierarchical.svg
reach --objective distance --budgets 1 --per-class 9 --peers all --out out/reach-distance.json --plot out/reach-distance.svg
reach --family sartori_buriol --tasks 100 200 --budgets 10 --per-class 2 --peers all --out out/reach-streets.json \
  --plot out/reach-streets.svg
