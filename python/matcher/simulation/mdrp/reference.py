"""The checks and the summary of the reference evaluator published with the instances, to the digit.

The checks are the evaluator's own, with its gaps; `matcher.simulation.mdrp.checks` closes those. Statistics are those
of a pandas description: percentiles by linear interpolation, standard deviation with n - 1, missing values left out.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from matcher.domain.snapshot import F64
from matcher.simulation.mdrp.evaluation import DayMeasures, measure
from matcher.simulation.mdrp.instance import Instance, travel_minutes
from matcher.simulation.mdrp.solution import Solution


@dataclass(frozen=True, slots=True)
class _Timelines:
    """Per courier with moves: when it departs and arrives, from its shift's start on, and where it then is."""

    times: dict[str, list[int]]
    places: dict[str, list[str]]
    gaps: list[str]

    def place(self, courier: str, minute: int) -> str:
        """Where the courier is just before `minute`; "" while driving, and without moves."""
        if courier not in self.times:
            return ""
        return self.places[courier][bisect.bisect_left(self.times[courier], minute) - 1]


def _timelines(instance: Instance, solution: Solution) -> _Timelines:
    positions = instance.places()
    on_time = dict(zip(instance.couriers.ids, instance.couriers.on.tolist(), strict=True))
    timelines = _Timelines({}, {}, [])
    for move in solution.moves:
        times = timelines.times.setdefault(move.courier, [on_time[move.courier]])
        places = timelines.places.setdefault(move.courier, [move.courier])
        if move.origin != places[-1]:
            timelines.gaps.append(f"{move.courier} {move.origin} {places[-1]}")
        minutes = travel_minutes(
            positions[move.origin], positions[move.destination], instance.parameters.meters_per_minute
        )
        times += [move.departure, move.departure + minutes]
        places += ["", move.destination]
    return timelines


def feasibility_report(instance: Instance, solution: Solution) -> tuple[str, bool]:
    """The evaluator's feasibility file and its verdict. KeyError when the solution names unknown ids."""
    placement = dict(zip(instance.orders.ids, instance.orders.placement.tolist(), strict=True))
    ready = dict(zip(instance.orders.ids, instance.orders.ready.tolist(), strict=True))
    restaurant = dict(zip(instance.orders.ids, instance.orders.restaurant, strict=True))
    off_time = dict(zip(instance.couriers.ids, instance.couriers.off.tolist(), strict=True))
    dropoff = {row.order: row.dropoff for row in solution.orders}
    assignments = solution.assignments
    timelines = _timelines(instance, solution)
    service = instance.parameters.dropoff_service

    count: dict[str, int] = {}
    for a in assignments:
        for order in dict.fromkeys(a.orders):
            count[order] = count.get(order, 0) + 1
    drops = [[dropoff[o] for o in a.orders] for a in assignments]
    checks: list[tuple[str, str, list[str]]] = [
        (
            "every order is in at most one assignment: OK",
            "orders in more than one assignment:",
            [row.order for row in solution.orders if count.get(row.order, 0) > 1],
        ),
        (
            "assignments are never made before information is revealed: OK",
            "assignments made before orders are placed:",
            [f"{a.time} {placement[o]} {o}" for a in assignments for o in a.orders if a.time < placement[o]],
        ),
        (
            "bundle picked up before off-time of courier: OK",
            "bundle picked up after off-time of courier:",
            [f"{off_time[a.courier]} {a.pickup} {a.courier}" for a in assignments if a.pickup > off_time[a.courier]],
        ),
        (
            "bundle pickup times respect ready times: OK",
            "bundle pickup times do not respect individual ready times:",
            [f"{a.pickup} {ready[o]} {o}" for a in assignments for o in a.orders if ready[o] > a.pickup],
        ),
        (
            "dropoffs follow the prescribed sequence:OK",
            "dropoffs do not follow the prescribed sequence:",
            [
                f"{drop} {' '.join(a.orders)}"
                for a, times in zip(assignments, drops, strict=True)
                for before, drop in itertools.pairwise(times)
                if drop < before + service
            ],
        ),
        (
            "continuity in sequence of origin-destination pairs: OK",
            "discontinuities in sequence of origin-destination pairs:",
            timelines.gaps,
        ),
        (
            "departures and arrival time are consistent in time: OK",
            "departures sometimes happen before arrivals:",
            [f"{courier} {times}" for courier, times in timelines.times.items() if sorted(times) != times],
        ),
        (
            "dropoff times and locations are consistent:OK",
            "inconsistency in dropoff times and locations",
            [
                f"{row.order} {row.dropoff} {timelines.place(row.courier, row.dropoff)}"
                for row in solution.orders
                if timelines.place(row.courier, row.dropoff) != row.order
            ],
        ),
        (
            "pickup times and locations are consistent:OK",
            "inconsistency in pickup times and locations",
            [
                f"{a.orders[0]} {restaurant[a.orders[0]]} {a.pickup} {timelines.place(a.courier, a.pickup)}"
                for a in assignments
                if timelines.place(a.courier, a.pickup) != restaurant[a.orders[0]]
            ],
        ),
    ]
    text = "\n\n".join("\n".join([bad, *found]) if found else good for good, bad, found in checks)
    feasible = not any(found for _, _, found in checks)
    return f"{text}\n{'FEASIBLE' if feasible else 'INFEASIBLE'}\n", feasible


