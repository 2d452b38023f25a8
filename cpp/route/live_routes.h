// Present routes, compiled for insertion: what each stop brings, and the limits that an insertion must respect there.
//
// A limit that the present route already breaks (late reality) is replaced by what the route does now, so "feasible"
// comes to mean: nothing gets worse that is broken, nothing breaks that is kept.
#ifndef MATCHER_ROUTE_LIVE_ROUTES_H
#define MATCHER_ROUTE_LIVE_ROUTES_H

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "matcher/schedule.h"
#include "route/group.h"
#include "route/route_walk.h"
#include "route/travel.h"

namespace matcher::route {

struct LiveStop {
  Visit visit;
  std::int32_t pickup_stop;      // drop-offs: index of the pick-up within the walk, -1 when on board
  std::int64_t latest_ms;        // of the event
  std::int64_t shift_latest_ms;  // of the event, pick-ups only
  std::int64_t picked_ms;        // drop-offs of orders on board
  std::int64_t ride_ms;          // longest time on board
  std::int64_t load_change;
  std::int64_t load_limit;
  std::int64_t placed_ms;
  std::int64_t promised_by_ms;
};

// A point of a route from which a courier can drive to an inserted pick-up.
struct Anchor {
  std::int32_t place;
  std::int64_t depart_ms;
  // Arrival of a pick-up that joins the group at this anchor; equals depart_ms when there is no group of pick-ups.
  std::int64_t join_ms;
};

// Limits and terms of one stop of an order that is free of any route: the hard limits as they stand.
inline LiveStop fresh_stop(const Market& market, std::int32_t courier, std::int32_t order, StopKind kind) {
  const auto& orders = market.orders;
  const auto row = at(order);
  const bool pickup = kind == StopKind::kPickup;
  return {visit_of(orders, order, kind),
          -1,
          pickup ? orders.pickup_by_ms[row] : orders.dropoff_by_ms[row],
          pickup ? market.couriers.shift_end_ms[at(courier)] : kNeverMs,
          orders.ready_ms[row],
          orders.freshness_ms[row],
          pickup ? orders.size[row] : -std::int64_t{orders.size[row]},
          market.couriers.capacity[at(courier)],
          pickup ? orders.ready_ms[row] : orders.placed_ms[row],
          orders.promised_by_ms[row]};
}

// One present route.
struct LiveRoute {
  std::vector<LiveStop> stops;
  std::vector<std::int64_t> legs;  // travel to each stop from the one before it
  std::vector<Anchor> anchors;     // one more than stops: anchor k is where the courier is with k stops done
  std::vector<std::int64_t> at_ms;
  Quantities quantities{};
  std::int64_t load_on_board = 0;
  std::int64_t wait_ms = 0;      // courier time that is neither travel nor service
  bool shared_pickups = false;   // a visit has several pick-ups: an insertion that splits it can make one earlier
  bool shared_dropoffs = false;  // likewise
  bool uneven_visits =
      false;  // stops of one visit take different times to leave: a split can make what follows earlier
  std::int32_t locked = 0;
};

// The most by which inserting something can lower the other terms of a route, in micro-ms: everything but travel and
// service time can shrink only where a visit is split or, without the triangle inequality, where a detour is a
// shortcut. kNoBound: no useful limit. `waits`: whether the courier's present waits count, as they do where courier
// time is bounded by travel and service alone.
inline constexpr std::int64_t kNoBound = std::int64_t{1} << 62;

inline std::int64_t largest_saving(const LiveRoute& route, const std::array<std::int64_t, kQuantityCount>& weights,
                                   bool triangle, bool waits = true) {
  const bool travel_only = std::all_of(weights.begin(), weights.begin() + kTravel, [](auto w) { return w == 0; });
  std::int64_t saving = waits ? weights[kCourierTime] * route.wait_ms : 0;
  if (travel_only) return saving;
  if (!triangle || route.shared_dropoffs || route.uneven_visits) return kNoBound;
  if (route.shared_pickups) saving += weights[kPickupDelay] * route.quantities[kPickupDelay];
  return saving;
}

// Compiles routes; keeps its scratch between them.
template <class Times>
class RouteCompiler {
 public:
  RouteCompiler(const Market& market, const Times& times) : market_(market), times_(times), walk_(market, times) {}

