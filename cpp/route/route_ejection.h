// Fleet minimisation by guided ejection: see matcher/pdptw.h for the papers.
#ifndef MATCHER_ROUTE_ROUTE_EJECTION_H
#define MATCHER_ROUTE_ROUTE_EJECTION_H

#include <algorithm>
#include <cstdint>
#include <vector>

#include "route/plan_search.h"

namespace matcher::route {

class RouteEjection {
 public:
  explicit RouteEjection(SearchState& state)
      : state_(state), plan_(state.plan), penalty_(static_cast<std::size_t>(plan_.requests()), 1), refused_(kRefused) {}

  // Before another route is taken apart.
  void forget() { std::fill(penalty_.begin(), penalty_.end(), 1); }
  // Serves what is absent, for some work; whether only hopeless requests are left out.
  bool place(std::uint64_t work, double until);

 private:
  // One or two requests of a route.
  struct Ejection {
    std::uint64_t rank = 0;  // the sum of their penalties, then a lot
    std::int32_t slot = -1, first = -1, second = -1;
  };
  static constexpr std::size_t kRefused = std::size_t{1} << 16;

  bool eject_for(std::int32_t request, double until);
  void list_for(std::int32_t request);
  Insertion place_after(const Ejection& ejection, std::int32_t request);
  void perturb();

  SearchState& state_;
  Plan& plan_;
  std::vector<std::int32_t> penalty_;
  std::vector<std::int32_t> pool_, members_;
  std::vector<Ejection> ejections_;  // a heap, the least rank first
  // Keys of ejections that left no place, with the version of the route: most routes are the same at the next attempt.
  std::vector<std::uint64_t> refused_;
  Tour rest_;
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_ROUTE_EJECTION_H
