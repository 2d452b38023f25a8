#!/usr/bin/env bash
# Rewrite the sources to the house format: ruff for Python, clang-format for C++.
set -euo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev
.venv/bin/ruff check --fix-only --quiet .
.venv/bin/ruff format --quiet .
find cpp tests/cpp bench/kernels \( -name '*.cpp' -o -name '*.h' \) -print0 | xargs -0 .venv/bin/clang-format -i
