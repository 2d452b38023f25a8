#include <pybind11/numpy.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/register.h"
#include "matcher/match_request.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

constexpr std::size_t kSmallBytes = 8'192;  // about 20 µs

class Arrays {
 public:
  explicit Arrays(const py::capsule& owner) : owner_(owner) {}

  // A read-only array of the vector's values, which keeps the owner. Straight to numpy: there are fifty of them a
  // request, and for a small one that is most of the work.
  template <class T>
  py::object operator()(const std::vector<T>& values) const {
    static const T nothing{};
    const py::detail::npy_api& numpy = py::detail::npy_api::get();
    const auto size = static_cast<Py_intptr_t>(values.size());
    const T* data = values.empty() ? &nothing : values.data();
    PyObject* array = numpy.PyArray_NewFromDescr_(
        numpy.PyArray_Type_, numpy.PyArray_DescrFromType_(py::detail::npy_format_descriptor<T>::value), 1, &size,
        nullptr, const_cast<T*>(data), kReadOnly, nullptr);
    if (array == nullptr) throw py::error_already_set();
    py::object result = py::reinterpret_steal<py::object>(array);
    if (numpy.PyArray_SetBaseObject_(array, py::object(owner_).release().ptr()) != 0) throw py::error_already_set();
    return result;
  }

 private:
  static constexpr int kReadOnly =
      py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  const py::capsule& owner_;
};

py::str text(std::string_view bytes) { return py::str(bytes.data(), bytes.size()); }

bool is_ascii(std::string_view bytes) {
  return std::none_of(bytes.begin(), bytes.end(),
                      [](char byte) { return (static_cast<unsigned char>(byte) & 0x80) != 0; });
}

// The same where most are ASCII, as ids are: their bytes are Python's own form of them and need only be copied.
PyObject* mostly_ascii(std::string_view bytes) {
  if (bytes.empty() || !is_ascii(bytes)) return text(bytes).release().ptr();
  PyObject* made = PyUnicode_New(static_cast<Py_ssize_t>(bytes.size()), 127);
  if (made == nullptr) throw py::error_already_set();
  std::memcpy(PyUnicode_1BYTE_DATA(made), bytes.data(), bytes.size());
  return made;
}

py::tuple texts(const std::vector<std::string_view>& views) {
  py::tuple result(views.size());
  for (std::size_t k = 0; k < views.size(); ++k) {
    PyTuple_SET_ITEM(result.ptr(), static_cast<Py_ssize_t>(k), mostly_ascii(views[k]));
  }
  return result;
}

// In the order of the fields of matcher.domain.snapshot's classes.
py::tuple to_python(std::unique_ptr<MatchRequestColumns> columns, const std::string& content) {
  const MatchRequestColumns& c = *columns;
  // One owner for all arrays, instead of two allocations each. The texts that it refers to may go before it.
  const py::capsule owner(columns.release(), [](void* held) { delete static_cast<MatchRequestColumns*>(held); });
  const Arrays array(owner);
  py::tuple locations =
      py::make_tuple(array(c.latitude), array(c.longitude), array(c.x), array(c.y), array(c.z), c.radius_m);
  py::tuple orders = py::make_tuple(
      texts(c.order_ids), array(c.pickup_loc), array(c.dropoff_loc), array(c.placed_ms), array(c.ready_ms),
      array(c.promised_by_ms), array(c.dropoff_not_before_ms), array(c.pickup_by_ms), array(c.dropoff_by_ms),
      array(c.freshness_ms), array(c.size), array(c.order_skills), array(c.priority), array(c.store),
      array(c.pickup_access_ms), array(c.pickup_leave_ms), array(c.dropoff_access_ms), array(c.dropoff_leave_ms),
      array(c.pay_micros), array(c.order_courier), array(c.announced), array(c.ready_early_ms), array(c.ready_late_ms));
  py::tuple couriers = py::make_tuple(texts(c.courier_ids), array(c.courier_loc), array(c.free_ms),
                                      array(c.shift_end_ms), array(c.capacity), array(c.courier_skills), array(c.mode),
                                      array(c.speed_mph), array(c.earned_micros), array(c.guaranteed_micros),
                                      array(c.acceptance_permille), array(c.on_shift_ms));
  py::tuple routes = py::make_tuple(array(c.route_ptr), array(c.stop_order), array(c.stop_kind), array(c.locked));
  py::tuple demand = py::make_tuple(array(c.demand_loc), array(c.demand_weight));
  py::tuple refusals = py::make_tuple(array(c.refusal_order), array(c.refusal_courier));
  return py::make_tuple(text(c.market_id), c.at_ms, c.frame, std::move(locations), std::move(orders),
                        std::move(couriers), std::move(routes), std::move(demand), texts(c.skill_names),
                        texts(c.store_ids), text(c.policy), c.forced_rung, c.validate_only, std::move(refusals),
                        py::bytes(content));
}

py::object decode(const py::bytes& request, std::int64_t orders, std::int64_t couriers, std::int64_t route_stops,
                  std::int64_t id_bytes, std::int64_t demand_points) {
  const std::string_view bytes = request;  // the caller's reference keeps it while the GIL is released
  auto columns = std::make_unique<MatchRequestColumns>();
  MatchRequestStatus status;
  std::string content;
  {
    // Giving the GIL up and taking it again wakes threads: more work than to decode a small request.
    std::optional<py::gil_scoped_release> unlocked;
    if (bytes.size() > kSmallBytes) unlocked.emplace();
    status = decode_match_request(bytes, {orders, couriers, route_stops, id_bytes, demand_points}, *columns);
    if (status == MatchRequestStatus::kOk) content = canonical_content(*columns);
  }
  if (status != MatchRequestStatus::kOk) return py::none();
  return to_python(std::move(columns), content);
}

py::list fields() {
  py::list result;
  for (const WireField& field : match_request_fields()) {
    result.append(py::make_tuple(field.message, field.name, field.number, field.kind));
  }
  return result;
}

}  // namespace

void register_wire(py::module_& m) {
  m.def("decode_match_request", &decode, py::arg("request"), py::arg("orders"), py::arg("couriers"),
        py::arg("route_stops"), py::arg("id_bytes"), py::arg("demand_points"));
  m.def("match_request_fields", &fields);
}

}  // namespace matcher::bindings
