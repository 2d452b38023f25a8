// A copy of a matrix of any strides with each row's costs side by side.
#ifndef MATCHER_ASSIGN_ROW_ORDER_H
#define MATCHER_ASSIGN_ROW_ORDER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/matrix_view.h"

namespace matcher::assign {

// In blocks that use each cache line whole.
template <class T>
std::vector<T> in_row_order(const MatrixView<T>& costs) {
  constexpr std::int64_t kBlock = 16;
  std::vector<T> rows(static_cast<std::size_t>(costs.rows * costs.cols));
  for (std::int64_t top = 0; top < costs.rows; top += kBlock) {
    const std::int64_t bottom = std::min(top + kBlock, costs.rows);
    for (std::int64_t j = 0; j < costs.cols; ++j) {
      for (std::int64_t i = top; i < bottom; ++i) rows[static_cast<std::size_t>(i * costs.cols + j)] = costs(i, j);
    }
  }
  return rows;
}

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_ROW_ORDER_H
