// Exact assignment over allowed pairs in compressed rows.
//
// Method: one Gauss-Seidel auction sweep without epsilon (each free row bids its margin over the second-best choice)
// finds most of the matching and good column duals; the rows left over are matched by shortest augmenting paths
// (Dijkstra on reduced costs, leaving at the first free column or unassigned price). Column duals start at zero and
// only fall, and free columns keep zero, which is what makes rectangular problems exact.
// Complexity: O(rows * (arcs + cols log cols)) worst case.
// Ties: rows are served in ascending order; among equal arcs the first in the row wins, among equal distances the
// lowest column. Equal input gives equal output.
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
Assignment<Cost> solve_sparse(const SparseCosts<Cost>& costs, std::span<const Cost> prices, const Budget& budget = {});

extern template Assignment<std::int64_t> solve_sparse(const SparseCosts<std::int64_t>&, std::span<const std::int64_t>,
                                                      const Budget&);
extern template Assignment<double> solve_sparse(const SparseCosts<double>&, std::span<const double>, const Budget&);

}  // namespace matcher

#endif  // MATCHER_SPARSE_ASSIGNMENT_H
