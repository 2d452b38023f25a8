// Seeded problems for the assignment benchmarks, and the check that an answer is the optimum: its own duals.
#ifndef MATCHER_BENCH_ASSIGN_PROBLEMS_H
#define MATCHER_BENCH_ASSIGN_PROBLEMS_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "matcher/assignment.h"

namespace matcher::bench {

enum Family : std::int64_t { kUniform, kPoints, kProducts };

// Costs from 0 to about a million, whole, so that the proof is exact.
inline std::vector<std::int64_t> dense_costs(Family family, std::int64_t rows, std::int64_t cols) {
  std::mt19937_64 random(20);
  const auto draw = [&random] { return static_cast<std::int64_t>(random() % 1'000'000); };
  std::vector<std::pair<std::int64_t, std::int64_t>> ends;
  for (std::int64_t k = 0; k < rows + cols; ++k) {
    const auto x = draw();
    ends.emplace_back(x, draw());
  }
  std::vector<std::int64_t> costs;
  costs.reserve(static_cast<std::size_t>(rows * cols));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) {
      const auto& [x, y] = ends[static_cast<std::size_t>(i)];
      const auto& [to_x, to_y] = ends[static_cast<std::size_t>(rows + j)];
      if (family == kUniform) costs.push_back(draw());
      if (family == kPoints) costs.push_back(std::llround(std::hypot(x - to_x, y - to_y)));
      if (family == kProducts) costs.push_back((i + 1) * (j + 1));
    }
  }
  return costs;
}

// Each row's `degree` arcs to columns near it on a line, and a price that leaves some rows out.
struct SparseProblem {
  std::vector<std::int64_t> ptr{0}, cost, prices;
  std::vector<std::int32_t> col;
  std::int32_t n_cols;

  SparseProblem(std::int32_t n, std::int32_t degree) : n_cols(n) {
    std::mt19937_64 random(22);
    for (std::int32_t i = 0; i < n; ++i) {
      const auto home = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(n));
      std::vector<std::int32_t> near;
      for (std::int32_t k = 0; k < degree; ++k) near.push_back((home + k * (k % 2 == 0 ? 1 : n - 1)) % n);
      std::sort(near.begin(), near.end());
      for (const std::int32_t j : near) {
        col.push_back(j);
        cost.push_back(static_cast<std::int64_t>(random() % 1'000) + 100 * std::abs(j - home) % 10'000);
      }
      ptr.push_back(static_cast<std::int64_t>(col.size()));
    }
    prices.assign(static_cast<std::size_t>(n), 3'000);
  }
  SparseCosts<std::int64_t> costs() const { return {ptr, col, cost, n_cols}; }
};

// The bound of the duals meets the total. That the duals are feasible is the tests' business.
inline bool proven(const Assignment<std::int64_t>& answer) {
  std::int64_t bound = 0;
  for (const auto dual : answer.row_duals) bound += dual;
  for (const auto dual : answer.col_duals) bound += dual;
  return answer.status == SolveStatus::kOptimal && bound == answer.total;
}

}  // namespace matcher::bench

#endif  // MATCHER_BENCH_ASSIGN_PROBLEMS_H
