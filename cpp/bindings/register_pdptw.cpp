// Binding of matcher/pdptw.h.
#include <pybind11/stl.h>

#include <atomic>
#include <cstring>
#include <limits>
#include <memory>
#include <string>

#include "bindings/columns.h"
#include "bindings/deadline.h"
#include "bindings/register.h"
#include "matcher/pdptw.h"

namespace py = pybind11;

namespace matcher::bindings {
namespace {

// A better plan is shown to Python with the GIL held; when that raises, the search ends and the error is raised again.
// Another thread may end the search by setting the one byte of `cancel`.
class Watch final : public StopCheck, public PlanListener {
 public:
  Watch(double seconds, bool cpu, const std::uint8_t* cancel, const py::object& listener)
      : deadline_(seconds, cpu), limited_(seconds >= 0.0), cancel_(cancel), listener_(listener) {}
  double elapsed_fraction() override {
    if (failed_ || (cancel_ != nullptr && *static_cast<const volatile std::uint8_t*>(cancel_) != 0)) return 1.0;
    return limited_ ? deadline_.elapsed_fraction() : 0.0;
  }
  void improved(const PdptwImprovement& now, const std::vector<std::vector<std::int32_t>>& routes) override {
    if (failed_) return;
    const py::gil_scoped_acquire acquire;
    try {
      listener_(py::make_tuple(now.iteration, now.fraction, now.unserved, now.vehicles, now.distance), routes);
    } catch (py::error_already_set& error) {
      raised_ = std::make_unique<py::error_already_set>(error);
      failed_ = true;
    }
  }
  void rethrow() const {
    if (raised_) throw py::error_already_set(*raised_);
  }

