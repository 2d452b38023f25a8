"""Noise: what a market keeps from its decisions. Seeded, and the same whatever is decided.

Every draw is a hash of the seed, its kind and the ids concerned, never of the order of events. Two policies run with
one seed face the same kitchens and the same couriers' whims, so their difference is theirs alone. What decisions are
told of kitchens is in `matcher.simulation.kitchens`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

RESTAURANT_MEAN = "restaurant_mean"


@dataclass(frozen=True, slots=True)
class Noise:
    """How far estimates are off, and how couriers answer offers."""

    ready: float = 0.0
    """Standard deviation of the logarithm of a preparation time's estimate around the true one; estimates are right in
    the mean. Decisions see the estimate until the order is ready, and never one that has passed."""
    refusal: float = 0.0
    """Probability that a courier refuses an order offered; a plan is refused if one of its new orders is, and that
    order is not offered to the courier again."""
    seed: int = 0
    quantum_ms: int = 1_000
    """Estimates are rounded to multiples of this, counted from the placement."""
    store_mean: bool = False
    """Until an order is ready decisions know the mean preparation time of its store's orders, and nothing else."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.ready <= 2.0:
            raise ValueError(f"noise.ready must be between 0 and 2, not {self.ready}")
        if self.ready and self.store_mean:
            raise ValueError("noise.ready and noise.store_mean are two ways of telling the same: give one of them")
        if not 0.0 <= self.refusal < 1.0:
            raise ValueError(f"noise.refusal must be at least 0 and below 1, not {self.refusal}")
        if self.quantum_ms < 1:
            raise ValueError(f"noise.quantum_ms must be positive, not {self.quantum_ms}")

    @property
    def late_kitchens(self) -> bool:
        """Whether orders may be ready at other times than decisions were told."""
        return self.ready > 0.0 or self.store_mean

    def refuses(self, courier_id: str, order_id: str) -> bool:
        """Whether the courier does not take the order; the same each time it is asked."""
        return self.refusal > 0.0 and self.uniform("refusal", courier_id, order_id) < self.refusal

    def uniform(self, kind: str, *ids: str) -> float:
        """In (0, 1), always the same for a kind and ids."""
        text = "\0".join((str(self.seed), kind, *ids))
        digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") + 0.5) / 2**64


def parse_noise(text: str, quantum_ms: int) -> Noise:
    """Noise from "ready=0.3,refusal=0.05,seed=7" or "ready=restaurant_mean". ValueError says what is wrong."""
    values: dict[str, float] = {}
    store_mean = False
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if key not in ("ready", "refusal", "seed") or not equals:
            raise ValueError(
                f"--noise: {part!r} is none of ready=SHARE, ready={RESTAURANT_MEAN}, refusal=PROBABILITY, seed=NUMBER"
            )
        if (key, value) == ("ready", RESTAURANT_MEAN):
            store_mean = True
            continue
        try:
            values[key] = float(value)
        except ValueError:
            raise ValueError(f"--noise: {value!r} is no number") from None
    seed = values.get("seed", 0.0)
    if seed != int(seed):
        raise ValueError(f"--noise: seed must be a whole number, not {seed}")
    return Noise(values.get("ready", 0.0), values.get("refusal", 0.0), int(seed), quantum_ms, store_mean)
