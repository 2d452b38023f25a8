#!/usr/bin/env bash
# Make .venv and install the project into it, editable. Usage: setup.sh [run|dev]. Does nothing when nothing changed.
#
# Needs Python 3.11+ and a C++20 compiler; everything else (cmake, ninja, protoc) comes as wheels. Safe to run twice at
# once: the second waits. A run that was interrupted is simply repeated.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-run}
case $kind in run) extras="" ;; dev) extras="[dev]" ;; *) echo "usage: .ci/setup.sh [run|dev]" >&2; exit 2 ;; esac

die() { printf 'matcher: %s\n' "$@" >&2; exit 1; }

if command -v flock >/dev/null && [ "${MATCHER_SETUP_LOCKED:-}" != "$PWD" ]; then
  MATCHER_SETUP_LOCKED="$PWD" exec flock .ci/setup.sh bash .ci/setup.sh "$kind"
fi

# The first interpreter that is new enough; PYTHON= decides otherwise.
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
python=""
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
  if command -v "$candidate" >/dev/null && new_enough "$candidate"; then python=$candidate; break; fi
done
[ -n "$python" ] || die "needs Python 3.11 or newer; install it, or name it: make run PYTHON=/path/to/python"
command -v "${CXX:-c++}" >/dev/null || die "needs a C++20 compiler (c++); install one, or name it: make run CXX=clang++"

if [ ! -x .venv/bin/pip ] || [ ! -x .venv/bin/python ]; then # pip comes last: without it the venv is half made
  rm -rf .venv
  "$python" -m venv .venv || { rm -rf .venv; die "'$python -m venv' failed; Debian and Ubuntu keep it in the package python3-venv"; }
fi

sources() {
  git ls-files -co --exclude-standard CMakeLists.txt 'cpp/*' 'proto/matcher/*' tools/gen_proto.py 2>/dev/null ||
    find CMakeLists.txt cpp proto/matcher tools/gen_proto.py -type f
}
# Names and contents, in one order; a file deleted in the work tree counts as absent.
digest() {
  LC_ALL=C sort -u | .venv/bin/python -c '
import hashlib, pathlib, sys
total = hashlib.sha256()
for name in sys.stdin.read().split("\n"):
    path = pathlib.Path(name)
    if name and path.is_file():
        total.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
print(total.hexdigest()[:32])'
}
stamp() { cat ".venv/.matcher-$1" 2>/dev/null || true; }

# Dependencies change with pyproject.toml and this script; the extension with any C++, CMake or proto file too.
deps=$(printf '%s\n' pyproject.toml .ci/setup.sh | digest)
build="$deps-$(sources | digest)-${CXX:-c++}"
installed=$(stamp deps)
if [ "$installed" = "$kind-$deps" ] || [ "$installed" = "dev-$deps" ]; then
  [ "$(stamp build)" = "$build" ] && exit 0
  no_deps=--no-deps # a change of C++ or proto asks nothing of the network
else
  no_deps=""
fi

pip() { .venv/bin/python -m pip "$@" --quiet --disable-pip-version-check --retries 8 --timeout 60; }
if [ -z "$no_deps" ]; then
  echo "matcher: installing the tools that build it ..."
  # The build runs without isolation, so that its directory is reused; its requirements are read from pyproject.toml.
  .venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
    >.venv/.matcher-requirements
  pip install --no-compile -r .venv/.matcher-requirements "cmake>=3.24" ninja ||
    die "pip could not install the build tools (is a package index reachable?)"
fi
echo "matcher: building the extension$([ -n "$no_deps" ] || echo " and installing dependencies") ..."
rm -f .venv/.matcher-build
PATH="$PWD/.venv/bin:$PATH" pip install --no-compile --no-build-isolation $no_deps -e ".$extras" ||
  die "the build failed; the lines above say why"
if [ -z "$no_deps" ]; then echo "$kind-$deps" >.venv/.matcher-deps; fi
echo "$build" >.venv/.matcher-build
