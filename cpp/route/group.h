// The group of stops that a courier is serving: the one definition of when stops share a visit, and of its times.
#ifndef MATCHER_ROUTE_GROUP_H
#define MATCHER_ROUTE_GROUP_H

#include <algorithm>
#include <cstdint>

#include "matcher/schedule.h"

namespace matcher::route {

// What a stop brings into a group.
struct Visit {
  StopKind kind;
  std::int32_t place;
  std::int64_t earliest_ms;
  std::int64_t access_ms;
  std::int64_t leave_ms;
};

inline Visit visit_of(const OrderColumns& orders, std::int32_t order, StopKind kind) {
  const auto row = static_cast<std::size_t>(order);
  if (kind == StopKind::kPickup) {
    return {kind, orders.pickup_loc[row], orders.ready_ms[row], orders.pickup_access_ms[row],
            orders.pickup_leave_ms[row]};
  }
  return {kind, orders.dropoff_loc[row], orders.dropoff_not_before_ms[row], orders.dropoff_access_ms[row],
          orders.dropoff_leave_ms[row]};
}

struct Group {
  StopKind kind = StopKind::kPickup;
  std::int32_t place = -1;
  std::int32_t stops = 0;  // 0: no group is open
  std::int64_t arrive_ms = 0;
  std::int64_t travel_ms = 0;
  std::int64_t earliest_ms = 0;
  std::int64_t access_ms = 0;
  std::int64_t leave_ms = 0;

  bool takes(const Visit& visit, bool share_dropoff_service) const {
    return stops > 0 && visit.kind == kind && visit.place == place &&
           (kind == StopKind::kPickup || share_dropoff_service);
  }
  void open(const Visit& visit, std::int64_t departed_ms, std::int64_t travel) {
    *this = {visit.kind,      visit.place,   1, departed_ms + travel, travel, visit.earliest_ms,
             visit.access_ms, visit.leave_ms};
  }
  void join(const Visit& visit) {
    ++stops;
    earliest_ms = std::max(earliest_ms, visit.earliest_ms);
    access_ms = std::max(access_ms, visit.access_ms);
    leave_ms = std::max(leave_ms, visit.leave_ms);
  }
  std::int64_t event_ms() const { return std::max(arrive_ms + access_ms, earliest_ms); }
  std::int64_t depart_ms() const { return event_ms() + leave_ms; }
  // Latest start towards this group that leaves its event where it is.
  std::int64_t depart_by_ms() const { return event_ms() - access_ms - travel_ms; }
};

// Adds what a drop-off at `event` costs.
inline void add_dropoff(Quantities& q, std::int64_t event, std::int64_t placed_ms, std::int64_t promised_by_ms,
                        std::int64_t severe_after_ms) {
  q[kClickToDoor] += event - placed_ms;
  if (promised_by_ms >= kNeverMs) return;
  const std::int64_t late = event - promised_by_ms;
  q[kLateness] += std::max<std::int64_t>(0, late);
  q[kSevereLateness] += std::max<std::int64_t>(0, late - severe_after_ms);
}

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_GROUP_H
