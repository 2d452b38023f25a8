"""The JSON form of requests and decisions (the protobuf JSON mapping), with errors that name line and column.

The official converter is the judge of what is allowed. When it refuses, the text is read once more with positions,
and the smallest part that it refuses by itself is what the error points at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from matcher.domain import Decision, Violation
from matcher.v1 import matching_service_pb2
from matcher.wire.decision import response_message

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_STEP = re.compile(r"([A-Za-z_]+)|\[(\d+)\]")
_DETAIL = re.compile(r"^(Failed to parse \w+ field: )+| at [A-Z][\w.\[\]]*\.?|\.+$")


class InvalidJson(ValueError):  # noqa: N818 - says what happened, as InvalidRequest does
    """The text is not the JSON form of the message."""

    def __init__(self, message: str, line: int, column: int) -> None:
        self.message, self.line, self.column = message, line, column
        super().__init__(f"line {line}, column {column}: {message}")


def match_request_from_json(text: str) -> bytes:
    """Bytes of the MatchRequest whose JSON form is given. Raises InvalidJson with line and column.

    A request and a bare snapshot are both accepted: a top-level object without "snapshot" that has "marketId" is taken
    as the snapshot.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidJson(error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise InvalidJson("nested too deeply", 1, 1) from None
    root = _read(text)
    if not isinstance(value, dict):
        raise _at(text, root.offset, "a JSON object with the fields of a MatchRequest is expected")
    bare = is_bare_snapshot(value)
    descriptor: Any = matching_service_pb2.MatchRequest.DESCRIPTOR
    if bare:
        descriptor = descriptor.fields_by_name["snapshot"].message_type
    _no_fault(text, descriptor, root)
    try:
        request = json_format.ParseDict({"snapshot": value} if bare else value, matching_service_pb2.MatchRequest())
    except json_format.ParseError as error:
        raise _at(text, root.offset, str(error)) from None
    return request.SerializeToString(deterministic=True)


def match_request_to_json(data: bytes) -> str:
    """The JSON form of an encoded MatchRequest."""
    return json_format.MessageToJson(matching_service_pb2.MatchRequest.FromString(data), indent=2)


def decision_to_json(decision: Decision) -> str:
    """The JSON form of the MatchResponse that carries the decision."""
    return json_format.MessageToJson(response_message(decision), indent=2)


def locate_violation(text: str, violation: Violation) -> tuple[int, int]:
    """Line and column of the field that the violation is about, or of the nearest thing around it that is there."""
    node = _read(text)
    steps = [name or int(index) for name, index in _STEP.findall(violation.field)]
    if node.fields and is_bare_snapshot({key: None for key, _ in node.fields}) and steps[:1] == ["snapshot"]:
        steps = steps[1:]
    for step in steps:
        inner = node.item(step)
        if inner is None:
            break
        node = inner
    return _line_column(text, node.offset)


def is_bare_snapshot(value: dict[str, Any]) -> bool:
    """Whether a top-level object is a snapshot rather than a request."""
    return "snapshot" not in value and ("marketId" in value or "market_id" in value)


@dataclass(frozen=True, slots=True)
class _Node:
    """A JSON value with its place in the text; `fields` of an object, `items` of an array."""

    value: Any
    offset: int
    fields: tuple[tuple[str, _Node], ...] = ()
    items: tuple[_Node, ...] = ()

    def item(self, step: str | int) -> _Node | None:
        if isinstance(step, int):
            return self.items[step] if step < len(self.items) else None
        return next((node for key, node in self.fields if key in (step, _camel(step))), None)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _read(text: str) -> _Node:
    """The tree of a text that is known to be JSON."""
    return _value(text, _skip(text, 0))[0]


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int) -> tuple[_Node, int]:
    """The value that begins at `at`, and where the text goes on after it."""
    if text[at] not in "{[":
        scalar, end = _DECODER.raw_decode(text, at)
        return _Node(scalar, at), end
    begin, closing = at, "}" if text[at] == "{" else "]"
    fields: list[tuple[str, _Node]] = []
    items: list[_Node] = []
    at = _skip(text, at + 1)
    while text[at] != closing:
        if closing == "}":
            key_at = at
            key, at = _DECODER.raw_decode(text, at)
            if any(key == other for other, _ in fields):
                raise _at(text, key_at, f'the key "{key}" is there twice')
            node, at = _value(text, _skip(text, _skip(text, at) + 1))
            fields.append((key, node))
        else:
            node, at = _value(text, at)
            items.append(node)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    value = {key: node.value for key, node in fields} if closing == "}" else [node.value for node in items]
    return _Node(value, begin, tuple(fields), tuple(items)), at + 1


def _no_fault(text: str, descriptor: Any, node: _Node) -> None:  # Any: the published stubs lag behind descriptors
    """Raise at the first field, in reading order, that the converter refuses by itself."""
    if not isinstance(node.value, dict):
        raise _at(text, node.offset, f"an object with the fields of {descriptor.full_name} is expected")
    known = {name: field for field in descriptor.fields for name in (field.name, field.json_name)}
    given: dict[str, str] = {}
    for key, inner in node.fields:
        field = known.get(key)
        if field is None:
            raise _at(text, inner.offset, f'{descriptor.full_name} has no field "{key}"')
        if given.setdefault(field.name, key) != key:
            raise _at(text, inner.offset, f'"{key}" and "{given[field.name]}" are the same field')
        for part in _parts(text, field, inner):
            if field.message_type is not None:
                _no_fault(text, field.message_type, part)
            else:
                _scalar(text, descriptor, field, part)


def _parts(text: str, field: Any, node: _Node) -> Iterator[_Node]:
    """The values of a field: itself, or each of its items when it is repeated."""
    if node.value is None:
        return
    if not field.is_repeated:
        yield node
        return
    if not isinstance(node.value, list):
        raise _at(text, node.offset, f'"{field.json_name}" must be a list')
    for item in node.items:
        if item.value is None:
            raise _at(text, item.offset, "null is not allowed in a list")
        yield item


def _scalar(text: str, descriptor: Any, field: Any, node: _Node) -> None:
    message: Message = GetMessageClass(descriptor)()
    value = [node.value] if field.is_repeated else node.value
    try:
        json_format.ParseDict({field.json_name: value}, message)
    except json_format.ParseError as error:
        reason = _DETAIL.sub("", str(error)).strip()
        raise _at(text, node.offset, f'"{field.json_name}": {reason}') from None


def _at(text: str, offset: int, message: str) -> InvalidJson:
    return InvalidJson(message, *_line_column(text, offset))


def _line_column(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
