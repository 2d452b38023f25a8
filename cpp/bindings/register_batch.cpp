#include <pybind11/numpy.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bindings/columns.h"
#include "bindings/market.h"
#include "bindings/register.h"
#include "matcher/bundles.h"
#include "matcher/set_packing.h"

namespace py = pybind11;

namespace matcher::bindings {
namespace {

using I32 = py::array_t<std::int32_t, py::array::c_style>;
using I64 = py::array_t<std::int64_t, py::array::c_style>;

template <typename T>
std::span<const T> column(const py::array_t<T, py::array::c_style>& array, const char* name) {
  if (array.ndim() != 1) throw py::value_error(std::string(name) + " must have one dimension");
  return {array.data(), static_cast<std::size_t>(array.size())};
}

std::string describe(PackingFault fault, std::int64_t at) {
  const auto where = std::to_string(at);
  switch (fault) {
    case PackingFault::kNone:
      return "no fault";
    case PackingFault::kNegativeCount:
      return "n_orders and n_couriers must not be negative";
    case PackingFault::kArrayLengths:
      return "courier and cost need one entry a column, ptr one more and to run from 0 to len(order), wait one an "
             "order";
    case PackingFault::kPointerOrder:
      return "ptr decreases or leaves order at column " + where;
    case PackingFault::kEmptyColumn:
      return "column " + where + " has no orders";
    case PackingFault::kOrderRange:
      return "column " + where + " names an order outside [0, n_orders)";
    case PackingFault::kOrderTwice:
      return "column " + where + " names an order twice";
    case PackingFault::kCourierRange:
      return "column " + where + " names a courier outside [0, n_couriers)";
    case PackingFault::kNegativeWait:
      return "wait of order " + where + " is negative";
  }
  return "unknown fault";
}

py::tuple solve_packing_arrays(std::int32_t n_orders, std::int32_t n_couriers, const I32& courier, const I32& ptr,
                               const I32& order, const I64& cost, const I64& wait, std::int64_t max_iterations,
                               const I64& order_price, const I64& courier_price, const I32& cancel) {
  const PackingProblem problem{.n_orders = n_orders,
                               .n_couriers = n_couriers,
                               .courier = column(courier, "courier"),
                               .ptr = column(ptr, "ptr"),
                               .order = column(order, "order"),
                               .cost = column(cost, "cost"),
                               .wait = column(wait, "wait")};
  const PackingOptions options{.max_iterations = max_iterations,
                               .order_price = column(order_price, "order_price"),
                               .courier_price = column(courier_price, "courier_price"),
                               .cancelled = flag_of(cancel)};
  if (max_iterations < 0) throw py::value_error("max_iterations must not be negative");
  if (!options.order_price.empty() && options.order_price.size() != problem.wait.size()) {
    throw py::value_error("order_price must be empty or have one entry an order");
  }
  if (!options.courier_price.empty() && options.courier_price.size() != static_cast<std::size_t>(n_couriers)) {
    throw py::value_error("courier_price must be empty or have one entry a courier");
  }
  PackingSolution solution;
  PackingFault fault = PackingFault::kNone;
  std::int64_t at = -1;
  {
    const py::gil_scoped_release release;
    fault = check_packing(problem, at);
    if (fault == PackingFault::kNone) solution = solve_packing(problem, options);
  }
  if (fault != PackingFault::kNone) throw py::value_error(describe(fault, at));
  return py::make_tuple(static_cast<int>(solution.status), to_array(solution.chosen), solution.total,
                        solution.lower_bound, solution.price_bound, to_array(solution.order_price),
                        to_array(solution.courier_price), solution.iterations);
}

py::object propose_bundles_arrays(const py::dict& locations, const py::dict& travel, const py::dict& orders,
                                  const I32& open, std::int32_t max_orders, std::int64_t ready_spread_ms,
                                  std::int32_t neighbours, std::int64_t max_bundles, std::int64_t max_size,
                                  const I32& cancel) {
  const Columns places(locations, "locations");
  const Columns table(orders, "orders");
  const BundleProblem problem{.places = {places.get<double>("x"), places.get<double>("y"), places.get<double>("z"),
                                         places.item("radius_m").cast<double>()},
                              .travel = read_travel(travel, places.get<double>("x").size()),
                              .open = column(open, "open"),
                              .store = table.get<std::int32_t>("store"),
                              .pickup_loc = table.get<std::int32_t>("pickup_loc"),
                              .dropoff_loc = table.get<std::int32_t>("dropoff_loc"),
                              .ready_ms = table.get<std::int64_t>("ready_ms"),
                              .promised_by_ms = table.get<std::int64_t>("promised_by_ms"),
                              .freshness_ms = table.get<std::int64_t>("freshness_ms"),
                              .size = table.get<std::int32_t>("size")};
  const BundleRules rules{.max_orders = max_orders,
                          .ready_spread_ms = ready_spread_ms,
                          .neighbours = neighbours,
                          .max_bundles = max_bundles,
                          .max_size = max_size,
                          .cancelled = flag_of(cancel)};
  Bundles bundles;
  InputFault fault;
  {
    const py::gil_scoped_release release;
    fault = propose_bundles(problem, rules, bundles);
  }
  if (!fault.ok()) {
    const auto row = fault.row < 0 ? std::string() : "[" + std::to_string(fault.row) + "]";
    throw py::value_error(std::string(fault.column) + row + " " + std::string(fault.problem));
  }
  if (bundles.cancelled) return py::none();
  return py::make_tuple(to_array(bundles.unit_ptr), to_array(bundles.unit_order), to_array(bundles.sequence),
                        to_array(bundles.saving_ms), to_array(bundles.delay_ms), bundles.dropped);
}

}  // namespace

void register_batch(py::module_& m) {
  m.def("propose_bundles", &propose_bundles_arrays, py::kw_only(), py::arg("locations"), py::arg("travel"),
        py::arg("orders"), py::arg("open").noconvert(), py::arg("max_orders"), py::arg("ready_spread_ms"),
        py::arg("neighbours"), py::arg("max_bundles"), py::arg("max_size"), py::arg("cancel").noconvert());
  m.def("solve_packing", &solve_packing_arrays, py::arg("n_orders"), py::arg("n_couriers"),
        py::arg("courier").noconvert(), py::arg("ptr").noconvert(), py::arg("order").noconvert(),
        py::arg("cost").noconvert(), py::arg("wait").noconvert(), py::arg("max_iterations"),
        py::arg("order_price").noconvert(), py::arg("courier_price").noconvert(), py::arg("cancel").noconvert());
}

}  // namespace matcher::bindings
