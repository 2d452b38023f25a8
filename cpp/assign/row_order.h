// A copy of a matrix of any strides with each row's costs side by side.
#ifndef MATCHER_ASSIGN_ROW_ORDER_H
#define MATCHER_ASSIGN_ROW_ORDER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "assign/row_scan.h"
#include "assign/vector_loads.h"
#include "core/matrix_view.h"

namespace matcher::assign {

// Rows [top, bottom) of a matrix from column `begin`, into out.
template <class T>
void turn_scalar(const MatrixView<T>& costs, std::int64_t top, std::int64_t bottom, std::int64_t begin, T* out) {
  for (std::int64_t j = begin; j < costs.cols; ++j) {
    for (std::int64_t i = top; i < bottom; ++i) out[i * costs.cols + j] = costs(i, j);
  }
}

#ifdef MATCHER_X86

// Four rows that lie side by side, `count` (a multiple of four) columns of them, in numbers of eight bytes, whatever
// they mean: moves change no bit.
MATCHER_AVX2 inline void turn_four(const double* in, std::int64_t step, std::int64_t count, double* out,
                                   std::int64_t row) {
  for (std::int64_t j = 0; j < count; j += 4, in += 4 * step, out += 4) {
    const __m256d a = _mm256_loadu_pd(in), b = _mm256_loadu_pd(in + step);
    const __m256d c = _mm256_loadu_pd(in + 2 * step), d = _mm256_loadu_pd(in + 3 * step);
    const __m256d ab = _mm256_unpacklo_pd(a, b), ab1 = _mm256_unpackhi_pd(a, b);
    const __m256d cd = _mm256_unpacklo_pd(c, d), cd1 = _mm256_unpackhi_pd(c, d);
    _mm256_storeu_pd(out, _mm256_permute2f128_pd(ab, cd, 0x20));
    _mm256_storeu_pd(out + row, _mm256_permute2f128_pd(ab1, cd1, 0x20));
    _mm256_storeu_pd(out + 2 * row, _mm256_permute2f128_pd(ab, cd, 0x31));
    _mm256_storeu_pd(out + 3 * row, _mm256_permute2f128_pd(ab1, cd1, 0x31));
  }
}

// Eight rows, a cache line across, a strip of columns at a time while four or more are left. Returns the first row
// left.
template <class T>
std::int64_t turn_by_fours(const MatrixView<T>& costs, T* out) {
  constexpr std::int64_t kStrip = 256;
  const std::int64_t cols = costs.cols, whole = cols / 4 * 4;
  std::int64_t top = 0;
  for (std::int64_t block = 8; top + 4 <= costs.rows; top += block) {
    if (top + block > costs.rows) block = 4;
    for (std::int64_t begin = 0; begin < whole; begin += kStrip) {
      for (std::int64_t i = top; i < top + block; i += 4) {
        turn_four(reinterpret_cast<const double*>(&costs(i, begin)), costs.col_stride, std::min(kStrip, whole - begin),
                  reinterpret_cast<double*>(out + i * cols + begin), cols);
      }
    }
    turn_scalar(costs, top, top + block, whole, out);
  }
  return top;
}

#endif

// In blocks that use each cache line whole.
template <class T>
std::unique_ptr<T[]> in_row_order(const MatrixView<T>& costs, [[maybe_unused]] Isa isa) {
  constexpr std::int64_t kBlock = 16;
  auto rows = std::make_unique_for_overwrite<T[]>(static_cast<std::size_t>(costs.rows * costs.cols));
  std::int64_t top = 0;
#ifdef MATCHER_X86
  if constexpr (sizeof(T) == sizeof(double)) {
    if (isa != Isa::kScalar && costs.row_stride == 1) top = turn_by_fours(costs, rows.get());
  }
#endif
  for (; top < costs.rows; top += kBlock) {
    turn_scalar(costs, top, std::min(top + kBlock, costs.rows), 0, rows.get());
  }
  return rows;
}

}  // namespace matcher::assign

#endif  // MATCHER_ASSIGN_ROW_ORDER_H
