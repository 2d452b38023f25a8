"""Latency of one cheapest insertion over 1,000 and 10,000 running routes, answers checked while timing."""

from __future__ import annotations

import time

import numpy as np
from bench.instances.insertion_queries import read_answers, read_fleet
from bench.routing.reach import data_folder

REPEATS = 10


def main() -> None:
    """Each query is timed ten times by CPU time; its least time counts, percentiles are over the 200 queries."""
    folder = data_folder() / "insertion"
    print("| fleet | couriers | p50 µs | p99 µs |\n|---|---|---|---|")
    for name in ("insertion_1000", "insertion_1000_dense"):
        answers = read_answers(folder / f"{name}_best.csv")
        for copies in (1, 10):
            fleet, orders = read_fleet(folder / f"{name}.txt.gz", copies)
            least = []
            for order, answer in zip(orders, answers, strict=True):
                times = []
                for _ in range(REPEATS):
                    began = time.perf_counter_ns()
                    found = fleet.cheapest_insertions(order)
                    times.append(time.perf_counter_ns() - began)
                best = found[0].courier if found else -1
                assert best == answer.courier, f"{name}: courier {best} instead of {answer.courier}"
                least.append(min(times) / 1e3)
            p50, p99 = np.percentile(least, [50, 99])
            print(f"| {name} | {copies * 1000} | {p50:.0f} | {p99:.0f} |")


if __name__ == "__main__":
    main()
