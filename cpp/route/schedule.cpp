#include "matcher/schedule.h"

#include <algorithm>
#include <cmath>

#include "route/group.h"
#include "route/travel.h"

namespace matcher {
namespace {

using route::at;
using route::Group;
using route::Visit;

// Times beyond ±2^48 ms (8,900 years) are refused, so that no sum along a route leaves int64.
constexpr std::int64_t kTimeLimit = std::int64_t{1} << 48;

class Checker {
 public:
  template <class T>
  void size(std::string_view name, std::span<const T> column, std::size_t want) {
    if (fault_.ok() && column.size() != want) fault_ = {name, "has a length that does not fit the other columns", -1};
  }
  template <class T>
  void range(std::string_view name, std::span<const T> column, std::int64_t low, std::int64_t high,
             std::string_view problem) {
    if (!fault_.ok()) return;
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (column[row] < low || column[row] > high) {
        fault_ = {name, problem, static_cast<std::int64_t>(row)};
        return;
      }
    }
  }
  void require(bool holds, std::string_view name, std::string_view problem, std::int64_t row = -1) {
    if (fault_.ok() && !holds) fault_ = {name, problem, row};
  }
  bool ok() const { return fault_.ok(); }
  InputFault fault() const { return fault_; }

 private:
  InputFault fault_;
};

void check_orders(Checker& check, const OrderColumns& orders, std::int64_t places) {
  const std::size_t n = orders.pickup_loc.size();
  check.size("orders.dropoff_loc", orders.dropoff_loc, n);
  check.size("orders.placed_ms", orders.placed_ms, n);
  check.size("orders.ready_ms", orders.ready_ms, n);
  check.size("orders.promised_by_ms", orders.promised_by_ms, n);
  check.size("orders.dropoff_not_before_ms", orders.dropoff_not_before_ms, n);
  check.size("orders.pickup_by_ms", orders.pickup_by_ms, n);
  check.size("orders.dropoff_by_ms", orders.dropoff_by_ms, n);
  check.size("orders.freshness_ms", orders.freshness_ms, n);
  check.size("orders.size", orders.size, n);
  check.size("orders.skills", orders.skills, n);
  check.size("orders.pickup_access_ms", orders.pickup_access_ms, n);
  check.size("orders.pickup_leave_ms", orders.pickup_leave_ms, n);
  check.size("orders.dropoff_access_ms", orders.dropoff_access_ms, n);
  check.size("orders.dropoff_leave_ms", orders.dropoff_leave_ms, n);
  constexpr std::string_view kNoPlace = "names a place that does not exist";
  check.range("orders.pickup_loc", orders.pickup_loc, 0, places - 1, kNoPlace);
  check.range("orders.dropoff_loc", orders.dropoff_loc, 0, places - 1, kNoPlace);
  constexpr std::string_view kFar = "is further than 2^48 ms from the snapshot";
  check.range("orders.placed_ms", orders.placed_ms, -kTimeLimit, kTimeLimit, kFar);
  check.range("orders.ready_ms", orders.ready_ms, -kTimeLimit, kTimeLimit, kFar);
  check.range("orders.dropoff_not_before_ms", orders.dropoff_not_before_ms, -kTimeLimit, kTimeLimit, kFar);
  constexpr std::string_view kLimit = "is neither a time within 2^48 ms of the snapshot nor NEVER_MS";
  check.range("orders.promised_by_ms", orders.promised_by_ms, -kTimeLimit, kNeverMs, kLimit);
  check.range("orders.pickup_by_ms", orders.pickup_by_ms, -kTimeLimit, kNeverMs, kLimit);
  check.range("orders.dropoff_by_ms", orders.dropoff_by_ms, -kTimeLimit, kNeverMs, kLimit);
  check.range("orders.freshness_ms", orders.freshness_ms, 0, kNeverMs, "is negative or beyond NEVER_MS");
  constexpr std::string_view kNegative = "is negative";
  check.range("orders.size", orders.size, 0, INT32_MAX, kNegative);
  check.range("orders.pickup_access_ms", orders.pickup_access_ms, 0, INT32_MAX, kNegative);
  check.range("orders.pickup_leave_ms", orders.pickup_leave_ms, 0, INT32_MAX, kNegative);
  check.range("orders.dropoff_access_ms", orders.dropoff_access_ms, 0, INT32_MAX, kNegative);
  check.range("orders.dropoff_leave_ms", orders.dropoff_leave_ms, 0, INT32_MAX, kNegative);
}

void check_couriers(Checker& check, const CourierColumns& couriers, std::int64_t places) {
  const std::size_t n = couriers.loc.size();
  check.size("couriers.free_ms", couriers.free_ms, n);
  check.size("couriers.shift_end_ms", couriers.shift_end_ms, n);
  check.size("couriers.capacity", couriers.capacity, n);
  check.size("couriers.skills", couriers.skills, n);
  check.range("couriers.loc", couriers.loc, 0, places - 1, "names a place that does not exist");
  check.range("couriers.free_ms", couriers.free_ms, -kTimeLimit, kTimeLimit,
              "is further than 2^48 ms from the snapshot");
  check.range("couriers.shift_end_ms", couriers.shift_end_ms, -kTimeLimit, kNeverMs,
              "is neither a time within 2^48 ms of the snapshot nor NEVER_MS");
  check.range("couriers.capacity", couriers.capacity, 0, INT32_MAX, "is negative");
}

void check_routes(Checker& check, const RouteColumns& routes, std::size_t couriers, std::int64_t orders) {
  check.size("routes.ptr", routes.ptr, couriers + 1);
  check.size("routes.locked", routes.locked, couriers);
  check.size("routes.stop_kind", routes.stop_kind, routes.stop_order.size());
  if (!check.ok()) return;
  check.require(routes.ptr.front() == 0, "routes.ptr", "does not start at 0", 0);
  check.require(routes.ptr.back() == static_cast<std::int64_t>(routes.stop_order.size()), "routes.ptr",
                "does not end at the number of stops", static_cast<std::int64_t>(couriers));
  for (std::size_t c = 0; c < couriers && check.ok(); ++c) {
    const std::int64_t row = static_cast<std::int64_t>(c);
    check.require(routes.ptr[c] <= routes.ptr[c + 1], "routes.ptr", "decreases", row);
    check.require(routes.locked[c] >= 0 && routes.locked[c] <= routes.ptr[c + 1] - routes.ptr[c], "routes.locked",
                  "is not within the route", row);
  }
  check.range("routes.stop_order", routes.stop_order, 0, orders - 1, "names an order that does not exist");
  check.range("routes.stop_kind", routes.stop_kind, 1, 2, "is neither PICKUP nor DROPOFF");
}

void check_travel(Checker& check, const Market& market) {
  const std::size_t couriers = market.couriers.loc.size();
  if (const auto* metric = std::get_if<MetricTravel>(&market.travel)) {
    check.size("travel.speed_mph", metric->speed_mph, couriers);
    check.range("travel.speed_mph", metric->speed_mph, 1, INT32_MAX, "is not positive");
    check.require(std::isfinite(metric->factor) && metric->factor > 0.0 && metric->factor <= 1e3, "travel.factor",
                  "is not in (0, 1000]");
    check.require(metric->quantum_ms >= 1 && metric->quantum_ms <= 86'400'000, "travel.quantum_ms",
                  "is not between 1 ms and a day");
    return;
  }
  const auto& matrix = std::get<MatrixTravel>(market.travel);
  const std::size_t cells = market.places.x.size() * market.places.x.size();
  check.size("travel.profile", matrix.profile, couriers);
  check.require(cells == 0 || matrix.matrix_ms.size() % cells == 0, "travel.matrix_ms",
                "is not (profiles, places, places)");
  const std::int64_t profiles = cells == 0 ? 0 : static_cast<std::int64_t>(matrix.matrix_ms.size() / cells);
  check.range("travel.profile", matrix.profile, 0, profiles - 1, "names a profile that does not exist");
  check.range("travel.matrix_ms", matrix.matrix_ms, 0, INT32_MAX, "is negative");
}

// Schedules one courier's route.
template <class Times>
class RouteWalk {
 public:
  RouteWalk(const Market& market, const Times& times, RouteSchedules& out)
      : market_(market), times_(times), out_(out), picked_(market.orders.size.size()) {}

