"""Run clang-tidy over every C++ source of the product, each once: a source whose text, headers and settings are
unchanged since it passed is not read again (stamps lie in build/clang-tidy).

Sources and flags come from CMake's compilation databases: the bare kernels from a configuration of their own, the
bindings from the extension's build. Exits with 1 when a source has a finding.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
BUILD = ROOT / "build" / "clang-tidy"


def kernel_database() -> Path:
    """Configure the bare kernels, no tests, and give the directory of their compilation database."""
    subprocess.run(
        [BIN / "cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={BIN / 'ninja'}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return BUILD


def sources() -> dict[Path, Path]:
    """Source → directory of the compilation database that knows its flags."""
    found: dict[Path, Path] = {}
    extension = sorted((ROOT / "build").glob("cp*/compile_commands.json"))
    for database in [*(path.parent for path in extension), kernel_database()]:
        commands = database / "compile_commands.json"
        for entry in json.loads(commands.read_text()) if commands.exists() else ():
            source = Path(entry["file"]).resolve()
            if source.is_relative_to(ROOT / "cpp") and source.exists():
                found[source] = database
    return dict(sorted(found.items()))


def findings(source: Path, database: Path) -> str:
    """What clang-tidy says of one source; "" when it is content."""
    done = subprocess.run(
        [BIN / "clang-tidy", "--quiet", "-p", database, source], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def main() -> int:
    todo = sources()
    shared = hashlib.sha256()
    shared.update(subprocess.run([BIN / "clang-tidy", "--version"], capture_output=True, check=True).stdout)
    headers = (ROOT / "cpp").rglob("*.h")
    for header in sorted([ROOT / ".clang-tidy", *(ROOT / "cpp").rglob(".clang-tidy"), *headers]):
        shared.update(header.read_bytes())
    stamps = BUILD / "stamps"
    stamps.mkdir(parents=True, exist_ok=True)

    def visit(item: tuple[Path, Path]) -> str:
        source, database = item
        name = str(source.relative_to(ROOT)).replace("/", "-")
        digest = hashlib.sha256(shared.digest() + source.read_bytes()).hexdigest()
        stamp = stamps / name
        if stamp.exists() and stamp.read_text() == digest:
            return ""
        said = findings(source, database)
        if not said:
            stamp.write_text(digest)
        return said

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = False
        for said in pool.map(visit, todo.items()):
            if said:
                print(said, flush=True)
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
