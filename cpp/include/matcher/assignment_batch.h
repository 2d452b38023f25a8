// Many small dense assignment problems in one call, each on its own, one after the other.
//
// What a call costs besides solving is paid once for all. Every problem has its own status: one that is infeasible,
// invalid or too large for its number type says nothing about the others. Method, ties and duals are solve_dense's.
// max_iterations holds for each problem; once the cancel flag is up, problems not yet begun get no iteration at all,
// which still leaves each a matching and a bound.
#ifndef MATCHER_ASSIGNMENT_BATCH_H
#define MATCHER_ASSIGNMENT_BATCH_H

#include <cstdint>
#include <span>
#include <vector>

#include "matcher/dense_assignment.h"

namespace matcher {

// Arrays of one entry a problem, and the problems' rows, columns and witnesses one after the other: those of problem k
// are [row_ptr[k], row_ptr[k + 1]) and so on.
template <class Cost>
struct AssignmentBatch {
  std::vector<std::int32_t> status;
  std::vector<Cost> total;
  std::vector<std::int64_t> iterations, bad_cell;
  std::vector<std::int64_t> row_ptr{0}, col_ptr{0}, witness_ptr{0};
  std::vector<std::int32_t> col_for_row;  // kUnassigned throughout for kOverflow and kInvalid; their duals are zero
  std::vector<Cost> row_duals, col_duals;
  std::vector<std::int32_t> witness;
};

// prices: one span a problem, each as for solve_dense; or none at all.
template <class T>
AssignmentBatch<SumOf<T>> solve_batch(std::span<const MatrixView<T>> problems,
                                      std::span<const std::span<const SumOf<T>>> prices, const Budget& budget = {});

}  // namespace matcher

#endif  // MATCHER_ASSIGNMENT_BATCH_H
