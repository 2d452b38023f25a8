"""A Policy: every number that shapes a decision, as one frozen value with a digest.

Weights are micros (millionths of the currency) per second or per event; the kernels keep quantities in whole
milliseconds, so all costs are exact integers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any

from matcher.domain.enums import Rung

MOST_PAY = 1_000_000
"""Of CostPolicy.pay: with six orders of the largest pay in a bundle the term just stays within 64 bits."""


class Commitment(StrEnum):
    """When a planned order is given to its courier for good."""

    IMMEDIATE = "immediate"
    """As soon as it is matched."""
    LATEST_DEPARTURE = "latest_departure"
    """When the courier must set off to keep the planned times; until then the order is held and may be re-planned."""


class Additions(StrEnum):
    """Where a decision may let orders enter a courier's route in progress."""

    ANYWHERE = "anywhere"
    """After the locked stops, wherever they fit."""
    SAME_PICKUP = "same_pickup"
    """Only at a pick-up of the same place that is still to be made, or after the end: what was promised stays, and a
    courier is sent nowhere else meanwhile (the additive commitment of Reyes et al., 2018)."""


@dataclass(frozen=True, slots=True)
class TravelPolicy:
    """Embedded travel times: distance × road factor ÷ speed, rounded up."""

    road_factor: float = 1.3
    """Road metres per metre of great circle (or of the plane)."""
    round_up_to_ms: int = 1000
    """Every travel time is rounded up to a multiple of this."""
    car_mph: int = 25_000
    """Metres per hour."""
    motorcycle_mph: int = 25_000
    bicycle_mph: int = 15_000
    foot_mph: int = 5_000
    hourly_factor: tuple[float, ...] = (1.0,) * 24
    """Multiplies travel times by the UTC hour of the snapshot; 24 values."""


@dataclass(frozen=True, slots=True)
class CandidatePolicy:
    """Which couriers are considered for an order."""

    nearest_couriers: int = 24
    """The couriers with the earliest possible arrival at the pick-up that are evaluated exactly; more where more orders
    than that are open at one pick-up place, since they would all see the same few couriers."""
    max_pairs: int = 250_000
    """Pairs of order and courier up to which a crowd of orders raises nearest_couriers."""
    max_columns: int = 400_000
    """Pairs of an order or bundle and a courier that are weighed against each other at most, the most valuable first:
    bounds the memory of a decision."""
    reach_ms: int = 5_400_000
    """A courier who cannot be at the pick-up within this time is not considered."""
    max_route_stops: int = 16
    """Longest route of a courier, new stops included."""


@dataclass(frozen=True, slots=True)
class BundlingPolicy:
    """Which orders of one store may travel together."""

    max_orders: int = 3
    """1: no bundling."""
    ready_spread_ms: int = 600_000
    """Largest difference of ready times within a bundle."""
    neighbours: int = 6
    """Orders of the store that each order is tried with, the best by drop-off distance and ready time."""
    max_bundles: int = 4_000
    """Bundles tried in one decision at most, the most valuable first."""
    share_dropoff_service: bool = False
    """Whether consecutive drop-offs at one place share one access and leave time, as pick-ups always do."""


@dataclass(frozen=True, slots=True)
class CostPolicy:
    """Weights of the cost terms: micros per second of the named quantity unless said otherwise."""

    click_to_door: int = 1_000
    """Per order, from being placed to the drop-off."""
    lateness: int = 2_000
    """Per order, beyond its promise."""
    severe_lateness: int = 4_000
    """Per order, beyond its promise by more than severe_lateness_after_ms; on top of lateness."""
    severe_lateness_after_ms: int = 1_200_000
    pickup_delay: int = 500
    """Per order, from being ready to the hand-over."""
    travel: int = 1_000
    """Driving time added to the courier's route."""
    courier_time: int = 500
    """Time added until the courier has finished its route."""
    standing: int = 0
    """Mean travel time from where a route ends to the expected demand: what it is more than before, less what it is
    less. Sending a courier who stands far from the demand is cheaper then."""
    pay: int = 0
    """Thousandths of each order's pay, as far as it is expected to come on top of the courier's guarantee; at most
    MOST_PAY."""
    freshness: int = 0
    """Per order, from the hand-over to the drop-off: time on board, which the order's freshness limit bounds. As far as
    it is more than pickup_delay, it chooses couriers and bundles only, not the order of stops."""
    acceptance: int = 0
    """Per order, for an offer that is refused: expected at the courier's acceptance, together with what the order's
    waiting reoffer_ms longer costs at the weights above."""
    reoffer_ms: int = 60_000
    """From an offer to the next one, if it is refused."""
    fairness: int = 0
    """Thousandths of how much farther the courier's earnings get from what the mean earnings an hour of all couriers
    would have been for its time on shift: pay goes to those who are behind."""
    earnings_floor: int = 0
    """Thousandths of the pay that a courier is short of earnings_floor_per_hour and gets: taken off the cost."""
    earnings_floor_per_hour: int = 0
    """Micros an hour on shift that every courier should earn."""
    sticky: int = 0
    """Per order, for giving it to another courier than the one announced for it."""
    scarce_courier_time: int = 0
    """Added to courier_time for each order per courier above one, both counted within load_horizon_ms: when couriers
    are scarce their time is what orders compete for, and bundles save it."""
    scarcity_limit: float = 4.0
    """Orders per courier above one that are counted at most."""
    load_horizon_ms: int = 1_200_000
    """Orders ready and couriers free within this time make up the load."""


