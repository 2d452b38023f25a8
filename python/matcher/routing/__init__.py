"""Routes: live insertion into a fleet under way, and pickup-and-delivery plans."""

from matcher.routing.fleet import Fleet, FleetOptions, Improved, Insertion, Order, PlannedRoute, Route
from matcher.routing.live import FleetOutgrown, LiveFleet
from matcher.routing.optimize import RouteTask, optimize_routes
from matcher.routing.problem import (
    InvalidPlanError,
    Problem,
    Progress,
    Solution,
    Unserved,
    UnservedReason,
    VehicleType,
    read_li_lim,
    read_sartori_buriol,
)
from matcher.routing.search import solve

__all__ = [
    "Fleet",
    "FleetOptions",
    "FleetOutgrown",
    "Improved",
    "Insertion",
    "InvalidPlanError",
    "LiveFleet",
    "Order",
    "PlannedRoute",
    "Problem",
    "Progress",
    "Route",
    "RouteTask",
    "Solution",
    "Unserved",
    "UnservedReason",
    "VehicleType",
    "optimize_routes",
    "read_li_lim",
    "read_sartori_buriol",
    "solve",
]
