"""The seam that each solver of pickup-and-delivery problems fills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from matcher.routing.problem import Problem
from matcher.routing.solution import Progress, Solution

Objective = Literal["hierarchical", "distance", "cost"]
SolverName = Literal["auto", "native", "partition", "ortools", "cpsat"]
Listener = Callable[[Progress, list[list[int]]], object]


@dataclass(frozen=True, slots=True)
class SolveTask:
    """What a rung gets: the arguments of `solve`, checked, travel bins taken out of the problem."""

    problem: Problem
    objective: Objective
    time_limit: float | None
    max_iterations: int | None
    seed: int = 0
    initial: tuple[tuple[int, ...], ...] = ()
    clock: Literal["wall", "cpu"] = "wall"
    on_progress: Listener | None = None
    cancel: npt.NDArray[np.uint8] | None = None
    threads: int = 1
    """Of the native search; the other rungs use one."""


class RoutingSolver(Protocol):
    """A solver of pickup-and-delivery problems. Its suite is tests/routing/test_rungs.py."""

    @property
    def name(self) -> str:
        """What `Solution.solver` says."""
        ...

    def refusal(self, task: SolveTask) -> str | None:
        """Why it cannot take the task, as a sentence; None when it can."""
        ...

    def solve(self, task: SolveTask) -> Solution:
        """The best plan found within the task's budget. Deterministic when only iterations limit it."""
        ...
