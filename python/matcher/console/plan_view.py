"""PlanView: routes with their times and places, ready to be drawn.

Times and places are in the units of the problem. Nothing here knows how a plan was found.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StopMark:
    """A stop of a route."""

    node: int
    request: int
    kind: str
    """"pickup" or "delivery"."""
    x: float
    y: float
    arrive: float
    start: float
    """Of service."""
    leave: float
    windows: tuple[tuple[float, float], ...]
    """In which service may start."""
    load: tuple[int, ...]
    """On leaving, by dimension."""


@dataclass(frozen=True, slots=True)
class RouteTrack:
    """What one vehicle does."""

    name: str
    vehicle: str
    begin: tuple[float, float, float]
    """Time and place of leaving."""
    end: tuple[float, float, float]
    """Time and place of being back; where the last stop is when the route is open."""
    stops: tuple[StopMark, ...]
    breaks: tuple[tuple[float, float], ...]
    distance: float


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A request that no route serves."""

    request: int
    pickup: tuple[float, float]
    delivery: tuple[float, float]
    why: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan."""

    routes: tuple[RouteTrack, ...]
    left_out: tuple[LeftOut, ...]
    to_scale: bool
    """Whether places are real; else they are laid out so that distances are kept as well as a plane can."""
