#!/usr/bin/env bash
# Build the tools that the manifests are tested with, kustomize and tools/manifests, into build/manifests/bin. Needs Go
# (tools/manifests/go.mod says which) and a module proxy on the first run; without Go the tests that need them are
# skipped with a reason, which under CI is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
skip() {
  echo "manifest tools SKIPPED: $1"
  [ -z "${CI:-}" ]
  exit
}
command -v go >/dev/null || skip "there is no go command; install Go to test the rendered manifests"
bin=$PWD/build/manifests/bin
mkdir -p "$bin"
cd tools/manifests
# A proxy far away times out now and then: what came stays, so the next try asks for less.
for attempt in 1 2 3 4; do
  said=$(go mod download 2>&1) && break
  [ "$attempt" -lt 4 ] || skip "their modules cannot be had: $said"
  sleep $((attempt * 3))
done
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "gofmt -w these: $unformatted" >&2; exit 1; }
GOFLAGS=-trimpath go build -o "$bin/manifests" .
GOFLAGS=-trimpath go build -o "$bin/kustomize" sigs.k8s.io/kustomize/kustomize/v5
