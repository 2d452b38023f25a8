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
constexpr std::int32_t kBlock = 16;  // columns that are collected together

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

// Columns from `begin`, which is a multiple of the block.
template <class T>
std::int32_t collect_scalar(const T* cost, const double* v, std::int32_t begin, std::int32_t count, double bound,
                            std::int32_t room, std::int32_t found, std::int32_t* columns) {
  for (std::int32_t j = begin; j < count && (found < room || j % kBlock != 0); ++j) {
    if (reduced(cost, v, j) <= bound) columns[found++] = j;
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
                                       std::int32_t room, std::int32_t* columns) {
  const __m256d top = _mm256_set1_pd(bound);
  std::int32_t found = 0, j = 0;
  for (; j + kBlock <= count && found < room; j += kBlock) {
    unsigned hits = 0;
    for (std::int32_t k = 0; k < kBlock; k += 4) {
      __m256d x = load4(cost + j + k);
      if (v != nullptr) x = _mm256_sub_pd(x, _mm256_loadu_pd(v + j + k));
      hits |= static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(x, top, _CMP_LE_OQ))) << k;
    }
    for (; hits != 0; hits &= hits - 1) columns[found++] = j + std::countr_zero(hits);
  }
  return found < room ? collect_scalar(cost, v, j, count, bound, room, found, columns) : found;
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

// No branch depends on what is found, which no processor could foretell; and the columns found are compressed in a
// register and stored whole, since a compressing store is microcoded on some processors (Zen 4).
template <class T>
MATCHER_AVX512 std::int32_t collect_avx512(const T* cost, const double* v, std::int32_t count, double bound,
                                           std::int32_t room, std::int32_t* columns) {
  const __m512d top = _mm512_set1_pd(bound);
  const __m512i step = _mm512_set1_epi32(kBlock);
  __m512i j16 = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  std::int32_t found = 0, j = 0;
  for (; j + kBlock <= count && found < room; j += kBlock, j16 = _mm512_add_epi32(j16, step)) {
    __m512d a = load8(cost + j), b = load8(cost + j + kLanes);
    if (v != nullptr) {
      a = _mm512_sub_pd(a, _mm512_loadu_pd(v + j));
      b = _mm512_sub_pd(b, _mm512_loadu_pd(v + j + kLanes));
    }
    const unsigned hits = _mm512_cmp_pd_mask(a, top, _CMP_LE_OQ) |
                          static_cast<unsigned>(_mm512_cmp_pd_mask(b, top, _CMP_LE_OQ)) << kLanes;
    _mm512_storeu_si512(columns + found, _mm512_maskz_compress_epi32(static_cast<__mmask16>(hits), j16));
    found += std::popcount(hits);
  }
  return found < room ? collect_scalar(cost, v, j, count, bound, room, found, columns) : found;
}

// How many of a row of keys, blocks of eight, come before each.
MATCHER_AVX512 void ranks_avx512(const double* keys, std::int32_t count, std::int32_t* ranks) {
  for (std::int32_t k = 0; k < count; ++k) {
    const __m512d key = _mm512_set1_pd(keys[k]);
    int before = 0;
    for (std::int32_t block = 0; block < count; block += kLanes) {
      const auto present = static_cast<__mmask8>(count - block < kLanes ? (1U << (count - block)) - 1U : 0xFFU);
      const __m512d others = _mm512_maskz_loadu_pd(present, keys + block);
      // Equals come before where they stand before.
      const unsigned equals = k >= block + kLanes ? 0xFFU : k <= block ? 0U : (1U << (k - block)) - 1U;
      const unsigned less = _mm512_mask_cmp_pd_mask(present, others, key, _CMP_LT_OQ);
      const unsigned equal = _mm512_mask_cmp_pd_mask(present, others, key, _CMP_EQ_OQ) & equals;
      before += std::popcount(less | equal);
    }
    ranks[k] = before;
  }
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
                             std::int32_t room, std::int32_t* columns) {
#ifdef MATCHER_X86
  if (isa == Isa::kAvx512) return collect_avx512(cost, v, count, bound, room, columns);
  if (isa == Isa::kAvx2) return collect_avx2(cost, v, count, bound, room, columns);
#endif
  return collect_scalar(cost, v, 0, count, bound, room, 0, columns);
}

void ranks(Isa isa, const double* keys, std::int32_t count, std::int32_t* ranks) {
#ifdef MATCHER_X86
  if (isa == Isa::kAvx512) return ranks_avx512(keys, count, ranks);
#endif
  for (std::int32_t k = 0; k < count; ++k) {
    ranks[k] = 0;
    for (std::int32_t l = 0; l < k; ++l) {
      const auto first = static_cast<std::int32_t>(keys[l] <= keys[k]);
      ranks[k] += first;
      ranks[l] += 1 - first;
    }
  }
}

#define MATCHER_INSTANTIATE(T)                                                                            \
  template LaneBound lane_bound(Isa, const T*, const double*, std::int32_t, double);                      \
  template std::int32_t collect_at_most(Isa, const T*, const double*, std::int32_t, double, std::int32_t, \
                                        std::int32_t*);
MATCHER_INSTANTIATE(float)
MATCHER_INSTANTIATE(double)
MATCHER_INSTANTIATE(std::int32_t)
MATCHER_INSTANTIATE(std::int64_t)
#undef MATCHER_INSTANTIATE

}  // namespace matcher::assign
