// What searches for paths share: who has which column at what cost, the column duals, and how far columns are.
#ifndef MATCHER_ASSIGN_PATH_STATE_H
#define MATCHER_ASSIGN_PATH_STATE_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "assign/common.h"

namespace matcher::assign {

template <class Cost>
struct PathState {
  static constexpr std::int32_t kFree = -1;
  static constexpr std::int32_t kLeftOut = -2;

  struct Row {
    Cost cost = 0;  // of its pair
    std::int32_t col = kFree;
  };
  struct Col {
    Cost distance = infinite<Cost>();
    std::int32_t row = kFree;
    std::int32_t from = kFree;  // the row (while columns are settled: the column) it was reached from
    Cost from_cost = 0;
  };

  PathState(std::int32_t n_rows, std::int32_t n_cols)
      : rows(static_cast<std::size_t>(n_rows)),
        cols(static_cast<std::size_t>(n_cols)),
        v(static_cast<std::size_t>(n_cols), 0) {}

  Row& row(std::int32_t i) { return rows[static_cast<std::size_t>(i)]; }
  Col& col(std::int32_t j) { return cols[static_cast<std::size_t>(j)]; }
  Cost& dual(std::int32_t j) { return v[static_cast<std::size_t>(j)]; }
  void match(std::int32_t i, std::int32_t j, Cost cost) {
    row(i) = {cost, j};
    col(j).row = i;
  }

  std::vector<Row> rows;
  std::vector<Col> cols;
  std::vector<Cost> v;
};

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_PATH_STATE_H
