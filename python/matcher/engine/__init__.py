"""`decide`: the one main path from a snapshot to a verified decision."""

from matcher.engine.decide import VerificationError, decide

__all__ = ["VerificationError", "decide"]
