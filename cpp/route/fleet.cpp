#include "matcher/fleet.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <memory>
#include <vector>

#include "route/fleet_of.h"

namespace matcher {
namespace route {

// Fills bound_ with what the order costs each courier at least; infinite: it does not fit.
template <class Times>
void FleetOf<Times>::bound_all(const FleetOrder& order) {
  const std::size_t n = loc_.size();
  bound_.assign(n, std::numeric_limits<double>::infinity());
  if constexpr (Times::kTriangle) {
    const auto as_float = [](std::int64_t ms) { return ms >= kNeverMs ? FleetColumns::kFar : static_cast<float>(ms); };
    const ColumnQuery query{position(orders_.pickup_loc[at(probe_)]),
                            position(orders_.dropoff_loc[at(probe_)]),
                            as_float(order.ready_ms),
                            static_cast<float>(order.pickup_access_ms),
                            static_cast<float>(order.pickup_leave_ms),
                            as_float(order.pickup_by_ms),
                            as_float(order.dropoff_not_before_ms),
                            static_cast<float>(order.dropoff_access_ms),
                            static_cast<float>(order.dropoff_leave_ms),
                            as_float(order.dropoff_by_ms),
                            as_float(order.placed_ms),
                            as_float(order.promised_by_ms),
                            as_float(settings_.rules.severe_after_ms)};
    std::int64_t extra_ms = 0;
    for (const std::int64_t ms : {order.ready_ms, order.dropoff_not_before_ms, order.placed_ms, order.promised_by_ms}) {
      if (ms < kNeverMs) extra_ms = std::max(extra_ms, std::abs(ms));
    }
    const auto extra = static_cast<double>(extra_ms);
    const double per_ms = static_cast<double>(settings_.weights[kTravel] + settings_.weights[kCourierTime]);
    const double slack = columns_.detour_slack_ms();
    if (columns_.priced()) {
      columns_.prices(query, extra, least_);
    } else {
      columns_.detours(query, extra, least_);
    }
    for (std::size_t c = 0; c < n; ++c) {
      if (!(least_[c] < FleetColumns::kFar / 2) || !fits(order, c)) continue;
      const double least = least_[c];
      bound_[c] =
          (columns_.priced() ? least - columns_.price_slack(least, extra) : per_ms * std::max(0.0, least - slack)) -
          saving_[c];
    }
  } else {
    // Without the triangle inequality a detour may be a shortcut: no bound, every courier is searched.
    for (std::size_t c = 0; c < n; ++c) {
      if (fits(order, c)) bound_[c] = -std::numeric_limits<double>::max();
    }
  }
}

template <class Times>
InputFault FleetOf<Times>::cheapest(const FleetOrder& order, std::int32_t k, std::vector<FleetInsertion>& out) {
  out.clear();
  if (const InputFault fault = check(order); !fault.ok()) return fault;
  if (k < 1) return {"k", "is not positive", k};
  orders_.set(probe_, order, take(order.pickup), take(order.dropoff));
  refresh();
  bound_all(order);
  order_of_search_.clear();
  for (std::size_t c = 0; c < bound_.size(); ++c) {
    if (bound_[c] < std::numeric_limits<double>::infinity()) order_of_search_.push_back(static_cast<std::int32_t>(c));
  }
  const auto sooner = [&](std::int32_t a, std::int32_t b) {
    return bound_[at(a)] != bound_[at(b)] ? bound_[at(a)] > bound_[at(b)] : a > b;  // a heap has its largest on top
  };
  std::make_heap(order_of_search_.begin(), order_of_search_.end(), sooner);
  const std::array<std::int32_t, 1> unit{probe_};
  while (!order_of_search_.empty()) {
    std::pop_heap(order_of_search_.begin(), order_of_search_.end(), sooner);
    const std::int32_t courier = order_of_search_.back();
    order_of_search_.pop_back();
    const bool full = out.size() == at(k);
    if (full && bound_[at(courier)] > static_cast<double>(out.back().cost)) break;
    // Equal cost is an improvement for a lower courier only.
    const std::int64_t below = !full ? INT64_MAX : out.back().cost + (courier < out.back().courier ? 1 : 0);
    InsertionCandidate best;
    if (search_.run(courier, routes_[at(courier)], unit, best, below) != kNoRejection) continue;
    const FleetInsertion found{courier,    best.pickup_pos,   best.dropoff_pos,   search_.cost(best.delta),
                               best.delta, best.pickup_at_ms, best.dropoff_at_ms, best.finish_ms};
    const auto place = std::upper_bound(out.begin(), out.end(), found, [](const auto& a, const auto& b) {
      return a.cost != b.cost ? a.cost < b.cost : a.courier < b.courier;
    });
    out.insert(place, found);
    if (out.size() > at(k)) out.pop_back();
  }
  drop(orders_.pickup_loc[at(probe_)]);
  drop(orders_.dropoff_loc[at(probe_)]);
  return {};
}

template <class Times>
InputFault FleetOf<Times>::preview(const FleetOrder& order, std::int32_t courier, std::int32_t pickup_pos,
                                   std::int32_t dropoff_pos, FleetPreview& out) {
  if (const InputFault fault = check(order); !fault.ok()) return fault;
  if (!has(courier)) return {"courier", "does not exist", courier};
  const auto& present = stops_[at(courier)];
  if (pickup_pos < locked_[at(courier)] || pickup_pos > dropoff_pos || at(dropoff_pos) > present.size()) {
    return {"position", "is not within the changeable part of the route", pickup_pos};
  }
  orders_.set(probe_, order, take(order.pickup), take(order.dropoff));
  refresh();
  out.stops = present;
  out.stops.insert(out.stops.begin() + dropoff_pos, {StopKind::kDropoff, -1});
  out.stops.insert(out.stops.begin() + pickup_pos, {StopKind::kPickup, -1});
  scratch_order_.clear();
  scratch_kind_.clear();
  for (const FleetStop& stop : out.stops) {
    scratch_order_.push_back(stop.order < 0 ? probe_ : stop.order);
    scratch_kind_.push_back(static_cast<std::int8_t>(stop.kind));
  }
  for (auto* times : {&out.arrive_ms, &out.at_ms, &out.depart_ms}) times->resize(out.stops.size());
  const auto totals = walk_.run(courier, {scratch_order_, scratch_kind_}, {out.arrive_ms, out.at_ms, out.depart_ms});
  out.depart_by_ms = totals.depart_by_ms;
  drop(orders_.pickup_loc[at(probe_)]);
  drop(orders_.dropoff_loc[at(probe_)]);
  return {};
}

template <class Times>
InputFault FleetOf<Times>::refusals(const FleetOrder& order, std::array<std::int32_t, kRejectionCount>& out) {
  out = {};
  if (const InputFault fault = check(order); !fault.ok()) return fault;
  orders_.set(probe_, order, take(order.pickup), take(order.dropoff));
  refresh();
  const std::array<std::int32_t, 1> unit{probe_};
  for (std::size_t c = 0; c < loc_.size(); ++c) {
    if (loc_[c] < 0) continue;
    InsertionCandidate best;
    int reason = kNoRejection;
    if ((order.skills & ~skills_[c]) != 0) {
      reason = kRejectSkills;
    } else if (order.size > capacity_[c]) {
      reason = kRejectCapacity;
    } else if (!fits(order, c)) {
      reason = kRejectRouteFull;
    } else {
      reason = search_.run(static_cast<std::int32_t>(c), routes_[c], unit, best);
    }
    if (reason != kNoRejection) ++out[static_cast<std::size_t>(reason)];
  }
  drop(orders_.pickup_loc[at(probe_)]);
  drop(orders_.dropoff_loc[at(probe_)]);
  return {};
}

}  // namespace route

std::unique_ptr<Fleet> Fleet::make(const FleetSettings& settings, InputFault& fault) {
  fault = {};
  for (const std::int64_t weight : settings.weights) {
    if (weight < 0 || weight > 1'000'000) fault = {"weights", "is not between 0 and 1,000,000", -1};
  }
  if (settings.max_route_stops < 2 || settings.max_route_stops > 1000)
    fault = {"max_route_stops", "is not between 2 and 1000", settings.max_route_stops};
  if (settings.matrix_ms.empty()) {
    if (!(settings.factor > 0.0 && settings.factor <= 1e3)) fault = {"factor", "is not in (0, 1000]", -1};
    if (settings.quantum_ms < 1 || settings.quantum_ms > 86'400'000) {
      fault = {"quantum_ms", "is not between 1 ms and a day", settings.quantum_ms};
    }
    if (!fault.ok()) return nullptr;
    return std::make_unique<route::FleetOf<route::MetricTimes>>(settings);
  }
  const std::int64_t cells = std::int64_t{settings.matrix_places} * settings.matrix_places;
  if (cells <= 0 || static_cast<std::int64_t>(settings.matrix_ms.size()) % cells != 0) {
    fault = {"matrix_ms", "is not (profiles, places, places)", -1};
  }
  for (const std::int32_t ms : settings.matrix_ms) {
    if (ms < 0) fault = {"matrix_ms", "is negative", -1};
  }
  if (!fault.ok()) return nullptr;
  return std::make_unique<route::FleetOf<route::MatrixTimes>>(settings);
}

}  // namespace matcher
