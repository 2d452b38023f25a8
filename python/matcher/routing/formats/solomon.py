"""The format of Solomon (1987), also of Gehring & Homberger: vehicles with time windows from one depot; Euclidean."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matcher.routing.formats.pairs import deliveries, euclidean
from matcher.routing.formats.text import Line, UnreadableFile, lines
from matcher.routing.problem import Problem


def parse(path: Path, text: str) -> Problem:
    """The problem in a text; distances are not rounded. Raises UnreadableFile."""
    rows = list(lines(path, text))
    fleet = _after(path, rows, "NUMBER")
    if not fleet:
        raise UnreadableFile(f"{path}: no line of vehicles and capacity follows VEHICLE NUMBER CAPACITY")
    fleet[0].numbers(2)
    customers = _after(path, rows, "CUST")
    if not customers:
        raise UnreadableFile(f"{path}: no line follows the heading of CUSTOMER, not even the depot's")
    table = np.array([line.numbers(7)[:7] for line in customers])
    for number, line in enumerate(customers):
        if line.words[0].whole(0) != number:
            raise line.words[0].fault(f"customers are numbered in their order: {number} is due here")
        if table[number, 5] < table[number, 4]:
            raise line.words[4].fault("the window ends before it begins")
        if table[number, 6] < 0:
            raise line.words[6].fault("service takes a negative time")
    demand = [line.words[3].whole(0) for line in customers]
    return deliveries(
        rows[0].words[0].text,
        distance=euclidean(table[:, 1:3]),
        duration=None,
        demand=demand,
        windows=table[:, 4:6],
        service=table[:, 6],
        vehicles=fleet[0].words[0].whole(0),
        capacity=fleet[0].words[1].whole(0),
        xy=table[:, 1:3],
    )


def _after(path: Path, rows: list[Line], heading: str) -> list[Line]:
    """The lines from a heading to the next one, whose words are no numbers."""
    at = next((k for k, line in enumerate(rows) if line.words[0].text.upper().startswith(heading) and k and
               len(line.words) > 1), None)  # fmt: skip
    if at is None:
        raise UnreadableFile(f"{path}: has no line that begins with {heading}")
    found = []
    for line in rows[at + 1 :]:
        if line.words[0].text.isalpha():
            break
        found.append(line)
    return found
