"""Routes: live insertion into a fleet under way, and pickup-and-delivery plans."""

from matcher.routing.fleet import Fleet, FleetOptions, Insertion, Order, Route

__all__ = ["Fleet", "FleetOptions", "Insertion", "Order", "Route"]
