// The assignment problem, as all its kernels take it and answer it.
//
// Rows i, columns j, costs c[i][j] of the allowed pairs. Every row takes one column or, where it has a price of staying
// unassigned, pays that price; every column serves at most one row. Least total cost wins.
//
//   primal   min  sum c[i][j] x[i][j] + sum price[i] y[i],   sum_j x[i][j] + y[i] = 1,   sum_i x[i][j] <= 1
//   dual     max  sum u[i] + sum v[j],    u[i] + v[j] <= c[i][j],   u[i] <= price[i],   v[j] <= 0
//
// Without prices min(rows, cols) pairs must be made. With more rows than columns that is the transposed problem: then
// u[i] <= 0 and v[j] is free. In every case the returned duals are feasible, so their sum is a lower bound whatever the
// status; with kOptimal it equals the total (exactly for integers, up to rounding for floats).
//
// Costs are whole (answered exactly, as int64) or floating (answered as double; +infinity forbids a pair).
#ifndef MATCHER_ASSIGNMENT_H
#define MATCHER_ASSIGNMENT_H

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/budget.h"
#include "core/matrix_view.h"
#include "core/status.h"

namespace matcher {

// The price of a row that must be matched.
template <class Cost>
constexpr Cost must_match() {
  if constexpr (std::numeric_limits<Cost>::has_infinity) {
    return std::numeric_limits<Cost>::infinity();
  } else {
    return std::numeric_limits<Cost>::max();
  }
}

inline constexpr std::int32_t kUnassigned = -1;

// Allowed pairs in compressed rows: the arcs of row i are [ptr[i], ptr[i + 1]). Parallel arcs are allowed.
template <class Cost>
struct SparseCosts {
  std::span<const std::int64_t> ptr;
  std::span<const std::int32_t> col;
  std::span<const Cost> cost;
  std::int32_t n_cols = 0;

  std::int32_t n_rows() const { return static_cast<std::int32_t>(ptr.size()) - 1; }
};

// Where a solve may start: what an earlier one knew of each column and row. Any values give an exact answer; good ones
// give it sooner.
template <class Cost>
struct WarmStart {
  std::span<const Cost> col_duals;            // one a column, or empty; above zero is taken as zero
  std::span<const std::int32_t> col_for_row;  // one a row, or empty
};

template <class Cost>
struct Assignment {
  SolveStatus status = SolveStatus::kOptimal;
  std::vector<std::int32_t> col_for_row;  // kUnassigned where left out
  std::vector<Cost> row_duals;
  std::vector<Cost> col_duals;
  Cost total = 0;  // of the pairs made and the prices paid; meaningless when infeasible
  std::int64_t iterations = 0;
  // When infeasible: rows that together reach fewer columns than they are (columns that reach fewer rows, when there
  // are more rows than columns and no prices). Ascending.
  std::vector<std::int32_t> witness;
  std::int64_t bad_cell = -1;  // when kInvalid: the first such cost, counted row by row (sparse: arc by arc)
};

}  // namespace matcher

#endif  // MATCHER_ASSIGNMENT_H
