// Binding of matcher/fleet.h: one handle, orders by the row of three arrays.
#include <pybind11/stl.h>

#include <cstring>
#include <memory>
#include <mutex>

#include "bindings/columns.h"
#include "bindings/deadline.h"
#include "bindings/market.h"
#include "bindings/register.h"
#include "matcher/fleet.h"
#include "matcher/fleet_improve.h"

namespace py = pybind11;

namespace matcher::bindings {
namespace {

void raise_on(const InputFault& fault) {
  if (fault.ok()) return;
  std::string text(fault.column);
  if (fault.row >= 0) text += " " + std::to_string(fault.row);
  throw py::value_error(text + " " + std::string(fault.problem));
}

// Rows: xyz (n, 6) float64; rows (n, 2) int32; values (n, 14) int64 in the order of FleetOrder.
std::vector<FleetOrder> read_orders(const py::object& xyz, const py::object& rows, const py::object& values) {
  const auto position = strict_span<double>(xyz, "xyz", 2);
  const auto row = strict_span<std::int32_t>(rows, "rows", 2);
  const auto value = strict_span<std::int64_t>(values, "values", 2);
  const std::size_t n = row.size() / 2;
  if (row.size() != n * 2 || position.size() != n * 6 || value.size() != n * 14) {
    throw py::value_error("xyz, rows and values are not (n, 6), (n, 2) and (n, 14)");
  }
  std::vector<FleetOrder> orders(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double* p = position.data() + i * 6;
    const std::int64_t* v = value.data() + i * 14;
    FleetOrder& order = orders[i];
    order.pickup = {p[0], p[1], p[2], row[i * 2]};
    order.dropoff = {p[3], p[4], p[5], row[i * 2 + 1]};
    order.placed_ms = v[0];
    order.ready_ms = v[1];
    order.promised_by_ms = v[2];
    order.dropoff_not_before_ms = v[3];
    order.pickup_by_ms = v[4];
    order.dropoff_by_ms = v[5];
    order.freshness_ms = v[6];
    std::memcpy(&order.skills, v + 8, sizeof order.skills);
    std::int32_t* narrow[] = {&order.size,
                              nullptr,
                              &order.pickup_access_ms,
                              &order.pickup_leave_ms,
                              &order.dropoff_access_ms,
                              &order.dropoff_leave_ms};
    for (std::size_t k = 0; k < 6; ++k) {
      if (narrow[k] == nullptr) continue;
      if (v[7 + k] < 0 || v[7 + k] > INT32_MAX) {
        throw py::value_error("order " + std::to_string(i) + " has a size, access or leave time outside int32");
      }
      *narrow[k] = static_cast<std::int32_t>(v[7 + k]);
    }
  }
  return orders;
}

class FleetHandle {
 public:
  explicit FleetHandle(const FleetSettings& settings) : weights_(settings.weights) {
    InputFault fault;
    fleet_ = Fleet::make(settings, fault);
    raise_on(fault);
  }

  // Every call holds the lock, not the GIL: concurrent callers take turns.
  template <class Call>
  auto locked(Call&& call) {
    py::gil_scoped_release release;
    const std::scoped_lock lock(mutex_);
    return call(*fleet_);
  }

  py::dict cheapest(const py::object& xyz, const py::object& rows, const py::object& values, std::int32_t k) {
    const auto orders = read_orders(xyz, rows, values);
    std::vector<std::int32_t> ptr{0};
    std::vector<FleetInsertion> all;
    raise_on(locked([&](Fleet& fleet) {
      std::vector<FleetInsertion> found;
      for (const FleetOrder& order : orders) {
        if (InputFault fault = fleet.cheapest(order, k, found); !fault.ok()) return fault;
        all.insert(all.end(), found.begin(), found.end());
        ptr.push_back(static_cast<std::int32_t>(all.size()));
      }
      return InputFault{};
    }));
    const auto n = static_cast<py::ssize_t>(all.size());
    py::array_t<std::int32_t> places(std::vector<py::ssize_t>{n, 3});
    py::array_t<std::int64_t> numbers(std::vector<py::ssize_t>{n, 4});
    py::array_t<std::int64_t> delta(std::vector<py::ssize_t>{n, kQuantityCount});
    for (py::ssize_t i = 0; i < n; ++i) {
      const FleetInsertion& found = all[static_cast<std::size_t>(i)];
      const std::int32_t place[] = {found.courier, found.pickup_pos, found.dropoff_pos};
      const std::int64_t number[] = {found.cost, found.pickup_at_ms, found.dropoff_at_ms, found.finish_ms};
      std::copy_n(place, 3, places.mutable_data(i, 0));
      std::copy_n(number, 4, numbers.mutable_data(i, 0));
      std::copy_n(found.delta.begin(), kQuantityCount, delta.mutable_data(i, 0));
    }
    py::dict out;
    out["ptr"] = to_array(ptr);
    out["position"] = places;
    out["value"] = numbers;
    out["delta"] = delta;
    return out;
  }

