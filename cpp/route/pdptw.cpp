#include "matcher/pdptw.h"

#include <algorithm>
#include <cmath>

#include "route/plan_search.h"

namespace matcher {
namespace route {

bool SearchState::improves() const {
  if (!any_) return true;
  const std::size_t unserved = plan.absent().size();
  if (unserved != best_unserved_) return unserved < best_unserved_;
  if (options.objective == PdptwObjective::kHierarchical && plan.vehicles() != best_vehicles_) {
    return plan.vehicles() < best_vehicles_;
  }
  return plan.distance() < out.distance - 1e-9;
}

void SearchState::record() {
  if (!improves()) return;
  any_ = true;
  best_unserved_ = plan.absent().size();
  best_vehicles_ = plan.vehicles();
  out.distance = plan.distance();
  best_stamps_.resize(index(plan.slots()), 0);
  best_routes_.resize(index(plan.slots()));
  for (std::int32_t slot = 0; slot < plan.slots(); ++slot) {
    if (best_stamps_[index(slot)] == plan.tour(slot).stamp) continue;
    best_stamps_[index(slot)] = plan.tour(slot).stamp;
    best_routes_[index(slot)] = plan.tour(slot).nodes;
  }
  const PdptwImprovement now{out.iterations, progress(), static_cast<std::int32_t>(best_unserved_), best_vehicles_,
                             out.distance};
  // One entry per thousandth of the budget, so that the history stays short.
  if (!out.history.empty() && now.fraction - out.history.back().fraction < 1e-3 &&
      now.vehicles == out.history.back().vehicles && now.unserved == out.history.back().unserved) {
    out.history.back() = now;
  } else {
    out.history.push_back(now);
  }
}

void SearchState::restore() {
  plan.replace(best_routes_);
  best_stamps_.resize(index(plan.slots()), 0);  // slots that the search has opened since stay empty
  best_routes_.resize(index(plan.slots()));
  for (std::int32_t slot = 0; slot < plan.slots(); ++slot) best_stamps_[index(slot)] = plan.tour(slot).stamp;
}

Placement cheapest_place(SearchState& state, std::int32_t request, double blink, bool may_open) {
  Plan& plan = state.plan;
  const Placement best = plan.cheapest_of_all(request, blink, state.rng);
  if (!may_open) return best;
  const bool hierarchical = state.options.objective == PdptwObjective::kHierarchical;
  const double alone = plan.alone(request);
  if (std::isfinite(alone) && (best.slot < 0 || (!hierarchical && alone < best.at.cost))) {
    if (const std::int32_t slot = plan.empty_slot(); slot >= 0) return {slot, {alone, 0, 0}};
  }
  return best;
}

// Requests in the order of their latest pick-up: each into its cheapest place, so that few vehicles are opened early.
void construct(SearchState& state) {
  Plan& plan = state.plan;
  std::vector<std::int32_t> waiting = plan.absent();
  const auto& problem = plan.problem();
  std::sort(waiting.begin(), waiting.end(), [&](std::int32_t a, std::int32_t b) {
    const double due_a = problem.due[index(problem.pickup[index(a)])];
    const double due_b = problem.due[index(problem.pickup[index(b)])];
    return due_a != due_b ? due_a < due_b : a < b;
  });
  for (const std::int32_t request : waiting) {
    if (state.options.stop != nullptr && state.options.stop->elapsed_fraction() >= 1.0) return;
    const Placement place = cheapest_place(state, request, 0.0, true);
    if (place.slot >= 0) plan.insert(place.slot, request, place.at);
  }
}

}  // namespace route

namespace {

InputFault check(const PdptwProblem& problem) {
  const std::size_t n = problem.ready.size();
  const std::size_t requests = problem.pickup.size();
  if (n == 0) return {"nodes", "do not contain the depot", -1};
  if (problem.due.size() != n || problem.service.size() != n || problem.demand.size() != n) {
    return {"nodes", "have columns of different lengths", -1};
  }
  if (problem.distance.size() != n * n) return {"distance", "is not (nodes, nodes)", -1};
  if (!problem.duration.empty() && problem.duration.size() != n * n) return {"duration", "is not (nodes, nodes)", -1};
  if (problem.delivery.size() != requests) return {"delivery", "differs from pickup in length", -1};
  if (problem.vehicles < 0) return {"vehicles", "is negative", -1};
  if (problem.capacity < 0) return {"capacity", "is negative", -1};
  const auto sound = [](double value) { return std::isfinite(value) && std::abs(value) < 1e12; };
  for (const auto& matrix : {problem.distance, problem.duration}) {
    for (std::size_t k = 0; k < matrix.size(); ++k) {
      if (!sound(matrix[k]) || matrix[k] < 0.0) {
        return {"distance", "is negative, not finite or above 10^12", static_cast<std::int64_t>(k)};
      }
    }
  }
  for (std::size_t k = 0; k < n; ++k) {
    const auto row = static_cast<std::int64_t>(k);
    if (!sound(problem.ready[k]) || !sound(problem.due[k])) return {"window", "is not finite or above 10^12", row};
    if (!sound(problem.service[k]) || problem.service[k] < 0.0) return {"service", "is negative or not finite", row};
  }
  std::vector<std::uint8_t> used(n);
  for (std::size_t r = 0; r < requests; ++r) {
    const auto row = static_cast<std::int64_t>(r);
    for (const std::int32_t node : {problem.pickup[r], problem.delivery[r]}) {
      if (node < 1 || static_cast<std::size_t>(node) >= n) return {"request", "names a node that does not exist", row};
      if (used[static_cast<std::size_t>(node)]++ != 0) return {"request", "shares a node with another", row};
    }
    const std::int32_t load = problem.demand[static_cast<std::size_t>(problem.pickup[r])];
    if (load < 0 || load != -problem.demand[static_cast<std::size_t>(problem.delivery[r])]) {
      return {"request", "does not deliver what it picks up", row};
    }
  }
  return {};
}

}  // namespace

InputFault solve_pdptw(const PdptwProblem& problem, const PdptwOptions& options, PdptwResult& out) {
  if (const InputFault fault = check(problem); !fault.ok()) return fault;
  if (options.max_iterations < 0 && options.stop == nullptr) {
    return {"max_iterations", "is not given, nor is a deadline", -1};
  }
  out = {};
  route::Plan plan(problem);
  route::SearchState state(plan, options, out);
  for (const auto& nodes : options.initial) {
    if (!plan.fits(nodes)) continue;
    if (const std::int32_t slot = plan.empty_slot(); slot >= 0) plan.assign(slot, nodes);
  }
  route::construct(state);
  state.record();
  if (options.objective == PdptwObjective::kHierarchical && plan.absent().empty()) {
    // Distance first for a moment: compact routes are the easier to take apart.
    route::shorten(state, 0.05);
    state.restore();
    route::eject_routes(state, 0.45);
  }
  route::shorten(state, 1.0);
  state.restore();
  out.routes = plan.routes();
  out.unserved = plan.absent();
  std::sort(out.unserved.begin(), out.unserved.end());
  out.distance = plan.distance();
  return {};
}

}  // namespace matcher
