#include "assign/row_scan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>

#include "assign/vector_loads.h"

namespace matcher::assign {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr std::int32_t kLanes = 8;

template <class T>
double reduced(const T* cost, const double* v, std::int32_t j) {
  return v == nullptr ? static_cast<double>(cost[j]) : static_cast<double>(cost[j]) - v[j];
}

// Finishes the columns from `begin`, which is a multiple of eight, into the lanes.
template <class T>
LaneBound finish_lanes(const T* cost, const double* v, std::int32_t begin, std::int32_t count, double limit,
                       double (&lanes)[kLanes], bool ordinary) {
  for (std::int32_t j = begin; j < count; ++j) {
    const double value = reduced(cost, v, j);
    lanes[j % kLanes] = value < lanes[j % kLanes] ? value : lanes[j % kLanes];
    ordinary = ordinary && std::abs(static_cast<double>(cost[j])) <= limit;
  }
  const auto [least, bound] = std::minmax_element(lanes, lanes + kLanes);
  return {*bound, *least, ordinary};
}

template <class T>
LaneBound lane_bound_scalar(const T* cost, const double* v, std::int32_t count, double limit) {
  double lanes[kLanes];
  std::fill(lanes, lanes + kLanes, kInf);
  return finish_lanes(cost, v, 0, count, limit, lanes, true);
}

template <class T>
std::int32_t collect_scalar(const T* cost, const double* v, std::int32_t begin, std::int32_t count, double bound,
                            std::int32_t room, std::int32_t found, double* values, std::int32_t* columns) {
  for (std::int32_t j = begin; j < count && (found < room || j % kLanes != 0); ++j) {
    const double value = reduced(cost, v, j);
    if (value <= bound) {
      values[found] = value;
      columns[found++] = j;
    }
  }
  return found;
}

#ifdef MATCHER_X86

template <class T>
MATCHER_AVX2 LaneBound lane_bound_avx2(const T* cost, const double* v, std::int32_t count, double limit) {
  __m256d low = _mm256_set1_pd(kInf), high = low, odd = _mm256_setzero_pd();
  const __m256d top = _mm256_set1_pd(limit), sign = _mm256_set1_pd(-0.0);
  std::int32_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    __m256d a = load4(cost + j), b = load4(cost + j + 4);
    odd = _mm256_or_pd(odd, _mm256_cmp_pd(_mm256_andnot_pd(sign, a), top, _CMP_NLE_UQ));
    odd = _mm256_or_pd(odd, _mm256_cmp_pd(_mm256_andnot_pd(sign, b), top, _CMP_NLE_UQ));
    if (v != nullptr) {
      a = _mm256_sub_pd(a, _mm256_loadu_pd(v + j));
      b = _mm256_sub_pd(b, _mm256_loadu_pd(v + j + 4));
    }
    low = _mm256_min_pd(a, low);  // (new, old): a NaN leaves the old value, as the scalar code does
    high = _mm256_min_pd(b, high);
  }
  double lanes[kLanes];
  _mm256_storeu_pd(lanes, low);
  _mm256_storeu_pd(lanes + 4, high);
  return finish_lanes(cost, v, j, count, limit, lanes, _mm256_movemask_pd(odd) == 0);
}

template <class T>
MATCHER_AVX2 std::int32_t collect_avx2(const T* cost, const double* v, std::int32_t count, double bound,
                                       std::int32_t room, double* values, std::int32_t* columns) {
  const __m256d top = _mm256_set1_pd(bound);
  std::int32_t found = 0, j = 0;
  for (; j + kLanes <= count && found < room; j += kLanes) {
    __m256d a = load4(cost + j), b = load4(cost + j + 4);
    if (v != nullptr) {
      a = _mm256_sub_pd(a, _mm256_loadu_pd(v + j));
      b = _mm256_sub_pd(b, _mm256_loadu_pd(v + j + 4));
    }
    auto hits = static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(a, top, _CMP_LE_OQ))) |
                static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(b, top, _CMP_LE_OQ))) << 4;
    for (; hits != 0; hits &= hits - 1) {
      const std::int32_t at = j + std::countr_zero(hits);
      values[found] = reduced(cost, v, at);
      columns[found++] = at;
    }
  }
  return found < room ? collect_scalar(cost, v, j, count, bound, room, found, values, columns) : found;
}

