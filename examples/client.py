"""Ask a running server (`matcher serve`) for a decision. Usage: python examples/client.py [ADDRESS]"""

from __future__ import annotations

import sys
import time

from matcher import Client
from matcher.client import InvalidRequest
from matcher.domain import Courier, Order, TravelMode, build_snapshot


def main() -> int:
    """Three orders, two couriers, one decision; then a request that is refused, to see how."""
    now = time.time_ns() // 1_000_000
    minutes = 60_000
    bakery = {"pickup_latitude": 41.1496, "pickup_longitude": -8.6110, "store_id": "bakery"}
    orders = [
        Order("order-1", **bakery, dropoff_latitude=41.1579, dropoff_longitude=-8.6291, ready_at_ms=now + 5 * minutes),
        Order("order-2", **bakery, dropoff_latitude=41.1601, dropoff_longitude=-8.6333, ready_at_ms=now + 6 * minutes),
        Order("order-3", 41.1466, -8.6147, 41.1404, -8.6100, promised_by_ms=now + 30 * minutes),
    ]
    couriers = [
        Courier("ana", 41.1500, -8.6105, mode=TravelMode.BICYCLE),
        Courier("bruno", 41.1450, -8.6150, mode=TravelMode.MOTORCYCLE, shift_end_at_ms=now + 180 * minutes),
    ]
    with Client(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051") as client:
        decision = client.match(build_snapshot("porto-centre", now, orders, couriers), timeout=2.0)
        for plan in decision.plans:
            stops = ", ".join(f"{stop.kind.name.lower()} {stop.order_id}" for stop in plan.stops)
            print(f"{plan.courier_id}: {stops}")
        for outcome in decision.outcomes:
            if outcome.reason is not None:
                print(f"{outcome.order_id} waits: {outcome.reason.name}")
        print(f"cost {decision.total_cost_micros / 1e6:.2f}, at most {decision.gap:.2%} above the best possible")
        try:
            client.match(build_snapshot("porto-centre", now, orders, couriers), policy="no-such-policy")
        except InvalidRequest as error:
            print(f"refused as expected: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
