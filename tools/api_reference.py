"""Write the reference of the wire contract, docs/api.md, from the comments of proto/matcher/v1.

    api_reference.py [--check]      with --check: fail when the page is not what the contract says

The comments are the text: a field without one fails `buf lint`, so nothing here can be missing.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
PAGE = ROOT / "docs" / "api.md"
# Numbers of FileDescriptorProto's and its parts' fields, of which paths to comments are made.
MESSAGE, ENUM, SERVICE, FIELD, NESTED, VALUE, METHOD, ONEOF = 4, 5, 6, 2, 3, 2, 2, 8
SCALARS = {number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()}

HEAD = """# The wire contract, field by field

Written by `tools/api_reference.py` from the comments in [`proto/matcher/v1`](../proto/matcher/v1); `make check` fails
when it is not up to date. What the calls mean together (deadlines, retries, refusals, lifecycle) is in
[sidecar.md](sidecar.md).
"""


class File:
    """One proto file and its comments by path."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self.file = file
        self._comments = {
            tuple(place.path): place.leading_comments or place.trailing_comments
            for place in file.source_code_info.location
        }

    def comment(self, *path: int) -> str:
        """The comment's sentences, a line a paragraph."""
        text = self._comments.get(path, "")
        paragraphs = re.split(r"\n\s*\n", text.strip())
        return "\n\n".join(" ".join(part.split()) for part in paragraphs)


def files() -> list[File]:
    """The contract's files in the order of their names."""
    sources = sorted((PROTO / "matcher" / "v1").glob("*.proto"))
    well_known = Path(protoc.__file__).parent / "_proto"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set"
        arguments = ["protoc", f"-I{PROTO}", f"-I{well_known}", f"--descriptor_set_out={out}", "--include_source_info"]
        if protoc.main([*arguments, *map(str, sources)]) != 0:
            raise SystemExit("the contract does not compile")
        found = FileDescriptorSet.FromString(out.read_bytes())
    return [File(file) for file in found.file]


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("\n\n", "<br>").replace("|", "\\|").replace("<", "&lt;").replace("&lt;br>", "<br>")


def anchor(name: str) -> str:
    """Where a heading is linked to."""
    return f"[{name}](#{name.lower().replace('.', '')})"


def kind(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    """A field's type as people say it."""
    for nested in message.nested_type:
        if nested.options.map_entry and field.type_name.endswith(f".{message.name}.{nested.name}"):
            key, value = nested.field
            return f"map of `{SCALARS[key.type]}` to {kind(value, nested)}"
    if field.type_name:
        name = field.type_name.removeprefix(".")
        shown = anchor(name.removeprefix("matcher.v1.")) if name.startswith("matcher.v1.") else f"`{name}`"
    else:
        shown = f"`{SCALARS[field.type]}`"
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {shown}"
    if field.proto3_optional:
        return f"optional {shown}"
    if field.HasField("oneof_index"):
        return f"one of `{message.oneof_decl[field.oneof_index].name}`: {shown}"
    return shown


def service(file: File, index: int, made: ServiceDescriptorProto) -> Iterator[str]:
    """A service and its methods."""
    yield f"## {made.name}\n\n{file.comment(SERVICE, index)}\n"
    for number, method in enumerate(made.method):
        asked, answered = (
            ("stream of " if many else "") + anchor(name.rpartition(".")[2])
            for many, name in (
                (method.client_streaming, method.input_type),
                (method.server_streaming, method.output_type),
            )
        )
        yield f"**{method.name}** ({asked}) → {answered}\n\n{file.comment(SERVICE, index, METHOD, number)}\n"


def message(file: File, path: tuple[int, ...], made: DescriptorProto, prefix: str = "") -> Iterator[str]:
    """A message, its fields, and the messages inside it."""
    yield f"### {prefix}{made.name}\n\n{file.comment(*path)}\n"
    for index, oneof in enumerate(made.oneof_decl):
        said = file.comment(*path, ONEOF, index)
        if said and not oneof.name.startswith("_"):
            yield f"`{oneof.name}`: {said}\n"
    if made.field:
        rows = (
            f"| {field.number} | `{field.name}` | {kind(field, made)} | {cell(file.comment(*path, FIELD, index))} |"
            for index, field in enumerate(made.field)
        )
        yield "| | field | type | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    for index, nested in enumerate(made.nested_type):
        if not nested.options.map_entry:
            yield from message(file, (*path, NESTED, index), nested, f"{prefix}{made.name}.")


def enum(file: File, index: int, made: EnumDescriptorProto) -> Iterator[str]:
    """An enum and its values."""
    rows = (
        f"| {value.number} | `{value.name}` | {cell(file.comment(ENUM, index, VALUE, number))} |"
        for number, value in enumerate(made.value)
    )
    yield f"### {made.name}\n\n{file.comment(ENUM, index)}\n\n| | value | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def page() -> str:
    """The whole page: services first, each with the messages and enums of its file, then what they share."""
    parts = [HEAD]
    for file in sorted(files(), key=lambda file: (not file.file.service, file.file.name)):
        made = file.file
        if not made.service:
            parts.append(f"## {made.name}\n")
        for index, one in enumerate(made.service):
            parts += service(file, index, one)
        for index, body in enumerate(made.message_type):
            parts += message(file, (MESSAGE, index), body)
        for index, values in enumerate(made.enum_type):
            parts += enum(file, index, values)
    return "\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the reference of the wire contract.")
    parser.add_argument("--check", action="store_true", help="fail when the page is not up to date; write nothing")
    if parser.parse_args().check:
        return 0 if PAGE.exists() and PAGE.read_text() == page() else 1
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