@dataclass(frozen=True, slots=True)
class WaitingPolicy:
    """Price of leaving an order out of this decision, on top of what its waiting has cost already."""

    base_micros: int = 20_000_000
    per_second: int = 3_000
    """Micros for each second since the order was placed."""


@dataclass(frozen=True, slots=True)
class HoldingPolicy:
    """When a planned order is committed, and what may change afterwards."""

    commitment: Commitment = Commitment.IMMEDIATE
    additions: Additions = Additions.ANYWHERE
    slack_ms: int = 0
    """Leave so much before the latest departure."""
    cycle_ms: int = 30_000
    """Time to the next decision: what would have to leave before it is committed now."""


@dataclass(frozen=True, slots=True)
class ReadinessPolicy:
    """Which quantile of an uncertain ready time plans are made for: the newsvendor's.

    A courier who comes a second early loses w, one who comes a second late costs the order c: at the quantile
    w / (w + c) the expected loss is least. c is click_to_door and pickup_delay. w is courier_time at the present load
    (scarce_courier_time included) and what stands here.
    """

    courier_wait: int = 1_000
    """Micros for each second that a courier waits at a kitchen while there is one order per courier, on top of the
    price of its time; in proportion to the load (as scarce_courier_time counts it), up to twice as much."""
    leave_permille: int = 1_000
    """Couriers leave in time for this quantile, in thousandths, where it is earlier than the one planned for. 1000: for
    the one planned for. Less where a courier who waits at a kitchen may be given something else: then it waits there
    as well as anywhere, and an order that is ready early has somebody at hand."""


@dataclass(frozen=True, slots=True)
class PositioningPolicy:
    """Whether idle couriers are told where to wait for orders to come, by the snapshot's expected demand."""

    max_moves: int = 0
    """Couriers told to move in one decision at most; 0: couriers wait where they are."""
    horizon_ms: int = 1_200_000
    """How long a courier is expected to wait for an order: a longer way is never worth it, a shorter wait less so."""
    lead_ms: int = 600_000
    """Mean time from an order's being placed until it is ready: so long a courier may take without delaying it."""
    busy_permille: int = 500
    """How often, in a thousand, the courier who would be first is taken when the order comes."""
    reach_ms: int = 720_000
    """Longest way that a courier is sent."""
    least_shift_ms: int = 600_000
    """Couriers whose shift ends sooner stay."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A circle in which pick-ups are capped, e.g. a mall with few places to stop. What routes in progress still have to
    pick up there counts."""

    id: str = ""
    latitude: float = 0.0
    """Of the centre: degrees, or metres north, as in the snapshot."""
    longitude: float = 0.0
    radius_m: float = 0.0
    """On it counts as within."""
    max_orders: int = 0
    """Orders given out and not yet picked up, at most; 0: no limit."""
    max_couriers: int = 0
    """Couriers who still have to pick up something there, at most; 0: no limit."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that shapes a decision besides the snapshot, the ports and the budget."""

    name: str = "default"
    travel: TravelPolicy = field(default_factory=TravelPolicy)
    candidates: CandidatePolicy = field(default_factory=CandidatePolicy)
    bundling: BundlingPolicy = field(default_factory=BundlingPolicy)
    costs: CostPolicy = field(default_factory=CostPolicy)
    waiting: WaitingPolicy = field(default_factory=WaitingPolicy)
    holding: HoldingPolicy = field(default_factory=HoldingPolicy)
    readiness: ReadinessPolicy = field(default_factory=ReadinessPolicy)
    positioning: PositioningPolicy = field(default_factory=PositioningPolicy)
    zones: tuple[Zone, ...] = ()
    """Where pick-ups are capped. An order may be in several."""
    ladder: tuple[Rung, ...] = (Rung.NATIVE, Rung.ORTOOLS, Rung.GREEDY)
    """Rungs from first to last resort."""
    solver_iterations: int = 20_000
    """Iterations of the native solver at most (a thousand visits to a column's member each), for any market ..."""
    iterations_per_order: int = 100
    """... and these more for each open order; fewer when the deadline asks for it."""
    exact_iterations: int = 1_000
    """Iterations of the OR-Tools rung at most: thousandths of CP-SAT's deterministic second."""

    @property
    def digest(self) -> str:
        """Hex digest of all values; equal for equal policies."""
        known = _digests.get(id(self))
        if known is not None and known[0] is self:
            return known[1]
        text = json.dumps(_values(self), sort_keys=True, default=str)
        digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        if len(_digests) >= _MOST_DIGESTS:
            _digests.clear()
        _digests[id(self)] = self, digest
        return digest


_MOST_DIGESTS = 256
_digests: dict[int, tuple[Policy, str]] = {}
"""By identity, of policies that are kept alive by being here: a digest is in every decision, there are few policies,
and to hash one by its values takes longer than many another step."""


def _values(section: Any) -> dict[str, Any]:
    """The values by field; 1 given for 1.0 is 1.0, as it is in comparisons."""
    values: dict[str, Any] = {}
    for field_ in fields(section):
        value = getattr(section, field_.name)
        if is_dataclass(value):
            value = _values(value)
        elif field_.type == "tuple[Zone, ...]":
            value = [_values(zone) for zone in value]
        elif field_.type == "float":
            value = float(value)
        elif field_.type == "tuple[float, ...]":
            value = [float(item) for item in value]
        values[field_.name] = value
    return values
