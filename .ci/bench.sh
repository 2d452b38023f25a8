#!/usr/bin/env bash
# Build and run the benchmarks: the kernels' (micro), decide() by stage (meso), and Match over gRPC (macro).
# Arguments go to the kernels' executables, which then run alone, e.g. --benchmark_filter=Dense.
# Each benchmark asserts its answer. Google Benchmark comes from the system (Debian: libbenchmark-dev), else is fetched.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
dir=build/bench
.venv/bin/cmake -S . -B "$dir" -G Ninja "-DCMAKE_MAKE_PROGRAM=$PWD/.venv/bin/ninja" -DMATCHER_BENCHES=ON \
  -DCMAKE_BUILD_TYPE=Release >/dev/null
.venv/bin/cmake --build "$dir" -j "$(nproc 2>/dev/null || echo 2)" >/dev/null
.venv/bin/python tools/machine.py
for bench in "$dir"/bench/kernels/*_bench; do
  [ -x "$bench" ] || continue
  "$bench" "$@"
done
if [ $# -eq 0 ]; then
  .venv/bin/python -m bench.engine --out out/bench/engine.json
  .venv/bin/python -m bench.service --out out/bench/service.json
fi
