// Binding of matcher/sequence.h.
#include <cstring>

#include "bindings/columns.h"
#include "bindings/market.h"
#include "bindings/register.h"
#include "matcher/sequence.h"

namespace py = pybind11;

namespace matcher::bindings {
namespace {

py::dict sequence(const py::dict& locations, const py::dict& travel, const py::dict& orders, const py::dict& couriers,
                  const py::dict& routes, bool share_dropoff_service, std::int64_t severe_after_ms,
                  const py::object& weights, const py::object& more_size, const py::object& more_capacity) {
  const Market market =
      read_market(locations, travel, orders, couriers, routes, share_dropoff_service, severe_after_ms);
  SequenceOptions options;
  const auto weight = strict_span<std::int64_t>(weights, "weights");
  if (weight.size() != kQuantityCount) throw py::value_error("weights does not have 6 values");
  std::copy(weight.begin(), weight.end(), options.weights.begin());
  options.more_size = strict_span<std::int32_t>(more_size, "more_size", 2);
  options.more_capacity = strict_span<std::int32_t>(more_capacity, "more_capacity", 2);
  SequencedRoutes found;
  InputFault fault;
  {
    py::gil_scoped_release release;
    fault = best_sequences(market, options, found);
  }
  if (!fault.ok()) {
    std::string text(fault.column);
    if (fault.row >= 0) text += "[" + std::to_string(fault.row) + "]";
    throw py::value_error(text + " " + std::string(fault.problem));
  }
  py::dict out;
  out["stop_order"] = to_array(found.stop_order);
  out["stop_kind"] = to_array(found.stop_kind);
  out["feasible"] = to_array(found.feasible);
  out["cost"] = to_array(found.cost);
  out["nodes"] = to_array(found.nodes);
  return out;
}

}  // namespace

void register_sequence(py::module_& m) {
  m.def("best_sequences", &sequence, py::kw_only(), py::arg("locations"), py::arg("travel"), py::arg("orders"),
        py::arg("couriers"), py::arg("routes"), py::arg("share_dropoff_service"), py::arg("severe_after_ms"),
        py::arg("weights"), py::arg("more_size"), py::arg("more_capacity"));
}

}  // namespace matcher::bindings
