// Reads the tables of a snapshot and its travel times as the kernels' view of a market.
#ifndef MATCHER_BINDINGS_MARKET_H
#define MATCHER_BINDINGS_MARKET_H

#include "bindings/columns.h"
#include "matcher/schedule.h"

namespace matcher::bindings {

inline TravelModel read_travel(const pybind11::dict& travel, std::size_t places) {
  const Columns columns(travel, "travel");
  if (columns.has("matrix_ms")) {
    const auto cells = strict_span<std::int32_t>(columns.item("matrix_ms"), "travel.matrix_ms", 3);
    const auto shape = pybind11::reinterpret_borrow<pybind11::array>(columns.item("matrix_ms"));
    if (shape.shape(1) != static_cast<pybind11::ssize_t>(places) || shape.shape(2) != shape.shape(1)) {
      throw pybind11::value_error("travel.matrix_ms is not (profiles, places, places)");
    }
    return MatrixTravel{cells, columns.get<std::int32_t>("profile")};
  }
  return MetricTravel{columns.item("factor").cast<double>(), columns.item("quantum_ms").cast<std::int64_t>(),
                      columns.get<std::int32_t>("speed_mph")};
}

inline OrderColumns read_order_columns(const pybind11::dict& table) {
  const Columns orders(table, "orders");
  using I32 = std::int32_t;
  using I64 = std::int64_t;
  return {orders.get<I32>("pickup_loc"),       orders.get<I32>("dropoff_loc"),
          orders.get<I64>("placed_ms"),        orders.get<I64>("ready_ms"),
          orders.get<I64>("promised_by_ms"),   orders.get<I64>("dropoff_not_before_ms"),
          orders.get<I64>("pickup_by_ms"),     orders.get<I64>("dropoff_by_ms"),
          orders.get<I64>("freshness_ms"),     orders.get<I32>("size"),
          orders.get<std::uint64_t>("skills"), orders.get<I32>("pickup_access_ms"),
          orders.get<I32>("pickup_leave_ms"),  orders.get<I32>("dropoff_access_ms"),
          orders.get<I32>("dropoff_leave_ms")};
}

inline Market read_market(const pybind11::dict& locations, const pybind11::dict& travel, const pybind11::dict& orders,
                          const pybind11::dict& couriers, const pybind11::dict& routes, bool share_dropoff_service,
                          std::int64_t severe_after_ms) {
  const Columns places(locations, "locations");
  const Columns fleet(couriers, "couriers");
  const Columns stops(routes, "routes");
  return {{places.get<double>("x"), places.get<double>("y"), places.get<double>("z"),
           places.item("radius_m").cast<double>()},
          read_travel(travel, places.get<double>("x").size()),
          read_order_columns(orders),
          {fleet.get<std::int32_t>("loc"), fleet.get<std::int64_t>("free_ms"), fleet.get<std::int64_t>("shift_end_ms"),
           fleet.get<std::int32_t>("capacity"), fleet.get<std::uint64_t>("skills")},
          {stops.get<std::int32_t>("ptr"), stops.get<std::int32_t>("stop_order"), stops.get<std::int8_t>("stop_kind"),
           stops.get<std::int32_t>("locked")},
          {share_dropoff_service, severe_after_ms}};
}

}  // namespace matcher::bindings

#endif  // MATCHER_BINDINGS_MARKET_H
