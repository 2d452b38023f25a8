#!/usr/bin/env bash
# Build and run the native tests: no Python takes part. Usage: native.sh [release|sanitize|all] (default all).
#   release   as shipped
#   sanitize  AddressSanitizer and UndefinedBehaviorSanitizer, with assertions of ours and of the standard library
# GoogleTest comes from the system (Debian: libgtest-dev), else CMake fetches it; with neither the tests are skipped
# with a reason, which under CI is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
which=${1:-all}
cmake=$PWD/.venv/bin/cmake; [ -x "$cmake" ] || cmake=cmake
ctest=$PWD/.venv/bin/ctest; [ -x "$ctest" ] || ctest=ctest
generator=(); [ ! -x .venv/bin/ninja ] || generator=(-G Ninja "-DCMAKE_MAKE_PROGRAM=$PWD/.venv/bin/ninja")
jobs=$(nproc 2>/dev/null || echo 2)

build_and_test() { # NAME CMAKE_OPTION...
  local name=$1 dir=build/native-$1; shift
  mkdir -p "$dir"
  if ! "$cmake" -S . -B "$dir" "${generator[@]}" -DMATCHER_TESTS=ON "$@" >"$dir/configure.log" 2>&1; then
    if grep -qi googletest "$dir/configure.log"; then
      echo "native tests ($name) SKIPPED: no GoogleTest on the system and none could be fetched; Debian: apt-get install libgtest-dev"
      [ -z "${CI:-}" ]; return
    fi
    cat "$dir/configure.log" >&2
    return 1
  fi
  "$cmake" --build "$dir" -j "$jobs" >"$dir/build.log" 2>&1 || { cat "$dir/build.log" >&2; return 1; }
  echo "native tests ($name):"
  (cd "$dir" && "$ctest" --output-on-failure --no-tests=error -j "$jobs" --progress >test.log 2>&1) ||
    { cat "$dir/test.log" >&2; return 1; }
  tail -n 4 "$dir/test.log" | sed '/^$/d'
}

case $which in release | sanitize | all) ;; *) echo "usage: .ci/native.sh [release|sanitize|all]" >&2; exit 2 ;; esac
if [ "$which" != sanitize ]; then build_and_test release -DCMAKE_BUILD_TYPE=Release; fi
if [ "$which" != release ]; then
  build_and_test sanitize -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1 -D_GLIBCXX_ASSERTIONS" -DMATCHER_SANITIZE=address,undefined
fi
