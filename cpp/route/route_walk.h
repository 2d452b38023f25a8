// One forward pass over one route: the times of its stops, what they cost and which limits they break.
#ifndef MATCHER_ROUTE_ROUTE_WALK_H
#define MATCHER_ROUTE_ROUTE_WALK_H

#include <cstdint>
#include <span>
#include <vector>

#include "matcher/schedule.h"
#include "route/group.h"
#include "route/travel.h"

namespace matcher::route {

struct RouteStops {
  std::span<const std::int32_t> order;
  std::span<const std::int8_t> kind;
};

struct StopTimes {
  std::span<std::int64_t> arrive_ms, at_ms, depart_ms;
};

struct RouteTotals {
  Quantities quantities{};
  std::int64_t depart_by_ms = 0;
  std::int32_t violations = 0;
};

// Schedules one route after the other; keeps its scratch between them.
template <class Times>
class RouteWalk {
 public:
  RouteWalk(const Market& market, const Times& times) : market_(market), times_(times) {}

  RouteTotals run(std::int32_t courier, RouteStops route, StopTimes out) {
    picked_.resize(market_.orders.size.size());
    courier_ = courier;
    route_ = route;
    out_ = out;
    const auto stops = static_cast<std::int32_t>(route.order.size());
    time_ = market_.couriers.free_ms[at(courier)];
    place_ = market_.couriers.loc[at(courier)];
    quantities_ = {};
    violations_ = 0;
    group_ = {};
    depart_by_ = time_;
    load_ = load_on_board();
    for (std::int32_t stop = 0; stop < stops; ++stop) {
      const std::int32_t order = route.order[at(stop)];
      const auto kind = static_cast<StopKind>(route.kind[at(stop)]);
      const Visit visit = route::visit_of(market_.orders, order, kind);
      if (group_.takes(visit, market_.rules.share_dropoff_service)) {
        group_.join(visit);
      } else {
        close(stop);
        const std::int64_t travel = times_(courier, place_, visit.place);
        quantities_[kTravel] += travel;
        group_.open(visit, time_, travel);
      }
      check_stop(order, kind);
      place_ = visit.place;
    }
    close(stops);
    if (stops > 0) quantities_[kCourierTime] = time_ - depart_by_;
    for (std::int32_t stop = 0; stop < stops; ++stop) {
      if (picked_[at(route_.order[at(stop)])].open()) violations_ |= kStopOrder;
      picked_[at(route_.order[at(stop)])] = {};
    }
    return {quantities_, depart_by_, violations_};
  }

 private:
  // What the route has done with an order so far.
  struct Progress {
    bool has_pickup = false;  // somewhere in the route
    bool picked = false;      // before the present stop
    bool dropped = false;
    std::int64_t picked_ms = 0;
    bool open() const { return has_pickup && !dropped; }
  };

  std::int64_t load_on_board() {
    const auto stops = static_cast<std::int32_t>(route_.order.size());
    for (std::int32_t stop = 0; stop < stops; ++stop) {
      if (route_.kind[at(stop)] == static_cast<std::int8_t>(StopKind::kPickup)) {
        picked_[at(route_.order[at(stop)])].has_pickup = true;
      }
    }
    std::int64_t load = 0;
    for (std::int32_t stop = 0; stop < stops; ++stop) {
      auto& progress = picked_[at(route_.order[at(stop)])];
      if (progress.has_pickup || progress.picked) continue;
      progress.picked = true;
      progress.picked_ms = market_.orders.ready_ms[at(route_.order[at(stop)])];
      load += market_.orders.size[at(route_.order[at(stop)])];
    }
    if (load > market_.couriers.capacity[at(courier_)]) violations_ |= kOverCapacity;
    return load;
  }

  void check_stop(std::int32_t order, StopKind kind) {
    auto& progress = picked_[at(order)];
    const std::int64_t size = market_.orders.size[at(order)];
    if (kind == StopKind::kPickup) {
      if (progress.picked || progress.dropped) violations_ |= kStopOrder;
      progress.picked = true;
      load_ += size;
    } else {
      if (!progress.picked || progress.dropped) violations_ |= kStopOrder;
      progress.dropped = true;
      load_ -= size;
    }
    if (load_ > market_.couriers.capacity[at(courier_)]) violations_ |= kOverCapacity;
    if ((market_.orders.skills[at(order)] & ~market_.couriers.skills[at(courier_)]) != 0) violations_ |= kLacksSkills;
  }

  // Fixes the times of the open group, whose stops are the last before `next`.
  void close(std::int32_t next) {
    if (group_.stops == 0) return;
    const auto& orders = market_.orders;
    const std::int64_t event = group_.event_ms();
    const std::int32_t first = next - group_.stops;
    if (first == 0) depart_by_ = group_.depart_by_ms();
    for (std::int32_t stop = first; stop < next; ++stop) {
      out_.arrive_ms[at(stop)] = group_.arrive_ms;
      out_.at_ms[at(stop)] = event;
      out_.depart_ms[at(stop)] = group_.depart_ms();
      const auto row = at(route_.order[at(stop)]);
      if (group_.kind == StopKind::kPickup) {
        quantities_[kPickupDelay] += event - orders.ready_ms[row];
        if (event > market_.couriers.shift_end_ms[at(courier_)]) violations_ |= kAfterShiftEnd;
        if (event > orders.pickup_by_ms[row]) violations_ |= kOutsideTimeWindow;
        picked_[row].picked_ms = event;
      } else {
        route::add_dropoff(quantities_, event, orders.placed_ms[row], orders.promised_by_ms[row],
                           market_.rules.severe_after_ms);
        if (event > orders.dropoff_by_ms[row]) violations_ |= kOutsideTimeWindow;
        const bool ride = orders.freshness_ms[row] < kNeverMs && picked_[row].picked;
        if (ride && event - picked_[row].picked_ms > orders.freshness_ms[row]) violations_ |= kNotFresh;
      }
    }
    time_ = group_.depart_ms();
    group_.stops = 0;
  }

  const Market& market_;
  const Times& times_;
  RouteStops route_;
  StopTimes out_;
  std::vector<Progress> picked_;  // per order; cleared after each route
  std::int32_t courier_ = 0, place_ = 0;
  std::int64_t time_ = 0, depart_by_ = 0, load_ = 0;
  std::int32_t violations_ = 0;
  Quantities quantities_{};
  Group group_;
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_ROUTE_WALK_H
