#include <variant>

#include "matcher/fleet.h"
#include "route/travel.h"

namespace matcher {

using route::at;

InputFault load_fleet(const Market& market, Fleet& fleet, FleetRows& out) {
  if (const InputFault fault = check_market(market); !fault.ok()) return fault;
  const auto* metric = std::get_if<MetricTravel>(&market.travel);
  const auto* matrix = std::get_if<MatrixTravel>(&market.travel);
  const auto place = [&](std::int32_t row) {
    return FleetPlace{market.places.x[at(row)], market.places.y[at(row)], market.places.z[at(row)], row};
  };
  const auto& orders = market.orders;
  const auto& couriers = market.couriers;
  const auto& routes = market.routes;
  out.order.assign(orders.size.size(), -1);
  out.courier.assign(couriers.loc.size(), -1);
  for (const std::int32_t row : routes.stop_order) {
    const auto r = at(row);
    if (out.order[r] >= 0) continue;
    const FleetOrder order{place(orders.pickup_loc[r]),
                           place(orders.dropoff_loc[r]),
                           orders.placed_ms[r],
                           orders.ready_ms[r],
                           orders.promised_by_ms[r],
                           orders.dropoff_not_before_ms[r],
                           orders.pickup_by_ms[r],
                           orders.dropoff_by_ms[r],
                           orders.freshness_ms[r],
                           orders.size[r],
                           orders.skills[r],
                           orders.pickup_access_ms[r],
                           orders.pickup_leave_ms[r],
                           orders.dropoff_access_ms[r],
                           orders.dropoff_leave_ms[r]};
    if (const InputFault fault = fleet.add_order(order, out.order[r]); !fault.ok()) return fault;
  }
  std::vector<FleetStop> stops;
  for (std::size_t c = 0; c < couriers.loc.size(); ++c) {
    const FleetCourier courier{place(couriers.loc[c]),
                               couriers.free_ms[c],
                               couriers.shift_end_ms[c],
                               couriers.capacity[c],
                               couriers.skills[c],
                               metric != nullptr ? metric->speed_mph[c] : 1,
                               matrix != nullptr ? matrix->profile[c] : 0};
    if (const InputFault fault = fleet.add_courier(courier, out.courier[c]); !fault.ok()) return fault;
    stops.clear();
    for (std::int32_t k = routes.ptr[c]; k < routes.ptr[c + 1]; ++k) {
      stops.push_back({static_cast<StopKind>(routes.stop_kind[at(k)]), out.order[at(routes.stop_order[at(k)])]});
    }
    if (const InputFault fault = fleet.set_route(out.courier[c], stops, routes.locked[c]); !fault.ok()) return fault;
  }
  return {};
}

}  // namespace matcher
