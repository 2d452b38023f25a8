"""``matcher simulate``: recorded markets through the engine, or through a live server."""

from __future__ import annotations

import argparse
from pathlib import Path

from matcher.cli.configured import add_config_argument


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    simulate = subparsers.add_parser("simulate", help="run recorded markets through the engine")
    markets = simulate.add_subparsers(title="markets", metavar="MARKET", required=True)
    mdrp = markets.add_parser(
        "mdrp",
        help="days of the Meal Delivery Routing Problem (Reyes et al., 2018)",
        description="Runs days of meal delivery by the published rules, one decision a minute, without prepositioning "
        "and without assignment updates unless told otherwise, and judges the solutions by a strict checker.",
    )
    mdrp.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="instance folder, folder of them, or archive")
    mdrp.add_argument("--out", type=Path, required=True, metavar="DIR", help="solutions, metrics.json and report.html")
    mdrp.add_argument("--only", default="", metavar="REGEX", help="only instances whose name contains a match")
    mdrp.add_argument("--jobs", type=int, default=2, metavar="N", help="days at a time, a process each (default 2)")
    mdrp.add_argument("--via", choices=("engine", "grpc"), default="engine", help="in this process, or a live server")
    mdrp.add_argument(
        "--target", default="auto", metavar="ADDRESS", help='for --via grpc: "host:port", "unix:/path"; auto: start one'
    )
    add_config_argument(mdrp)
    mdrp.add_argument("--policy", default="mdrp", metavar="NAME", help="policy that decides (default mdrp)")
    mdrp.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="KEY=VALUE",
        help="change a value of the policy, e.g. bundling.max_orders=1; may be repeated",
    )
    mdrp.add_argument(
        "--preposition",
        action="store_true",
        help="operating mode with prepositioning: idle couriers are told at which restaurant to wait (sets "
        "positioning.max_moves=3; a server at --target must have it)",
    )
    mdrp.add_argument(
        "--updates",
        action="store_true",
        help="operating mode with assignment updates, the additive ones: a courier on the way to a restaurant may get "
        "more of its orders until the pick-up (sets holding.additions=same_pickup; a server at --target must have it)",
    )
    mdrp.add_argument(
        "--noise",
        default="",
        metavar="KEY=VALUE,...",
        help="what decisions are not told: ready=S (standard deviation of the logarithm of estimated preparation "
        "times), ready=restaurant_mean (until an order is ready, its restaurant's mean preparation time), "
        "refusal=P (probability that a courier refuses an order), seed=N",
    )
    mdrp.set_defaults(run=run)
    _add_dpdp(markets)
    _add_recorded(markets)
    _add_waves(markets)


