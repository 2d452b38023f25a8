// Exact assignment over a dense matrix.
//
// Method: shortest augmenting paths, one row at a time, each step a scan of one matrix row.
// Complexity: O(min(rows, cols)^2 * max(rows, cols)); with prices O(rows^2 * cols).
// Ties: rows are served in ascending order; among columns at equal distance a free one wins, then the lowest.
// Sources: Jonker and Volgenant, Computing 38 (1987); Crouse, IEEE TAES 52 (2016) for the rectangular form.
#ifndef MATCHER_DENSE_ASSIGNMENT_H
#define MATCHER_DENSE_ASSIGNMENT_H

#include <cstdint>
#include <span>

#include "matcher/assignment.h"

namespace matcher {

// prices: as for solve_sparse.
template <class Cost>
Assignment<Cost> solve_dense(const MatrixView<Cost>& costs, std::span<const Cost> prices, const Budget& budget = {});

extern template Assignment<std::int64_t> solve_dense(const MatrixView<std::int64_t>&, std::span<const std::int64_t>,
                                                     const Budget&);
extern template Assignment<double> solve_dense(const MatrixView<double>&, std::span<const double>, const Budget&);

}  // namespace matcher

#endif  // MATCHER_DENSE_ASSIGNMENT_H