  py::array_t<std::int32_t> refusals(const py::object& xyz, const py::object& rows, const py::object& values) {
    const auto orders = read_orders(xyz, rows, values);
    std::vector<std::array<std::int32_t, kRejectionCount>> counts(orders.size());
    raise_on(locked([&](Fleet& fleet) {
      for (std::size_t i = 0; i < orders.size(); ++i) {
        if (InputFault fault = fleet.refusals(orders[i], counts[i]); !fault.ok()) return fault;
      }
      return InputFault{};
    }));
    return to_array<std::int32_t>(counts, {static_cast<py::ssize_t>(counts.size()), kRejectionCount});
  }

  std::int32_t add_order(const py::object& xyz, const py::object& rows, const py::object& values) {
    const auto orders = read_orders(xyz, rows, values);
    if (orders.size() != 1) throw py::value_error("one order at a time");
    std::int32_t handle = -1;
    raise_on(locked([&](Fleet& fleet) { return fleet.add_order(orders[0], handle); }));
    return handle;
  }

  std::int32_t add_courier(double x, double y, double z, std::int32_t row, std::int64_t free_ms,
                           std::int64_t shift_end_ms, std::int32_t capacity, std::uint64_t skills,
                           std::int32_t speed_mph, std::int32_t profile) {
    const FleetCourier courier{{x, y, z, row}, free_ms, shift_end_ms, capacity, skills, speed_mph, profile};
    std::int32_t handle = -1;
    raise_on(locked([&](Fleet& fleet) { return fleet.add_courier(courier, handle); }));
    return handle;
  }

  void update_courier(std::int32_t courier, double x, double y, double z, std::int32_t row, std::int64_t free_ms,
                      std::int64_t shift_end_ms, std::int32_t capacity, std::uint64_t skills, std::int32_t speed_mph,
                      std::int32_t profile) {
    const FleetCourier values{{x, y, z, row}, free_ms, shift_end_ms, capacity, skills, speed_mph, profile};
    raise_on(locked([&](Fleet& fleet) { return fleet.update_courier(courier, values); }));
  }

  py::tuple load(const py::dict& locations, const py::dict& travel, const py::dict& orders, const py::dict& couriers,
                 const py::dict& routes) {
    const Market market = read_market(locations, travel, orders, couriers, routes, false, 0);
    FleetRows rows;
    raise_on(locked([&](Fleet& fleet) { return load_fleet(market, fleet, rows); }));
    return py::make_tuple(to_array(rows.order), to_array(rows.courier));
  }

  py::tuple preview(const py::object& xyz, const py::object& rows, const py::object& values, std::int32_t courier,
                    std::int32_t pickup_pos, std::int32_t dropoff_pos) {
    const auto orders = read_orders(xyz, rows, values);
    if (orders.size() != 1) throw py::value_error("one order at a time");
    FleetPreview out;
    raise_on(locked([&](Fleet& fleet) { return fleet.preview(orders[0], courier, pickup_pos, dropoff_pos, out); }));
    std::vector<std::int32_t> order;
    std::vector<std::int8_t> kind;
    for (const FleetStop& stop : out.stops) {
      order.push_back(stop.order);
      kind.push_back(static_cast<std::int8_t>(stop.kind));
    }
    return py::make_tuple(to_array(order), to_array(kind), to_array(out.arrive_ms), to_array(out.at_ms),
                          to_array(out.depart_ms), out.depart_by_ms);
  }

