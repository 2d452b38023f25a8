"""Plans as the benchmarks of Li & Lim (SINTEF's TOP pages) and of Sartori & Buriol publish them: four lines of who and
when, then a line of nodes for each route.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matcher.routing.formats.text import UnreadableFile, lines, read_text
from matcher.routing.solution import Solution

_HEAD = ("Instance name", "Authors", "Date", "Reference")


@dataclass(frozen=True, slots=True)
class PublishedSolution:
    """A file of a plan."""

    instance: str
    authors: str
    date: str
    reference: str
    routes: list[list[int]]
    """Nodes, the depot left out."""


def solution_to_published(solution: Solution, *, authors: str = "", date: str = "", reference: str = "") -> str:
    """The plan's text. Raises ValueError when a request is left out: the format has no way to say so."""
    if solution.left_out:
        raise ValueError(f"{len(solution.left_out)} requests are left out; the format is for plans that serve all")
    head = zip(_HEAD, (solution.problem.name, authors, date, reference), strict=True)
    routes = (f"Route {n} : {' '.join(map(str, route))}" for n, route in enumerate(solution.routes, start=1))
    return "\n".join([*(f"{name:<14}: {value}".rstrip() for name, value in head), "Solution", *routes])


def read_published(path: str | Path) -> PublishedSolution:
    """The plan in a file. Raises OSError, and UnreadableFile naming file, line and column."""
    path = Path(path)
    head: dict[str, str] = {}
    routes: list[list[int]] = []
    begun = False
    for line in lines(path, read_text(path)):
        if line.text == "Solution":
            begun = True
        elif not begun:
            name, colon, value = line.text.partition(":")
            if not colon:
                raise line.fault("expected a name, a colon and a value, or the line Solution")
            head[name.strip().lower()] = value.strip()
        else:
            colon_at = next((k for k, word in enumerate(line.words) if word.text.endswith(":")), 0)
            if line.words[0].text != "Route" or not colon_at:
                raise line.fault("expected Route, its number, a colon and its nodes")
            routes.append([word.whole(1) for word in line.words[colon_at + 1 :]])
    if not begun:
        raise UnreadableFile(f"{path}:1:1: has no line Solution")
    instance, authors, date, reference = (head.get(name.lower(), "") for name in _HEAD)
    return PublishedSolution(instance, authors, date, reference, routes)
