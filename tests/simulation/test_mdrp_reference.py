"""Our evaluator is the published one: the golden solution's report to the digit, and the statistics behind it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.shared_data import shared_data
from tests.simulation.days import FILES, day, solved

from matcher.simulation.mdrp.evaluation import mean_metrics, measure, summarize
from matcher.simulation.mdrp.instance import Instance, find_instances
from matcher.simulation.mdrp.reference import feasibility_report, performance_report
from matcher.simulation.mdrp.solution import Solution, parse_solution, read_solution

_GOLDEN = ("mdrp", "golden", "0o100t100s1p100")


def golden_instance() -> Instance:
    """The instance of the golden solution, out of its archive."""
    (source,) = [s for s in find_instances([shared_data("mdrp", "seed0.tar.gz")]) if s.name == _GOLDEN[-1]]
    return source.read()


def test_the_golden_solution_is_reported_digit_for_digit() -> None:
    """Every published figure was made by the reference evaluator; ours must be it."""
    instance, folder = golden_instance(), shared_data(*_GOLDEN)
    solution = read_solution(folder)
    text, feasible = feasibility_report(instance, solution)
    assert feasible
    assert text == (folder / "expected_feasibility.txt").read_text()
    assert performance_report(instance, solution) == (folder / "expected_performance.txt").read_text()


def test_metrics_are_the_report_s_figures() -> None:
    """`metrics.json` and the reference report may not tell different stories."""
    instance = golden_instance()
    solution = read_solution(shared_data(*_GOLDEN))
    metrics = summarize(instance, solution, decision_ms=[1.0, 3.0], gaps=[0.0, 0.5], strict_violations=0)
    assert (metrics.orders, metrics.delivered) == (505, 501)
    assert metrics.undelivered_pct == pytest.approx(100 * 4 / 505)
    assert metrics.click_to_door_mean == pytest.approx(33.57, abs=0.005)
    assert metrics.click_to_door_p90 == 48
    assert metrics.overage_mean == pytest.approx(1.65, abs=0.005)
    assert metrics.ready_to_pickup_mean == pytest.approx(5.05, abs=0.005)
    assert metrics.ready_to_door_mean == pytest.approx(16.45, abs=0.005)
    assert metrics.cost_per_order == pytest.approx(5950.50 / 501)
    assert metrics.utilization == pytest.approx(0.58, abs=0.005)
    assert (metrics.decision_ms_p50, metrics.certified_gap_mean) == (2.0, 0.25)


def test_a_courier_that_never_moves_is_paid_its_guarantee_and_counts_as_unused() -> None:
    """Every courier on the roster counts in cost and utilization, used or not."""
    instance, _ = solved()
    measures = measure(instance, Solution((), (), ()))
    assert measures.utilization.tolist() == [0.0] * len(instance.couriers.ids)
    assert measures.payment.tolist() == (15.0 * (instance.couriers.off - instance.couriers.on) / 60).tolist()


def test_a_day_without_orders_or_deliveries_has_undefined_means_and_no_crash() -> None:
    """An empty market is a market."""
    instance = day(orders=())
    metrics = summarize(instance, Solution((), (), ()), decision_ms=[], gaps=[], strict_violations=0)
    assert (metrics.undelivered_pct, metrics.click_to_door_mean, metrics.cost_per_order) == (None, None, None)
    assert mean_metrics([metrics, metrics]).click_to_door_mean is None
    assert "NaN" in performance_report(instance, Solution((), (), ()))


def test_rows_of_undelivered_orders_are_left_out() -> None:
    """The reference evaluator counts rows with nan times as zero overage; they are no deliveries."""
    _, solution = solved()
    files = {name: write(solution) for name, write in FILES.items()}
    name = "solution_info_orders.txt"
    files[name] += b"o99 5 9 nan nan courier\n"
    assert parse_solution("here", files) == solution


@pytest.mark.parametrize("seed", range(20))
def test_statistics_agree_with_numpy_on_random_columns(seed: int) -> None:
    """The table is written by hand; its percentiles and deviation must be those of the usual definitions."""
    from matcher.simulation.mdrp.reference import _describe

    values = np.random.default_rng(seed).normal(50, 40, size=seed + 1)
    rows = _describe({"a rather wide name": values}).splitlines()
    expected = [len(values), values.mean(), np.std(values, ddof=1) if seed else np.nan, values.min()]
    expected += [np.quantile(values, q) for q in (0.1, 0.5, 0.9)] + [values.max()]
    for row, value in zip(rows[1:], expected, strict=True):
        assert row.split()[-1] == ("NaN" if np.isnan(value) else f"{value:.2f}")
    assert len({len(row) for row in rows}) == 1
