"""The wire contract: what was released still holds, and the domain speaks the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

import matcher.domain.enums as domain_enums

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "proto" / "baseline" / "matcher.v1.json"


def current() -> FileDescriptorSet:
    """Descriptors of the generated modules that this installation imports."""
    files = FileDescriptorSet()
    for proto in sorted((ROOT / "proto" / "matcher" / "v1").glob("*.proto")):
        module = import_module(f"matcher.v1.{proto.stem}_pb2")
        module.DESCRIPTOR.CopyToProto(files.file.add())
    return files


def baseline() -> FileDescriptorSet:
    return json_format.Parse(BASELINE.read_text(), FileDescriptorSet())


def walk(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto]]:
    """Every message of a file with its full name, nested ones included."""
    pending = [(f"{file.package}.{message.name}", message) for message in file.message_type]
    while pending:
        name, message = pending.pop()
        yield name, message
        pending += [(f"{name}.{nested.name}", nested) for nested in message.nested_type]


def messages(files: FileDescriptorSet) -> dict[str, DescriptorProto]:
    return {name: message for file in files.file for name, message in walk(file)}


def enums(files: FileDescriptorSet) -> dict[str, EnumDescriptorProto]:
    return {f"{file.package}.{enum.name}": enum for file in files.file for enum in file.enum_type}


def test_released_messages_parse_as_before() -> None:
    """A second opinion beside buf: no released field may change its number, name, type or cardinality, or a client
    built from the released contract misreads what it gets."""
    today = messages(current())
    for name, released in messages(baseline()).items():
        assert name in today, f"{name} was released and is gone"
        fields = {field.number: field for field in today[name].field}
        reserved = {number for span in today[name].reserved_range for number in range(span.start, span.end)}
        for field in released.field:
            if field.number in reserved:
                continue
            kept = fields.get(field.number)
            assert kept is not None, f"{name}.{field.name} is gone and {field.number} is not reserved"
            assert (kept.name, kept.type, kept.label, kept.type_name) == (
                field.name,
                field.type,
                field.label,
                field.type_name,
            ), f"{name}.{field.name} changed"


def test_released_enum_values_keep_their_numbers() -> None:
    """Reasons are stored in journals and dashboards by number and name."""
    today = enums(current())
    for name, released in enums(baseline()).items():
        kept = {value.name: value.number for value in today[name].value}
        for value in released.value:
            assert kept.get(value.name) == value.number, f"{name}.{value.name} changed or is gone"


def test_released_methods_are_still_served() -> None:
    """A method that was released keeps its request, its response and its streaming."""

    def methods(files: FileDescriptorSet) -> dict[str, tuple[str, str, bool, bool]]:
        return {
            f"{file.package}.{service.name}/{method.name}": (
                method.input_type,
                method.output_type,
                method.client_streaming,
                method.server_streaming,
            )
            for file in files.file
            for service in file.service
            for method in service.method
        }

    today = methods(current())
    released = methods(baseline())
    assert released
    for name, shape in released.items():
        assert today.get(name) == shape, f"{name} changed or is gone"


@pytest.mark.parametrize(
    "enum",
    [
        pytest.param(value, id=name)
        for name, value in vars(domain_enums).items()
        if isinstance(value, type) and issubclass(value, IntEnum) and value is not IntEnum
    ],
)
def test_domain_enums_equal_the_wire(enum: type[IntEnum]) -> None:
    """Codec and journal copy enum values as numbers, so both sides must give each number the same name; the wire's
    zero means "not set" and has no counterpart inside."""
    wire = enums(current())[f"matcher.v1.{enum.__name__}"]
    prefix = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in enum.__name__).lstrip("_")
    expected = {value.name.removeprefix(f"{prefix}_"): value.number for value in wire.value if value.number != 0}
    assert {member.name: int(member) for member in enum} == expected


def test_every_zero_value_is_unspecified() -> None:
    """A field that a client never heard of reads as zero: zero must mean nothing in particular."""
    for name, enum in enums(current()).items():
        assert enum.value[0].number == 0
        assert enum.value[0].name.endswith("_UNSPECIFIED"), name
