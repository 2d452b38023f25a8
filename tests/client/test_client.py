"""The two clients are one: same methods, same results, same exceptions, over TCP and over a Unix socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from bench.instances import snapshot
from tests.service.serving import Running, running, socket_path

from matcher import solve_assignment
from matcher.app import App, parse_config
from matcher.client import AsyncClient, Client, InvalidRequest, SolveStatus, Unavailable
from matcher.domain import ErrorReason

COSTS = np.array([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0], [3.0, 2.0, 2.0], [np.inf, np.inf, 7.5]])


@pytest.fixture(scope="module", params=["tcp", "unix"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    address = "127.0.0.1:0" if request.param == "tcp" else socket_path(tmp_path_factory.mktemp("c"))
    with App(parse_config(f'[server]\nlisten = ["{address}"]')) as app, running(app) as server:
        yield server


async def test_both_clients_get_the_same_decision(server: Running) -> None:
    """Blocking and awaiting, on one server."""
    market = snapshot("village-6x4")
    with Client(server.address) as client:
        decision = client.match(market, timeout=60)
        client.validate(market)
        assert client.is_serving()
    async with AsyncClient(server.address) as awaiting:
        assert await awaiting.match(market, effort=decision.effort, timeout=60) == decision
        await awaiting.validate(market)
        assert await awaiting.is_serving()


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("unassigned", [None, 2.5, [1.0, 2.0, 3.0, np.inf]])
async def test_solve_is_solve_assignment(server: Running, sparse: bool, unassigned: object) -> None:
    """The same matching, duals and bound over the wire as in process, dense and sparse."""
    costs = scipy.sparse.csr_array(np.where(np.isinf(COSTS), 0, COSTS + 1)) if sparse else COSTS
    here = solve_assignment(costs, unassigned_cost=unassigned)
    with Client(server.address) as client:
        there = client.solve(costs, unassigned_cost=unassigned)
    async with AsyncClient(server.address) as awaiting:
        again = await awaiting.solve(costs, unassigned_cost=unassigned)
    for reply in (there, again):
        assert reply.status is SolveStatus[here.status.name]
        assert reply.total_cost == here.total_cost
        np.testing.assert_array_equal(reply.col_for_row, here.col_for_row)
        np.testing.assert_array_equal(reply.row_duals, here.row_duals)
        np.testing.assert_array_equal(reply.col_duals, here.col_duals)
    assert there.decision_id == again.decision_id


def test_an_infeasible_problem_is_an_answer(server: Running) -> None:
    """Not an error: the status says it."""
    with Client(server.address) as client:
        reply = client.solve(np.array([[1.0, np.inf], [1.0, np.inf]]))
        assert reply.status is SolveStatus.INFEASIBLE
        largest = client.solve(np.array([[1.0, 2.0], [3.0, 1.0]]), maximize=True)
        assert largest.total_cost == 5.0


def test_a_solve_that_runs_out_of_time_answers_with_its_bound() -> None:
    """The planned time is over before the kernel starts; what it then has is an answer, not a deadline error."""
    costs = np.random.default_rng(7).integers(1, 1_000_000, (700, 700)).astype(float)
    config = parse_config('[server]\nlisten = ["127.0.0.1:0"]\nreply_margin_ms = 11000')
    with App(config) as app, running(app) as server, Client(server.address) as client:
        whole = client.solve(costs, unassigned_cost=1e6, timeout=60)
        stopped = client.solve(costs, unassigned_cost=1e6, timeout=10)
    assert whole.status is SolveStatus.OPTIMAL
    assert stopped.status is SolveStatus.STOPPED
    assert stopped.lower_bound <= whole.total_cost <= stopped.total_cost


async def test_violations_arrive(server: Running) -> None:
    """Field, reason and sentence, as the server found them."""
    market = snapshot("village-6x4")
    with Client(server.address) as client, pytest.raises(InvalidRequest) as caught:
        client.match(market, "nope")
    violation = caught.value.violations[0]
    assert (violation.field, violation.reason) == ("policy", ErrorReason.UNKNOWN_POLICY)
    assert "default, mdrp" in violation.description
    async with AsyncClient(server.address) as awaiting:
        with pytest.raises(InvalidRequest) as awaited:
            await awaiting.match(market, "nope")
    assert awaited.value.violations == caught.value.violations


async def test_no_server_is_unavailable(tmp_path: Path) -> None:
    """No connection, told without the words of the transport's own exceptions."""
    for target in ("127.0.0.1:1", f"unix:{tmp_path / 'none.sock'}"):
        with Client(target, wait_for_ready=False) as client, pytest.raises(Unavailable):
            client.match(snapshot("village-6x4"), timeout=2)
        async with AsyncClient(target) as awaiting:
            with pytest.raises(Unavailable):
                await awaiting.is_serving(timeout=2)


def test_costs_must_be_a_matrix(server: Running) -> None:
    """Told before anything is sent."""
    with Client(server.address) as client, pytest.raises(ValueError, match="1 dimension"):
        client.solve([1.0, 2.0])
