#!/usr/bin/env bash
# Debian packages that the tests use and pip cannot give: GoogleTest and Google Benchmark for the native tests, promtool
# (in prometheus) for the alert rules. Installs what is missing when it may (root, apt-get); elsewhere does nothing: the
# tests say what they skip.
set -euo pipefail
packages=(libgtest-dev libbenchmark-dev prometheus)
command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || exit 0
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "matcher: not root, so not installing ${missing[*]}; run: sudo apt-get install ${missing[*]}" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
echo "matcher: installing ${missing[*]} ..."
for attempt in 1 2 3; do
  apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && exit 0
  sleep $((attempt * 5))
done
echo "matcher: apt-get could not install ${missing[*]}" >&2
[ -z "${CI:-}" ]
