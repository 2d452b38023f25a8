// Shared by the assignment kernels: limits that keep sums exact, transposition, and the completion of a stopped solve.
#ifndef MATCHER_ASSIGN_COMMON_H
#define MATCHER_ASSIGN_COMMON_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "matcher/assignment.h"

namespace matcher::assign {

// Larger than any distance or dual that an accepted problem can produce.
template <class Cost>
constexpr Cost infinite() {
  if constexpr (std::numeric_limits<Cost>::has_infinity) {
    return std::numeric_limits<Cost>::infinity();
  } else {
    return std::numeric_limits<Cost>::max() / 2;
  }
}

// Duals and distances are sums of at most 2 min(rows, cols) + 1 costs along a path, and an auction sweep adds at most
// two costs a bid; 32 covers both with room for the sums of the two. A total adds one cost a row, a bound one dual more
// a column, so a long side counts by itself.
inline std::int64_t longest_sum(std::int64_t rows, std::int64_t cols) {
  return std::max(32 * (std::min(rows, cols) + 2), 4 * (rows + cols));
}

template <class Cost>
bool sums_fit(Cost largest_magnitude, std::int64_t rows, std::int64_t cols) {
  const auto terms = longest_sum(rows, cols);
  if constexpr (std::numeric_limits<Cost>::has_infinity) {
    return largest_magnitude <= std::numeric_limits<Cost>::max() / static_cast<Cost>(terms);
  } else {
    return largest_magnitude <= infinite<Cost>() / terms;
  }
}

// |cost| without the overflow of the lowest integer; forbidden pairs count as nothing.
template <class Cost>
Cost magnitude(Cost cost) {
  if (cost == must_match<Cost>()) return 0;
  if constexpr (!std::numeric_limits<Cost>::has_infinity) {
    if (cost == std::numeric_limits<Cost>::min()) return std::numeric_limits<Cost>::max();
  }
  return cost < 0 ? -cost : cost;
}

// By how much a pair may seem dearer than its row's best choice from rounding alone, when its duals come from another
// solve. Whole numbers are not rounded.
inline double rounding(double cost, double col_dual, bool whole) {
  return whole ? 0.0 : 0x1p-49 * (std::abs(cost) + std::abs(col_dual));
}

template <class Cost>
Cost largest_magnitude(std::span<const Cost> values) {
  Cost largest = 0;
  for (const Cost value : values) largest = std::max(largest, magnitude(value));
  return largest;
}

// An integer arc cannot be forbidden, only absent, so the largest integer is just too large.
template <class Cost>
Cost largest_arc(const SparseCosts<Cost>& costs) {
  Cost largest = 0;
  for (const Cost value : costs.cost) {
    if (!std::numeric_limits<Cost>::has_infinity && value == must_match<Cost>()) return value;
    largest = std::max(largest, magnitude(value));
  }
  return largest;
}

// Arcs by column; within a column in ascending row order.
template <class Cost>
struct ColumnArcs {
  std::vector<std::int64_t> ptr;
  std::vector<std::int32_t> row;
  std::vector<Cost> cost;

  explicit ColumnArcs(const SparseCosts<Cost>& rows) : ptr(static_cast<std::size_t>(rows.n_cols) + 1, 0) {
    const auto arcs = static_cast<std::size_t>(rows.ptr.back());
    row.resize(arcs);
    cost.resize(arcs);
    for (std::size_t a = 0; a < arcs; ++a) ++ptr[static_cast<std::size_t>(rows.col[a]) + 1];
    for (std::size_t j = 1; j < ptr.size(); ++j) ptr[j] += ptr[j - 1];
    std::vector<std::int64_t> next(ptr.begin(), ptr.end() - 1);
    for (std::int32_t i = 0; i < rows.n_rows(); ++i) {
      for (auto a = rows.ptr[static_cast<std::size_t>(i)]; a < rows.ptr[static_cast<std::size_t>(i) + 1]; ++a) {
        const auto at =
            static_cast<std::size_t>(next[static_cast<std::size_t>(rows.col[static_cast<std::size_t>(a)])]++);
        row[at] = i;
        cost[at] = rows.cost[static_cast<std::size_t>(a)];
      }
    }
  }
  SparseCosts<Cost> view(std::int32_t n_rows) const { return {ptr, row, cost, n_rows}; }
};

// The answer of the transposed problem, in the terms of the original.
template <class Cost>
Assignment<Cost> transposed(Assignment<Cost>&& answer, std::int64_t original_rows) {
  std::vector<std::int32_t> col_for_row(static_cast<std::size_t>(original_rows), kUnassigned);
  for (std::size_t j = 0; j < answer.col_for_row.size(); ++j) {
    if (answer.col_for_row[j] >= 0) {
      col_for_row[static_cast<std::size_t>(answer.col_for_row[j])] = static_cast<std::int32_t>(j);
    }
  }
  answer.col_for_row = std::move(col_for_row);
  std::swap(answer.row_duals, answer.col_duals);
  return std::move(answer);
}

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_COMMON_H
