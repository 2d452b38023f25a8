// Bindings of matcher/schedule.h and matcher/insertion.h.
#include <pybind11/stl.h>

#include <cstring>

#include "bindings/columns.h"
#include "bindings/market.h"
#include "bindings/register.h"
#include "core/cancel.h"
#include "matcher/insertion.h"
#include "matcher/schedule.h"

namespace py = pybind11;

namespace matcher::bindings {
namespace {

void raise_on(const InputFault& fault) {
  if (fault.ok()) return;
  std::string text(fault.column);
  if (fault.row >= 0) text += "[" + std::to_string(fault.row) + "]";
  throw py::value_error(text + " " + std::string(fault.problem));
}

py::dict evaluate(const py::dict& locations, const py::dict& travel, const py::dict& orders, const py::dict& couriers,
                  const py::dict& routes, bool share_dropoff_service, std::int64_t severe_after_ms) {
  const Market market =
      read_market(locations, travel, orders, couriers, routes, share_dropoff_service, severe_after_ms);
  RouteSchedules schedules;
  InputFault fault;
  {
    py::gil_scoped_release release;
    fault = evaluate_routes(market, schedules);
  }
  raise_on(fault);
  const auto count = static_cast<py::ssize_t>(schedules.quantities.size());
  py::dict out;
  out["arrive_ms"] = to_array(schedules.arrive_ms);
  out["at_ms"] = to_array(schedules.at_ms);
  out["depart_ms"] = to_array(schedules.depart_ms);
  out["quantities"] = to_array<std::int64_t>(schedules.quantities, {count, kQuantityCount});
  out["depart_by_ms"] = to_array(schedules.depart_by_ms);
  out["violations"] = to_array(schedules.violations);
  return out;
}

// A market's crowd makes a million candidates: they are copied with the GIL released, and the copying can be cancelled.
// Empties `found`, so that its memory is given back outside the GIL, too. None when cancelled.
py::object candidates_to_dict(InsertionCandidates& found, std::span<const std::int32_t> unit_ptr,
                              const CancelFlag& cancel) {
  std::int32_t longest = 1;
  for (std::size_t u = 0; u + 1 < unit_ptr.size(); ++u) longest = std::max(longest, unit_ptr[u + 1] - unit_ptr[u]);
  const auto count = static_cast<py::ssize_t>(found.candidates.size());
  py::array_t<std::int32_t> courier(count), pickup_pos(count), dropoff_pos(count);
  py::array_t<std::int32_t> sequence(std::vector<py::ssize_t>{count, longest});
  py::array_t<std::int64_t> delta(std::vector<py::ssize_t>{count, kQuantityCount});
  py::array_t<std::int64_t> pickup_at(count), finish(count), depart_by(count);
  const auto fill = [&found, &cancel, longest, courier_at = courier.mutable_data(),
                     pickup_pos_at = pickup_pos.mutable_data(), dropoff_pos_at = dropoff_pos.mutable_data(),
                     sequence_at = sequence.mutable_data(), delta_at = delta.mutable_data(),
                     pickup_at_ms = pickup_at.mutable_data(), finish_ms = finish.mutable_data(),
                     depart_by_ms = depart_by.mutable_data()] {
    constexpr std::size_t kBetweenChecks = 1024;
    bool whole = true;
    for (std::size_t k = 0; k < found.candidates.size() && whole; ++k) {
      const InsertionCandidate& candidate = found.candidates[k];
      courier_at[k] = candidate.courier;
      pickup_pos_at[k] = candidate.pickup_pos;
      dropoff_pos_at[k] = candidate.dropoff_pos;
      std::copy_n(candidate.sequence.begin(), longest, sequence_at + k * static_cast<std::size_t>(longest));
      std::copy_n(candidate.delta.begin(), kQuantityCount, delta_at + k * kQuantityCount);
      pickup_at_ms[k] = candidate.pickup_at_ms;
      finish_ms[k] = candidate.finish_ms;
      depart_by_ms[k] = candidate.depart_by_ms;
      if (k % kBetweenChecks == 0) whole = !cancel.raised();
    }
    found.candidates = {};
    return whole;
  };
  bool whole = false;
  {
    py::gil_scoped_release release;
    whole = fill();
  }
  if (!whole) return py::none();
  const auto units = static_cast<py::ssize_t>(found.pruned.size());
  py::dict out;
  out["ptr"] = to_array(found.ptr);
  out["courier"] = courier;
  out["delta"] = delta;
  out["pickup_pos"] = pickup_pos;
  out["dropoff_pos"] = dropoff_pos;
  out["sequence"] = sequence;
  out["pickup_at_ms"] = pickup_at;
  out["finish_ms"] = finish;
  out["depart_by_ms"] = depart_by;
  out["rejected"] = to_array<std::int32_t>(found.rejected, {units, kRejectionCount});
  out["pruned"] = to_array(found.pruned);
  return out;
}

py::object insert(const py::dict& locations, const py::dict& travel, const py::dict& orders, const py::dict& couriers,
                  const py::dict& routes, bool share_dropoff_service, std::int64_t severe_after_ms,
                  const py::object& unit_ptr, const py::object& unit_order, std::int64_t nearest, std::int64_t reach_ms,
                  std::int64_t max_route_stops, bool detours, const py::object& weights, const py::object& cancel) {
  const Market market =
      read_market(locations, travel, orders, couriers, routes, share_dropoff_service, severe_after_ms);
  const UnitColumns units{strict_span<std::int32_t>(unit_ptr, "unit_ptr"),
                          strict_span<std::int32_t>(unit_order, "unit_order")};
  const auto weight = strict_span<std::int64_t>(weights, "weights");
  if (weight.size() != kQuantityCount) throw py::value_error("weights does not have 6 values");
  InsertionOptions options{.nearest = nearest,
                           .reach_ms = reach_ms,
                           .max_route_stops = max_route_stops,
                           .detours = detours,
                           .cancelled = flag_of(cancel)};
  std::copy(weight.begin(), weight.end(), options.weights.begin());
  InsertionCandidates found;
  InputFault fault;
  {
    py::gil_scoped_release release;
    fault = insertion_candidates(market, units, options, found);
  }
  raise_on(fault);
  if (found.cancelled) return py::none();
  return candidates_to_dict(found, units.ptr, CancelFlag(options.cancelled));
}

}  // namespace

void register_insertion(py::module_& m) {
  m.def("evaluate_routes", &evaluate, py::kw_only(), py::arg("locations"), py::arg("travel"), py::arg("orders"),
        py::arg("couriers"), py::arg("routes"), py::arg("share_dropoff_service"), py::arg("severe_after_ms"),
        "See matcher.kernels.insertion.evaluate_routes.");
  m.def("insertion_candidates", &insert, py::kw_only(), py::arg("locations"), py::arg("travel"), py::arg("orders"),
        py::arg("couriers"), py::arg("routes"), py::arg("share_dropoff_service"), py::arg("severe_after_ms"),
        py::arg("unit_ptr"), py::arg("unit_order"), py::arg("nearest"), py::arg("reach_ms"), py::arg("max_route_stops"),
        py::arg("detours"), py::arg("weights"), py::arg("cancel"),
        "See matcher.kernels.insertion.insertion_candidates.");
}

}  // namespace matcher::bindings
