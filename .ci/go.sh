#!/usr/bin/env bash
# Generate the Go stubs and test the Go client against the Python server. Usage: go.sh [build|test|all] (default all).
#   build   stubs, vet and everything compiled; no test runs
#   test    the tests of what was built
# Needs Go (clients/go/go.mod says which) and a module proxy on the first run; without Go the tests are skipped with a
# reason, which under CI is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
which=${1:-all}
case $which in build | test | all) ;; *) echo "usage: .ci/go.sh [build|test|all]" >&2; exit 2 ;; esac
skip() {
  echo "Go client tests SKIPPED: $1"
  [ -z "${CI:-}" ]
  exit
}
command -v go >/dev/null || skip "there is no go command; install Go to run them"
run_tests() { # a busy machine starts servers slowly, and the suite starts a few
  (cd clients/go && go test -count=1 -timeout 30m ./...)
}
if [ "$which" = test ]; then
  [ -e build/go/built ] || skip "they are not built; bash .ci/go.sh build says why"
  run_tests
  exit
fi
rm -f build/go/built
said=$(cd clients/go && go mod download 2>&1) || skip "its modules cannot be had: $said"
root=$PWD bin=$PWD/build/go/bin
mkdir -p "$bin"
cd clients/go
GOBIN=$bin go install tool
"$root/.venv/bin/python" -m grpc_tools.protoc -I "$root/proto" \
  --plugin="protoc-gen-go=$bin/protoc-gen-go" --plugin="protoc-gen-go-grpc=$bin/protoc-gen-go-grpc" \
  --go_out=. --go_opt=module=github.com/matcher/matcher/clients/go \
  --go-grpc_out=. --go-grpc_opt=module=github.com/matcher/matcher/clients/go \
  "$root"/proto/matcher/v1/*.proto
unformatted=$(gofmt -l ./*.go example internal)
[ -z "$unformatted" ] || { echo "gofmt -w these: $unformatted" >&2; exit 1; }
# The README's snippet compiles as it stands there, inside a function of a program's main package.
readme=$(mktemp -d "$PWD/readme.XXXXXX")
trap 'rm -rf "$readme"' EXIT
{
  printf '%s\n' 'package main' 'import ("context"; "time"; "github.com/matcher/matcher/clients/go"' \
    'matcherv1 "github.com/matcher/matcher/clients/go/matcher/v1")' 'func main() { _ = snippet() }' 'func snippet() error {'
  sed -n '/^```go$/,/^```$/p' "$root/README.md" | sed '/^```/d'
  printf '%s\n' '_ = decision; return err }'
} >"$readme/main.go"
go vet ./...
go test -count=1 -run '^$' ./... >/dev/null
go build -o "$bin/caller" ./internal/caller # of the benches
cd "$root"
touch build/go/built
if [ "$which" = all ]; then run_tests; fi
