"""Generate the protobuf and gRPC modules of proto/ into python/matcher/v1 (not in git).

Run by the build (CMake) and by `make proto`. Writes only when the contract or the generator changed, so that a
second build has nothing to do.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
TARGET = ROOT / "python" / "matcher" / "v1"


def main() -> int:
    sources = sorted((PROTO / "matcher" / "v1").glob("*.proto"))
    digest = hashlib.sha256(version("grpcio-tools").encode())
    for source in sources:
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    stamp = TARGET / ".stamp"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return 0
    if TARGET.exists():
        shutil.rmtree(TARGET)
    TARGET.mkdir(parents=True)
    well_known = Path(protoc.__file__).parent / "_proto"
    arguments = [
        "protoc",
        f"-I{PROTO}",
        f"-I{well_known}",
        f"--python_out={ROOT / 'python'}",
        f"--pyi_out={ROOT / 'python'}",
        f"--grpc_python_out={ROOT / 'python'}",
        *(str(source) for source in sources),
    ]
    if protoc.main(arguments) != 0:
        return 1
    (TARGET / "__init__.py").write_text('"""Generated from proto/matcher/v1 by tools/gen_proto.py."""\n')
    stamp.write_text(digest.hexdigest())
    return 0


if __name__ == "__main__":
    sys.exit(main())
