#!/usr/bin/env bash
# The assignment table against every exact peer that installs (extra "bench"), and a chart of cost growth in
# out/assignment.svg. Arguments go to bench.assignment.run.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
# One by one: a peer without a wheel for this platform is left out of the table, not a reason to have none.
.venv/bin/python - <<'PY' | while read -r peer; do
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"], sep="\n")
PY
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: "$peer" 2>/dev/null || echo "no wheel: $peer"
done
.venv/bin/python tools/machine.py
.venv/bin/python -m bench.assignment.run --json out/assignment.json "$@"
