// Binding of matcher/pdptw.h.
#include <pybind11/stl.h>

#include <cstring>
#include <limits>

#include "bindings/columns.h"
#include "bindings/deadline.h"
#include "bindings/register.h"
#include "matcher/pdptw.h"

namespace py = pybind11;

namespace matcher::bindings {
namespace {

py::dict solve(const py::object& distance, const py::object& duration, const py::object& ready, const py::object& due,
               const py::object& service, const py::object& demand, const py::object& pickup,
               const py::object& delivery, std::int32_t vehicles, std::int32_t capacity, bool hierarchical,
               std::int64_t max_iterations, double time_limit, bool cpu_clock, std::uint64_t seed,
               const std::vector<std::vector<std::int32_t>>& initial) {
  Deadline deadline(time_limit, cpu_clock);
  PdptwProblem problem;
  problem.distance = strict_span<double>(distance, "distance", 2);
  if (!duration.is_none()) problem.duration = strict_span<double>(duration, "duration", 2);
  problem.ready = strict_span<double>(ready, "ready");
  problem.due = strict_span<double>(due, "due");
  problem.service = strict_span<double>(service, "service");
  problem.demand = strict_span<std::int32_t>(demand, "demand");
  problem.pickup = strict_span<std::int32_t>(pickup, "pickup");
  problem.delivery = strict_span<std::int32_t>(delivery, "delivery");
  problem.vehicles = vehicles;
  problem.capacity = capacity;
  PdptwOptions options;
  options.objective = hierarchical ? PdptwObjective::kHierarchical : PdptwObjective::kDistance;
  options.max_iterations = max_iterations;
  options.stop = time_limit >= 0.0 ? &deadline : nullptr;
  options.seed = seed;
  options.initial = initial;
  PdptwResult result;
  InputFault fault;
  {
    py::gil_scoped_release release;
    fault = solve_pdptw(problem, options, result);
  }
  if (!fault.ok()) {
    std::string text(fault.column);
    if (fault.row >= 0) text += " " + std::to_string(fault.row);
    throw py::value_error(text + " " + std::string(fault.problem));
  }
  py::list history;
  for (const PdptwImprovement& step : result.history) {
    history.append(py::make_tuple(step.iteration, step.fraction, step.unserved, step.vehicles, step.distance));
  }
  py::dict out;
  out["routes"] = result.routes;
  out["unserved"] = result.unserved;
  out["distance"] = result.distance;
  out["iterations"] = result.iterations;
  out["history"] = history;
  return out;
}

}  // namespace

void register_pdptw(py::module_& m) {
  m.def("solve_pdptw", &solve, py::kw_only(), py::arg("distance"), py::arg("duration"), py::arg("ready"),
        py::arg("due"), py::arg("service"), py::arg("demand"), py::arg("pickup"), py::arg("delivery"),
        py::arg("vehicles"), py::arg("capacity"), py::arg("hierarchical"), py::arg("max_iterations"),
        py::arg("time_limit"), py::arg("cpu_clock"), py::arg("seed"), py::arg("initial"), "See matcher.routing.solve.");
}

}  // namespace matcher::bindings
