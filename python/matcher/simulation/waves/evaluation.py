"""The judge of a run: draws the requests again and follows every trip, in plain Python that shares nothing with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matcher.simulation.waves.game import Dispatched
from matcher.simulation.waves.instance import DRAWN, WaveInstance


@dataclass(frozen=True, slots=True)
class WaveScore:
    """One run, or the mean of many."""

    cost: float
    """Driving time of all trips, seconds: the competition's objective."""
    requests: float
    trips: float
    waves: float
    held: float
    """Requests that left with a later wave than their first, of all."""
    violations: float


@dataclass(frozen=True, slots=True)
class _Request:
    customer: int
    opens: int
    closes: int
    service: int
    load: int
    epoch: int


def evaluate(instance: WaveInstance, seed: int, waves: Sequence[Dispatched]) -> tuple[WaveScore, list[str]]:
    """The cost of a run, and every rule that it breaks, a sentence each."""
    broken: list[str] = []
    first = max(0, int((min(instance.opens[1:].tolist()) - 3600) // 3600))
    last = max(0, int((max(instance.opens[1:].tolist()) - 3600) // 3600))
    if [wave.epoch for wave in waves] != list(range(first, last + 1)):
        broken.append(f"the waves are not those of the epochs {first} to {last}")
    rng = np.random.default_rng(seed)
    everybody: dict[int, _Request] = {}
    open_: set[int] = set()
    cost = trips = held = 0.0
    for wave in waves:
        departure = 3600 * wave.epoch + 3600
        for request in _drawn(instance, rng, wave.epoch):
            number = len(everybody) + 1
            everybody[number] = request
            open_.add(number)
        for trip in wave.trips:
            trips += 1
            cost += _follow(instance, wave, departure, trip, everybody, open_, broken)
            held += sum(number in everybody and everybody[number].epoch < wave.epoch for number in trip)
        for number in sorted(open_):
            if wave.epoch == last or not _in_time(instance, everybody[number], departure + 3600):
                broken.append(f"wave {wave.epoch}: request {number} is not dispatched, and the next wave is too late")
                open_.discard(number)
    total = len(everybody)
    score = WaveScore(cost, total, trips, len(waves), held / total if total else 0.0, len(broken))
    return score, broken


def _drawn(instance: WaveInstance, rng: np.random.Generator, epoch: int) -> list[_Request]:
    customers = len(instance.demand) - 1
    columns = [(rng.integers(customers, size=DRAWN) + 1).tolist() for _ in range(4)]
    found = []
    for place, window, load, service in zip(*columns, strict=True):
        request = _Request(
            place,
            int(instance.opens[window]),
            int(instance.closes[window]),
            int(instance.service[service]),
            int(instance.demand[load]),
            epoch,
        )
        if _in_time(instance, request, 3600 * epoch + 3600):
            found.append(request)
    return found


def _in_time(instance: WaveInstance, request: _Request, departure: int) -> bool:
    start = max(departure + instance.duration[0, request.customer], request.opens)
    back = start + request.service + instance.duration[request.customer, 0]
    return bool(start <= request.closes and back <= instance.closes[0])


def _follow(
    instance: WaveInstance,
    wave: Dispatched,
    departure: int,
    trip: Sequence[int],
    everybody: dict[int, _Request],
    open_: set[int],
    broken: list[str],
) -> float:
    """Driving time of one trip; what is wrong with it goes to `broken`, what it serves leaves `open_`."""
    clock, here, load, driven = float(departure), 0, 0, 0.0
    if not trip:
        broken.append(f"wave {wave.epoch}: a trip serves nobody")
    for number in trip:
        if number not in open_:
            broken.append(f"wave {wave.epoch}: request {number} is not open")
            continue
        open_.discard(number)
        request = everybody[number]
        way = float(instance.duration[here, request.customer])
        driven += way
        clock = max(clock + way, float(request.opens))
        load += request.load
        if clock > request.closes:
            broken.append(f"wave {wave.epoch}: request {number} is served {clock - request.closes:g} s late")
        clock, here = clock + request.service, request.customer
    if load > instance.capacity:
        broken.append(f"wave {wave.epoch}: a trip carries {load} of {instance.capacity}")
    home = float(instance.duration[here, 0])
    if clock + home > instance.closes[0]:
        broken.append(
            f"wave {wave.epoch}: a trip is back {clock + home - instance.closes[0]:g} s after the depot closes"
        )
    return driven + home
