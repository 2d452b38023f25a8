"""The format of Li & Lim (2003): a line of vehicles and capacity, then nine numbers a node; Euclidean."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matcher.routing.formats.pairs import euclidean, paired
from matcher.routing.formats.text import UnreadableFile, lines, read_text
from matcher.routing.problem import Problem


def parse(path: Path, text: str) -> Problem:
    """The problem in a text. Raises UnreadableFile."""
    rows = list(lines(path, text))
    if len(rows) < 2:
        raise UnreadableFile(f"{path}:1:1: is no problem: at least two lines are needed")
    rows[0].numbers(2)
    vehicles, capacity = (word.whole(0) for word in rows[0].words[:2])
    for line in rows[1:]:
        line.numbers(9)
    xy = np.array([line.numbers(9)[1:3] for line in rows[1:]])
    return paired(path.name.split(".")[0], rows[1:], euclidean(xy), vehicles, capacity, xy)


def read_li_lim(path: str | Path) -> Problem:
    """A problem in the format of Li & Lim (2003): Euclidean, travel time equals distance.

    Raises OSError, and ValueError naming file, line and column of what cannot be read.
    """
    return parse(Path(path), read_text(Path(path)))