 private:
  Deadline deadline_;
  bool limited_;
  const std::uint8_t* cancel_;
  const py::object& listener_;
  std::unique_ptr<py::error_already_set> raised_;
  std::atomic<bool> failed_ = false;  // every thread of the search asks
};

// What is wrong, and where: a matrix's entry by its two nodes.
std::string sentence(const InputFault& fault, std::size_t nodes) {
  std::string text(fault.column);
  if (fault.row >= 0) {
    const auto at = static_cast<std::size_t>(fault.row);
    const bool matrix = fault.column == "distance" || fault.column == "duration";
    text +=
        matrix ? " of " + std::to_string(at / nodes) + " to " + std::to_string(at % nodes) : " " + std::to_string(at);
  }
  return text + " " + std::string(fault.problem);
}

py::dict solve(const py::object& distance, const py::object& duration, const py::object& ready, const py::object& due,
               const py::object& service, const py::object& demand, const py::object& pickup,
               const py::object& delivery, std::int32_t vehicles, std::int32_t capacity, bool hierarchical,
               std::int64_t max_iterations, double time_limit, bool cpu_clock, std::uint64_t seed,
               const std::vector<std::vector<std::int32_t>>& initial, const py::object& types, const py::object& shifts,
               const py::object& fixed_cost, const py::object& capacities, const py::object& more_demand,
               const py::object& allowed, const py::object& max_ride, const py::object& prize,
               const py::object& late_cost, const py::object& window_first, const py::object& windows,
               const py::object& bins, const py::object& bin_duration, const py::object& listener,
               const py::object& cancel, std::int32_t threads, bool keep_pool) {
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
  // types: (types, 3) int32 count, start, end; shifts: (types, 2).
  std::vector<PdptwVehicleType> fleet;
  if (!types.is_none()) {
    const auto whole = strict_span<std::int32_t>(types, "types", 2);
    const auto shift = strict_span<double>(shifts, "shifts", 2);
    const auto fixed = strict_span<double>(fixed_cost, "fixed_cost");
    if (whole.size() != 3 * fixed.size() || shift.size() != 2 * fixed.size()) {
      throw py::value_error("types, shifts and fixed_cost differ in length");
    }
    for (std::size_t t = 0; t < fixed.size(); ++t) {
      fleet.push_back({whole[3 * t], whole[3 * t + 1], whole[3 * t + 2], shift[2 * t], shift[2 * t + 1], fixed[t]});
    }
    problem.types = fleet;
    problem.capacities = strict_span<std::int32_t>(capacities, "capacities", 2);
  }
  if (!more_demand.is_none()) problem.more_demand = strict_span<std::int32_t>(more_demand, "more_demand", 2);
  if (!allowed.is_none()) problem.allowed = strict_span<std::uint8_t>(allowed, "allowed", 2);
  if (!max_ride.is_none()) problem.max_ride = strict_span<double>(max_ride, "max_ride");
  if (!prize.is_none()) problem.prize = strict_span<double>(prize, "prize");
  if (!late_cost.is_none()) problem.late_cost = strict_span<double>(late_cost, "late_cost");
  if (!bins.is_none()) {
    problem.bins = strict_span<double>(bins, "bins");
    problem.bin_duration = strict_span<double>(bin_duration, "bin_duration", 3);
  }
  if (!windows.is_none()) {
    problem.window_first = strict_span<std::int32_t>(window_first, "window_first");
    problem.windows = strict_span<double>(windows, "windows", 2);
  }
  const std::uint8_t* cancelled = nullptr;
  if (!cancel.is_none()) {
    const auto byte = strict_span<std::uint8_t>(cancel, "cancel");
    if (byte.size() != 1) throw py::value_error("cancel is not one byte");
    cancelled = byte.data();
  }
  Watch watch(time_limit, cpu_clock, cancelled, listener);
  PdptwOptions options;
  options.objective = hierarchical ? PdptwObjective::kHierarchical : PdptwObjective::kDistance;
  options.max_iterations = max_iterations;
  if (time_limit >= 0.0 || cancelled != nullptr || !listener.is_none()) options.stop = &watch;
  if (!listener.is_none()) options.listener = &watch;
  options.seed = seed;
  options.threads = threads;
  options.initial = initial;
  options.keep_pool = keep_pool;
  PdptwResult result;
  InputFault fault;
  {
    py::gil_scoped_release release;
    fault = solve_pdptw(problem, options, result);
  }
  watch.rethrow();
  if (!fault.ok()) throw py::value_error(sentence(fault, problem.ready.size()));
  py::list history;
  for (const PdptwImprovement& step : result.history) {
    history.append(py::make_tuple(step.iteration, step.fraction, step.unserved, step.vehicles, step.distance));
  }
  py::dict out;
  out["routes"] = result.routes;
  out["types"] = result.types;
  out["unserved"] = result.unserved;
  out["distance"] = result.distance;
  out["iterations"] = result.iterations;
  out["history"] = history;
  out["pool"] = result.pool;
  return out;
}

}  // namespace

void register_pdptw(py::module_& m) {
  py::class_<Stopwatch>(m, "Stopwatch", py::metaclass(reinterpret_cast<PyObject*>(&PyType_Type)),
                        "Seconds since it was made: what a time limit has lost before a search begins.")
      .def(py::init<bool>(), py::kw_only(), py::arg("cpu_clock"))
      .def("seconds", &Stopwatch::seconds);
  m.def("solve_pdptw", &solve, py::kw_only(), py::arg("distance"), py::arg("duration"), py::arg("ready"),
        py::arg("due"), py::arg("service"), py::arg("demand"), py::arg("pickup"), py::arg("delivery"),
        py::arg("vehicles"), py::arg("capacity"), py::arg("hierarchical"), py::arg("max_iterations"),
        py::arg("time_limit"), py::arg("cpu_clock"), py::arg("seed"), py::arg("initial"), py::arg("types") = py::none(),
        py::arg("shifts") = py::none(), py::arg("fixed_cost") = py::none(), py::arg("capacities") = py::none(),
        py::arg("more_demand") = py::none(), py::arg("allowed") = py::none(), py::arg("max_ride") = py::none(),
        py::arg("prize") = py::none(), py::arg("late_cost") = py::none(), py::arg("window_first") = py::none(),
        py::arg("windows") = py::none(), py::arg("bins") = py::none(), py::arg("bin_duration") = py::none(),
        py::arg("listener") = py::none(), py::arg("cancel") = py::none(), py::arg("threads") = 1,
        py::arg("keep_pool") = false, "See matcher.routing.solve.");
}

}  // namespace matcher::bindings
