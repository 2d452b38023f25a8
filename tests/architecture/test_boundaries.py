"""Boundaries that neither import-linter nor ruff can see."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ROOT / "python" / "matcher"


def test_import_matcher_is_light() -> None:
    """A client or a notebook that imports matcher must not wait for solvers: they cost most of a second and 100 MiB."""
    heavy = ["grpc", "matplotlib", "numpy.random", "opentelemetry.sdk", "ortools", "pyarrow", "scipy"]
    code = f"import json, sys, matcher; print(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == []


CPP = sorted(path for suffix in ("*.h", "*.cpp") for path in (ROOT / "cpp").rglob(suffix))
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
# What a kernel may not know: Python, messages, clocks, files, streams, the network, threads that it would own.
FOREIGN = re.compile(
    r"^(Python\.h|pybind11/.*|google/.*|grpc.*|chrono|ctime|time\.h|random|iostream|fstream|cstdio|stdio\.h|"
    r"filesystem|sys/.*|unistd\.h|bindings/.*)$"
)


@pytest.mark.parametrize("path", CPP, ids=lambda path: path.relative_to(ROOT / "cpp").as_posix())
def test_kernels_know_the_standard_library_only(path: Path) -> None:
    """Kernels build, test and sanitise without Python, and replay exactly: no clock, no randomness, no I/O. Only
    bindings/ meets Python."""
    relative = path.relative_to(ROOT / "cpp")
    if relative.parts[0] == "bindings":
        return
    found = [header for header in INCLUDE.findall(path.read_text()) if FOREIGN.match(header)]
    assert not found, f"{relative} includes {found}"


def imported_modules(source: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_only_app_chooses_exporters() -> None:
    """Libraries speak the OpenTelemetry API; the SDK and its exporters are chosen in one place, or two parts of the
    process set up telemetry against each other."""
    offenders = {
        source.relative_to(PRODUCT).as_posix()
        for source in PRODUCT.rglob("*.py")
        if source.relative_to(PRODUCT).parts[0] not in ("app", "v1")
        and any(name.startswith(("opentelemetry.sdk", "opentelemetry.exporter")) for name in imported_modules(source))
    }
    assert offenders == set()


def test_only_the_facade_touches_the_native_module() -> None:
    """`matcher.kernels` is the typed door to C++; a second door would need a second set of checks."""
    offenders = {
        source.relative_to(PRODUCT).as_posix()
        for source in PRODUCT.rglob("*.py")
        if source.relative_to(PRODUCT).parts[0] != "kernels"
        and any("_native" in name.split(".") for name in imported_modules(source))
    }
    assert offenders == set()


def test_no_import_hides_a_cycle() -> None:
    """Imports inside functions are for what is heavy or optional, never for a room of our own below or beside: that
    is how cycles hide. The commands of cli/ may, so that one command does not load the others."""
    offenders = []
    for source in sorted(PRODUCT.rglob("*.py")):
        room = source.relative_to(PRODUCT).parts[0]
        if room in ("cli", "v1", "__init__.py"):
            continue
        tree = ast.parse(source.read_text())
        for function in ast.walk(tree):
            if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"matcher.{room}"):
                    offenders.append(f"{source.relative_to(PRODUCT)}:{node.lineno}")
    assert offenders == []