template <class T>
MATCHER_AVX512 LaneBound lane_bound_avx512(const T* cost, const double* v, std::int32_t count, double limit) {
  // Four independent minima hide the latency of one; they join lane by lane.
  __m512d low[4];
  std::fill(low, low + 4, _mm512_set1_pd(kInf));
  const __m512d top = _mm512_set1_pd(limit);
  __mmask8 odd = 0;
  std::int32_t j = 0;
  for (; j + 4 * kLanes <= count; j += 4 * kLanes) {
    for (std::ptrdiff_t k = 0; k < 4; ++k) {
      __m512d x = load8(cost + j + k * kLanes);
      odd = static_cast<__mmask8>(odd | _mm512_cmp_pd_mask(_mm512_abs_pd(x), top, _CMP_NLE_UQ));
      if (v != nullptr) x = _mm512_sub_pd(x, _mm512_loadu_pd(v + j + k * kLanes));
      low[k] = _mm512_min_pd(x, low[k]);
    }
  }
  for (; j + kLanes <= count; j += kLanes) {
    __m512d x = load8(cost + j);
    odd = static_cast<__mmask8>(odd | _mm512_cmp_pd_mask(_mm512_abs_pd(x), top, _CMP_NLE_UQ));
    if (v != nullptr) x = _mm512_sub_pd(x, _mm512_loadu_pd(v + j));
    low[0] = _mm512_min_pd(x, low[0]);
  }
  double lanes[kLanes];
  _mm512_storeu_pd(lanes, _mm512_min_pd(_mm512_min_pd(low[0], low[1]), _mm512_min_pd(low[2], low[3])));
  return finish_lanes(cost, v, j, count, limit, lanes, odd == 0);
}

template <class T>
MATCHER_AVX512 std::int32_t collect_avx512(const T* cost, const double* v, std::int32_t count, double bound,
                                           std::int32_t room, double* values, std::int32_t* columns) {
  const __m512d top = _mm512_set1_pd(bound);
  const __m256i steps = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  std::int32_t found = 0, j = 0;
  for (; j + kLanes <= count && found < room; j += kLanes) {
    __m512d x = load8(cost + j);
    if (v != nullptr) x = _mm512_sub_pd(x, _mm512_loadu_pd(v + j));
    const __mmask8 hits = _mm512_cmp_pd_mask(x, top, _CMP_LE_OQ);
    if (hits == 0) continue;
    _mm512_mask_compressstoreu_pd(values + found, hits, x);
    _mm256_mask_compressstoreu_epi32(columns + found, hits, _mm256_add_epi32(steps, _mm256_set1_epi32(j)));
    found += std::popcount(static_cast<unsigned>(hits));
  }
  return found < room ? collect_scalar(cost, v, j, count, bound, room, found, values, columns) : found;
}

#endif

}  // namespace

Isa best_isa() {
#ifdef MATCHER_X86
  static const Isa best = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw")) {
      return Isa::kAvx512;
    }
    return __builtin_cpu_supports("avx2") ? Isa::kAvx2 : Isa::kScalar;
  }();
  return best;
#else
  return Isa::kScalar;
#endif
}

template <class T>
LaneBound lane_bound(Isa isa, const T* cost, const double* v, std::int32_t count, double limit) {
#ifdef MATCHER_X86
  if (isa == Isa::kAvx512) return lane_bound_avx512(cost, v, count, limit);
  if (isa == Isa::kAvx2) return lane_bound_avx2(cost, v, count, limit);
#endif
  return lane_bound_scalar(cost, v, count, limit);
}

template <class T>
std::int32_t collect_at_most(Isa isa, const T* cost, const double* v, std::int32_t count, double bound,
                             std::int32_t room, double* values, std::int32_t* columns) {
#ifdef MATCHER_X86
  if (isa == Isa::kAvx512) return collect_avx512(cost, v, count, bound, room, values, columns);
  if (isa == Isa::kAvx2) return collect_avx2(cost, v, count, bound, room, values, columns);
#endif
  return collect_scalar(cost, v, 0, count, bound, room, 0, values, columns);
}

#define MATCHER_INSTANTIATE(T)                                                                                     \
  template LaneBound lane_bound(Isa, const T*, const double*, std::int32_t, double);                               \
  template std::int32_t collect_at_most(Isa, const T*, const double*, std::int32_t, double, std::int32_t, double*, \
                                        std::int32_t*);
MATCHER_INSTANTIATE(float)
MATCHER_INSTANTIATE(double)
MATCHER_INSTANTIATE(std::int32_t)
MATCHER_INSTANTIATE(std::int64_t)
#undef MATCHER_INSTANTIATE

}  // namespace matcher::assign
