#!/usr/bin/env bash
# Fuzzing of every native assignment entry under AddressSanitizer and UndefinedBehaviorSanitizer: any bytes are a problem,
# each answer's matching, bound and certificate are checked. Usage: fuzz-assignment.sh [THOUSANDS [SEED]] (default 1000
# thousand problems from seed 0). Other seeds try other problems; a failure names its seed, or the thousand it was in.
# Needs GoogleTest, as .ci/native.sh does, and no Python beyond its cmake.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake=$PWD/.venv/bin/cmake; [ -x "$cmake" ] || cmake=cmake
generator=(); [ ! -x .venv/bin/ninja ] || generator=(-G Ninja "-DCMAKE_MAKE_PROGRAM=$PWD/.venv/bin/ninja")
dir=build/fuzz-assignment
mkdir -p "$dir"
{
  "$cmake" -S . -B "$dir" "${generator[@]}" -DMATCHER_TESTS=ON -DCMAKE_BUILD_TYPE=Debug \
    "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1 -D_GLIBCXX_ASSERTIONS" -DMATCHER_SANITIZE=address,undefined
  "$cmake" --build "$dir" --target assign_tests
} >"$dir/build.log" 2>&1 || { cat "$dir/build.log" >&2; exit 1; }
MATCHER_FUZZ_SEEDS=${1:-1000} MATCHER_FUZZ_FIRST_SEED=${2:-0} UBSAN_OPTIONS=print_stacktrace=1 \
  exec "$(find "$dir" -name assign_tests -type f)" --gtest_filter='AssignmentFuzz.*' --gtest_brief=1
