// Exact assignment over allowed pairs by an epsilon-scaling auction: the second, independent method.
//
// Method: each free row bids for its best column, raising the price by its margin over the second-best choice plus
// epsilon. A pair made this way is within epsilon of best; phases divide epsilon by five until integer costs, scaled
// by rows + 1, make "within one" mean optimal. The price of staying unassigned is one more choice, never contested.
// Rows with too few columns would bid for ever; when a price has risen further than any feasible problem allows, the
// problem is infeasible. Asymmetric problems need free columns at price zero: each phase after the first starts from
// the last prices, and a reverse sweep lowers the prices of columns nobody took.
// Complexity: O(rows * arcs * log(rows * max cost)) typical of scaling; pseudo-polynomial bidding wars inside a phase.
// Ties: first in, first out among free rows; the first best arc of a row. Equal input gives equal output.
// Sources: Bertsekas, Annals of OR 14 (1988); Bertsekas and Castanon, Computational Optimization 1 (1992).
#ifndef MATCHER_AUCTION_H
#define MATCHER_AUCTION_H

#include <cstdint>
#include <span>

#include "matcher/assignment.h"

namespace matcher {

// As solve_sparse, for integers. kOverflow when cost * (rows + 1) would not fit.
Assignment<std::int64_t> solve_auction(const SparseCosts<std::int64_t>& costs, std::span<const std::int64_t> prices,
                                       const Budget& budget = {});

}  // namespace matcher

#endif  // MATCHER_AUCTION_H
