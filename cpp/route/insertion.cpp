#include "matcher/insertion.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/cancel.h"
#include "route/arrivals.h"
#include "route/live_routes.h"
#include "route/position_search.h"
#include "route/travel.h"

namespace matcher {
namespace {

using route::at;
using route::EarliestArrivals;
using route::LiveRoute;
using route::PositionSearch;

// What the orders of a unit ask for together.
struct UnitNeeds {
  std::int32_t pickup;
  std::uint64_t skills = 0;
  std::int64_t size = 0;
  std::int64_t ready_ms = INT64_MIN;
  std::int64_t access_ms = 0;
  std::int64_t pickup_by_ms = kNeverMs;
};

UnitNeeds needs_of(const OrderColumns& orders, std::span<const std::int32_t> unit) {
  UnitNeeds needs{.pickup = orders.pickup_loc[at(unit.front())]};
  for (const std::int32_t order : unit) {
    const auto row = at(order);
    needs.skills |= orders.skills[row];
    needs.size += orders.size[row];
    needs.ready_ms = std::max(needs.ready_ms, orders.ready_ms[row]);
    needs.access_ms = std::max<std::int64_t>(needs.access_ms, orders.pickup_access_ms[row]);
    needs.pickup_by_ms = std::min(needs.pickup_by_ms, orders.pickup_by_ms[row]);
  }
  return needs;
}

// The couriers to evaluate for one unit; the others are counted by reason.
template <class Times>
class Ranking {
 public:
  Ranking(const Market& market, const InsertionOptions& options, EarliestArrivals<Times>& arrivals)
      : market_(market), options_(options), arrivals_(arrivals) {}

  // Ascending courier indices.
  std::span<const std::int32_t> select(const UnitNeeds& needs, std::size_t unit_orders,
                                       std::array<std::int32_t, kRejectionCount>& rejected, std::int32_t& pruned) {
    arrivals_.at_place(needs.pickup);
    eligible_.clear();
    for (std::size_t c = 0; c < market_.couriers.loc.size(); ++c) {
      const int reason = refuse(needs, unit_orders, c);
      if (reason == route::kNoRejection) {
        eligible_.push_back(static_cast<std::int32_t>(c));
      } else {
        ++rejected[static_cast<std::size_t>(reason)];
      }
    }
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(options_.nearest, INT32_MAX));
    pruned = 0;
    if (eligible_.size() > wanted) {
      pruned = static_cast<std::int32_t>(eligible_.size() - wanted);
      keep_nearest(wanted);
    }
    return eligible_;
  }

 private:
  int refuse(const UnitNeeds& needs, std::size_t unit_orders, std::size_t c) {
    const auto& couriers = market_.couriers;
    // The bounds settle nearly every question; the exact time is taken where they leave it open.
    if (arrivals_.lower(c) > options_.reach_ms) return kRejectOutOfReach;
    if (arrivals_.upper(c) > options_.reach_ms && arrivals_.exact(c) > options_.reach_ms) return kRejectOutOfReach;
    if ((needs.skills & ~couriers.skills[c]) != 0) return kRejectSkills;
    if (needs.size > couriers.capacity[c]) return kRejectCapacity;
    if (event(needs, arrivals_.upper(c)) > std::min(couriers.shift_end_ms[c], needs.pickup_by_ms)) {
      const std::int64_t hand_over = event(needs, arrivals_.exact(c));
      if (hand_over > couriers.shift_end_ms[c]) return kRejectShiftEnd;
      if (hand_over > needs.pickup_by_ms) return kRejectTimeWindow;
    }
    const std::int64_t stops = market_.routes.ptr[c + 1] - market_.routes.ptr[c];
    if (stops + 2 * static_cast<std::int64_t>(unit_orders) > options_.max_route_stops) return kRejectRouteFull;
    return route::kNoRejection;
  }

  static std::int64_t event(const UnitNeeds& needs, std::int64_t arrive_ms) {
    return std::max(arrive_ms + needs.access_ms, needs.ready_ms);
  }

