"""What an installation consists of: the versions it resolved to, and what a wheel carries."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def release(distribution: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version(distribution).split(".")[:2])


def test_the_solver_and_the_protobuf_runtime_fit_together() -> None:
    """OR-Tools 9.15 needs protobuf < 6.34. With looser ranges pip falls back to an OR-Tools of two years ago without a
    word, and the second rung answers differently."""
    assert release("ortools") == (9, 15)
    assert (6, 33) <= release("protobuf") < (6, 34)


def test_generated_code_fits_the_runtime() -> None:
    """gRPC and protobuf refuse generated code that is newer than they are, at import: the generator is pinned below."""
    assert release("grpcio-tools") <= release("grpcio")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in the wheel that `pip wheel` builds from this checkout."""
    target = tmp_path_factory.mktemp("wheel")
    tools = str(Path(sys.executable).parent)
    options = ["--quiet", "--disable-pip-version-check", "--no-build-isolation", "--no-deps"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(target), str(ROOT)],
        check=True,
        env={**os.environ, "PATH": os.pathsep.join([tools, os.environ.get("PATH", "")])},
    )
    (built,) = target.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_the_wheel_carries_the_generated_contract(wheel: set[str]) -> None:
    """The generated modules are ignored by git, and the build backend leaves ignored files out unless told otherwise:
    a wheel without them installs and cannot be imported."""
    for proto in (ROOT / "proto" / "matcher" / "v1").glob("*.proto"):
        for suffix in ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py"):
            assert f"matcher/v1/{proto.stem}{suffix}" in wheel


def test_the_wheel_carries_every_module_and_its_types(wheel: set[str]) -> None:
    """Users type-check against the wheel: the marker, the stub and every module must be inside, and the kernels too."""
    package = ROOT / "python"
    for source in (package / "matcher").rglob("*.py*"):
        if source.suffix in (".py", ".pyi"):
            assert source.relative_to(package).as_posix() in wheel
    assert "matcher/py.typed" in wheel
    assert any(name.startswith("matcher/kernels/_native.") and name.endswith((".so", ".pyd")) for name in wheel)


def test_the_wheel_carries_the_licence_and_nothing_foreign(wheel: set[str]) -> None:
    """The licence must travel with the code; tests, data and build leftovers must not."""
    assert any(name.endswith("licenses/LICENSE") for name in wheel)
    roots = {name.split("/")[0] for name in wheel}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"matcher"}
    assert not [name for name in wheel if name.endswith((".stamp", ".pyc", ".cpp", ".o", ".a"))]
