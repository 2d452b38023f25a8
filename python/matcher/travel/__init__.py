"""Embedded travel times: what answers the TravelTime port without any other server."""

from matcher.travel.straight_line import StraightLine

__all__ = ["StraightLine"]
