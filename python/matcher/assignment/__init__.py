"""Candidates → scores → columns of the packing problem that a decision solves."""

from matcher.assignment.candidates import Candidates, find_candidates
from matcher.assignment.scoring import Columns, most_valuable, score, waiting_prices
from matcher.assignment.terms import TERMS, CostTerm
from matcher.assignment.zones import ZoneCaps, zone_caps

__all__ = [
    "TERMS",
    "Candidates",
    "Columns",
    "CostTerm",
    "ZoneCaps",
    "find_candidates",
    "most_valuable",
    "score",
    "waiting_prices",
    "zone_caps",
]
