"""Set packing by brute force, and a check of certificates that knows nothing of any solver."""

from __future__ import annotations

from functools import cache

from matcher.solve.packing import PackingProblem, PackingSolution


def cheapest_total(problem: PackingProblem) -> int:
    """Least total over every packing, by trying for each courier every column or none. Exponential."""
    columns: list[list[tuple[int, int, tuple[int, ...]]]] = [[] for _ in range(problem.n_couriers)]
    for column in range(problem.columns):
        mask = sum(1 << int(order) for order in problem.members(column))
        use = () if problem.caps is None else tuple(problem.caps.use[column].tolist())
        columns[int(problem.courier[column])].append((mask, int(problem.cost[column]), use))

    @cache
    def cheapest(courier: int, taken: int, room: tuple[int, ...]) -> int:
        if courier == problem.n_couriers:
            return sum(int(wait) for order, wait in enumerate(problem.wait) if not taken >> order & 1)
        best = cheapest(courier + 1, taken, room)
        for mask, cost, use in columns[courier]:
            if not mask & taken and all(u <= r for u, r in zip(use, room, strict=True)):
                rest = tuple(r - u for u, r in zip(use, room, strict=True))
                best = min(best, cost + cheapest(courier + 1, taken | mask, rest))
        return best

    return cheapest(0, 0, () if problem.caps is None else tuple(problem.caps.left.tolist()))


def check_solution(problem: PackingProblem, solution: PackingSolution) -> None:
    """Raise AssertionError unless the packing is one, its total is true, and its prices prove its price bound.

    Python integers and loops throughout: nothing overflows, and nothing is shared with the solvers.
    """
    chosen = [int(column) for column in solution.chosen]
    assert chosen == sorted(set(chosen)), "columns are not ascending and distinct"
    couriers = [int(problem.courier[column]) for column in chosen]
    assert len(set(couriers)) == len(couriers), "a courier has two columns"
    orders = [int(order) for column in chosen for order in problem.members(column)]
    assert len(set(orders)) == len(orders), "an order is in two columns"
    if problem.caps is not None:
        for cap, left_over in enumerate(problem.caps.left.tolist()):
            assert sum(int(problem.caps.use[column, cap]) for column in chosen) <= left_over, f"cap {cap} is broken"
    left = set(range(problem.n_orders)) - set(orders)
    total = sum(int(problem.cost[column]) for column in chosen) + sum(int(problem.wait[order]) for order in left)
    assert total == solution.total, "the total is not what the packing costs"
    assert solution.lower_bound <= solution.total, "the bound is above the packing"
    if solution.order_price is None or solution.courier_price is None:
        assert solution.price_bound is None, "a price bound without prices"
        return
    order_price = [int(price) for price in solution.order_price]
    courier_price = [int(price) for price in solution.courier_price]
    assert len(order_price) == problem.n_orders
    assert len(courier_price) == problem.n_couriers
    assert all(price <= int(wait) for price, wait in zip(order_price, problem.wait, strict=True)), (
        "a price above waiting"
    )
    assert all(price >= 0 for price in courier_price), "a courier's price is negative"
    for column in range(problem.columns):
        paid = sum(order_price[int(order)] for order in problem.members(column))
        slack = int(problem.cost[column]) - paid + courier_price[int(problem.courier[column])]
        assert slack >= 0, f"column {column} is cheaper than the prices allow"
    bound = sum(order_price) - sum(courier_price)
    assert bound == solution.price_bound, "the price bound is not the sum of the prices"
    assert bound <= solution.lower_bound, "the proven bound is below the one that the prices prove"
