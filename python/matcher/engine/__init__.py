"""`decide`: the one main path from a snapshot to a verified decision. `explain`: why it did not decide otherwise."""

from matcher.engine.decide import VerificationError, decide
from matcher.engine.explain import explain

__all__ = ["VerificationError", "decide", "explain"]
