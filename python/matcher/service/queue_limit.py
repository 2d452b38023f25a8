"""How many calls may be worked on or wait: additive increase while waiting is short, multiplicative decrease when not.

The signal is CoDel's: the least wait of an interval. A burst makes some calls wait; only a standing queue makes all
of them wait, and a standing queue serves nobody. K. Nichols, V. Jacobson: Controlling queue delay. ACM Queue 10
(2012). That takes intervals to be seen. A step of load is met before: no call is let in that would wait for longer than
a few calls take. D. Chiu, R. Jain: Analysis of the increase and decrease algorithms for congestion avoidance in
computer networks. Computer Networks and ISDN Systems 17 (1989).
"""

from __future__ import annotations

import math

_INTERVAL_SECONDS = 0.1
_DECREASE = 0.85
_STEEPEST = 0.4
_INCREASE = 1


class QueueLimit:
    """The limit between `least` and `most` calls; starts at `most`. Not thread-safe: its owner holds a lock."""

    def __init__(self, least: int, most: int, target_seconds: float, now: float, longest: float = 1e6) -> None:
        """`target_seconds`: a wait that everybody may have; never less than what one call takes. `longest`: the most
        that a call may wait, in times of a call, where that is more."""
        self.calls = most
        self.reached = False
        """Whether a call met the limit since the last interval began; its owner sets it."""
        self._least = least
        self._most = most
        self._target = target_seconds
        self._longest = longest
        self._shortest = math.inf
        self._end = now + _INTERVAL_SECONDS

    def most_calls(self, mean_seconds: float) -> int:
        """How many calls of `mean_seconds` may be worked on or wait: no more than `calls`, nor than can be begun within
        the longest wait. Each of the `least` calls that are worked on at once makes room for as many behind it."""
        if mean_seconds <= 0.0:
            return self.calls
        behind = max(self._target / mean_seconds, self._longest)
        return min(self.calls, max(self._least + 1, int(self._least * (1.0 + behind))))

    def begun(self, wait: float, mean_seconds: float, now: float) -> None:
        """A call was begun after waiting so long; calls take `mean_seconds` of work."""
        self._shortest = min(self._shortest, wait)
        if now < self._end:
            return
        target = max(self._target, mean_seconds)
        if self._shortest > target:
            # Waiting grows with the queue: a queue that is twice too slow is about twice too long. Going there in steps
            # of a fixed size would take seconds in which everybody waits.
            share = min(_DECREASE, max(_STEEPEST, target / self._shortest))
            self.calls = max(self._least + 1 if self._most > self._least else self._least, int(self.calls * share))
        elif self.reached:
            self.calls = min(self._most, self.calls + _INCREASE)
        self.reached = False
        self._shortest = math.inf
        self._end = now + _INTERVAL_SECONDS