  void run(std::int32_t courier) {
    const auto& routes = market_.routes;
    courier_ = courier;
    begin_ = routes.ptr[at(courier)];
    end_ = routes.ptr[at(courier) + 1];
    time_ = market_.couriers.free_ms[at(courier)];
    place_ = market_.couriers.loc[at(courier)];
    quantities_ = {};
    violations_ = 0;
    group_ = {};
    depart_by_ = time_;
    load_ = load_on_board();
    for (std::int32_t stop = begin_; stop < end_; ++stop) {
      const std::int32_t order = routes.stop_order[at(stop)];
      const auto kind = static_cast<StopKind>(routes.stop_kind[at(stop)]);
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
    close(end_);
    if (begin_ < end_) quantities_[kCourierTime] = time_ - depart_by_;
    for (std::int32_t stop = begin_; stop < end_; ++stop) {
      if (picked_[at(routes.stop_order[at(stop)])].open()) violations_ |= kStopOrder;
      picked_[at(routes.stop_order[at(stop)])] = {};
    }
    out_.quantities[at(courier)] = quantities_;
    out_.depart_by_ms[at(courier)] = depart_by_;
    out_.violations[at(courier)] = violations_;
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
    const auto& routes = market_.routes;
    for (std::int32_t stop = begin_; stop < end_; ++stop) {
      if (routes.stop_kind[at(stop)] == static_cast<std::int8_t>(StopKind::kPickup)) {
        picked_[at(routes.stop_order[at(stop)])].has_pickup = true;
      }
    }
    std::int64_t load = 0;
    for (std::int32_t stop = begin_; stop < end_; ++stop) {
      auto& progress = picked_[at(routes.stop_order[at(stop)])];
      if (progress.has_pickup || progress.picked) continue;
      progress.picked = true;
      progress.picked_ms = market_.orders.ready_ms[at(routes.stop_order[at(stop)])];
      load += market_.orders.size[at(routes.stop_order[at(stop)])];
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
    if (first == begin_) depart_by_ = group_.depart_by_ms();
    for (std::int32_t stop = first; stop < next; ++stop) {
      out_.arrive_ms[at(stop)] = group_.arrive_ms;
      out_.at_ms[at(stop)] = event;
      out_.depart_ms[at(stop)] = group_.depart_ms();
      const auto row = at(market_.routes.stop_order[at(stop)]);
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
  RouteSchedules& out_;
  std::vector<Progress> picked_;  // per order; cleared after each route
  std::int32_t courier_ = 0, begin_ = 0, end_ = 0, place_ = 0;
  std::int64_t time_ = 0, depart_by_ = 0, load_ = 0;
  std::int32_t violations_ = 0;
  Quantities quantities_{};
  Group group_;
};

}  // namespace

InputFault check_market(const Market& market) {
  Checker check;
  const std::size_t places = market.places.x.size();
  check.size("locations.y", market.places.y, places);
  check.size("locations.z", market.places.z, places);
  for (const auto& axis : {market.places.x, market.places.y, market.places.z}) {
    for (std::size_t row = 0; row < axis.size() && check.ok(); ++row) {
      check.require(std::isfinite(axis[row]), "locations", "is not finite", static_cast<std::int64_t>(row));
    }
  }
  check.require(std::isfinite(market.places.radius_m) && market.places.radius_m >= 0.0, "locations.radius_m",
                "is negative or not finite");
  check_orders(check, market.orders, static_cast<std::int64_t>(places));
  check_couriers(check, market.couriers, static_cast<std::int64_t>(places));
  check_routes(check, market.routes, market.couriers.loc.size(), static_cast<std::int64_t>(market.orders.size.size()));
  check_travel(check, market);
  check.require(market.rules.severe_after_ms >= 0 && market.rules.severe_after_ms <= kNeverMs, "severe_after_ms",
                "is negative or beyond NEVER_MS");
  if (check.ok()) {
    check.require(route::longest_trip_ms(market) < 2147483648.0, "travel.speed_mph",
                  "makes a trip between the places longer than 2^31 ms");
  }
  return check.fault();
}

InputFault evaluate_routes(const Market& market, RouteSchedules& out) {
  if (const InputFault fault = check_market(market); !fault.ok()) return fault;
  const std::size_t couriers = market.couriers.loc.size();
  const std::size_t stops = market.routes.stop_order.size();
  out.arrive_ms.assign(stops, 0);
  out.at_ms.assign(stops, 0);
  out.depart_ms.assign(stops, 0);
  out.quantities.assign(couriers, {});
  out.depart_by_ms.assign(couriers, 0);
  out.violations.assign(couriers, 0);
  route::with_travel(market, [&](const auto& times) {
    RouteWalk walk(market, times, out);
    for (std::size_t c = 0; c < couriers; ++c) walk.run(static_cast<std::int32_t>(c));
  });
  return {};
}

}  // namespace matcher
