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
      : state_(state), plan_(state.plan), penalty_(static_cast<std::size_t>(plan_.requests()), 1) {}

  // Before another route is taken apart.
  void forget() { std::fill(penalty_.begin(), penalty_.end(), 1); }
  // Serves what is absent, for some work; whether only hopeless requests are left out.
  bool place(std::uint64_t work, double until);

 private:
  struct Ejection {
    std::int32_t slot = -1, first = -1, second = -1;
    std::int32_t penalty = 0;
    Insertion at;
  };

  bool eject_for(std::int32_t request, double until);
  bool consider(const Tour& tour, std::int32_t slot, std::int32_t request, std::int32_t first, std::int32_t second,
                Ejection& best, std::int32_t& equals);
  void perturb();

  SearchState& state_;
  Plan& plan_;
  std::vector<std::int32_t> penalty_;
  std::vector<std::int32_t> pool_, members_;
  Tour rest_;
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_ROUTE_EJECTION_H
