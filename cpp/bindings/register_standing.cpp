// Bindings of matcher/standing.h.
#include <string>
#include <vector>

#include "bindings/columns.h"
#include "bindings/market.h"
#include "bindings/register.h"
#include "matcher/standing.h"

namespace py = pybind11;

namespace matcher::bindings {
namespace {

py::array_t<std::int64_t> standing(const py::dict& locations, const py::dict& travel, const py::dict& demand,
                                   const py::array& courier, const py::array& loc) {
  const Columns places(locations, "locations");
  const Columns points(demand, "demand");
  const PlaceColumns columns{places.get<double>("x"), places.get<double>("y"), places.get<double>("z"),
                             places.item("radius_m").cast<double>()};
  const StandingProblem problem{.places = columns,
                                .travel = read_travel(travel, columns.x.size()),
                                .demand_loc = points.get<std::int32_t>("loc"),
                                .demand_weight = points.get<std::int32_t>("weight"),
                                .courier = strict_span<std::int32_t>(courier, "courier"),
                                .loc = strict_span<std::int32_t>(loc, "loc")};
  std::vector<std::int64_t> result;
  InputFault fault;
  {
    const py::gil_scoped_release release;
    fault = standing_ms(problem, result);
  }
  if (!fault.ok()) {
    const auto row = fault.row < 0 ? std::string() : "[" + std::to_string(fault.row) + "]";
    throw py::value_error(std::string(fault.column) + row + " " + std::string(fault.problem));
  }
  return to_array(result);
}

}  // namespace

void register_standing(py::module_& m) {
  m.def("standing_ms", &standing, py::kw_only(), py::arg("locations"), py::arg("travel"), py::arg("demand"),
        py::arg("courier"), py::arg("loc"));
}

}  // namespace matcher::bindings
