"""Replay: recorded decisions made again by the same engine, and what differs."""

from matcher.replay.difference import first_difference
from matcher.replay.replay import Replayed, decide_again, replay

__all__ = ["Replayed", "decide_again", "first_difference", "replay"]