  // Leaves the `wanted` couriers with the least (exact arrival, index), ascending by index.
  void keep_nearest(std::size_t wanted) {
    if (wanted == 0) return eligible_.clear();
    const auto split = eligible_.begin() + static_cast<std::ptrdiff_t>(wanted);
    std::nth_element(eligible_.begin(), split - 1, eligible_.end(), [&](std::int32_t a, std::int32_t b) {
      const auto lower_a = arrivals_.lower(at(a));
      const auto lower_b = arrivals_.lower(at(b));
      return lower_a != lower_b ? lower_a < lower_b : a < b;
    });
    std::int64_t latest = INT64_MIN;  // the wanted-th exact arrival is not later
    for (auto it = eligible_.begin(); it != split; ++it) latest = std::max(latest, arrivals_.exact(at(*it)));
    std::erase_if(eligible_, [&](std::int32_t c) { return arrivals_.lower(at(c)) > latest; });
    const auto kept = eligible_.begin() + static_cast<std::ptrdiff_t>(wanted);
    std::nth_element(eligible_.begin(), kept - 1, eligible_.end(), [&](std::int32_t a, std::int32_t b) {
      const auto exact_a = arrivals_.exact(at(a));
      const auto exact_b = arrivals_.exact(at(b));
      return exact_a != exact_b ? exact_a < exact_b : a < b;
    });
    eligible_.erase(kept, eligible_.end());
    std::sort(eligible_.begin(), eligible_.end());
  }

