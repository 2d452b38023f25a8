// A dense matrix somebody else owns: pointer, shape and strides in elements. 64-bit sizes, so more than 2^31 cells
// work.
#ifndef MATCHER_CORE_MATRIX_VIEW_H
#define MATCHER_CORE_MATRIX_VIEW_H

#include <cstdint>

namespace matcher {

template <class T>
struct MatrixView {
  const T* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t row_stride = 0;
  std::int64_t col_stride = 1;

  const T& operator()(std::int64_t row, std::int64_t col) const { return data[row * row_stride + col * col_stride]; }
  const T* row(std::int64_t at) const { return data + at * row_stride; }  // no dereference: rows may be empty
  MatrixView transposed() const { return {data, cols, rows, col_stride, row_stride}; }
};

}  // namespace matcher

#endif  // MATCHER_CORE_MATRIX_VIEW_H
