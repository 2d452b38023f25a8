"""``matcher solve FILE`` for pickup-and-delivery problems: the best plan found, checked, in the file's own format."""

from __future__ import annotations

import argparse
import sys

SUFFIXES = (".txt", ".vrp", ".json", ".gz")


_DEFAULT_SECONDS = 10.0
_EXPLAINED = 50
"""So many requests left out are explained against the plan; each takes up to a tenth of a second."""


def _seconds(args: argparse.Namespace) -> float | None:
    """None: the iterations are the limit."""
    if args.max_iterations is not None:
        return None
    return _DEFAULT_SECONDS if args.time_limit is None else float(args.time_limit)


def run(args: argparse.Namespace) -> int:
    """0: every request is served; 1: refused, or some are left out."""
    from matcher.routing import solve
    from matcher.routing.explain import sentence
    from matcher.routing.formats import UnreadableFile, read_problem

    try:
        read = read_problem(args.file)
        solution = solve(
            read.problem,
            time_limit=_seconds(args),
            max_iterations=args.max_iterations,
            seed=args.seed,
            objective=args.objective,
            solver=args.solver,
        )
    except UnreadableFile as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"{args.file}: {error}", file=sys.stderr)
        return 1
    solution.check()
    explained = solution.unserved[:_EXPLAINED]
    if args.out is not None:
        try:
            answer = read.answer(solution, len(explained), published=args.out.suffix == ".sol")
        except ValueError as error:
            print(f"{args.out}: {error}", file=sys.stderr)
            return 1
        args.out.write_text(answer + "\n")
    if args.report is not None:
        from matcher.cli.plan_report import plan_report
        from matcher.console import write_report

        write_report(plan_report(solution, explained, f"matcher solve {args.file.name}"), args.report)
    print(f"requests    {len(read.problem.pickup)}, {len(solution.left_out)} unserved")
    print(f"vehicles    {solution.vehicles} of {sum(kind.count for kind in read.problem.fleet)}")
    print(f"distance    {solution.distance:.2f}")
    if args.objective == "cost":
        print(f"cost        {solution.cost:.2f}")
    print(f"solver      {solution.solver}{', proven' if solution.proven else ''}")
    print(f"iterations  {solution.iterations}")
    for why in explained:
        print(sentence(why))
    if len(solution.left_out) > _EXPLAINED:
        print(f"and {len(solution.left_out) - _EXPLAINED} more")
    if args.out is None:
        for route in solution.routes:
            print(*route)
    return 0 if not solution.left_out else 1
