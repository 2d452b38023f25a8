// Exact assignment over a dense matrix of any strides, read where it lies.
//
// Method, large (assign/path_solver.h): one vectorised pass lists each row's few cheapest columns and bounds all
// others; the problem over the lists is solved as a sparse one, and a row's other columns are looked at again only when
// the search comes to where one of them could matter. So the certificate needs no second pass. Where that becomes
// laborious (geometric and Machol-Wien costs), one guess at the whole answer (assign/greedy_guess.h) or else
// epsilon-scaled bidding prepares the duals. Method, up to 1.3 MB
// (assign/scan_solver.h): the same bids and shortest paths by vector scans of whole rows, from the column minima where
// every column must be matched. Where columns may stay free (more columns than rows, or prices) scans are tried up to
// 12 MB: five a row, then lists go on from there. Whole numbers run in double arithmetic as long as every sum fits 53
// bits, and in int64 otherwise; both are exact. Complexity: the pass, and O(rows * (listed + cols log cols)) typical;
// O(rows^2 * cols) worst case. Ties: rows are served in ascending order; among equal reduced costs of a row, and equal
// distances, the lowest column, but a search ends at a free column as soon as one is at the distance reached. Equal
// input gives equal output on every instruction set. Sources: Jonker and Volgenant, Computing 38 (1987); Volgenant,
// Computers & OR 23 (1996); Bijsterbosch and Volgenant, JORS 61 (2010); Lee and Orlin (1993); Goldberg and Kennedy,
// Math. Programming 71 (1995); Guthe and Thuerck, ACM TOMS 47 (2021).
#ifndef MATCHER_DENSE_ASSIGNMENT_H
#define MATCHER_DENSE_ASSIGNMENT_H

#include <cstdint>
#include <span>
#include <type_traits>

#include "matcher/assignment.h"

namespace matcher {

template <class T>
using SumOf = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;

enum class DenseMethod {
  kAuto,    // the above
  kPlain,   // shortest augmenting paths that scan whole rows: the reference
  kScalar,  // as kAuto without vector instructions
  kAvx2,    // as kAuto with nothing wider than AVX2, where the machine has it
  kLists,   // lists of cheap choices whatever the size
  kScans    // whole rows whatever the size; a warm start may still go by lists
};

// T: float, double, int32_t, int64_t. prices: one a row (must_match<SumOf<T>>() where the row must be matched), or
// empty: min(rows, cols) pairs must be made.
template <class T>
Assignment<SumOf<T>> solve_dense(const MatrixView<T>& costs, std::span<const SumOf<T>> prices,
                                 const Budget& budget = {}, const WarmStart<SumOf<T>>& start = {},
                                 DenseMethod method = DenseMethod::kAuto);

}  // namespace matcher

#endif  // MATCHER_DENSE_ASSIGNMENT_H