  void set_route(std::int32_t courier, const py::object& order, const py::object& kind, std::int32_t fixed) {
    const auto orders = strict_span<std::int32_t>(order, "order");
    const auto kinds = strict_span<std::int8_t>(kind, "kind");
    if (orders.size() != kinds.size()) throw py::value_error("order and kind differ in length");
    std::vector<FleetStop> stops;
    for (std::size_t k = 0; k < orders.size(); ++k) {
      if (kinds[k] != 1 && kinds[k] != 2) throw py::value_error("kind is neither PICKUP (1) nor DROPOFF (2)");
      stops.push_back({static_cast<StopKind>(kinds[k]), orders[k]});
    }
    raise_on(locked([&](Fleet& fleet) { return fleet.set_route(courier, stops, fixed); }));
  }

  py::tuple route(std::int32_t courier) {
    std::vector<std::int32_t> order;
    std::vector<std::int8_t> kind;
    std::vector<std::int64_t> at_ms;
    Quantities quantities{};
    raise_on(locked([&](Fleet& fleet) -> InputFault {
      if (courier < 0 || courier >= fleet.couriers()) return {"courier", "does not exist", courier};
      for (const FleetStop& stop : fleet.route(courier)) {
        order.push_back(stop.order);
        kind.push_back(static_cast<std::int8_t>(stop.kind));
      }
      at_ms.assign(fleet.times(courier).begin(), fleet.times(courier).end());
      quantities = fleet.quantities(courier);
      return {};
    }));
    return py::make_tuple(to_array(order), to_array(kind), to_array(at_ms),
                          to_array(std::vector<std::int64_t>(quantities.begin(), quantities.end())));
  }

  // Rows as for `cheapest`; handles and prices of the same orders.
  py::dict improve(const py::object& xyz, const py::object& rows, const py::object& values, const py::object& handles,
                   const py::object& prices, std::int64_t max_iterations, double time_limit, std::uint64_t seed,
                   double hot, double cold) {
    const auto orders = read_orders(xyz, rows, values);
    const auto handle = strict_span<std::int32_t>(handles, "handles");
    const auto price = strict_span<std::int64_t>(prices, "prices");
    if (handle.size() != orders.size() || price.size() != orders.size()) {
      throw py::value_error("handles and prices do not have one value an order");
    }
    std::vector<MovableOrder> movable(orders.size());
    for (std::size_t k = 0; k < orders.size(); ++k) movable[k] = {handle[k], orders[k], price[k]};
    Deadline deadline(time_limit, false);
    FleetImproveOptions options;
    options.max_iterations = max_iterations;
    options.seed = seed;
    options.hot = hot;
    options.cold = cold;
    options.stop = time_limit >= 0.0 ? &deadline : nullptr;
    options.weights = weights_;
    FleetImprovement found;
    raise_on(locked([&](Fleet& fleet) { return improve_fleet(fleet, movable, options, found); }));
    py::dict out;
    out["iterations"] = found.iterations;
    out["improvements"] = found.improvements;
    out["cost"] = found.cost;
    out["open"] = to_array(found.open);
    return out;
  }

