#include "matcher/sequence.h"

#include <algorithm>

#include "route/sequence_search.h"
#include "route/travel.h"

namespace matcher {
namespace {

using route::at;

InputFault check_loads(const Market& market, const SequenceOptions& options) {
  const std::size_t orders = market.orders.size.size(), couriers = market.couriers.loc.size();
  for (const std::int64_t weight : options.weights) {
    if (weight < 0 || weight > 1'000'000) return {"weights", "is not between 0 and 1,000,000", -1};
  }
  if (couriers > 0 && options.more_capacity.size() % couriers != 0) {
    return {"more_capacity", "is not (couriers, dimensions)", -1};
  }
  const std::size_t dimensions = couriers > 0 ? options.more_capacity.size() / couriers : 0;
  if (dimensions > kMaxLoadDimensions) return {"more_capacity", "has more than 4 dimensions", -1};
  if (options.more_size.size() != orders * dimensions) return {"more_size", "is not (orders, dimensions)", -1};
  for (std::size_t k = 0; k < options.more_size.size(); ++k) {
    if (options.more_size[k] < 0) return {"more_size", "is negative", static_cast<std::int64_t>(k)};
  }
  return {};
}

// Times and lengths that keep every cost in int64.
constexpr std::int64_t kHorizonMs = std::int64_t{1} << 34;
constexpr std::size_t kMaxRouteStops = 64;

InputFault check_times(const Market& market) {
  const auto far = [](std::span<const std::int64_t> column) {
    const auto row =
        std::find_if(column.begin(), column.end(), [](std::int64_t ms) { return ms > kHorizonMs || ms < -kHorizonMs; });
    return row == column.end() ? -1 : static_cast<std::int64_t>(row - column.begin());
  };
  constexpr std::string_view kFar = "is further than 2^34 ms from the clock";
  const auto& orders = market.orders;
  if (const auto row = far(orders.placed_ms); row >= 0) return {"orders.placed_ms", kFar, row};
  if (const auto row = far(orders.ready_ms); row >= 0) return {"orders.ready_ms", kFar, row};
  if (const auto row = far(orders.dropoff_not_before_ms); row >= 0) return {"orders.dropoff_not_before_ms", kFar, row};
  if (const auto row = far(market.couriers.free_ms); row >= 0) return {"couriers.free_ms", kFar, row};
  return {};
}

InputFault check_route(const Market& market, std::size_t begin, std::size_t end, std::size_t locked,
                       std::vector<std::int8_t>& seen) {
  const auto& order = market.routes.stop_order;
  const auto& kind = market.routes.stop_kind;
  if (end - begin - locked > kMaxSequenceStops) {
    return {"routes", "has more than 16 stops that are not locked", static_cast<std::int64_t>(begin)};
  }
  if (end - begin > kMaxRouteStops) {
    return {"routes", "has more than 64 stops", static_cast<std::int64_t>(begin)};
  }
  InputFault fault;
  for (std::size_t k = begin; k < end; ++k) {  // bits 1 and 2: picked up, dropped off
    std::int8_t& bits = seen[at(order[k])];
    const bool dropped_before = (bits & 2) != 0 && kind[k] == 1;
    if ((bits & kind[k]) != 0 || (dropped_before && k < begin + locked)) {
      fault = {"routes.stop_order", "has a stop twice, or locked stops out of order", static_cast<std::int64_t>(k)};
    }
    bits = static_cast<std::int8_t>(bits | kind[k]);
  }
  for (std::size_t k = begin; k < end; ++k) {
    if (fault.ok() && seen[at(order[k])] == 1) {
      fault = {"routes.stop_order", "has a pick-up without its drop-off", static_cast<std::int64_t>(k)};
    }
  }
  for (std::size_t k = begin; k < end; ++k) seen[at(order[k])] = 0;
  return fault;
}

}  // namespace

InputFault best_sequences(const Market& market, const SequenceOptions& options, SequencedRoutes& out) {
  if (const InputFault fault = check_market(market); !fault.ok()) return fault;
  if (const InputFault fault = check_times(market); !fault.ok()) return fault;
  if (const InputFault fault = check_loads(market, options); !fault.ok()) return fault;
  const std::size_t couriers = market.couriers.loc.size();
  std::vector<std::int8_t> seen(market.orders.size.size());
  const auto& routes = market.routes;
  for (std::size_t c = 0; c < couriers; ++c) {
    const InputFault fault = check_route(market, at(routes.ptr[c]), at(routes.ptr[c + 1]), at(routes.locked[c]), seen);
    if (!fault.ok()) return fault;
  }
  out = {};
  out.stop_order.assign(routes.stop_order.begin(), routes.stop_order.end());
  out.stop_kind.assign(routes.stop_kind.begin(), routes.stop_kind.end());
  out.feasible.assign(couriers, 0);
  out.cost.assign(couriers, 0);
  out.nodes.assign(couriers, 0);
  route::with_travel(market, [&](const auto& times) {
    route::SequenceSearch search(market, times, options);
    std::vector<std::size_t> best;
    for (std::size_t c = 0; c < couriers; ++c) {
      const std::size_t begin = at(routes.ptr[c]), count = at(routes.ptr[c + 1]) - begin;
      const bool feasible = search.run(static_cast<std::int32_t>(c), routes.stop_order.subspan(begin, count),
                                       routes.stop_kind.subspan(begin, count), at(routes.locked[c]), best);
      out.nodes[c] = search.nodes();
      if (!feasible) continue;
      out.feasible[c] = 1;
      out.cost[c] = search.cost();
      for (std::size_t k = 0; k < count; ++k) {
        out.stop_order[begin + k] = routes.stop_order[begin + best[k]];
        out.stop_kind[begin + k] = routes.stop_kind[begin + best[k]];
      }
    }
  });
  return {};
}

}  // namespace matcher
