"""`decide`: snapshot → bundles → candidates → scores → solve and verify → Decision.

The service, the simulators, replay and the Python API all call this one function. It reads no clock and no
randomness: equal snapshot, policy, port answers and granted effort give an equal decision, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from opentelemetry import trace

from matcher.assignment import Columns
from matcher.domain import Decision, Degradation, Effort, Policy, Provenance, Rung, Snapshot, Travel
from matcher.engine.effort import full_iterations
from matcher.engine.moves import courier_moves, new_places
from matcher.engine.outcome import courier_plan, is_held, outcomes, wait_reasons, zone_reasons
from matcher.engine.pose import Posed, pose
from matcher.engine.routes import NewRoute, new_routes
from matcher.engine.rungs import PACKING_SOLVERS
from matcher.engine.spans import step
from matcher.ports import Budget, Ports
from matcher.solve.packing import PackingProblem, PackingSolution, PackingSolver, PackingStatus
from matcher.verify import check_moves, check_plans, check_zones, packing_bound

_tracer = trace.get_tracer("matcher.engine")


class VerificationError(RuntimeError):
    """No rung gave an answer that passes verification; nothing was decided."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified answer of one rung."""

    rung: Rung
    solution: PackingSolution
    routes: list[NewRoute]
    lower_bound: int
    refused: bool
    """Whether a rung above it failed verification."""


def decide(
    snapshot: Snapshot,
    policy: Policy,
    *,
    budget: Budget | None = None,
    ports: Ports,
    solvers: Mapping[Rung, PackingSolver] = PACKING_SOLVERS,
) -> Decision:
    """Decide for one market.

    Raises Cancelled soon after `budget.cancel` was raised, by kernels and between stages; VerificationError when no
    permitted rung passes verification. Never returns a plan that breaks a hard constraint. Deterministic for equal
    arguments; see `matcher.ports.Budget` for how time enters.
    """
    posed = pose(snapshot, policy, budget or Budget(), ports)
    answer = solve_posed(posed, solvers)
    with step(_tracer, "outcome"):
        return compose(policy, ports, posed, answer)


def solve_posed(posed: Posed, solvers: Mapping[Rung, PackingSolver]) -> Answer:
    """Walk down the ladder to the first answer that verification accepts. Raises VerificationError and Cancelled."""
    snapshot, travel, policy = posed.snapshot, posed.travel, posed.policy
    columns, grant, problem = posed.columns, posed.grant, posed.problem
    faults: list[str] = []
    for rung in grant.rungs:
        with step(_tracer, "solve", attributes={"matcher.rung": rung.name}):
            solution = solvers[rung].solve(problem, max_iterations=grant.iterations[rung], cancel=posed.cancel)
        posed.cancel.check()
        if solution.status in (PackingStatus.OVERFLOW, PackingStatus.UNSOLVED):
            faults.append(f"{rung.name}: {solution.status.value}")
            continue
        with step(_tracer, "verify"):
            chosen = solution.chosen.tolist()
            routes = new_routes(snapshot, travel, columns.candidates, chosen, policy)
            found = _faults(snapshot, travel, policy, columns, problem, solution, routes)
            bound = _certified_bound(problem, solution)
        if not found:
            return Answer(rung, solution, routes, bound, refused=bool(faults))
        faults += [f"{rung.name}: {fault}" for fault in found]
        trace.get_current_span().add_event("verification failed", {"matcher.faults": found[:10]})
    raise VerificationError("no rung's answer passed verification: " + "; ".join(faults[:10]))


def _faults(
    snapshot: Snapshot,
    travel: Travel,
    policy: Policy,
    columns: Columns,
    problem: PackingProblem,
    solution: PackingSolution,
    routes: list[NewRoute],
) -> list[str]:
    """What is wrong with an answer; empty when it holds."""
    chosen = solution.chosen
    faults: list[str] = []
    couriers = problem.courier[chosen]
    if len(np.unique(couriers)) != len(couriers):
        faults.append("a courier is given two columns")
    check = check_plans(snapshot, travel, policy, {route.courier: list(route.stops) for route in routes})
    faults += check.faults
    faults += check_zones(snapshot, policy, {route.courier: list(route.stops) for route in routes})
    for route in routes:
        times = check.timelines[route.courier]
        if (route.arrive, route.at, route.depart, route.depart_by) != (
            times.arrive,
            times.at,
            times.depart,
            times.depart_by,
        ):
            faults.append(f"courier {snapshot.couriers.ids[route.courier]}: the times of the plan do not hold")
    taken = np.zeros(problem.n_orders, dtype=np.bool_)
    for column in chosen.tolist():
        taken[problem.order[problem.ptr[column] : problem.ptr[column + 1]]] = True
    left_out = int(problem.wait[~taken].sum())
    claimed = int(columns.cost[chosen].sum())
    if check.cost_micros != claimed:
        faults.append(f"the plans cost {check.cost_micros}, not {claimed}")
    if solution.total != claimed + left_out:
        faults.append(f"the total is not the sum of its parts: {solution.total}")
    return faults


