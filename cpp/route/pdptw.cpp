#include "matcher/pdptw.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "route/decomposition.h"
#include "route/plan_search.h"
#include "route/string_removal.h"

namespace matcher {
namespace route {
namespace {

// Of the share of a search: routes are made compact first, and until when vehicles are saved; longer where there is one
// search and a plan small enough that the rest of the time shortens it.
constexpr double kCompactShare = 0.05, kFleetShare = 0.5, kFleetShareSmall = 0.7;
constexpr std::int32_t kSmall = 200;  // requests
// Where a search from one start ends is luck more than length once it has looked at each request so often. Several then
// share the first part of the budget; the rest goes to the best of them, at less than the first heat.
constexpr double kWorthASearch = 1200.0, kApart = 0.65, kAgain = 0.3;
constexpr int kMostSearches = 3;
constexpr double kLookShare = 0.01;  // of the budget, after which its iterations are estimated
// Routes seen on the way are put together anew at this share of a search, by so many iterations of the packing for each
// of the search so far, if they are enough to find anything.
constexpr double kRecombine = 0.9, kPackingShare = 0.1;
constexpr std::int64_t kLeastPacking = 5'000, kMostPacking = 200'000;

}  // namespace

bool SearchState::improves() const {
  if (!any_) return true;
  const std::size_t unserved = plan.missing();
  if (unserved != best_unserved_) return unserved < best_unserved_;
  if (hierarchical() && plan.vehicles() != best_vehicles_) {
    return plan.vehicles() < best_vehicles_;
  }
  return plan.cost() < best_cost_ - 1e-9;
}

void SearchState::record() {
  if (!improves()) return;
  any_ = true;
  best_unserved_ = plan.missing();
  best_vehicles_ = plan.vehicles();
  out.distance = plan.distance();
  best_cost_ = plan.cost();
  best_stamps_.resize(index(plan.slots()), 0);
  best_routes_.resize(index(plan.slots()));
  best_types_.resize(index(plan.slots()), 0);
  for (std::int32_t slot = 0; slot < plan.slots(); ++slot) {
    if (best_stamps_[index(slot)] == plan.tour(slot).stamp) continue;
    best_stamps_[index(slot)] = plan.tour(slot).stamp;
    best_routes_[index(slot)] = plan.tour(slot).nodes;
    best_types_[index(slot)] = plan.tour(slot).type;
  }
  if (!Incumbent{best_unserved_, best_vehicles_, best_cost_, {}, {}}.better_than(kept_, hierarchical())) return;
  const PdptwImprovement now{out.iterations, progress(), static_cast<std::int32_t>(plan.absent().size()),
                             best_vehicles_, out.distance};
  // One entry per thousandth of the budget, so that the history stays short.
  if (!out.history.empty() && now.fraction - out.history.back().fraction < 1e-3 &&
      now.vehicles == out.history.back().vehicles && now.unserved == out.history.back().unserved) {
    out.history.back() = now;
  } else {
    out.history.push_back(now);
    if (options.listener != nullptr) options.listener->improved(now, plan.routes());
  }
}

void SearchState::restore() {
  plan.replace(best_routes_, best_types_);
  best_stamps_.resize(index(plan.slots()), 0);  // slots that the search has opened since stay empty
  best_routes_.resize(index(plan.slots()));
  best_types_.resize(index(plan.slots()), 0);
  for (std::int32_t slot = 0; slot < plan.slots(); ++slot) best_stamps_[index(slot)] = plan.tour(slot).stamp;
}

void SearchState::start_over() {
  Incumbent mine{best_unserved_, best_vehicles_, best_cost_, best_routes_, best_types_};
  if (mine.better_than(kept_, hierarchical())) kept_ = std::move(mine);
  any_ = false;
  plan.replace({}, {});
}

void SearchState::settle() {
  const Incumbent mine{best_unserved_, best_vehicles_, best_cost_, {}, {}};
  if (const Incumbent kept = kept_; kept.better_than(mine, hierarchical())) {
    any_ = false;
    take_over(kept);  // told of before, so not again: it is not better than kept_
  }
  kept_ = {};
}

void SearchState::take_over(const Incumbent& found) {
  plan.vehicle_limit = std::numeric_limits<std::int32_t>::max();
  plan.replace({}, {});
  for (std::size_t k = 0; k < found.routes.size(); ++k) {
    if (!found.routes[k].empty()) plan.assign(plan.empty_slot(found.types[k]), found.routes[k], found.types[k]);
  }
  record();
}

void SearchState::meet() {
  if (exchange_ == nullptr || progress() < next_meeting_) return;
  while (next_meeting_ <= progress()) next_meeting_ += kMeeting;
  const Incumbent mine{best_unserved_, best_vehicles_, best_cost_, best_routes_, best_types_};
  const Incumbent best = exchange_->meet(search_, mine);
  if (best.better_than(mine, hierarchical())) take_over(best);
}

Placement cheapest_place(SearchState& state, std::int32_t request, double blink, bool may_open) {
  Plan& plan = state.plan;
  const Placement best = plan.cheapest_of_all(request, blink, state.rng);
  const double prize = plan.prize(request) * state.generosity;
  if (!may_open) return best;
  const bool hierarchical = state.options.objective == PdptwObjective::kHierarchical;
  if (const double alone = plan.alone(request);
      std::isfinite(alone) && alone < prize && (best.slot < 0 || (!hierarchical && alone < best.at.cost))) {
    if (const Placement opened = plan.open_for(request);
        opened.slot >= 0 && opened.at.cost < prize && (best.slot < 0 || opened.at.cost < best.at.cost)) {
      return opened;
    }
  }
  return best.at.cost < prize ? best : Placement{};
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

namespace {

// The best plan that the routes seen so far make up becomes the incumbent, when it is better. The work that it may take
// is a small share of that of the search so far, whose iterations take several times as long as those of the packing.
void recombine(SearchState& state) {
  Plan& plan = state.plan;
  state.restore();
  const auto granted = static_cast<std::int64_t>(kPackingShare * static_cast<double>(state.out.iterations));
  if (state.pool == nullptr || granted < kLeastPacking || plan.missing() > plan.hopeless()) return;
  if (state.progress() >= 1.0) return;  // the packing looks at no clock
  const bool fewest = state.options.objective == PdptwObjective::kHierarchical;
  const auto routes = state.pool->combine(plan, fewest, std::min(granted, kMostPacking));
  if (routes.empty()) return;
  plan.replace({}, {});
  for (const auto& nodes : routes) {
    if (const std::int32_t slot = plan.empty_slot(0); slot >= 0) plan.assign(slot, nodes, 0);
  }
  construct(state);  // what the packing leaves out may fit
  state.record();
  state.restore();
}

// Less distance, until `until` of the budget is used.
void shorten(SearchState& state, StringRemoval& removal, double until, double heat) {
  Decomposition parts(state);
  if (parts.worthwhile() && state.plan.missing() <= state.plan.hopeless()) {
    parts.run(removal, until, heat);
  } else {
    const double began = state.progress();
    removal.run(began + kRecombine * (until - began), {heat, 0.0, kRecombine});
    recombine(state);
    removal.run(until, {heat, kRecombine, 1.0});
  }
  state.restore();
}

// From a plan that serves all that it can to the end of a search's share of the budget: fewer vehicles, then less
// distance.
void improve(SearchState& state, StringRemoval& removal, double until, double fleet_share) {
  if (state.options.objective == PdptwObjective::kHierarchical && state.plan.missing() <= state.plan.hopeless()) {
    // Distance first for a moment: compact routes are the easier to take apart.
    const double began = state.progress();
    removal.run(began + kCompactShare * (until - began));
    state.restore();
    reduce_fleet(state, removal, began + fleet_share * (until - began));
  }
  shorten(state, removal, until, 1.0);
}

// How many searches the budget is worth, by the iterations for each request that it promises. Whoever gives routes to
// start from wants these improved, and searches that exchange plans are several as it is.
int searches_worth(SearchState& state, StringRemoval& removal) {
  const Plan& plan = state.plan;
  const PdptwOptions& options = state.options;
  const auto worth = [&](std::int64_t iterations) {
    const double each = static_cast<double>(iterations) / std::max(1, plan.requests());
    return std::clamp(static_cast<int>(each / kWorthASearch), 1, kMostSearches);
  };
  if (options.objective != PdptwObjective::kHierarchical || !options.initial.empty() || !state.alone() ||
      plan.missing() > plan.hopeless()) {
    return 1;
  }
  const int allowed = options.max_iterations < 0 ? kMostSearches : worth(options.max_iterations);
  if (allowed == 1 || options.stop == nullptr) return allowed;
  // A deadline: by the rate of a moment of searching.
  removal.run(state.progress() + kLookShare);
  state.restore();
  const double rate = static_cast<double>(state.out.iterations) / std::max(1e-9, state.progress());
  return std::min(allowed, worth(static_cast<std::int64_t>(std::min(rate, 1e15))));
}

}  // namespace

void search_plan(const PdptwProblem& problem, const PdptwOptions& options, PdptwResult& out, Exchange* exchange,
                 std::size_t search) {
  out = {};
  Plan plan(problem);
  SearchState state(plan, options, out, exchange, search);
  for (const auto& nodes : options.initial) {
    if (nodes.empty() || !plan.fits(nodes)) continue;
    for (std::int32_t type = 0; type < plan.types(); ++type) {
      if (const std::int32_t slot = plan.empty_slot(type); slot >= 0 && plan.assign(slot, nodes, type)) break;
    }
  }
  std::optional<RoutePool> pool;
  if (plan.types() == 1 && problem.prize.empty()) state.pool = &pool.emplace(plan.requests());
  StringRemoval removal(state);
  const auto serve_all = [&](double until) {
    construct(state);
    state.record();
    if (plan.missing() > plan.hopeless()) removal.run(until);  // ends as soon as everything is served
  };
  serve_all(1.0);
  const double began = state.progress();
  const int searches = searches_worth(state, removal);
  for (int k = 1; searches > 1 && k <= searches && state.progress() < 1.0; ++k) {
    const double until = began + kApart * (1.0 - began) * k / searches;
    if (k > 1) {
      state.start_over();
      serve_all(until);
    }
    improve(state, removal, until, kFleetShare);
  }
  if (searches > 1) {
    state.settle();
    recombine(state);
    shorten(state, removal, 1.0, kAgain);
  } else {
    improve(state, removal, 1.0, plan.requests() < kSmall ? kFleetShareSmall : kFleetShare);
  }
  out.routes = plan.routes();
  out.types = plan.route_types();
  out.unserved = plan.absent();
  std::sort(out.unserved.begin(), out.unserved.end());
  out.distance = plan.distance();
  if (pool && options.keep_pool) out.pool = pool->routes();
}

}  // namespace route

namespace {

constexpr std::int32_t kMostThreads = 256;

// The columns that a problem may leave out.
InputFault check_options(const PdptwProblem& problem, std::size_t n, std::size_t requests) {
  const std::size_t types = std::max<std::size_t>(1, problem.types.size());
  const std::size_t dimensions = 1 + problem.more_demand.size() / n;
  if (problem.more_demand.size() % n != 0) return {"more_demand", "is not (nodes, dimensions)", -1};
  if (problem.types.empty() != problem.capacities.empty() || (problem.types.empty() && dimensions > 1)) {
    return {"capacities", "and types belong together, and further dimensions of load need both", -1};
  }
  if (!problem.types.empty() && problem.capacities.size() != types * dimensions) {
    return {"capacities", "is not (types, dimensions)", -1};
  }
  for (std::size_t k = 0; k < problem.capacities.size(); ++k) {
    if (problem.capacities[k] < 0) return {"capacities", "is negative", static_cast<std::int64_t>(k)};
  }
  if (!problem.allowed.empty() && problem.allowed.size() != requests * types) {
    return {"allowed", "is not (requests, types)", -1};
  }
  if (!problem.max_ride.empty() && problem.max_ride.size() != requests) return {"max_ride", "is not (requests)", -1};
  if (!problem.prize.empty() && problem.prize.size() != requests) return {"prize", "is not (requests)", -1};
  for (std::size_t r = 0; r < requests; ++r) {
    const auto row = static_cast<std::int64_t>(r);
    if (!problem.max_ride.empty() && !(problem.max_ride[r] >= 0.0))
      return {"max_ride", "is negative or not a number", row};
    if (!problem.prize.empty() && !(problem.prize[r] >= 0.0)) return {"prize", "is negative or not a number", row};
    for (std::size_t q = 0; q + 1 < dimensions; ++q) {
      const std::int32_t load = problem.more_demand[static_cast<std::size_t>(problem.pickup[r]) * (dimensions - 1) + q];
      if (load < 0 ||
          load != -problem.more_demand[static_cast<std::size_t>(problem.delivery[r]) * (dimensions - 1) + q]) {
        return {"request", "does not deliver what it picks up", row};
      }
    }
  }
  for (std::size_t t = 0; t < problem.types.size(); ++t) {
    const PdptwVehicleType& type = problem.types[t];
    const auto row = static_cast<std::int64_t>(t);
    if (type.count < 0) return {"types", "has a negative count", row};
    if (!(std::abs(type.earliest) < 1e12) || !(std::abs(type.latest) < 1e12)) {
      return {"types", "has a shift that is not finite or above 10^12", row};
    }
    if (!(type.fixed_cost >= 0.0) || !(type.fixed_cost < 1e12)) {
      return {"types", "has a fixed cost that is negative, not finite or above 10^12", row};
    }
    for (const std::int32_t node : {type.start, type.end}) {
      if (node < 0 || static_cast<std::size_t>(node) >= n) return {"types", "names a node that does not exist", row};
      if (std::find(problem.pickup.begin(), problem.pickup.end(), node) != problem.pickup.end() ||
          std::find(problem.delivery.begin(), problem.delivery.end(), node) != problem.delivery.end()) {
        return {"types", "starts or ends at a node of a request", row};
      }
    }
  }
  return {};
}

// Several windows a node: whole pairs that ascend, from `ready` to `due`.
InputFault check_windows(const PdptwProblem& problem, std::size_t n) {
  const auto& first = problem.window_first;
  if (problem.windows.empty() && first.empty()) return {};
  if (first.size() != n + 1 || first[0] != 0 || problem.windows.size() != 2 * static_cast<std::size_t>(first[n])) {
    return {"windows", "and window_first do not belong together", -1};
  }
  for (std::size_t k = 0; k < n; ++k) {
    const auto row = static_cast<std::int64_t>(k);
    if (first[k + 1] < first[k] || first[k + 1] > first[n]) return {"window_first", "does not ascend", row};
    const auto from = static_cast<std::size_t>(first[k]), to = static_cast<std::size_t>(first[k + 1]);
    if (from == to) continue;
    if (problem.windows[2 * from] != problem.ready[k] || problem.windows[2 * to - 1] != problem.due[k]) {
      return {"windows", "do not reach from ready to due", row};
    }
    for (std::size_t at = 2 * from + 1; at < 2 * to; ++at) {
      if (!(problem.windows[at] >= problem.windows[at - 1])) return {"windows", "do not ascend", row};
    }
  }
  return {};
}

InputFault check_bins(const PdptwProblem& problem, std::size_t n) {
  if (problem.bins.empty() != problem.bin_duration.empty() || (problem.duration.empty() && !problem.bins.empty())) {
    return {"bins", "and bin_duration belong together, and duration is the least of them", -1};
  }
  if (problem.bin_duration.size() != problem.bins.size() * n * n) {
    return {"bin_duration", "is not (bins, nodes, nodes)", -1};
  }
  for (std::size_t k = 0; k < problem.bins.size(); ++k) {
    const auto row = static_cast<std::int64_t>(k);
    if (!(std::abs(problem.bins[k]) < 1e12)) return {"bins", "is not finite or above 10^12", row};
    if (k > 0 && !(problem.bins[k] > problem.bins[k - 1])) return {"bins", "does not ascend", row};
  }
  for (std::size_t k = 0; k < problem.bin_duration.size(); ++k) {
    if (!(problem.bin_duration[k] >= problem.duration[k % (n * n)]) || !(problem.bin_duration[k] < 1e12)) {
      return {"bin_duration", "is not finite, above 10^12 or less than duration", static_cast<std::int64_t>(k)};
    }
  }
  return {};
}

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
  for (const auto& [name, matrix] : {std::pair{"distance", problem.distance}, {"duration", problem.duration}}) {
    for (std::size_t k = 0; k < matrix.size(); ++k) {
      if (!sound(matrix[k]) || matrix[k] < 0.0) {
        return {name, "is negative, not finite or above 10^12", static_cast<std::int64_t>(k)};
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
  if (!problem.late_cost.empty() && problem.late_cost.size() != n) return {"late_cost", "is not (nodes)", -1};
  for (std::size_t k = 0; k < problem.late_cost.size(); ++k) {
    if (!(problem.late_cost[k] >= 0.0))
      return {"late_cost", "is negative or not a number", static_cast<std::int64_t>(k)};
  }
  if (const InputFault fault = check_windows(problem, n); !fault.ok()) return fault;
  if (const InputFault fault = check_bins(problem, n); !fault.ok()) return fault;
  return check_options(problem, n, requests);
}

}  // namespace

InputFault solve_pdptw(const PdptwProblem& problem, const PdptwOptions& options, PdptwResult& out) {
  if (const InputFault fault = check(problem); !fault.ok()) return fault;
  if (options.max_iterations < 0 && options.stop == nullptr) {
    return {"max_iterations", "is not given, nor is a deadline", -1};
  }
  if (options.objective == PdptwObjective::kHierarchical && !problem.prize.empty()) {
    return {"prize", "has no meaning when vehicles count before cost: nothing would be served", -1};
  }
  if (options.objective == PdptwObjective::kHierarchical && !problem.late_cost.empty()) {
    return {"late_cost", "is a cost, and vehicles count before cost", -1};
  }
  if (options.threads < 1 || options.threads > kMostThreads) return {"threads", "is not between 1 and 256", -1};
  if (options.threads > 1) {
    route::search_together(problem, options, out);
  } else {
    route::search_plan(problem, options, out, nullptr, 0);
  }
  return {};
}

}  // namespace matcher
