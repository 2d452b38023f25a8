"""OptimizeRoutes and ComputeTravelMatrix over the app's policies, travel times and build."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from matcher.domain import (
    Build,
    ErrorReason,
    InvalidRequest,
    MatrixTravel,
    Policy,
    Provenance,
    Rung,
    Snapshot,
    Violation,
)
from matcher.ports import TravelTime
from matcher.routing import RouteTask, optimize_routes
from matcher.wire import MatrixQuestion, RouteOptions, RouteReply


class RoutePlanner:
    """Safe to use from many threads."""

    def __init__(self, travel: TravelTime, build: Build) -> None:
        self._travel = travel
        self._build = build

    def plans(
        self,
        snapshot: Snapshot,
        options: RouteOptions,
        policy: Policy,
        seconds_left: Callable[[], float] | None,
        *,
        every: bool,
    ) -> Iterator[RouteReply]:
        """Ever better plans, the last one final; that one alone unless `every`.

        Raises InvalidRequest for a market that the kernels refuse.
        """
        provenance = Provenance(
            policy=policy.name,
            policy_digest=policy.digest,
            build_version=self._build.version,
            build_digest=self._build.digest,
            snapshot_digest=snapshot.digest.hex(),
        )
        task = RouteTask(
            snapshot=snapshot,
            travel=self._travel.travel(snapshot, policy.travel),
            policy=policy,
            max_iterations=options.max_iterations,
            seed=options.seed,
            unserved_micros=options.unserved_micros,
            rung=options.forced_rung or Rung.NATIVE,
            seconds_left=seconds_left,
        )
        try:
            for plan in optimize_routes(task, every=every):
                yield RouteReply(plan, provenance)
        except ValueError as error:
            raise InvalidRequest([Violation("task.snapshot", str(error), ErrorReason.OUT_OF_RANGE)]) from None

    def matrix(self, question: MatrixQuestion, policy: Policy) -> tuple[npt.NDArray[np.int64], str]:
        """(origins, destinations) milliseconds, and the provider. Raises InvalidRequest for times beyond 24 days."""
        places = question.snapshot.locations
        travel = self._travel.travel(question.snapshot, policy.travel)
        origins, destinations = question.origins, question.destinations
        if isinstance(travel, MatrixTravel):
            table = travel.matrix_ms[travel.profile[0]]
            cells = table[np.ix_(origins, destinations)].astype(np.int64)
        else:
            axes = (places.x, places.y, places.z)
            square = sum((axis[origins][:, None] - axis[destinations][None, :]) ** 2 for axis in axes)
            distance = np.sqrt(square)
            if places.radius_m > 0:
                arc = np.arcsin(np.minimum(1.0, distance / (2 * places.radius_m)))
                distance = 2 * places.radius_m * arc
            quantum, speed = travel.quantum_ms, int(travel.speed_mph[0])
            cells = np.ceil(distance * travel.factor * 3.6e6 / (float(speed) * quantum)).astype(np.int64) * quantum
        cells[origins[:, None] == destinations[None, :]] = 0
        if cells.size and int(cells.max()) >= 1 << 31:
            sentence = f"a trip would take {int(cells.max())} ms, more than fits; is the speed right?"
            raise InvalidRequest([Violation("speed_meters_per_hour", sentence, ErrorReason.OUT_OF_RANGE)])
        return cells, travel.version
