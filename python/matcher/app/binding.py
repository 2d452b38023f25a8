"""TOML tables to frozen dataclasses: every key known, every value of its type, every problem reported with its path."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from enum import Enum
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def bind(base: T, table: object, path: str, problems: list[str]) -> T:
    """A copy of the dataclass `base` with the values of `table`; what is wrong is added to `problems`.

    ints are taken for floats, nothing else is converted: enums come by value (or name, for numbered ones), tuples as
    lists. A ValueError of the dataclass itself is a problem too.
    """
    if not isinstance(table, Mapping):
        problems.append(f"{path}: a table is expected, not {_shown(table)}")
        return base
    hints = get_type_hints(type(base))
    known = {field.name for field in fields(base)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in known:
            problems.append(f"{where}: unknown key{nearest(str(key), sorted(known))}")
        elif is_dataclass(getattr(base, key)):
            values[key] = bind(getattr(base, key), value, where, problems)
        elif (inner := _of_mapping(hints[key])) is not None:
            values[key] = _bind_each(inner, value, where, problems)
        elif (inner := _of_tuple(hints[key])) is not None:
            values[key] = _bind_all(inner, value, where, problems)
        else:
            try:
                values[key] = _convert(hints[key], value)
            except _MismatchError as mismatch:
                problems.append(f"{where}: {mismatch}")
    try:
        return replace(base, **values)  # type: ignore[type-var]
    except ValueError as error:
        problems.append(f"{path}: {error}")
        return base


def _of_mapping(hint: Any) -> type | None:
    """The dataclass that a hint Mapping[str, dataclass] names."""
    arguments = get_args(hint)
    if get_origin(hint) is not Mapping or not is_dataclass(arguments[1]):
        return None
    return cast("type", arguments[1])


def _bind_each(inner: type, tables: object, path: str, problems: list[str]) -> dict[str, Any]:
    if not isinstance(tables, Mapping):
        problems.append(f"{path}: a table of tables is expected, not {_shown(tables)}")
        return {}
    return {str(name): bind(inner(), table, f"{path}.{name}", problems) for name, table in tables.items()}


def _of_tuple(hint: Any) -> type | None:
    """The dataclass that a hint tuple[dataclass, ...] names."""
    arguments = get_args(hint)
    return cast("type", arguments[0]) if get_origin(hint) is tuple and is_dataclass(arguments[0]) else None


def _bind_all(inner: type, tables: object, path: str, problems: list[str]) -> tuple[Any, ...]:
    if not isinstance(tables, (list, tuple)):
        problems.append(f"{path}: a list of tables is expected, not {_shown(tables)}")
        return ()
    return tuple(bind(inner(), table, f"{path}[{row}]", problems) for row, table in enumerate(tables))


def nearest(name: str, known: list[str]) -> str:
    """A hint at the name that was probably meant."""
    close = get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else f" (known: {', '.join(known)})"


class _MismatchError(Exception):
    """A value is not of the type wanted."""


def _convert(hint: Any, value: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = [argument for argument in arguments if argument is not type(None)]
        return _convert(inner[0], value)
    if origin is Literal:
        if value not in arguments:
            raise _MismatchError(f"must be one of {', '.join(map(repr, arguments))}, not {_shown(value)}")
        return value
    if origin is tuple:
        return _convert_list(arguments, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _convert_enum(hint, value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise _MismatchError(f"must be {_ARTICLES.get(hint, hint.__name__)}, not {_shown(value)}")
    return value


def _convert_list(arguments: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _MismatchError(f"must be a list, not {_shown(value)}")
    return tuple(_convert(arguments[0], item) for item in value)


def _convert_enum(enum: type[Enum], value: Any) -> Enum:
    names = {member.name.lower() if isinstance(member.value, int) else member.value: member for member in enum}
    if not isinstance(value, str) or value not in names:
        raise _MismatchError(f"must be one of {', '.join(map(repr, names))}, not {_shown(value)}")
    return names[value]


_ARTICLES = {int: "an integer", float: "a number", str: "text", bool: "true or false"}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
