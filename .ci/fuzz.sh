#!/usr/bin/env bash
# Differential fuzzing of the native decoders against the official protobuf runtime, under AddressSanitizer and
# UndefinedBehaviorSanitizer. Usage: fuzz.sh [THOUSANDS [SEED]] (default 100 thousand inputs from seed 0). Two runs with
# other seeds try other inputs; a failure names its seed. The first run builds the extension once more, with sanitizers.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
python=$PWD/.venv/bin/python dir=$PWD/build/fuzz thousands=${1:-100} seed=${2:-0}
mkdir -p "$dir"
{
  .venv/bin/cmake -S . -B "$dir" -G Ninja "-DCMAKE_MAKE_PROGRAM=$PWD/.venv/bin/ninja" -DSKBUILD=ON \
    -DSKBUILD_PROJECT_VERSION=0 "-DPython_EXECUTABLE=$python" "-Dpybind11_DIR=$("$python" -m pybind11 --cmakedir)" \
    -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1 -D_GLIBCXX_ASSERTIONS" -DMATCHER_SANITIZE=address,undefined
  .venv/bin/cmake --build "$dir" --target _native
} >"$dir/build.log" 2>&1 || { cat "$dir/build.log" >&2; exit 1; }
native=$(ls "$dir"/cpp/_native*.so)
compiler=${CXX:-c++}
# The interpreter is not instrumented: the runtimes come first, and what it does not free at its end is no leak of ours.
runtimes="$("$compiler" -print-file-name=libasan.so) $("$compiler" -print-file-name=libubsan.so)"
while [ "$thousands" -gt 0 ]; do # a process a million: what pytest keeps of each case adds up
  piece=$((thousands < 1000 ? thousands : 1000))
  LD_PRELOAD=$runtimes ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 MATCHER_NATIVE=$native \
    MATCHER_FUZZ_SEEDS=$piece MATCHER_FUZZ_FIRST_SEED=$seed "$python" -m pytest -q -x -p tests.wire.sanitized \
    tests/wire/test_native_decoder.py tests/wire/test_native_solve.py -k wounded -p no:cacheprovider
  thousands=$((thousands - piece)) seed=$((seed + piece))
done
