#!/usr/bin/env bash
# Build and run the kernels' micro-benchmarks. Arguments go to every executable, e.g. --benchmark_filter=Dense.
# Each benchmark asserts its answer. Google Benchmark comes from the system (Debian: libbenchmark-dev), else is fetched.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
dir=build/bench
.venv/bin/cmake -S . -B "$dir" -G Ninja "-DCMAKE_MAKE_PROGRAM=$PWD/.venv/bin/ninja" -DMATCHER_BENCHES=ON \
  -DCMAKE_BUILD_TYPE=Release >/dev/null
.venv/bin/cmake --build "$dir" -j "$(nproc 2>/dev/null || echo 2)" >/dev/null
echo "machine:  $(.venv/bin/python -c 'import platform; print(platform.platform())'), $(nproc 2>/dev/null || echo ?) cores, $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)"
echo "compiler: $("${CXX:-c++}" --version | head -n 1)"
echo "commit:   $(git describe --always --dirty 2>/dev/null || echo unknown)"
for bench in "$dir"/bench/kernels/*_bench; do
  [ -x "$bench" ] || continue
  "$bench" "$@"
done
