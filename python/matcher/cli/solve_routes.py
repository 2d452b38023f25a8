"""``matcher solve FILE`` for pickup-and-delivery problems: the best plan found, checked, in the file's own format."""

from __future__ import annotations

import argparse
import sys

SUFFIXES = (".txt", ".json", ".gz")


_DEFAULT_SECONDS = 10.0


def _seconds(args: argparse.Namespace) -> float | None:
    """None: the iterations are the limit."""
    if args.max_iterations is not None:
        return None
    return _DEFAULT_SECONDS if args.time_limit is None else float(args.time_limit)


def run(args: argparse.Namespace) -> int:
    """0: every request is served; 1: refused, or some are left out."""
    from matcher.routing import solve
    from matcher.routing.files import UnreadableFile, read_problem, solution_to_json, solution_to_vroom

    try:
        read = read_problem(args.file)
        solution = solve(
            read.problem,
            time_limit=_seconds(args),
            max_iterations=args.max_iterations,
            seed=args.seed,
            objective=args.objective,
        )
    except UnreadableFile as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"{args.file}: {error}", file=sys.stderr)
        return 1
    solution.check()
    if args.out is not None:
        text = solution_to_json(solution) if read.vroom is None else solution_to_vroom(solution, read.vroom)
        args.out.write_text(text + "\n")
    print(f"requests    {len(read.problem.pickup)}, {len(solution.unserved)} unserved")
    print(f"vehicles    {solution.vehicles} of {read.problem.vehicles}")
    print(f"distance    {solution.distance:.2f}")
    print(f"iterations  {solution.iterations}")
    for unserved in solution.unserved:
        print(f"request {unserved.request}: {unserved.reason.value}, {unserved.relaxation:g} more would do")
    if args.out is None:
        for route in solution.routes:
            print(*route)
    return 0 if not solution.unserved else 1
