// Travel times as functors, so that the kernels are compiled once for each form of TravelModel.
#ifndef MATCHER_ROUTE_TRAVEL_H
#define MATCHER_ROUTE_TRAVEL_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "matcher/schedule.h"

namespace matcher::route {

inline std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

class MetricTimes {
 public:
  static constexpr bool kTriangle = true;  // holds after rounding up, too
  MetricTimes() = default;
  MetricTimes(const PlaceColumns& places, const MetricTravel& travel) : places_(places), travel_(travel) {}

  std::int64_t operator()(std::int32_t courier, std::int32_t from, std::int32_t to) const {
    if (from == to) return 0;
    const double chord = this->chord(from, to);
    const double arc = places_.radius_m > 0.0
                           ? 2.0 * places_.radius_m * std::asin(std::min(1.0, chord / (2.0 * places_.radius_m)))
                           : chord;
    const double speed = static_cast<double>(travel_.speed_mph[at(courier)]);
    const double quantum = static_cast<double>(travel_.quantum_ms);
    return static_cast<std::int64_t>(std::ceil(arc * travel_.factor * 3.6e6 / (speed * quantum))) * travel_.quantum_ms;
  }

  double chord(std::int32_t from, std::int32_t to) const {
    const double dx = places_.x[at(from)] - places_.x[at(to)];
    const double dy = places_.y[at(from)] - places_.y[at(to)];
    const double dz = places_.z[at(from)] - places_.z[at(to)];
    return std::sqrt(dx * dx + dy * dy + dz * dz);
  }

  // Straight-line milliseconds per metre, before rounding up.
  double ms_per_metre(std::int32_t courier) const {
    return travel_.factor * 3.6e6 / static_cast<double>(travel_.speed_mph[at(courier)]);
  }
  // An arc is at most this many times its chord.
  double arc_per_chord() const { return places_.radius_m > 0.0 ? 1.5707963267948968 : 1.0; }
  const PlaceColumns& places() const { return places_; }
  std::int64_t quantum_ms() const { return travel_.quantum_ms; }

 private:
  PlaceColumns places_;
  MetricTravel travel_;
};

class MatrixTimes {
 public:
  static constexpr bool kTriangle = false;
  MatrixTimes() = default;
  MatrixTimes(std::size_t places, const MatrixTravel& travel) : places_(places), travel_(travel) {}

  std::int64_t operator()(std::int32_t courier, std::int32_t from, std::int32_t to) const {
    if (from == to) return 0;
    return travel_.matrix_ms[(at(travel_.profile[at(courier)]) * places_ + at(from)) * places_ + at(to)];
  }

 private:
  std::size_t places_ = 0;
  MatrixTravel travel_;
};

// No trip of the market takes longer; metric times are bounded through the box around all places.
inline double longest_trip_ms(const Market& market) {
  if (const auto* matrix = std::get_if<MatrixTravel>(&market.travel)) {
    const auto longest = std::max_element(matrix->matrix_ms.begin(), matrix->matrix_ms.end());
    return longest == matrix->matrix_ms.end() ? 0.0 : *longest;
  }
  const auto& metric = std::get<MetricTravel>(market.travel);
  if (market.places.x.empty() || metric.speed_mph.empty()) return 0.0;
  double box = 0.0;
  for (const auto& axis : {market.places.x, market.places.y, market.places.z}) {
    const auto [low, high] = std::minmax_element(axis.begin(), axis.end());
    box += *high - *low;
  }
  const double slowest = *std::min_element(metric.speed_mph.begin(), metric.speed_mph.end());
  return box * 1.6 * metric.factor * 3.6e6 / slowest + static_cast<double>(metric.quantum_ms);
}

// Calls run(times) with the functor of the market's travel model.
template <class Run>
auto with_travel(const Market& market, Run&& run) {
  if (const auto* metric = std::get_if<MetricTravel>(&market.travel)) return run(MetricTimes(market.places, *metric));
  return run(MatrixTimes(market.places.x.size(), std::get<MatrixTravel>(market.travel)));
}

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_TRAVEL_H