def _add_dpdp(markets: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    dpdp = markets.add_parser(
        "dpdp",
        help="days of the dynamic pickup-and-delivery problem (Hao et al., 2022)",
        description="Runs days of trucks between factories: docks, last in first out, orders known when they are "
        "created, a decision every ten minutes by matcher.routing.Fleet. Judges them by a strict evaluator.",
    )
    dpdp.add_argument("path", type=Path, metavar="PATH", help="folder or archive: factories, routes, a folder a day")
    dpdp.add_argument("--out", type=Path, required=True, metavar="DIR", help="metrics.json, and calls.csv of every day")
    dpdp.add_argument("--only", default="", metavar="REGEX", help="only days whose name contains a match")
    dpdp.add_argument("--jobs", type=int, default=2, metavar="N", help="days at a time, a process each (default 2)")
    dpdp.add_argument(
        "--iterations", type=int, default=300, metavar="N", help="of the search for better routes, each decision (300)"
    )
    dpdp.add_argument(
        "--hold", type=int, default=60, metavar="MIN", help="a truck waits while all its deliveries have more to spare"
    )
    dpdp.add_argument("--seed", type=int, default=0, metavar="N", help="of the search (default 0)")
    dpdp.set_defaults(run=run_dpdp)


def run_dpdp(args: argparse.Namespace) -> int:
    """0: every order is delivered and no rule broken; 1: not so, or something cannot be used."""
    from matcher.cli.dpdp_run import run_dpdp

    return run_dpdp(args)


def _add_recorded(markets: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    recorded = markets.add_parser(
        "recorded",
        help="a recorded day of a city: tables of orders and of couriers' shifts",
        description="Runs a day from two comma-separated tables (plain or .gz). Orders: order_id, pickup_lat, "
        "pickup_lng, dropoff_lat, dropoff_lng, placement_s, ready_s, expected_dropoff_s. Couriers: courier_id, "
        "vehicle, on_lat, on_lng, on_s, off_s. Seconds are after midnight. What the tables do not say is assumed, and "
        "printed.",
    )
    recorded.add_argument("orders", type=Path, metavar="ORDERS", help="table of orders")
    recorded.add_argument("couriers", type=Path, metavar="COURIERS", help="table of shifts")
    recorded.add_argument("--out", type=Path, required=True, metavar="DIR", help="metrics.json and report.html")
    recorded.add_argument("--cycle", type=int, default=30, metavar="S", help="seconds between decisions (default 30)")
    recorded.add_argument("--from", dest="start", default="00:00", metavar="HH:MM", help="orders placed from then on")
    recorded.add_argument("--to", dest="end", default="", metavar="HH:MM", help="and before then (default: all)")
    add_config_argument(recorded)
    recorded.add_argument("--policy", default="default", metavar="NAME", help="policy that decides (default: default)")
    recorded.add_argument(
        "--set", action="append", default=[], dest="settings", metavar="KEY=VALUE", help="change a value of the policy"
    )
    recorded.set_defaults(run=run_recorded)


def _add_waves(markets: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    waves = markets.add_parser(
        "waves",
        help="dispatch waves of the EURO meets NeurIPS 2022 competition",
        description="Draws requests hour after hour as the competition does, names those that leave with each wave, "
        "routes them, and judges the run by a strict evaluator. What is not urgent is held where most of the futures "
        "that are tried make it worth more in a later wave.",
    )
    waves.add_argument("path", type=Path, metavar="PATH", help="instance (VRPLIB), or a folder or archive of them")
    waves.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="metrics.json, and the waves of every run"
    )
    waves.add_argument(
        "--runs", type=Path, metavar="CSV", help="which runs: columns instance and instance_seed, and others' costs"
    )
    waves.add_argument("--beside", nargs="*", default=[], metavar="NAME", help="columns of --runs to show")
    waves.add_argument("--run-seed", type=int, default=1, metavar="N", help="without --runs: of the draws (default 1)")
    waves.add_argument("--by", choices=("holding", "greedy", "lazy"), default="holding", help="who decides")
    waves.add_argument("--futures", type=int, default=10, metavar="N", help="tried in each of two rounds (default 10)")
    waves.add_argument("--ahead", type=int, default=1, metavar="N", help="waves in a future (default 1)")
    waves.add_argument("--iterations", type=int, default=4_000, metavar="N", help="of each future's plan (4000)")
    waves.add_argument("--plan-iterations", type=int, default=50_000, metavar="N", help="of each wave's plan (50000)")
    waves.add_argument("--seed", type=int, default=0, metavar="N", help="of futures and searches (default 0)")
    waves.add_argument("--jobs", type=int, default=1, metavar="N", help="runs at a time, a process each (default 1)")
    waves.set_defaults(run=run_waves)


def run_waves(args: argparse.Namespace) -> int:
    """0: all runs obey every rule; 1: one does not, or something cannot be used."""
    from matcher.cli.waves_run import run_waves

    return run_waves(args)


def run_recorded(args: argparse.Namespace) -> int:
    """0: played to the end, no rule broken; 1: a rule was broken, or something cannot be used."""
    from matcher.cli.recorded_run import run_recorded

    return run_recorded(args)


def run(args: argparse.Namespace) -> int:
    """0: all solutions obey every rule; 1: one does not, or something cannot be used."""
    from matcher.cli.mdrp_run import run_mdrp

    return run_mdrp(args)
