// What a fleet keeps besides its routes, and the rules of single orders and routes that need no schedule.
#ifndef MATCHER_ROUTE_FLEET_TABLES_H
#define MATCHER_ROUTE_FLEET_TABLES_H

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "matcher/fleet.h"
#include "route/travel.h"

namespace matcher::route {

// Places in use, counted; equal coordinates are one place.
class Places {
 public:
  std::int32_t take(const FleetPlace& place) {
    const auto [entry, fresh] = rows_.try_emplace({place.x, place.y, place.z}, -1);
    if (fresh) {
      if (free_.empty()) {
        free_.push_back(static_cast<std::int32_t>(x.size()));
        for (auto* axis : {&x, &y, &z}) axis->push_back(0.0);
        uses_.push_back(0);
      }
      entry->second = free_.back();
      free_.pop_back();
      x[at(entry->second)] = place.x;
      y[at(entry->second)] = place.y;
      z[at(entry->second)] = place.z;
    }
    ++uses_[at(entry->second)];
    return entry->second;
  }
  void release(std::int32_t row) {
    if (--uses_[at(row)] > 0) return;
    rows_.erase({x[at(row)], y[at(row)], z[at(row)]});
    free_.push_back(row);
  }

  std::vector<double> x, y, z;

 private:
  std::map<std::array<double, 3>, std::int32_t> rows_;
  std::vector<std::int32_t> uses_, free_;
};

// Columns of orders, one row a handle.
struct OrderTable {
  std::vector<std::int32_t> pickup_loc, dropoff_loc, size, pickup_access, pickup_leave, dropoff_access, dropoff_leave;
  std::vector<std::int64_t> placed, ready, promised, not_before, pickup_by, dropoff_by, freshness;
  std::vector<std::uint64_t> skills;

  std::int32_t push() {
    for (auto* c : {&pickup_loc, &dropoff_loc, &size, &pickup_access, &pickup_leave, &dropoff_access, &dropoff_leave}) {
      c->push_back(0);
    }
    for (auto* c : {&placed, &ready, &promised, &not_before, &pickup_by, &dropoff_by, &freshness}) c->push_back(0);
    skills.push_back(0);
    return static_cast<std::int32_t>(size.size()) - 1;
  }
  void set(std::int32_t row, const FleetOrder& order, std::int32_t from, std::int32_t to) {
    const auto r = at(row);
    pickup_loc[r] = from;
    dropoff_loc[r] = to;
    size[r] = order.size;
    pickup_access[r] = order.pickup_access_ms;
    pickup_leave[r] = order.pickup_leave_ms;
    dropoff_access[r] = order.dropoff_access_ms;
    dropoff_leave[r] = order.dropoff_leave_ms;
    placed[r] = order.placed_ms;
    ready[r] = order.ready_ms;
    promised[r] = order.promised_by_ms;
    not_before[r] = order.dropoff_not_before_ms;
    pickup_by[r] = order.pickup_by_ms;
    dropoff_by[r] = order.dropoff_by_ms;
    freshness[r] = order.freshness_ms;
    skills[r] = order.skills;
  }
  OrderColumns view() const {
    return {pickup_loc, dropoff_loc, placed, ready,         promised,     not_before,     pickup_by,    dropoff_by,
            freshness,  size,        skills, pickup_access, pickup_leave, dropoff_access, dropoff_leave};
  }
};

// Times within two years of the fleet's clock, weights up to 10^6 and trips of less than that keep every cost in int64.
inline constexpr std::int64_t kHorizonMs = std::int64_t{1} << 36;

inline bool sound_time(std::int64_t ms) { return ms > -kHorizonMs && ms < kHorizonMs; }

// Whether no order is dropped off while one that was picked up later is on board. Orders on board at the start were
// loaded in the reverse of the sequence in which the route drops them off.
inline bool is_stacked(std::span<const FleetStop> stops) {
  std::vector<std::int32_t> on_top;
  for (const FleetStop& stop : stops) {
    if (stop.kind == StopKind::kPickup) {
      on_top.push_back(stop.order);
    } else if (!on_top.empty()) {
      if (on_top.back() != stop.order) return false;
      on_top.pop_back();
    }
  }
  return true;
}

// Whether the stops begin and end with the same orders on board, none of them touched between.
inline bool is_balanced(std::span<const FleetStop> stops) {
  std::int32_t above = 0;
  for (const FleetStop& stop : stops) {
    above += stop.kind == StopKind::kPickup ? 1 : -1;
    if (above < 0) return false;
  }
  return above == 0;
}

inline InputFault check_order(const FleetOrder& order) {
  for (const std::int64_t ms : {order.placed_ms, order.ready_ms, order.dropoff_not_before_ms}) {
    if (!sound_time(ms)) return {"order", "has a time further than 2^36 ms away", -1};
  }
  for (const std::int64_t ms : {order.promised_by_ms, order.pickup_by_ms, order.dropoff_by_ms, order.freshness_ms}) {
    if (!sound_time(ms) && ms != kNeverMs) return {"order", "has a limit further than 2^36 ms away", -1};
  }
  for (const std::int32_t value :
       {order.size, order.pickup_access_ms, order.pickup_leave_ms, order.dropoff_access_ms, order.dropoff_leave_ms}) {
    if (value < 0) return {"order", "has a negative size, access or leave time", -1};
  }
  if (order.freshness_ms < 0) return {"order", "has a negative freshness limit", -1};
  return {};
}

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_FLEET_TABLES_H
