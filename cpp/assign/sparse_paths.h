// Paths over all choices of sparse rows, from any start.
#ifndef MATCHER_ASSIGN_SPARSE_PATHS_H
#define MATCHER_ASSIGN_SPARSE_PATHS_H

#include <algorithm>
#include <span>
#include <type_traits>
#include <vector>

#include "assign/path_solver.h"

namespace matcher::assign {

template <class Cost, class Choices>
Assignment<Cost> solve_choices(Choices& choices, std::span<const Cost> prices, const Budget& budget,
                               const WarmStart<Cost>& start) {
  const auto must = [](Cost price) { return price == must_match<Cost>(); };
  const bool every_column = choices.n_rows() == choices.n_cols() && std::all_of(prices.begin(), prices.end(), must);
  std::vector<Cost> duals(start.col_duals.begin(), start.col_duals.end());
  for (Cost& dual : duals) dual = std::min(dual, Cost{0});
  return PathSolver<Cost, Choices>(choices, prices, {duals, start.col_for_row}, every_column, std::is_integral_v<Cost>,
                                   budget)
      .solve();
}

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_SPARSE_PATHS_H
