#!/usr/bin/env bash
# Make .venv and install the project into it, editable. Usage: setup.sh [run|dev]. Does nothing when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-run}
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "matcher needs Python 3.11 or newer; set PYTHON=" >&2; exit 1; }
command -v "${CXX:-c++}" >/dev/null || { echo "matcher needs a C++20 compiler (c++, or CXX=...)" >&2; exit 1; }

[ -x .venv/bin/python ] || "$python" -m venv .venv
digest() { cat "$@" 2>/dev/null | sha256sum | cut -d' ' -f1; }
extras=""; [ "$kind" = dev ] && extras="[dev]"

# Python dependencies change with pyproject.toml only; the extension with any C++ or proto file.
deps="$kind-$(digest pyproject.toml)"
build="$deps-$(digest $(git ls-files -co --exclude-standard CMakeLists.txt 'cpp/*' 'proto/*' tools/gen_proto.py 2>/dev/null || find CMakeLists.txt cpp proto tools/gen_proto.py -type f | sort))"
have=$(cat .venv/.matcher-build 2>/dev/null || true)
if [ "$have" = "$build" ] || { [ "$kind" = run ] && [ "$have" = "${build/#run-/dev-}" ]; }; then exit 0; fi

if [ ! -f .venv/.matcher-deps ]; then
  echo "setting up .venv (once) ..."
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "scikit-build-core>=0.11,<2" "pybind11>=3.0,<4" "grpcio-tools>=1.81,<1.82" "cmake>=3.24" ninja
  touch .venv/.matcher-deps
fi
echo "building the extension ..."
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e ".$extras"
echo "$build" > .venv/.matcher-build
