"""Cost growth: milliseconds against size, log-log, ours and each peer, one panel a family, as a small SVG of text.

The chart is a function of the measured rows alone, byte for byte.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from bench.assignment.families import Problem, city, geometric, machol_wien, nearest, ties, uniform

FAMILIES = ("uniform", "integers 0-100", "geometric", "geometric + price", "Machol-Wien", "kNN + price")
DENSE_SIDES = (125, 250, 500, 1000, 2000)
_HARD_SIDE = 1000
"""Of Machol-Wien problems: beyond it most peers take many seconds."""
SPARSE_SIDES = (1000, 2000, 4000, 8000, 16_000, 32_000)
_OURS = "#0b3d91"
_PEERS = ("#d55e00", "#009e73", "#111111", "#cc79a7", "#e6b800", "#56b4e9", "#7f7f7f", "#8b1a1a", "#8c6bb1", "#66a61e",
          "#17becf", "#ff6f91", "#6b4c1e")  # fmt: skip
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _GAP = 250, 190, 46, 40, 30, 24
_COLUMNS = 3


def problems() -> dict[str, Callable[[], Problem]]:
    """Each family at sizes that double, by name."""
    made: dict[str, Callable[[], Problem]] = {}
    for n in DENSE_SIDES:
        dense: dict[str, Callable[[np.random.Generator, int], Any]] = {
            "uniform": lambda rng, n: uniform(n, rng),
            "integers 0-100": lambda rng, n: ties(n, rng),
            "geometric": lambda rng, n: geometric(n, n, rng),
            "geometric + price": lambda rng, n: geometric(n, n, rng),
            "Machol-Wien": lambda rng, n: machol_wien(n),
        }
        for family, make in dense.items():
            if family == "Machol-Wien" and n > _HARD_SIDE:
                continue
            name, price = f"{family} {n}", 400.0 if family == "geometric + price" else None
            made[name] = lambda make=make, n=n, name=name, price=price: Problem(  # type: ignore[misc]
                name, costs=make(np.random.default_rng(23), n), price=price
            )
    for n in SPARSE_SIDES:
        made[f"kNN + price {n} k=20"] = lambda n=n: _sparse(n)  # type: ignore[misc]
    return dict(sorted(made.items(), key=lambda item: _place(item[0])))


def _place(name: str) -> tuple[int, int]:
    family, n = _family_and_size(name) or ("", 0)
    return FAMILIES.index(family), n


def _sparse(n: int) -> Problem:
    rng = np.random.default_rng(23)
    return Problem(f"kNN + price {n} k=20", sparse=nearest(city(n, rng), city(n, rng), 20), price=400_000)


def _family_and_size(name: str) -> tuple[str, int] | None:
    match = re.fullmatch(r"(.+?) (\d+)(?: k=\d+)?", name)
    return (match[1], int(match[2])) if match is not None and match[1] in FAMILIES else None


def curves(rows: list[dict[str, Any]]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """By family and solver: rows and milliseconds of each square cold problem, ascending."""
    found: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for row in rows:
        known = _family_and_size(row["name"])
        if known is None:
            continue
        for solver, ms in row["ms"].items():
            found.setdefault(known[0], {}).setdefault(solver, []).append((known[1], ms))
    return {family: {solver: sorted(points) for solver, points in found[family].items()}
            for family in FAMILIES if family in found}  # fmt: skip


def exponent(points: list[tuple[int, float]]) -> float:
    """Least-squares slope of log milliseconds over log rows."""
    n, ms = np.log(np.array(points, float)).T
    return float(np.polyfit(n, ms, 1)[0])


def draw(rows: list[dict[str, Any]], file: Path) -> None:
    """Write the chart; nothing where no family of it was measured."""
    families = curves(rows)
    if not families:
        return
    peers = sorted({solver for solvers in families.values() for solver in solvers} - {"ours"})
    colors = {"ours": _OURS} | {solver: _PEERS[k % len(_PEERS)] for k, solver in enumerate(peers)}
    down = -(-len(families) // _COLUMNS)
    legend_top = down * (_TOP + _HEIGHT + _BOTTOM) + 20
    each_line = 7
    width = _COLUMNS * (_LEFT + _WIDTH + _GAP)
    height = legend_top + -(-len(colors) // each_line) * 18 + 6
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="11" fill="#333">',
        "<title>Assignment: CPU milliseconds against rows, by family and solver</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for k, (family, solvers) in enumerate(families.items()):
        left = (k % _COLUMNS) * (_LEFT + _WIDTH + _GAP) + _LEFT
        top = (k // _COLUMNS) * (_TOP + _HEIGHT + _BOTTOM) + _TOP
        out += _panel(family, solvers, colors, left, top)
    for k, (solver, color) in enumerate(colors.items()):
        x, y = _LEFT + (k % each_line) * 122, legend_top + (k // each_line) * 18
        out.append(f'<path d="M{x} {y}h20" stroke="{color}" stroke-width="{3.5 if solver == "ours" else 1.5}"/>')
        out.append(f'<text x="{x + 26}" y="{y + 4}">{escape(solver)}</text>')
    file.write_text("\n".join([*out, "</svg>"]) + "\n")


def _panel(
    family: str, solvers: dict[str, list[tuple[int, float]]], colors: dict[str, str], left: int, top: int
) -> list[str]:
    """Axes, grid and lines of one family."""
    everything = [point for points in solvers.values() for point in points]
    sizes = sorted({n for n, _ in everything})
    low_n, high_n = math.log(sizes[0]) - 0.15, math.log(sizes[-1]) + 0.15
    low = math.floor(math.log10(min(ms for _, ms in everything)))
    high = max(math.ceil(math.log10(max(ms for _, ms in everything))), low + 1)

    def x(n: int) -> float:
        return round(left + (math.log(n) - low_n) / (high_n - low_n) * _WIDTH, 1)

    def y(ms: float) -> float:
        return round(top + _HEIGHT - (math.log10(ms) - low) / (high - low) * _HEIGHT, 1)

    grows = f", ours grows as n^{exponent(solvers['ours']):.1f}" if len(solvers.get("ours", [])) > 2 else ""
    out = [f'<text x="{left}" y="{top - 10}" font-weight="bold">{escape(family)}'
           f'<tspan font-weight="normal" fill="#777">{grows}</tspan></text>']  # fmt: skip
    for power in range(low, high + 1):
        at = y(10.0**power)
        out.append(f'<path d="M{left} {at}h{_WIDTH}" stroke="#e4e4e4"/>')
        out.append(f'<text x="{left - 5}" y="{at + 4}" text-anchor="end">{10.0**power:g}</text>')
    for n in sizes:
        out.append(f'<path d="M{x(n)} {top + _HEIGHT}v4" stroke="#999"/>')
        out.append(f'<text x="{x(n)}" y="{top + _HEIGHT + 16}" text-anchor="middle">{n}</text>')
    out.append(f'<text x="{left - 5}" y="{top - 10}" text-anchor="end" fill="#777">ms</text>')
    out.append(f'<path d="M{left} {top}v{_HEIGHT}h{_WIDTH}" stroke="#999" fill="none"/>')
    for solver in [*(name for name in colors if name != "ours"), "ours"]:
        points = [(x(n), y(ms)) for n, ms in solvers.get(solver, [])]
        if not points:
            continue
        mine = solver == "ours"
        line = " ".join(f"{a},{b}" for a, b in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colors[solver]}" '
                   f'stroke-width="{3.5 if mine else 1.5}" stroke-linejoin="round"/>')  # fmt: skip
        out += [f'<circle cx="{a}" cy="{b}" r="{3.5 if mine else 2}" fill="{colors[solver]}"/>' for a, b in points]
    return out
