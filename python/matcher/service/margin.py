"""What a reply still needs once it is decided: measured per method, because machines and markets differ."""

from __future__ import annotations

import math

_SHORTEST_SECONDS = 1e-5
_PER_DOUBLING = 4
_BUCKETS = 80
_HALF_LIFE_CALLS = 1_000
_ENOUGH_CALLS = 100
_ENOUGH_TURNS = 20
_QUANTILE = 0.999
_MOST_OF_THE_TIME = 1 / 3
_ASKED_EVERY = 16
"""Values after which a quantile is looked up anew: that takes longer than to add one."""


class DecayedQuantile:
    """A quantile of the last values, older ones counting less and less; adding and asking cost microseconds.

    A histogram from 10 µs to 10 s with four buckets a doubling. Instead of shrinking all weights with each value, those
    of new ones grow; they are brought back before they leave the range of a float.
    """

    def __init__(
        self, quantile: float = _QUANTILE, half_life: int = _HALF_LIFE_CALLS, enough: int = _ENOUGH_CALLS
    ) -> None:
        """`half_life`: values after which one counts half. `enough`: values before which nothing is said."""
        self._quantile = quantile
        self._growth = 2.0 ** (1.0 / half_life)
        self._weights = [0.0] * _BUCKETS
        self._weight = 1.0
        self._total = 0.0
        self._missing = enough
        self._asked = 0
        self._known: float | None = None

    def add(self, seconds: float) -> None:
        """One value."""
        doublings = math.log2(max(seconds, _SHORTEST_SECONDS) / _SHORTEST_SECONDS)
        self._weight *= self._growth
        self._weights[min(_BUCKETS - 1, math.ceil(_PER_DOUBLING * doublings))] += self._weight
        self._total += self._weight
        self._missing -= self._missing > 0
        if self._weight > 1e100:
            self._weights = [weight / self._weight for weight in self._weights]
            self._total /= self._weight
            self._weight = 1.0

    def seconds(self) -> float | None:
        """The quantile, rounded up to the end of its bucket; None before there are enough values."""
        if self._missing:
            return None
        left = (1.0 - self._quantile) * self._total
        bucket = _BUCKETS - 1
        while bucket and self._weights[bucket] <= left:
            left -= self._weights[bucket]
            bucket -= 1
        return _SHORTEST_SECONDS * math.exp2(bucket / _PER_DOUBLING)

    def refreshed(self) -> float | None:
        """The same, as of a few values ago."""
        if self._asked == 0:
            self._known = self.seconds()
            self._asked = _ASKED_EVERY if self._known is not None else 0
        else:
            self._asked -= 1
        return self._known


class ReplyMargins:
    """How long before a caller's deadline work must end, by method, and how long before it a call is given up."""

    def __init__(self, first: float, least: float) -> None:
        """`first`: seconds until enough calls of a method were measured. `least`: seconds kept in any case."""
        self._first = first
        self._least = least
        self._replies: dict[str, DecayedQuantile] = {}
        self._lag = DecayedQuantile(enough=_ENOUGH_TURNS)
        self.lag_seconds = 0.0
        self.measured: dict[str, float] = {}

    def of(self, method: str) -> float:
        """Seconds kept from the deadlines of a method."""
        return self.measured.get(method, self._first)

    def give_up(self, seconds: float) -> float:
        """Seconds before a deadline in `seconds` at which a caller is told that there is no answer; later its library
        tells it. However late everything is, most of the caller's time is left for an answer."""
        return min(self._least + self.lag_seconds, max(self._least, _MOST_OF_THE_TIME * seconds))

    def replied(self, method: str, seconds: float) -> None:
        """A reply was handed over so long after it was decided."""
        quantile = self._replies.get(method)
        if quantile is None:
            quantile = self._replies[method] = DecayedQuantile()
        quantile.add(seconds)
        measured = quantile.refreshed()
        if measured is not None:
            self.measured[method] = self._least + measured

    def late(self, seconds: float) -> None:
        """The event loop did something so long after it was due, or a caller was told something."""
        self._lag.add(seconds)
        self.lag_seconds = self._lag.refreshed() or 0.0

    def told(self, due: float, now: float) -> None:
        """A caller has been told that there is no answer, which it was to be told at `due`."""
        self.late(max(0.0, now - due))

    def missed(self, give_up: float) -> None:
        """A caller's library was quicker than we, though it was to be told `give_up` seconds before its deadline: what
        passed between us was more than that, and we cannot know how much. So the same is asked for once more."""
        self._lag.add(give_up)
        self.lag_seconds = self._lag.seconds() or 0.0
