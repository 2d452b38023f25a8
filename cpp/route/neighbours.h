// Which nodes lie near a node, and which stops could well come right before or after it.
#ifndef MATCHER_ROUTE_NEIGHBOURS_H
#define MATCHER_ROUTE_NEIGHBOURS_H

#include <cstdint>
#include <utility>
#include <vector>

#include "matcher/pdptw.h"

namespace matcher::route {

// Lists are made when first asked for, so that short budgets do not pay for all of them.
class Neighbours {
 public:
  explicit Neighbours(const PdptwProblem& problem);
  // Those of a part of another problem: what is in the part of the other's lists. `node_of`: the part's nodes in the
  // other's numbers; `number`: and back, -1 where a node is not in the part.
  Neighbours(const PdptwProblem& part, Neighbours& whole, const std::vector<std::int32_t>& node_of,
             const std::vector<std::int32_t>& number);

  // Nearest first, without the depot 0.
  const std::vector<std::int32_t>& near(std::int32_t node);
  // In no order; by distance, waiting and windows.
  const std::vector<std::int32_t>& partners(std::int32_t node);

 private:
  PdptwProblem problem_;
  std::vector<std::vector<std::int32_t>> near_, partners_;  // by node; empty: not made yet
  std::vector<std::pair<double, std::int32_t>> ranking_;    // scratch
};

}  // namespace matcher::route

#endif  // MATCHER_ROUTE_NEIGHBOURS_H
