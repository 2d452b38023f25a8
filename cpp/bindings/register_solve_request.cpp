#include <pybind11/numpy.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/register.h"
#include "matcher/solve_request.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

constexpr std::size_t kSmallBytes = 8'192;  // read sooner than another thread is woken

// The array owns the numbers.
py::array_t<double> doubles_to_numpy(Doubles&& values, std::vector<py::ssize_t> shape) {
  double* data = values.data.release();
  const py::capsule keeper(data, [](void* held) { delete[] static_cast<double*>(held); });
  return py::array_t<double>(std::move(shape), data, keeper);
}

py::object decode(const py::bytes& request, std::int64_t cells, std::int64_t side) {
  const std::string_view bytes = request;  // the caller's reference keeps it while the GIL is released
  SolveRequestArrays arrays;
  bool good = false;
  {
    std::optional<py::gil_scoped_release> unlocked;
    if (bytes.size() > kSmallBytes) unlocked.emplace();
    good = decode_solve_request(bytes, {cells, side}, arrays);
  }
  if (!good) return py::none();
  const auto count = [](const Doubles& values) { return static_cast<py::ssize_t>(values.size); };
  std::vector<py::ssize_t> shape{count(arrays.costs)};
  if (arrays.is_dense) shape = {arrays.rows, arrays.cols};
  const auto prices = count(arrays.unassigned_cost);
  return py::make_tuple(arrays.is_dense, arrays.rows, arrays.cols,
                        doubles_to_numpy(std::move(arrays.costs), std::move(shape)), to_numpy(std::move(arrays.row)),
                        to_numpy(std::move(arrays.col)), doubles_to_numpy(std::move(arrays.unassigned_cost), {prices}),
                        arrays.maximize, arrays.max_iterations, to_numpy(std::move(arrays.capacities)));
}

py::list fields() {
  py::list result;
  for (const WireField& field : solve_request_fields()) {
    result.append(py::make_tuple(field.message, field.name, field.number, field.kind));
  }
  return result;
}

}  // namespace

void register_solve_request(py::module_& m) {
  m.def("decode_solve_request", &decode, py::arg("request"), py::arg("cells"), py::arg("side"));
  m.def("solve_request_fields", &fields);
  m.def(
      "packed_int32",
      [](std::uint32_t field, const Array<std::int32_t>& values) {
        return py::bytes(packed_int32(field, vector_of(values, "values")));
      },
      py::arg("field"), py::arg("values").noconvert());
}

}  // namespace matcher::bindings
