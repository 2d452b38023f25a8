// Exact assignment over allowed pairs in compressed rows.
//
// Method: assign/path_solver.h on rows sorted by cost. Bidding without epsilon finds most of the matching and good
// column duals; the rows left over are matched by shortest augmenting paths (Dijkstra on reduced costs, leaving at the
// first free column or unassigned price); where that becomes laborious, epsilon-scaled bidding prepares the duals. Free
// columns end at dual zero, which is what makes rectangular problems and prices exact.
// Complexity: O(rows * (arcs + cols log cols)) worst case.
// Beyond 2^18 arcs a cold solve renumbers rows and columns by neighbourhood (assign/neighbourhood_order.h) first.
// Ties: rows are served in ascending order (renumbered: in that order); among equal arcs the first in the row wins,
// among equal distances the lowest column. Equal input gives equal output.
// Sources: Jonker and Volgenant, Computing 38 (1987); Volgenant, Computers & OR 23 (1996);
// Bijsterbosch and Volgenant, JORS 61 (2010).
#ifndef MATCHER_SPARSE_ASSIGNMENT_H
#define MATCHER_SPARSE_ASSIGNMENT_H

#include <cstdint>
#include <span>

#include "matcher/assignment.h"

namespace matcher {

// prices: one a row (must_match<Cost>() where the row must be matched), or empty: min(rows, cols) pairs must be made.
template <class Cost>
Assignment<Cost> solve_sparse(const SparseCosts<Cost>& costs, std::span<const Cost> prices, const Budget& budget = {},
                              const WarmStart<Cost>& start = {});

}  // namespace matcher

#endif  // MATCHER_SPARSE_ASSIGNMENT_H
