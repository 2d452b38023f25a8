"""Markets in simulated time: what `matcher simulate` and `matcher demo` run decisions in."""

from matcher.simulation.couriers import PlanError
from matcher.simulation.market import Diversion, Market, Rules, Shift
from matcher.simulation.outcome import CommittedPlan, Cycle, Outcome, Visit
from matcher.simulation.world import Decider, World

__all__ = [
    "CommittedPlan",
    "Cycle",
    "Decider",
    "Diversion",
    "Market",
    "Outcome",
    "PlanError",
    "Rules",
    "Shift",
    "Visit",
    "World",
]