  std::unique_ptr<Fleet> fleet_;
  std::array<std::int64_t, kQuantityCount> weights_;
  std::mutex mutex_;
};

std::unique_ptr<FleetHandle> make_fleet(double radius_m, double factor, std::int64_t quantum_ms,
                                        const py::object& matrix_ms, const py::object& weights,
                                        bool share_dropoff_service, std::int64_t severe_after_ms,
                                        std::int32_t max_route_stops, bool last_in_first_out) {
  FleetSettings settings;
  settings.radius_m = radius_m;
  settings.factor = factor;
  settings.quantum_ms = quantum_ms;
  if (!matrix_ms.is_none()) {
    const auto cells = strict_span<std::int32_t>(matrix_ms, "matrix_ms", 3);
    settings.matrix_ms.assign(cells.begin(), cells.end());
    settings.matrix_places = static_cast<std::int32_t>(py::reinterpret_borrow<py::array>(matrix_ms).shape(1));
  }
  const auto weight = strict_span<std::int64_t>(weights, "weights");
  if (weight.size() != kQuantityCount) throw py::value_error("weights does not have 6 values");
  std::copy(weight.begin(), weight.end(), settings.weights.begin());
  settings.rules = {share_dropoff_service, severe_after_ms, last_in_first_out};
  settings.max_route_stops = max_route_stops;
  return std::make_unique<FleetHandle>(settings);
}

}  // namespace

void register_fleet(py::module_& m) {
  // The plain metaclass, so that the stub can be exact.
  py::class_<FleetHandle>(m, "Fleet", py::metaclass(reinterpret_cast<PyObject*>(&PyType_Type)),
                          "See matcher.routing.Fleet.")
      .def(py::init(&make_fleet), py::kw_only(), py::arg("radius_m"), py::arg("factor"), py::arg("quantum_ms"),
           py::arg("matrix_ms"), py::arg("weights"), py::arg("share_dropoff_service"), py::arg("severe_after_ms"),
           py::arg("max_route_stops"), py::arg("last_in_first_out"))
      .def("add_courier", &FleetHandle::add_courier, py::arg("x"), py::arg("y"), py::arg("z"), py::arg("row"),
           py::arg("free_ms"), py::arg("shift_end_ms"), py::arg("capacity"), py::arg("skills"), py::arg("speed_mph"),
           py::arg("profile"))
      .def("update_courier", &FleetHandle::update_courier, py::arg("courier"), py::arg("x"), py::arg("y"), py::arg("z"),
           py::arg("row"), py::arg("free_ms"), py::arg("shift_end_ms"), py::arg("capacity"), py::arg("skills"),
           py::arg("speed_mph"), py::arg("profile"))
      .def("load", &FleetHandle::load, py::arg("locations"), py::arg("travel"), py::arg("orders"), py::arg("couriers"),
           py::arg("routes"))
      .def("improve", &FleetHandle::improve, py::kw_only(), py::arg("xyz"), py::arg("rows"), py::arg("values"),
           py::arg("handles"), py::arg("prices"), py::arg("max_iterations"), py::arg("time_limit"), py::arg("seed"),
           py::arg("hot"), py::arg("cold"))
      .def("preview", &FleetHandle::preview, py::arg("xyz"), py::arg("rows"), py::arg("values"), py::arg("courier"),
           py::arg("pickup_pos"), py::arg("dropoff_pos"))
      .def(
          "remove_courier",
          [](FleetHandle& self, std::int32_t courier) {
            raise_on(self.locked([&](Fleet& fleet) { return fleet.remove_courier(courier); }));
          },
          py::arg("courier"))
      .def(
          "advance",
          [](FleetHandle& self, std::int64_t now_ms) {
            raise_on(self.locked([&](Fleet& fleet) { return fleet.advance(now_ms); }));
          },
          py::arg("now_ms"))
      .def("add_order", &FleetHandle::add_order, py::arg("xyz"), py::arg("rows"), py::arg("values"))
      .def("cheapest", &FleetHandle::cheapest, py::arg("xyz"), py::arg("rows"), py::arg("values"), py::arg("k"))
      .def("refusals", &FleetHandle::refusals, py::arg("xyz"), py::arg("rows"), py::arg("values"))
      .def("set_route", &FleetHandle::set_route, py::arg("courier"), py::arg("order"), py::arg("kind"),
           py::arg("locked"))
      .def("route", &FleetHandle::route, py::arg("courier"))
      .def(
          "remove_order",
          [](FleetHandle& self, std::int32_t order) {
            raise_on(self.locked([&](Fleet& fleet) { return fleet.remove_order(order); }));
          },
          py::arg("order"))
      .def(
          "insert",
          [](FleetHandle& self, std::int32_t order, std::int32_t courier, std::int32_t i, std::int32_t j) {
            raise_on(self.locked([&](Fleet& fleet) { return fleet.insert(order, courier, i, j); }));
          },
          py::arg("order"), py::arg("courier"), py::arg("pickup_pos"), py::arg("dropoff_pos"))
      .def(
          "serve_visit",
          [](FleetHandle& self, std::int32_t courier) {
            std::int32_t served = 0;
            raise_on(self.locked([&](Fleet& fleet) { return fleet.serve_visit(courier, served); }));
            return served;
          },
          py::arg("courier"))
      .def(
          "move",
          [](FleetHandle& self, std::int32_t courier, double x, double y, double z, std::int32_t row,
             std::int64_t free_ms) {
            raise_on(self.locked([&](Fleet& fleet) { return fleet.move(courier, {x, y, z, row}, free_ms); }));
          },
          py::arg("courier"), py::arg("x"), py::arg("y"), py::arg("z"), py::arg("row"), py::arg("free_ms"));
}

}  // namespace matcher::bindings