  const Market& market_;
  const InsertionOptions& options_;
  EarliestArrivals<Times>& arrivals_;
  std::vector<std::int32_t> eligible_;
};

InputFault check_units(const Market& market, const UnitColumns& units) {
  const auto orders = static_cast<std::int64_t>(market.orders.size.size());
  if (units.ptr.empty() || units.ptr.front() != 0) return {"unit_ptr", "does not start at 0", 0};
  if (units.ptr.back() != static_cast<std::int64_t>(units.order.size())) {
    return {"unit_ptr", "does not end at the number of orders in units",
            static_cast<std::int64_t>(units.ptr.size()) - 1};
  }
  for (std::size_t u = 0; u + 1 < units.ptr.size(); ++u) {
    const auto row = static_cast<std::int64_t>(u);
    const std::int64_t size = std::int64_t{units.ptr[u + 1]} - units.ptr[u];
    if (size < 1 || size > kMaxUnitOrders)
      return {"unit_ptr", "makes a unit of fewer than 1 or more than 6 orders", row};
  }
  for (std::size_t k = 0; k < units.order.size(); ++k) {
    if (units.order[k] < 0 || units.order[k] >= orders) {
      return {"unit_order", "names an order that does not exist", static_cast<std::int64_t>(k)};
    }
  }
  for (std::size_t u = 0; u + 1 < units.ptr.size(); ++u) {
    const auto unit = units.order.subspan(at(units.ptr[u]), at(units.ptr[u + 1] - units.ptr[u]));
    for (std::size_t k = 0; k < unit.size(); ++k) {
      const auto row = static_cast<std::int64_t>(u);
      if (market.orders.pickup_loc[at(unit[k])] != market.orders.pickup_loc[at(unit[0])]) {
        return {"unit_order", "puts orders with different pick-up places into one unit", row};
      }
      if (std::find(unit.begin(), unit.begin() + static_cast<std::ptrdiff_t>(k), unit[k]) !=
          unit.begin() + static_cast<std::ptrdiff_t>(k)) {
        return {"unit_order", "names an order twice in one unit", row};
      }
    }
  }
  std::vector<std::uint8_t> routed(market.orders.size.size());
  for (const std::int32_t order : market.routes.stop_order) routed[at(order)] = 1;
  for (std::size_t k = 0; k < units.order.size(); ++k) {
    if (routed[at(units.order[k])] != 0) {
      return {"unit_order", "names an order that is in a route already", static_cast<std::int64_t>(k)};
    }
  }
  return {};
}

// Costs are sums of weight * quantity; both are bounded here so that no product or sum leaves int64.
InputFault check_costs(const Market& market, const InsertionOptions& options, std::size_t longest_route) {
  double heaviest = 0.0;
  for (std::size_t term = 0; term < kQuantityCount; ++term) {
    if (options.weights[term] < 0) return {"weights", "is negative", static_cast<std::int64_t>(term)};
    heaviest += static_cast<double>(options.weights[term]);
  }
  double latest = 0.0;
  const auto widen = [](double& bound, const auto& column) {
    for (const auto value : column) {
      if (value < kNeverMs) bound = std::max(bound, std::abs(static_cast<double>(value)));
    }
  };
  widen(latest, market.orders.placed_ms);
  widen(latest, market.orders.ready_ms);
  widen(latest, market.orders.dropoff_not_before_ms);
  widen(latest, market.orders.promised_by_ms);
  widen(latest, market.couriers.free_ms);
  double service = 0.0;
  widen(service, market.orders.pickup_access_ms);
  widen(service, market.orders.pickup_leave_ms);
  widen(service, market.orders.dropoff_access_ms);
  widen(service, market.orders.dropoff_leave_ms);
  const double stops = static_cast<double>(longest_route + 2 * kMaxUnitOrders);
  const double horizon = 2.0 * latest + stops * (2.0 * service + route::longest_trip_ms(market));
  if (heaviest * stops * horizon > 4e18) return {"weights", "make costs that may leave 64 bits for these times", -1};
  return {};
}

template <class Times>
InputFault find(const Market& market, const Times& times, const UnitColumns& units, const InsertionOptions& options,
                InsertionCandidates& out) {
  const CancelFlag cancel(options.cancelled);
  std::vector<LiveRoute> routes(market.couriers.loc.size());
  std::size_t longest = 0;
  route::RouteCompiler compiler(market, times);
  for (std::size_t c = 0; c < routes.size(); ++c) {
    const auto courier = static_cast<std::int32_t>(c);
    const auto begin = at(market.routes.ptr[c]);
    const auto count = at(market.routes.ptr[c + 1]) - begin;
    const route::RouteStops stops{market.routes.stop_order.subspan(begin, count),
                                  market.routes.stop_kind.subspan(begin, count)};
    if (!compiler.compile(courier, stops, market.routes.locked[c], routes[c])) {
      return {"routes.stop_order", "has a drop-off before its pick-up, a stop twice or a pick-up without a drop-off",
              courier};
    }
    longest = std::max(longest, count);
  }
  if (const InputFault fault = check_costs(market, options, longest); !fault.ok()) return fault;

  const std::size_t unit_count = units.ptr.size() - 1;
  out.ptr.assign(1, 0);
  out.candidates.clear();
  out.rejected.assign(unit_count, {});
  out.pruned.assign(unit_count, 0);
  std::vector<std::vector<InsertionCandidate>> found(unit_count);

  // Units of one pick-up place share the arrivals; the answer does not depend on the order of the work.
  std::vector<std::size_t> order_of_work(unit_count);
  std::iota(order_of_work.begin(), order_of_work.end(), std::size_t{0});
  const auto place_of = [&](std::size_t u) { return market.orders.pickup_loc[at(units.order[at(units.ptr[u])])]; };
  std::stable_sort(order_of_work.begin(), order_of_work.end(),
                   [&](std::size_t a, std::size_t b) { return place_of(a) < place_of(b); });

  EarliestArrivals<Times> arrivals(routes, times);
  Ranking<Times> ranking(market, options, arrivals);
  PositionSearch<Times> search(market, times, options.weights, options.detours);
  for (const std::size_t u : order_of_work) {
    cancel.check();
    const auto unit = units.order.subspan(at(units.ptr[u]), at(units.ptr[u + 1] - units.ptr[u]));
    const UnitNeeds needs = needs_of(market.orders, unit);
    for (const std::int32_t courier : ranking.select(needs, unit.size(), out.rejected[u], out.pruned[u])) {
      cancel.check();
      InsertionCandidate candidate;
      const int reason = search.run(courier, routes[at(courier)], unit, candidate);
      if (reason == route::kNoRejection) {
        found[u].push_back(candidate);
      } else {
        ++out.rejected[u][static_cast<std::size_t>(reason)];
      }
    }
  }
  out.candidates.reserve(
      std::accumulate(found.begin(), found.end(), std::size_t{0},
                      [](std::size_t total, const auto& of_unit) { return total + of_unit.size(); }));
  for (auto& of_unit : found) {
    cancel.check();
    out.candidates.insert(out.candidates.end(), of_unit.begin(), of_unit.end());
    of_unit = {};
    out.ptr.push_back(static_cast<std::int32_t>(out.candidates.size()));
  }
  return {};
}

}  // namespace

InputFault insertion_candidates(const Market& market, const UnitColumns& units, const InsertionOptions& options,
                                InsertionCandidates& out) try {
  if (const InputFault fault = check_market(market); !fault.ok()) return fault;
  if (const InputFault fault = check_units(market, units); !fault.ok()) return fault;
  if (options.nearest < 0) return {"nearest", "is negative", -1};
  return route::with_travel(market, [&](const auto& times) { return find(market, times, units, options, out); });
} catch (const Cancelled&) {
  out = {};
  out.cancelled = true;
  return {};
}

}  // namespace matcher
