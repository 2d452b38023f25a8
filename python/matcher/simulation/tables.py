"""Text tables that name the file, line and column of whatever they cannot read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from matcher.domain.snapshot import F64, I64

T = TypeVar("T")


class TableError(ValueError):
    """A file that is not what it should be: its name, the line, the column, and what was expected there."""

    def __init__(self, file: str, line: int, column: int, expected: str) -> None:
        self.file, self.line, self.column, self.expected = file, line, column, expected
        super().__init__(f"{file}, line {line}, column {column}: {expected}")

    def __reduce__(self) -> tuple[type[TableError], tuple[str, int, int, str]]:
        """So that it comes whole out of a worker process."""
        return type(self), (self.file, self.line, self.column, self.expected)


@dataclass(frozen=True, slots=True)
class Field:
    """One cell with where it stands; lines and columns (of characters) count from 1."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows of as many cells."""

    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[Field, ...], ...]

    def strings(self, name: str) -> tuple[str, ...]:
        """A column as text."""
        return tuple(field.text for field in self._column(name))

    def integers(self, name: str) -> I64:
        """A column of whole numbers; "7.0" counts as 7."""
        return np.array([self._parse(field, whole_number, "a whole number") for field in self._column(name)], np.int64)

    def floats(self, name: str) -> F64:
        """A column of finite numbers."""
        return np.array([self._parse(field, _finite, "a finite number") for field in self._column(name)], np.float64)

    def error(self, row: int, name: str, expected: str) -> TableError:
        """The error for one cell."""
        field = self.rows[row][self.header.index(name)]
        return TableError(self.file, field.line, field.column, f"{expected}, found {field.text!r}")

    def _column(self, name: str) -> list[Field]:
        at = self.header.index(name)
        return [row[at] for row in self.rows]

    def _parse(self, field: Field, parse: Callable[[str], T | None], expected: str) -> T:
        value = parse(field.text)
        if value is None:
            raise TableError(self.file, field.line, field.column, f"expected {expected}, found {field.text!r}")
        return value


def whole_number(text: str) -> int | None:
    """`text` as an integer below 2**53; None when it is anything else."""
    value = _finite(text)
    if value is None or value != math.floor(value) or abs(value) >= 2.0**53:
        return None
    return int(value)


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def split_fields(line: str, number: int, separator: str | None) -> tuple[Field, ...]:
    """The cells of a line: between single tabs when `separator` is a tab, between runs of blanks when it is None."""
    fields = []
    if separator is None:
        at = 0
        for text in line.split():
            at = line.index(text, at)
            fields.append(Field(text, number, at + 1))
            at += len(text)
        return tuple(fields)
    at = 0
    for text in line.split(separator):
        fields.append(Field(text.strip(), number, at + 1))
        at += len(text) + len(separator)
    return tuple(fields)


def decode(file: str, data: bytes) -> str:
    """UTF-8 text, or a TableError at the first byte that is not."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise TableError(file, line, column, f"expected UTF-8 text, found byte 0x{data[error.start]:02x}") from None


def read_table(file: str, data: bytes, columns: Sequence[str], separator: str | None = "\t") -> Table:
    """A table whose header holds at least `columns`; further columns are kept and ignored, blank lines skipped."""
    lines = decode(file, data).splitlines()
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        raise TableError(file, 1, 1, f"expected the header {' '.join(columns)}, found an empty file")
    first, head = numbered[0]
    cells = split_fields(head, first, separator)
    header = tuple(field.text for field in cells)
    for name in columns:
        if name not in header:
            raise TableError(file, first, len(head) + 1, f"the header lacks the column {name!r}")
    rows = []
    for number, line in numbered[1:]:
        row = split_fields(line, number, separator)
        if len(row) < len(header):
            raise TableError(
                file,
                number,
                len(line) + 1,
                f"expected {len(header)} cells ({header[len(row)]!r} is next), found {len(row)}",
            )
        if len(row) > len(header):
            extra = row[len(header)]
            raise TableError(file, number, extra.column, f"expected {len(header)} cells, found {len(row)}")
        rows.append(row)
    return Table(file, header, tuple(rows))
