#include "route/route_pool.h"

#include <algorithm>
#include <cmath>

#include "matcher/set_packing.h"

namespace matcher::route {
namespace {

constexpr std::size_t kMostRoutes = 20'000;
constexpr std::uint64_t kWords = 0x5EEDULL;  // any seed: words need only differ
// Prices in the packing, of a vehicle where fewer count first, and of leaving a request out: dear enough to be rare,
// not so dear that lengths drown.
constexpr double kVehicle = 1.5;  // average routes
constexpr double kLeftOut = 8.0;  // what serving a request costs on average, vehicle included
constexpr double kUnits = 1e9;    // of integer cost in the plan's

}  // namespace

RoutePool::RoutePool(std::int32_t requests) {
  Rng rng(kWords);
  for (std::int32_t r = 0; r < requests; ++r) word_.push_back(rng.next());
}

void RoutePool::note(const Plan& plan) {
  std::uint64_t newest = newest_;
  for (std::int32_t slot = 0; slot < plan.slots(); ++slot) {
    const Tour& tour = plan.tour(slot);
    if (tour.stamp <= newest_ || tour.nodes.empty()) continue;
    newest = std::max(newest, tour.stamp);
    std::uint64_t key = 0;
    for (const std::int32_t node : tour.nodes) key += word_[index(plan.request_of(node))];
    const auto [entry, fresh] = at_.try_emplace(key, routes_.size());
    if (fresh) routes_.push_back({key, tour.length, tour.stamp, tour.nodes});
    Known& known = routes_[entry->second];
    known.seen = tour.stamp;
    if (tour.length < known.length) {
      known.length = tour.length;
      known.nodes = tour.nodes;
    }
  }
  newest_ = newest;
  if (routes_.size() > kMostRoutes) forget();
}

void RoutePool::forget() {
  const auto middle = routes_.begin() + static_cast<std::ptrdiff_t>(kMostRoutes / 2);
  std::nth_element(routes_.begin(), middle, routes_.end(),
                   [](const Known& a, const Known& b) { return a.seen != b.seen ? a.seen > b.seen : a.key < b.key; });
  routes_.erase(middle, routes_.end());
  at_.clear();
  for (std::size_t k = 0; k < routes_.size(); ++k) at_[routes_[k].key] = k;
}

std::vector<std::vector<std::int32_t>> RoutePool::routes() const {
  std::vector<std::vector<std::int32_t>> all;
  all.reserve(routes_.size());
  for (const Known& route : routes_) all.push_back(route.nodes);
  return all;
}

std::vector<std::vector<std::int32_t>> RoutePool::combine(const Plan& plan, bool fewest,
                                                          std::int64_t iterations) const {
  const std::int32_t vehicles = plan.vehicles();
  if (vehicles == 0 || routes_.empty()) return {};
  const double unit = kUnits / std::max(1e-9, plan.cost());
  const double vehicle = fewest ? kVehicle * plan.cost() / vehicles : 0.0;
  const double served = static_cast<double>(plan.requests()) - static_cast<double>(plan.absent().size());
  const double left_out = kLeftOut * (plan.cost() + vehicle * vehicles) / std::max(1.0, served);
  std::vector<std::int32_t> courier, first{0}, members;
  std::vector<std::int64_t> cost;
  for (const Known& route : routes_) {
    courier.push_back(static_cast<std::int32_t>(courier.size()));  // each route has a vehicle of its own
    for (const std::int32_t node : route.nodes) {
      const std::int32_t request = plan.request_of(node);
      if (plan.problem().pickup[index(request)] == node) members.push_back(request);
    }
    first.push_back(static_cast<std::int32_t>(members.size()));
    cost.push_back(std::llround((route.length + vehicle) * unit));
  }
  const std::vector<std::int64_t> wait(index(plan.requests()), std::llround(left_out * unit));
  PackingProblem packing;
  packing.n_orders = plan.requests();
  packing.n_couriers = static_cast<std::int32_t>(courier.size());
  packing.courier = courier;
  packing.ptr = first;
  packing.order = members;
  packing.cost = cost;
  packing.wait = wait;
  PackingOptions options;
  options.max_iterations = iterations;
  const PackingSolution solution = solve_packing(packing, options);
  const double now = plan.cost() + vehicle * vehicles + left_out * static_cast<double>(plan.absent().size());
  if (static_cast<double>(solution.total) >= now * unit * (1.0 - 1e-9)) return {};
  std::vector<std::vector<std::int32_t>> routes;
  routes.reserve(solution.chosen.size());
  for (const std::int32_t column : solution.chosen) routes.push_back(routes_[index(column)].nodes);
  return routes;
}

}  // namespace matcher::route
