// Searches in threads of their own that show each other their best plans at fixed shares of the budget.
#ifndef MATCHER_ROUTE_PLAN_EXCHANGE_H
#define MATCHER_ROUTE_PLAN_EXCHANGE_H

#include <barrier>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "matcher/pdptw.h"

namespace matcher::route {

// What one search has to show.
struct Incumbent {
  std::size_t missing = std::numeric_limits<std::size_t>::max();
  std::int32_t vehicles = 0;
  double cost = 0.0;
  std::vector<std::vector<std::int32_t>> routes;
  std::vector<std::int32_t> types;

  bool better_than(const Incumbent& other, bool hierarchical) const;
};

// All searches that have not left wait for each other at a meeting, so that what one learns there depends on the seeds
// alone and not on which thread was faster.
class Exchange {
 public:
  Exchange(std::size_t searches, bool hierarchical);

  // Shows a plan and returns the best that was ever last shown; among equals that of the first search.
  Incumbent meet(std::size_t search, Incumbent mine);
  void leave() { barrier_.arrive_and_drop(); }

 private:
  std::vector<Incumbent> shown_;
  bool hierarchical_;
  std::barrier<> barrier_;
};

// options.threads searches with seeds of their own; the best of their plans.
void search_together(const PdptwProblem& problem, const PdptwOptions& options, PdptwResult& out);

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_PLAN_EXCHANGE_H