def performance_report(instance: Instance, solution: Solution) -> str:
    """The evaluator's performance file, for a solution that its checks pass."""
    day = measure(instance, solution)
    return "\n".join(
        [
            f"number of orders delivered: {len(day.click_to_door)} out of {len(instance.orders.ids)}",
            f"total payment: {day.payment.sum():.2f}",
            "proportion of couriers receiving minimum guaranteed compensation: "
            f"{np.count_nonzero(day.order_earnings < day.guaranteed_earnings) / len(day.payment):.2f}",
            "\n",
            _order_table(day),
            "\n",
            _courier_table(day),
            "\n",
            _describe({"orders_per_bundle": day.orders_per_bundle}),
            "",
        ]
    )


def _order_table(day: DayMeasures) -> str:
    return _describe(
        {
            "click-to-door": day.click_to_door,
            "ready-to-door": day.ready_to_door,
            "ready-to-pickup": day.ready_to_pickup,
            "click-to-door overage": day.overage,
        }
    )


def _courier_table(day: DayMeasures) -> str:
    return _describe(
        {
            "orders_per_hour": day.orders_per_hour,
            "bundles_per_hour": day.bundles_per_hour,
            "utilization": day.utilization,
            "guaranteed_earnings": day.guaranteed_earnings,
            "order_earnings": day.order_earnings,
            "payment": day.payment,
        }
    )


_STATISTICS: tuple[tuple[str, Callable[[F64], float]], ...] = (
    ("mean", lambda v: float(v.mean())),
    ("std", lambda v: float(v.std(ddof=1)) if len(v) > 1 else float("nan")),
    ("min", lambda v: float(v.min())),
    ("10%", lambda v: float(np.percentile(v, 10))),
    ("50%", lambda v: float(np.percentile(v, 50))),
    ("90%", lambda v: float(np.percentile(v, 90))),
    ("max", lambda v: float(v.max())),
)


def _describe(columns: dict[str, F64]) -> str:
    """The table of statistics, columns right-justified two blanks apart."""
    cells: list[Sequence[str]] = [["", "count", *(name for name, _ in _STATISTICS)]]
    for name, values in columns.items():
        known = values[~np.isnan(values)]
        figures = [statistic(known) if len(known) else float("nan") for _, statistic in _STATISTICS]
        cells.append([name, *(_figure(figure) for figure in (float(len(known)), *figures))])
    widths = [max(map(len, column)) for column in cells]
    lines = []
    for row in range(len(cells[0])):
        label = cells[0][row].ljust(widths[0])
        rest = [column[row].rjust(width) for column, width in zip(cells[1:], widths[1:], strict=True)]
        lines.append("  ".join([label, *rest]))
    return "\n".join(lines)


def _figure(value: float) -> str:
    return "NaN" if np.isnan(value) else f"{value:.2f}"
