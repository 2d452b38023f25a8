"""The format of Sartori & Buriol (2020): named sections NODES and EDGES, travel minutes on real streets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matcher.routing.formats.pairs import paired
from matcher.routing.formats.text import Line, UnreadableFile, lines, read_text
from matcher.routing.problem import Problem


def parse(path: Path, text: str) -> Problem:
    """The problem in a text. Raises UnreadableFile."""
    head: dict[str, Line] = {}
    tables: dict[str, list[Line]] = {"NODES": [], "EDGES": []}
    at: str | None = None
    for line in lines(path, text):
        if line.text in ("NODES", "EDGES", "EOF"):
            at = line.text
        elif at is None:
            head[line.words[0].text.rstrip(":")] = line
        elif at in tables:
            tables[at].append(line)
    for name in ("SIZE", "CAPACITY", "NAME"):
        if name not in head or len(head[name].words) < 2:
            raise UnreadableFile(f"{path}:1:1: names no {name}")
    n = head["SIZE"].words[-1].whole(1)
    for name, least in (("NODES", 9), ("EDGES", n)):
        if len(tables[name]) != n:
            raise head["SIZE"].fault(f"SIZE is {n}, and {name} has {len(tables[name])} lines")
        for line in tables[name]:
            line.numbers(least)
    # Columns: id, latitude, longitude, demand, ready, due, service, pick-up, delivery.
    degrees = np.array([line.numbers(9)[1:3] for line in tables["NODES"]])
    east = degrees[:, 1] * np.cos(np.radians(degrees[:, 0].mean()))
    distance = np.array([line.numbers(n)[:n] for line in tables["EDGES"]])
    xy = np.column_stack([east, degrees[:, 0]])
    capacity = head["CAPACITY"].words[-1].whole(0)
    return paired(head["NAME"].words[-1].text, tables["NODES"], distance, n // 2, capacity, xy)


def read_sartori_buriol(path: str | Path) -> Problem:
    """A problem in the format of Sartori & Buriol (2020): a full matrix of travel minutes, no limit on vehicles.

    Raises OSError, and ValueError naming file, line and column of what cannot be read.
    """
    return parse(Path(path), read_text(Path(path)))
