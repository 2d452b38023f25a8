"""Problems and plans as files: Li & Lim, Sartori & Buriol, Solomon, VRPLIB, VROOM's JSON in and out, and our own JSON.

One module a format. Whatever cannot be read is refused by place: file, line and column of a text, the path of a JSON
value.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from matcher.routing.formats import li_lim, own, sartori_buriol, solomon, vroom, vrplib
from matcher.routing.formats.li_lim import read_li_lim
from matcher.routing.formats.own import problem_to_json, solution_to_json
from matcher.routing.formats.published import PublishedSolution, read_published, solution_to_published
from matcher.routing.formats.sartori_buriol import read_sartori_buriol
from matcher.routing.formats.text import UnreadableFile, read_text
from matcher.routing.formats.vroom_answer import VroomNames, solution_to_vroom
from matcher.routing.formats.vrplib import solution_to_vrplib
from matcher.routing.problem import Problem
from matcher.routing.solution import Solution

__all__ = [
    "ProblemFile",
    "PublishedSolution",
    "UnreadableFile",
    "VroomNames",
    "problem_to_json",
    "read_li_lim",
    "read_problem",
    "read_published",
    "read_sartori_buriol",
    "solution_to_json",
    "solution_to_published",
    "solution_to_vroom",
    "solution_to_vrplib",
]


@dataclass(frozen=True, slots=True)
class ProblemFile:
    """A problem with what is needed to answer in the format that it came in."""

    problem: Problem
    vroom: VroomNames | None = None
    customers: bool = False
    """From a format of customers who are served from a depot: plans are routes of customers."""
    published: bool = False
    """From a benchmark that has a format for plans, which `answer` can write."""

    def answer(self, solution: Solution, explained: int = 0, *, published: bool = False) -> str:
        """The plan in the format of the problem; our own has reasons for so many of the requests left out.

        published: in that of the problem's benchmark. Raises ValueError where there is none, or it cannot say the plan.
        """
        if published and not self.customers:
            if not self.published:
                raise ValueError("the problem is of no benchmark that has a format for plans")
            return solution_to_published(solution, reference=f"matcher, solver {solution.solver}")
        if self.vroom is not None:
            return solution_to_vroom(solution, self.vroom)
        return solution_to_vrplib(solution) if self.customers else solution_to_json(solution, explained)


def read_problem(path: str | Path) -> ProblemFile:
    """The problem in a file of any of the formats, by its content. Raises OSError and UnreadableFile."""
    path = Path(path)
    text = read_text(path)
    if text.lstrip().startswith("{"):
        return _read_json(path, text)
    if re.search(r"^\s*NODES\s*$", text, re.MULTILINE):
        return ProblemFile(sartori_buriol.parse(path, text), published=True)
    if re.search(r"^\s*(DIMENSION|NODE_COORD_SECTION|EDGE_WEIGHT_TYPE)\b", text, re.MULTILINE):
        return ProblemFile(vrplib.parse(path, text), customers=True)
    if re.search(r"^\s*CUST(OMER)?\b", text, re.MULTILINE | re.IGNORECASE):
        return ProblemFile(solomon.parse(path, text), customers=True)
    return ProblemFile(li_lim.parse(path, text), published=True)


def _read_json(path: Path, text: str) -> ProblemFile:
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from None
    try:
        if "format" in tree:
            return ProblemFile(own.parse(tree))
        return ProblemFile(*vroom.parse(tree, path.name.split(".")[0]))
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from None