def _certified_bound(problem: PackingProblem, solution: PackingSolution) -> int:
    """The bound that the solver's prices prove; without valid prices, the weakest one that always holds."""
    if solution.order_price is None or solution.courier_price is None:
        return sum(min(0, cost) for cost in problem.cost.tolist())
    bound = packing_bound(
        problem.ptr,
        problem.order,
        problem.courier,
        problem.cost,
        problem.wait,
        solution.order_price,
        solution.courier_price,
    )
    if bound is not None:
        return bound
    return sum(min(0, cost) for cost in problem.cost.tolist())


def compose(policy: Policy, ports: Ports, posed: Posed, answer: Answer) -> Decision:
    """Name the decision and put everything in ids. `policy` is the one asked for, before the load had its say."""
    snapshot, orders, columns = posed.snapshot, posed.orders, posed.columns
    wait, grant = posed.problem.wait, posed.grant
    held = [route for route in answer.routes if is_held(route, policy.holding)]
    committed = [route for route in answer.routes if not is_held(route, policy.holding)]
    chosen = answer.solution.chosen
    terms = dict(zip(columns.term_names, columns.term_micros[chosen].sum(axis=0).tolist(), strict=True))
    total = answer.solution.total
    terms["waiting"] = total - sum(terms.values())
    effort = Effort(
        grant.nearest_couriers, grant.max_bundle_orders, answer.rung, grant.iterations[answer.rung], grant.rungs[0]
    )
    degradations = list(grant.degradations)
    if answer.rung != policy.ladder[0]:
        degradations.append(Degradation.LOWER_RUNG)
    cut_short = answer.solution.status is not PackingStatus.OPTIMAL
    if cut_short and grant.iterations[answer.rung] < full_iterations(policy, len(orders))[answer.rung]:
        degradations.append(Degradation.BUDGET_EXHAUSTED)
    places = new_places(snapshot, posed.travel, policy, answer.routes)
    moved = [(place.courier, place.loc, place.arrive_ms) for place in places]
    planned = {route.courier for route in answer.routes}
    faults = check_moves(snapshot, posed.travel, policy, moved, planned)
    if faults:
        trace.get_current_span().add_event("verification failed", {"matcher.faults": faults[:10]})
        places = []
    if answer.refused or faults:
        degradations.append(Degradation.VERIFICATION_FAILED)
    reasons = wait_reasons(snapshot, columns.candidates, columns.cost, wait)
    if posed.zones is not None:
        used = posed.zones.use(columns.candidates)[chosen].sum(axis=0, dtype=np.int64)
        reasons = zone_reasons(reasons, posed.zones.full_after(used)[orders], posed.shut_out)
    return Decision(
        decision_id=_decision_id(snapshot, policy, ports, effort),
        market_id=snapshot.market_id,
        at_ms=snapshot.at_unix_ms,
        plans=tuple(courier_plan(snapshot, route) for route in committed),
        outcomes=outcomes(snapshot, orders, wait, reasons, committed, held),
        cost_terms=tuple(terms.items()),
        total_cost_micros=total,
        lower_bound_micros=answer.lower_bound,
        gap=(total - answer.lower_bound) / max(1, abs(total)),
        rung=answer.rung,
        degradations=tuple(sorted(degradations)),
        effort=effort,
        provenance=Provenance(
            policy=policy.name,
            policy_digest=policy.digest,
            build_version=ports.build.version,
            build_digest=ports.build.digest,
            snapshot_digest=snapshot.digest.hex(),
            models={"travel": posed.travel.version},
        ),
        moves=courier_moves(snapshot, places),
    )


def _decision_id(snapshot: Snapshot, policy: Policy, ports: Ports, effort: Effort) -> str:
    """Equal for equal snapshot, policy, build and effort: a retried request gets the id it had."""
    digest = hashlib.blake2b(snapshot.digest, digest_size=16)
    digest.update(policy.digest.encode())
    digest.update(ports.build.digest.encode())
    digest.update(
        f"{effort.nearest_couriers},{effort.max_bundle_orders},{effort.rung},{effort.iterations},{effort.first_rung}".encode()
    )
    return digest.hexdigest()
