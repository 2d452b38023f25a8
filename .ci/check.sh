#!/usr/bin/env bash
# Everything that reads the code without running it. Runs every step, then says which failed and how to mend each.
# Usage: check.sh [STEP...], e.g. `bash .ci/check.sh mypy clang-tidy`; without arguments all steps, in this order.
set -uo pipefail
cd "$(dirname "$0")/.."
bash .ci/setup.sh dev || exit 1
bin=$PWD/.venv/bin
steps=(ruff ruff-format mypy imports stubtest buf-lint buf-breaking generated dockerfile clang-format clang-tidy)

cpp_files() { find cpp tests/cpp bench/kernels -name '*.cpp' -o -name '*.h' | LC_ALL=C sort; }

step_ruff() { "$bin/ruff" check --quiet .; }
fix_ruff="make format mends most; a banned clock, random or environment read (TID251) belongs in app/ and comes in as an argument"
step_ruff_format() { "$bin/ruff" format --check --quiet . || { "$bin/ruff" format --check . | head -20; return 1; }; }
fix_ruff_format="make format"
step_mypy() { "$bin/mypy" --no-error-summary; }
fix_mypy="give the types; settings are in pyproject.toml [tool.mypy]"
step_imports() { local said; said=$("$bin/lint-imports" --no-logo 2>&1) || { echo "$said"; return 1; }; }
fix_imports="imports go down the storeys only: pyproject.toml [tool.importlinter] draws them, docs/architecture.md explains"
step_stubtest() { [ -f python/matcher/kernels/_native.pyi ] && MYPYPATH=python "$bin/stubtest" --concise matcher.kernels._native; }
fix_stubtest="make python/matcher/kernels/_native.pyi say what cpp/bindings registers"
step_buf_lint() { "$bin/buf" lint; }
fix_buf_lint="see buf.yaml; every message, field and method says what it means and its unit"
step_buf_breaking() { "$bin/python" tools/contract.py check; }
fix_buf_breaking="a released field keeps number, name and type: add a new one, or reserve the old (docs/decisions/0007)"
step_generated() {
  local stale=0 tool
  for tool in api_reference dashboard; do
    "$bin/python" "tools/$tool.py" --check || { echo "tools/$tool.py has something else to write"; stale=1; }
  done
  return $stale
}
fix_generated="run the tool that it names with .venv/bin/python and commit what it writes"
step_dockerfile() { "$bin/hadolint" Dockerfile; }
fix_dockerfile="the rule's page is on the hadolint wiki; ignore one only with its reason beside it"
step_clang_format() { cpp_files | xargs "$bin/clang-format" --dry-run -Werror; }
fix_clang_format="make format"
step_clang_tidy() { "$bin/python" tools/tidy.py; }
fix_clang_tidy="mend it, or say why not beside it: // NOLINT(name): reason"

[ $# -gt 0 ] && steps=("$@")
for step in "${steps[@]}"; do
  declare -F "step_${step//-/_}" >/dev/null || { echo "check.sh: there is no step $step" >&2; exit 2; }
done
failed=()
for step in "${steps[@]}"; do
  began=$SECONDS
  if "step_${step//-/_}"; then verdict=ok; else verdict=FAILED; failed+=("$step"); fi
  printf '%-14s %-6s %4d s\n' "$step" "$verdict" $((SECONDS - began))
done
[ ${#failed[@]} -eq 0 ] && exit 0
for step in "${failed[@]}"; do
  fix="fix_${step//-/_}"
  printf '%s failed: %s\n' "$step" "${!fix}" >&2
done
exit 1
