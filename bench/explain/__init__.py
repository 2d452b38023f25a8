"""Explanations: how long they take, and whether the price of a pair is that of a forced re-solve."""
