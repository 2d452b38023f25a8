"""Cycles captured from simulated days: the markets that a policy met on its way through them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from matcher.app import built_in_policies
from matcher.domain import Decision, Policy, Snapshot
from matcher.engine import decide
from matcher.ports import Ports
from matcher.simulation.mdrp.day import run_day
from matcher.simulation.mdrp.instance import find_instances


@dataclass(frozen=True, slots=True)
class Cycle:
    """A market at a time, and the policy in force."""

    name: str
    market: Snapshot
    policy: Policy


class Capture:
    """A decider that keeps one in `apart` of the snapshots with at least `open_orders` open orders."""

    def __init__(self, policy: Policy, ports: Ports, *, apart: int, open_orders: int) -> None:
        self.kept: list[Snapshot] = []
        self._policy, self._ports, self._apart, self._least = policy, ports, apart, open_orders
        self._met = 0

    def decide(self, market: Snapshot) -> Decision:
        """The decision of the policy."""
        if int((market.orders.courier < 0).sum()) >= self._least:
            self._met += 1
            if self._met % self._apart == 0:
                self.kept.append(market)
        return decide(market, self._policy, ports=self._ports)


def captured_cycles(days: Iterable[Path], ports: Ports, *, apart: int = 40, open_orders: int = 1) -> Iterator[Cycle]:
    """Cycles of days of the Meal Delivery Routing Problem (instance folders or archives) under the policy "mdrp"."""
    paths = list(days)
    mdrp = built_in_policies()["mdrp"]
    for source in find_instances(paths) if paths else ():
        capture = Capture(mdrp, ports, apart=apart, open_orders=open_orders)
        run_day(source.read(), capture)
        for number, market in enumerate(capture.kept):
            yield Cycle(f"{source.name}#{number}", market, mdrp)
