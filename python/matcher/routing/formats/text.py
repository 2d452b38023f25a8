"""Text files of numbers, refused by file, line and column."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class UnreadableFile(ValueError):  # noqa: N818 - what the file is
    """The sentence begins with the place: "file:line:column", or "file: path.of[0].value"."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its place."""

    text: str
    path: Path
    line: int
    column: int

    def fault(self, sentence: str) -> UnreadableFile:
        """That this word is wrong."""
        return UnreadableFile(f"{self.path}:{self.line}:{self.column}: {sentence}")

    def number(self) -> float:
        """Its value. Raises UnreadableFile; so do the others."""
        try:
            value = float(self.text)
        except ValueError:
            raise self.fault(f"{self.text!r} is not a number") from None
        if value - value != 0.0:
            raise self.fault(f"{self.text!r} is not finite")
        return value

    def whole(self, least: int = -(1 << 31), most: int = (1 << 31) - 1) -> int:
        """Its value, an integer in a range."""
        value = self.number()
        if value != int(value):
            raise self.fault(f"{self.text!r} is not an integer")
        if not least <= value <= most:
            raise self.fault(f"{self.text!r} is not within {least} and {most}")
        return int(value)


@dataclass(frozen=True, slots=True)
class Line:
    """The words of a line that is not empty."""

    words: tuple[Word, ...]
    path: Path
    number: int
    length: int

    @property
    def text(self) -> str:
        """Its words, one blank between."""
        return " ".join(word.text for word in self.words)

    def fault(self, sentence: str) -> UnreadableFile:
        """That it is wrong where it begins."""
        return self.words[0].fault(sentence)

    def numbers(self, least: int) -> list[float]:
        """All of its words as numbers, of which there must be so many."""
        values = [word.number() for word in self.words]
        if len(values) < least:
            place = f"{self.path}:{self.number}:{self.length + 1}"
            raise UnreadableFile(f"{place}: the line ends after {len(values)} numbers; {least} are needed")
        return values


def read_text(path: Path) -> str:
    """The text of a file, unpacked when its name ends in .gz. Raises OSError and UnreadableFile."""
    data = path.read_bytes()
    try:
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise UnreadableFile(f"{path}: is no text: {error}") from None


def lines(path: Path, text: str) -> Iterator[Line]:
    """Lines that are not empty; they and their columns are counted from 1."""
    for number, line in enumerate(text.splitlines(), start=1):
        words = tuple(Word(m.group(), path, number, m.start() + 1) for m in re.finditer(r"\S+", line))
        if words:
            yield Line(words, path, number, len(line.rstrip()))
