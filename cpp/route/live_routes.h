// Present routes, compiled for insertion: what each stop brings, and the limits that an insertion must respect there.
//
// A limit that the present route already breaks (late reality) is replaced by what the route does now, so "feasible"
// comes to mean: nothing gets worse that is broken, nothing breaks that is kept.
#ifndef MATCHER_ROUTE_LIVE_ROUTES_H
#define MATCHER_ROUTE_LIVE_ROUTES_H

#include <cstdint>
#include <span>
#include <vector>

#include "matcher/schedule.h"
#include "route/group.h"
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

class LiveRoutes {
 public:
  // Routes that break the order of stops cannot be compiled and are reported as a fault.
  template <class Times>
  InputFault compile(const Market& market, const Times& times);

  std::span<const LiveStop> stops(std::int32_t courier) const { return slice(stops_, courier, 0); }
  // Travel to each stop from the one before it.
  std::span<const std::int64_t> legs(std::int32_t courier) const { return slice(legs_, courier, 0); }
  // One more than stops: anchor k is where the courier is with k stops done.
  std::span<const Anchor> anchors(std::int32_t courier) const { return slice(anchors_, courier, 1); }
  const Quantities& quantities(std::int32_t courier) const { return schedules_.quantities[at(courier)]; }
  std::int64_t load_on_board(std::int32_t courier) const { return on_board_[at(courier)]; }
  std::size_t longest() const { return longest_; }

 private:
  template <class T>
  std::span<const T> slice(const std::vector<T>& all, std::int32_t courier, std::int32_t extra) const {
    const auto begin = at(ptr_[at(courier)] + courier * extra);
    const auto end = at(ptr_[at(courier) + 1] + (courier + 1) * extra);
    return {all.data() + begin, end - begin};
  }

  std::span<const std::int32_t> ptr_;
  std::vector<LiveStop> stops_;
  std::vector<std::int64_t> legs_;
  std::vector<Anchor> anchors_;
  std::vector<std::int64_t> on_board_;
  RouteSchedules schedules_;
  std::size_t longest_ = 0;
};

template <class Times>
InputFault LiveRoutes::compile(const Market& market, const Times& times) {
  if (const InputFault fault = evaluate_routes(market, schedules_); !fault.ok()) return fault;
  const auto& routes = market.routes;
  const std::size_t couriers = market.couriers.loc.size();
  ptr_ = routes.ptr;
  std::vector<std::int32_t> pickup_stop(market.orders.size.size(), -1);
  on_board_.assign(couriers, 0);
  for (std::size_t c = 0; c < couriers; ++c) {
    const auto courier = static_cast<std::int32_t>(c);
    if ((schedules_.violations[c] & kStopOrder) != 0) {
      return {"routes.stop_order", "has a drop-off before its pick-up, a stop twice or a pick-up without a drop-off",
              courier};
    }
    const std::int32_t begin = ptr_[c];
    const std::int32_t end = ptr_[c + 1];
    longest_ = std::max(longest_, at(end - begin));
    std::int64_t load = 0;
    for (std::int32_t k = begin; k < end; ++k) {
      if (static_cast<StopKind>(routes.stop_kind[at(k)]) == StopKind::kPickup) {
        pickup_stop[at(routes.stop_order[at(k)])] = k - begin;
      } else if (pickup_stop[at(routes.stop_order[at(k)])] < 0) {
        load += market.orders.size[at(routes.stop_order[at(k)])];
      }
    }
    on_board_[c] = load;
    std::int32_t place = market.couriers.loc[c];
    std::int64_t departed = market.couriers.free_ms[c];
    Group group;
    anchors_.push_back({place, departed, departed});
    for (std::int32_t k = begin; k < end; ++k) {
      const std::int32_t order = routes.stop_order[at(k)];
      LiveStop stop = fresh_stop(market, courier, order, static_cast<StopKind>(routes.stop_kind[at(k)]));
      const std::int64_t event = schedules_.at_ms[at(k)];
      load += stop.load_change;
      stop.load_limit = std::max(stop.load_limit, load);
      stop.latest_ms = std::max(stop.latest_ms, event);
      stop.shift_latest_ms = std::max(stop.shift_latest_ms, event);
      if (stop.visit.kind == StopKind::kDropoff) {
        stop.pickup_stop = pickup_stop[at(order)];
        const std::int64_t picked =
            stop.pickup_stop < 0 ? stop.picked_ms : schedules_.at_ms[at(begin + stop.pickup_stop)];
        stop.ride_ms = std::max(stop.ride_ms, event - picked);
      }
      const std::int64_t leg = times(courier, place, stop.visit.place);
      if (group.takes(stop.visit, market.rules.share_dropoff_service)) {
        group.join(stop.visit);
      } else {
        if (group.stops > 0) departed = group.depart_ms();
        group.open(stop.visit, departed, leg);
      }
      place = stop.visit.place;
      legs_.push_back(leg);
      stops_.push_back(stop);
      const std::int64_t depart = group.depart_ms();
      anchors_.push_back({place, depart, group.kind == StopKind::kPickup ? group.arrive_ms : depart});
    }
    for (std::int32_t k = begin; k < end; ++k) pickup_stop[at(routes.stop_order[at(k)])] = -1;
  }
  return {};
}

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_LIVE_ROUTES_H
