// Routes of plans seen on the way, and the best plan that can be put together from them.
#ifndef MATCHER_ROUTE_ROUTE_POOL_H
#define MATCHER_ROUTE_ROUTE_POOL_H

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "route/plan.h"

namespace matcher::route {

// The cheapest sequence known of each set of requests that was a route; bounded, the longest unseen go first.
class RoutePool {
 public:
  explicit RoutePool(std::int32_t requests);

  // Takes the routes that have changed since the last call.
  void note(const Plan& plan);
  std::size_t size() const { return routes_.size(); }
  std::vector<std::vector<std::int32_t>> routes() const;
  // Routes of least sum that serve each request of the plan once, at most as many as the plan has; found by weighted
  // set packing within so many of its iterations. Empty when none are better than the plan's. A few requests may be
  // missing.
  std::vector<std::vector<std::int32_t>> combine(const Plan& plan, bool fewest, std::int64_t iterations) const;

 private:
  struct Known {
    std::uint64_t key = 0;
    double length = 0.0;
    std::uint64_t seen = 0;
    std::vector<std::int32_t> nodes;
  };

  void forget();

  std::vector<std::uint64_t> word_;  // by request; a set's key is the sum of its requests' words
  std::vector<Known> routes_;
  std::unordered_map<std::uint64_t, std::size_t> at_;
  std::uint64_t newest_ = 0;  // stamp
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_ROUTE_POOL_H
