"""``matcher solve FILE``: the cheapest matching of a cost matrix, with its certificate, or routes (solve_routes.py)."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matcher.solve import AssignmentSolution


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("solve", help="solve an assignment or a pickup-and-delivery problem in a file")
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="costs: .npy, .csv (inf forbids), .mtx; routes: Li & Lim, Sartori & Buriol, Solomon, VRPLIB, VROOM's or "
        "our own .json, also .gz",
    )
    parser.add_argument("--unassigned-cost", type=float, metavar="PRICE", help="price of leaving a row out")
    parser.add_argument("--maximize", action="store_true", help="look for the dearest matching")
    parser.add_argument("--max-iterations", type=int, metavar="N", help="stop after so much work with what there is")
    parser.add_argument("--time-limit", type=float, metavar="S",
                        help="stop after so many seconds with what there is (routes: default 10)")  # fmt: skip
    parser.add_argument("--capacities", type=_capacities, metavar="K[,K...]",
                        help="rows a column may serve: one number, or one a column")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="routes: of the search (default 0)")
    parser.add_argument("--objective", choices=["hierarchical", "distance", "cost"], default="hierarchical",
                        help="routes: fewest vehicles first, distance alone, or all costs")  # fmt: skip
    parser.add_argument("--solver", choices=["auto", "native", "partition", "ortools", "cpsat"], default="auto",
                        help="routes: who searches (default: native where it can)")  # fmt: skip
    parser.add_argument(
        "--out",
        type=Path,
        metavar="JSON",
        help="write matching and duals, or the plan, here; a name in .sol: as the problem's benchmark publishes plans",
    )
    parser.add_argument(
        "--report", type=Path, metavar="HTML", help="routes: draw the plan here, with windows and reasons"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0: optimal and proven; 1: refused, infeasible or stopped early."""
    from matcher.cli import solve_routes

    if args.file.suffix in solve_routes.SUFFIXES:
        return solve_routes.run(args)
    from matcher.solve import SolveStatus, solve_assignment
    from matcher.verify import verify_assignment

    try:
        costs = read_costs(args.file)
        solution = solve_assignment(
            costs,
            unassigned_cost=args.unassigned_cost,
            maximize=args.maximize,
            max_iterations=args.max_iterations,
            time_limit=args.time_limit,
            capacities=args.capacities,
        )
    except OSError as error:
        print(f"{args.file}: {error.strerror or error}", file=sys.stderr)
        return 1
    except (ValueError, TypeError, OverflowError) as error:
        print(f"{args.file}: {error}", file=sys.stderr)
        return 1
    if args.out is not None:
        args.out.write_text(as_json(solution))
    stopped = " early, with the best matching so far" if solution.status is SolveStatus.STOPPED else ""
    print(f"status      {solution.status.name}{stopped}")
    if solution.status is SolveStatus.INFEASIBLE:
        sides = ("columns", "rows") if _fills_columns(solution, args) else ("rows", "columns")
        named = " ".join(map(str, solution.witness.tolist()))
        print(f"witness     {sides[0]} {named}: together they reach fewer {sides[1]} than they are")
        return 1
    tolerance = 1e-9 if solution.row_duals.dtype.kind == "f" else 0.0
    check = verify_assignment(
        costs,
        solution.col_for_row,
        solution.row_duals,
        solution.col_duals,
        unassigned_cost=args.unassigned_cost,
        maximize=args.maximize,
        tolerance=tolerance,
        capacities=args.capacities,
    )
    print(f"total       {solution.total_cost}")
    print(f"bound       {solution.lower_bound}  (gap {solution.gap:.3g})")
    print(f"certificate {'proves the optimum' if check.proves_optimum(tolerance) else 'bounds the total'}")
    for problem in check.problems:
        print(f"            {problem}")
    if args.out is None:
        for row, col in enumerate(solution.col_for_row.tolist()):
            print(f"{row} {col if col >= 0 else '-'}")
    return 0 if solution.status is SolveStatus.OPTIMAL and not check.problems else 1


def _fills_columns(solution: AssignmentSolution, args: argparse.Namespace) -> bool:
    """Whether every place of a column must be taken: then columns are the witness."""
    columns = len(solution.col_duals)
    given = args.capacities or 1
    places = sum(given) if isinstance(given, list) else given * columns
    return args.unassigned_cost is None and len(solution.col_for_row) > places


def _capacities(text: str) -> int | list[int]:
    numbers = [int(number) for number in text.split(",")]
    return numbers if len(numbers) > 1 else numbers[0]


def read_costs(path: Path) -> Any:
    """A dense array from .npy or .csv, a sparse one from .mtx. Raises OSError; ValueError for what cannot be read."""
    import numpy as np

    if path.suffix == ".npy":
        try:
            return np.load(path, allow_pickle=False)
        except (EOFError, ValueError) as error:
            raise ValueError(f"no array can be read from it: {error}") from None
    if path.suffix == ".mtx":
        from scipy.io import mmread

        with path.open("rb"):  # so that a missing file is told as any other
            pass
        try:
            return mmread(path)
        except (ValueError, OverflowError) as error:  # names the line
            raise ValueError(f"no Matrix Market file: {error}") from None
    if path.suffix == ".csv":
        return _read_csv(path)
    raise ValueError("the name must end in .npy, .mtx or .csv (costs), .txt, .vrp, .json or .gz (routes)")


def _read_csv(path: Path) -> Any:
    """Numbers with commas between; lines and columns are counted from 1, as editors do. Empty lines are skipped."""
    import numpy as np

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is no UTF-8 text") from None
    rows: list[list[int | float]] = []
    first = 0
    for line, cells in enumerate(text.splitlines(), start=1):
        if not cells.strip():
            continue
        rows.append([_number(cell, line, column) for column, cell in enumerate(cells.split(","), start=1)])
        first = first or line
        if len(rows[-1]) != len(rows[0]):
            raise ValueError(f"line {line}: {len(rows[-1])} cells where line {first} has {len(rows[0])}")
    whole = all(isinstance(cell, int) for row in rows for cell in row)
    try:
        return np.array(rows, np.int64 if whole else np.float64).reshape(len(rows), len(rows[0]) if rows else 0)
    except OverflowError:
        raise ValueError("it holds an integer beyond 64 bits") from None


def _number(cell: str, line: int, column: int) -> int | float:
    try:
        return int(cell)
    except ValueError:
        pass
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(f"line {line}, column {column}: {cell.strip()!r} is not a number") from None
    if math.isnan(value):
        raise ValueError(f"line {line}, column {column}: NaN is no cost")
    return value


def as_json(solution: AssignmentSolution) -> str:
    """Matching and certificate; row i's column is the i-th entry, -1: left out. What is not finite is null."""
    import json

    def number(value: int | float) -> int | float | None:
        return value if math.isfinite(value) else None

    return json.dumps(
        {
            "status": solution.status.name,
            "col_for_row": solution.col_for_row.tolist(),
            "total_cost": number(solution.total_cost),
            "lower_bound": number(solution.lower_bound),
            "gap": number(solution.gap),
            "witness": solution.witness.tolist(),
            "row_duals": solution.row_duals.tolist(),
            "col_duals": solution.col_duals.tolist(),
            "iterations": solution.iterations,
        },
        allow_nan=False,
    )
