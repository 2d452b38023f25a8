"""Candidates → scores → columns of the packing problem that a decision solves."""

from matcher.assignment.candidates import Candidates, find_candidates
from matcher.assignment.scoring import Columns, most_valuable, score, waiting_prices
from matcher.assignment.terms import TERMS, CostTerm

__all__ = ["TERMS", "Candidates", "Columns", "CostTerm", "find_candidates", "most_valuable", "score", "waiting_prices"]
