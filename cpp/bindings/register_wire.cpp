#include <pybind11/numpy.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/register.h"
#include "matcher/match_request.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

constexpr std::size_t kSmallBytes = 8'192;  // about 20 µs

template <class T>
py::array_t<T> frozen(std::vector<T>&& values) {
  py::array_t<T> array = to_numpy(std::move(values));
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return array;
}

py::str text(std::string_view bytes) { return py::str(bytes.data(), bytes.size()); }

py::tuple texts(const std::vector<std::string_view>& views) {
  py::tuple result(views.size());
  for (std::size_t k = 0; k < views.size(); ++k) result[k] = text(views[k]);
  return result;
}

// In the order of the fields of matcher.domain.snapshot's classes.
py::tuple to_python(MatchRequestColumns&& c, const std::string& content) {
  py::tuple locations =
      py::make_tuple(frozen(std::move(c.latitude)), frozen(std::move(c.longitude)), frozen(std::move(c.x)),
                     frozen(std::move(c.y)), frozen(std::move(c.z)), c.radius_m);
  py::tuple orders = py::make_tuple(
      texts(c.order_ids), frozen(std::move(c.pickup_loc)), frozen(std::move(c.dropoff_loc)),
      frozen(std::move(c.placed_ms)), frozen(std::move(c.ready_ms)), frozen(std::move(c.promised_by_ms)),
      frozen(std::move(c.dropoff_not_before_ms)), frozen(std::move(c.pickup_by_ms)), frozen(std::move(c.dropoff_by_ms)),
      frozen(std::move(c.freshness_ms)), frozen(std::move(c.size)), frozen(std::move(c.order_skills)),
      frozen(std::move(c.priority)), frozen(std::move(c.store)), frozen(std::move(c.pickup_access_ms)),
      frozen(std::move(c.pickup_leave_ms)), frozen(std::move(c.dropoff_access_ms)),
      frozen(std::move(c.dropoff_leave_ms)), frozen(std::move(c.pay_micros)), frozen(std::move(c.order_courier)),
      frozen(std::move(c.announced)));
  py::tuple couriers =
      py::make_tuple(texts(c.courier_ids), frozen(std::move(c.courier_loc)), frozen(std::move(c.free_ms)),
                     frozen(std::move(c.shift_end_ms)), frozen(std::move(c.capacity)),
                     frozen(std::move(c.courier_skills)), frozen(std::move(c.mode)), frozen(std::move(c.speed_mph)),
                     frozen(std::move(c.earned_micros)), frozen(std::move(c.guaranteed_micros)),
                     frozen(std::move(c.acceptance_permille)), frozen(std::move(c.on_shift_ms)));
  py::tuple routes = py::make_tuple(frozen(std::move(c.route_ptr)), frozen(std::move(c.stop_order)),
                                    frozen(std::move(c.stop_kind)), frozen(std::move(c.locked)));
  py::tuple demand = py::make_tuple(frozen(std::move(c.demand_loc)), frozen(std::move(c.demand_weight)));
  py::tuple refusals = py::make_tuple(frozen(std::move(c.refusal_order)), frozen(std::move(c.refusal_courier)));
  return py::make_tuple(text(c.market_id), c.at_ms, c.frame, std::move(locations), std::move(orders),
                        std::move(couriers), std::move(routes), std::move(demand), texts(c.skill_names),
                        texts(c.store_ids), text(c.policy), c.forced_rung, c.validate_only, std::move(refusals),
                        py::bytes(content));
}

py::object decode(const py::bytes& request, std::int64_t orders, std::int64_t couriers, std::int64_t route_stops,
                  std::int64_t id_bytes, std::int64_t demand_points) {
  const std::string_view bytes = request;  // the caller's reference keeps it while the GIL is released
  MatchRequestColumns columns;
  MatchRequestStatus status;
  std::string content;
  {
    // Giving the GIL up and taking it again wakes threads: more work than to decode a small request.
    std::optional<py::gil_scoped_release> unlocked;
    if (bytes.size() > kSmallBytes) unlocked.emplace();
    status = decode_match_request(bytes, {orders, couriers, route_stops, id_bytes, demand_points}, columns);
    if (status == MatchRequestStatus::kOk) content = canonical_content(columns);
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