  // False when the stops are out of order (kStopOrder), which no insertion can be measured against.
  bool compile(std::int32_t courier, RouteStops route, std::int32_t locked, LiveRoute& out) {
    const std::size_t n = route.order.size();
    arrive_.resize(n);
    depart_.resize(n);
    out.at_ms.resize(n);
    const RouteTotals totals = walk_.run(courier, route, {arrive_, out.at_ms, depart_});
    if ((totals.violations & kStopOrder) != 0) return false;
    out.quantities = totals.quantities;
    out.locked = locked;
    out.stops.clear();
    out.legs.clear();
    out.anchors.clear();
    find_pickups(route, out);
    std::int64_t load = out.load_on_board;
    std::int32_t place = market_.couriers.loc[at(courier)];
    std::int64_t departed = market_.couriers.free_ms[at(courier)];
    Group group;
    std::int64_t service = 0;
    out.shared_pickups = out.shared_dropoffs = out.uneven_visits = false;
    out.anchors.push_back({place, departed, departed});
    for (std::size_t k = 0; k < n; ++k) {
      LiveStop stop = fresh_stop(market_, courier, route.order[k], static_cast<StopKind>(route.kind[k]));
      const std::int64_t event = out.at_ms[k];
      load += stop.load_change;
      stop.load_limit = std::max(stop.load_limit, load);
      stop.latest_ms = std::max(stop.latest_ms, event);
      stop.shift_latest_ms = std::max(stop.shift_latest_ms, event);
      if (stop.visit.kind == StopKind::kDropoff) {
        stop.pickup_stop = pickup_stop_[at(route.order[k])];
        const std::int64_t picked = stop.pickup_stop < 0 ? stop.picked_ms : out.at_ms[at(stop.pickup_stop)];
        stop.ride_ms = std::max(stop.ride_ms, event - picked);
      }
      const std::int64_t leg = times_(courier, place, stop.visit.place);
      if (group.takes(stop.visit, market_.rules.share_dropoff_service)) {
        out.uneven_visits |= stop.visit.leave_ms != group.leave_ms;
        group.join(stop.visit);
        (group.kind == StopKind::kPickup ? out.shared_pickups : out.shared_dropoffs) = true;
      } else {
        if (group.stops > 0) departed = group.depart_ms();
        service += group.access_ms + group.leave_ms;
        group.open(stop.visit, departed, leg);
      }
      place = stop.visit.place;
      out.legs.push_back(leg);
      out.stops.push_back(stop);
      const std::int64_t depart = group.depart_ms();
      out.anchors.push_back({place, depart, group.kind == StopKind::kPickup ? group.arrive_ms : depart});
    }
    service += group.access_ms + group.leave_ms;
    out.wait_ms = out.quantities[kCourierTime] - out.quantities[kTravel] - service;
    for (const std::int32_t order : route.order) pickup_stop_[at(order)] = -1;
    return true;
  }

 private:
  void find_pickups(RouteStops route, LiveRoute& out) {
    pickup_stop_.resize(market_.orders.size.size(), -1);
    out.load_on_board = 0;
    for (std::size_t k = 0; k < route.order.size(); ++k) {
      const std::int32_t order = route.order[k];
      if (static_cast<StopKind>(route.kind[k]) == StopKind::kPickup) {
        pickup_stop_[at(order)] = static_cast<std::int32_t>(k);
      } else if (pickup_stop_[at(order)] < 0) {
        out.load_on_board += market_.orders.size[at(order)];
      }
    }
  }

  const Market& market_;
  const Times& times_;
  RouteWalk<Times> walk_;
  std::vector<std::int64_t> arrive_, depart_;
  std::vector<std::int32_t> pickup_stop_;  // per order; cleared after each route
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_LIVE_ROUTES_H
