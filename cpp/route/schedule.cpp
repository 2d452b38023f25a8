#include "matcher/schedule.h"

#include <algorithm>
#include <cmath>

#include "route/route_walk.h"
#include "route/travel.h"

namespace matcher {
namespace {

using route::at;

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
    route::RouteWalk walk(market, times);
    for (std::size_t c = 0; c < couriers; ++c) {
      const auto begin = at(market.routes.ptr[c]);
      const auto count = at(market.routes.ptr[c + 1]) - begin;
      const route::RouteTotals totals =
          walk.run(static_cast<std::int32_t>(c),
                   {market.routes.stop_order.subspan(begin, count), market.routes.stop_kind.subspan(begin, count)},
                   {std::span(out.arrive_ms).subspan(begin, count), std::span(out.at_ms).subspan(begin, count),
                    std::span(out.depart_ms).subspan(begin, count)});
      out.quantities[c] = totals.quantities;
      out.depart_by_ms[c] = totals.depart_by_ms;
      out.violations[c] = totals.violations;
    }
  });
  return {};
}

}  // namespace matcher
