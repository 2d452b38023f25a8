// Who can be at a place first? Earliest arrivals of all couriers at one place, bounded in a vector pass and computed
// exactly on demand.
#ifndef MATCHER_ROUTE_ARRIVALS_H
#define MATCHER_ROUTE_ARRIVALS_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "route/live_routes.h"
#include "route/travel.h"

namespace matcher::route {

template <class Times>
class EarliestArrivals {
 public:
  EarliestArrivals(std::span<const LiveRoute> routes, const Times& times)
      : routes_(routes), times_(times), couriers_(routes.size()) {
    lower_.resize(couriers_);
    upper_.resize(couriers_);
    exact_.resize(couriers_);
    known_.assign(couriers_, 0);
    prepare();
  }

  // Moves to another place.
  void at_place(std::int32_t place) {
    if (place == place_) return;
    place_ = place;
    std::fill(known_.begin(), known_.end(), std::uint8_t{0});
    bound();
  }

  std::int64_t lower(std::size_t courier) const { return lower_[courier]; }
  std::int64_t upper(std::size_t courier) const { return upper_[courier]; }

  std::int64_t exact(std::size_t c) {
    if (known_[c] != 0) return exact_[c];
    const auto courier = static_cast<std::int32_t>(c);
    const auto& anchors = routes_[c].anchors;
    std::int64_t earliest = INT64_MAX;
    for (std::size_t k = at(routes_[c].locked); k < anchors.size(); ++k) {
      const Anchor& anchor = anchors[k];
      earliest = std::min(
          earliest, anchor.place == place_ ? anchor.join_ms : anchor.depart_ms + times_(courier, anchor.place, place_));
    }
    known_[c] = 1;
    return exact_[c] = earliest;
  }

 private:
  // Later anchors depart no earlier than the first plus the straight way to them, so by the triangle inequality the
  // first anchor's straight line bounds them all. The slack covers rounding of doubles.
  void prepare() {
    if constexpr (requires { times_.ms_per_metre(0); }) {
      for (std::size_t c = 0; c < couriers_; ++c) {
        const auto courier = static_cast<std::int32_t>(c);
        const Anchor& first = routes_[c].anchors[at(routes_[c].locked)];
        x_.push_back(times_.places().x[at(first.place)]);
        y_.push_back(times_.places().y[at(first.place)]);
        z_.push_back(times_.places().z[at(first.place)]);
        depart_.push_back(static_cast<double>(first.depart_ms));
        join_.push_back(static_cast<double>(first.join_ms));
        first_place_.push_back(first.place);
        ms_per_metre_.push_back(times_.ms_per_metre(courier));
      }
    }
  }

  void bound() {
    if constexpr (requires { times_.ms_per_metre(0); }) {
      const double px = times_.places().x[at(place_)];
      const double py = times_.places().y[at(place_)];
      const double pz = times_.places().z[at(place_)];
      const double stretch = times_.arc_per_chord() * (1.0 + 1e-9);
      const double round = static_cast<double>(times_.quantum_ms()) + 1.0;
      for (std::size_t c = 0; c < couriers_; ++c) {
        const double dx = x_[c] - px;
        const double dy = y_[c] - py;
        const double dz = z_[c] - pz;
        const double straight = std::sqrt(dx * dx + dy * dy + dz * dz) * ms_per_metre_[c];
        const double start = first_place_[c] == place_ ? join_[c] : depart_[c];
        lower_[c] = static_cast<std::int64_t>(start + straight * (1.0 - 1e-9)) - 1;
        upper_[c] = static_cast<std::int64_t>(start + straight * stretch + round);
      }
    } else {
      for (std::size_t c = 0; c < couriers_; ++c) lower_[c] = upper_[c] = exact(c);
    }
  }

  std::span<const LiveRoute> routes_;
  const Times& times_;
  std::size_t couriers_;
  std::int32_t place_ = -1;
  std::vector<double> x_, y_, z_, depart_, join_, ms_per_metre_;
  std::vector<std::int32_t> first_place_;
  std::vector<std::int64_t> lower_, upper_, exact_;
  std::vector<std::uint8_t> known_;
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_ARRIVALS_H
