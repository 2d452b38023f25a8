"""Meso: `decide()` on seeded markets, stage by stage."""
