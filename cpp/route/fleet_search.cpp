// Fewer vehicles: a route at a time is taken apart, and two searches take turns at serving its requests elsewhere.
#include <algorithm>
#include <limits>

#include "route/route_ejection.h"
#include "route/string_removal.h"

namespace matcher::route {
namespace {

constexpr std::uint64_t kSlice = 1000;  // work per request before the other search takes over; more after failures
constexpr std::int32_t kTurns = 20;     // of both, before another route is tried
// Ejections leave long routes, which are the harder to take apart: work spent on shorter ones, of that of the last
// turns.
constexpr double kCompact = 0.5;

}  // namespace

void reduce_fleet(SearchState& state, StringRemoval& removal, double until) {
  Plan& plan = state.plan;
  RouteEjection ejection(state);
  std::int32_t failures = 0;
  const std::size_t hopeless = plan.hopeless();
  while (state.progress() < until && plan.vehicles() > 1 && plan.missing() <= hopeless) {
    state.meet();
    // The shortest route first; after failures any.
    std::vector<std::int32_t> order, members;
    for (std::int32_t slot = 0; slot < plan.slots(); ++slot) {
      if (!plan.tour(slot).nodes.empty()) order.push_back(slot);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return plan.tour(a).nodes.size() < plan.tour(b).nodes.size();
    });
    const std::int32_t reach = std::min<std::int32_t>(static_cast<std::int32_t>(order.size()), 1 + 2 * failures);
    const std::int32_t slot = order[index(state.rng.below(reach))];
    const std::uint64_t began = plan.work();
    for (const std::int32_t node : plan.tour(slot).nodes) {
      const std::int32_t request = plan.request_of(node);
      if (plan.problem().pickup[index(request)] == node) members.push_back(request);
    }
    plan.begin();
    plan.remove_from(slot, members);
    plan.vehicle_limit = plan.vehicles();
    ejection.forget();
    const std::uint64_t slice =
        kSlice * static_cast<std::uint64_t>(plan.requests()) * static_cast<std::uint64_t>(1 + failures);
    bool served = false;
    for (std::int32_t turn = 0; turn < kTurns && !served && state.progress() < until; ++turn) {
      served = turn % 2 == 0 ? ejection.place(slice, until) : removal.squeeze(slice, until);
    }
    plan.vehicle_limit = std::numeric_limits<std::int32_t>::max();
    if (served) {
      failures = 0;
      state.record();
    } else {
      ++failures;
      state.restore();
    }
    removal.compact(static_cast<std::uint64_t>(kCompact * static_cast<double>(plan.work() - began)), until);
    state.restore();
  }
}

}  // namespace matcher::route
