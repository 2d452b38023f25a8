"""Routes: live insertion into a fleet under way, and pickup-and-delivery plans."""

from matcher.routing.explain import Limit, Relaxation, Unserved
from matcher.routing.fleet import Fleet, FleetOptions, Improved, Insertion, Order, PlannedRoute, Route
from matcher.routing.formats.li_lim import read_li_lim
from matcher.routing.formats.sartori_buriol import read_sartori_buriol
from matcher.routing.live import FleetOutgrown, LiveFleet
from matcher.routing.optimize import RouteTask, optimize_routes
from matcher.routing.problem import (
    Break,
    InvalidPlanError,
    OnBoard,
    Problem,
    Timetable,
    VehicleType,
)
from matcher.routing.rung import RoutingSolver, SolveTask
from matcher.routing.rungs import solve
from matcher.routing.sequence import BestSequence, best_sequence
from matcher.routing.solution import Progress, Solution

__all__ = [
    "BestSequence",
    "Break",
    "Fleet",
    "FleetOptions",
    "FleetOutgrown",
    "Improved",
    "Insertion",
    "InvalidPlanError",
    "Limit",
    "LiveFleet",
    "OnBoard",
    "Order",
    "PlannedRoute",
    "Problem",
    "Progress",
    "Relaxation",
    "Route",
    "RouteTask",
    "RoutingSolver",
    "Solution",
    "SolveTask",
    "Timetable",
    "Unserved",
    "VehicleType",
    "best_sequence",
    "optimize_routes",
    "read_li_lim",
    "read_sartori_buriol",
    "solve",
]
