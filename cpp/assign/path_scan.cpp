#include "assign/path_scan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "assign/vector_loads.h"

namespace matcher::assign {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

template <class T>
void least_from(const T* cost, const double* v, std::int32_t begin, std::int32_t count, double limit, TwoLeast& best) {
  for (std::int32_t j = begin; j < count; ++j) {
    best.ordinary = best.ordinary && std::abs(static_cast<double>(cost[j])) <= limit;
    const double value = static_cast<double>(cost[j]) - v[j];
    if (value < best.first) {
      best.second = best.first;
      best.first = value;
      best.at = j;
    } else if (value < best.second) {
      best.second = value;
    }
  }
}

template <class T>
void relax_from(const T* cost, const double* v, std::int32_t begin, std::int32_t count, double base, double now,
                std::int64_t row, double* distance, std::int64_t* from, Nearest& nearest) {
  for (std::int32_t j = begin; j < count; ++j) {
    const double d = std::max(now, base + (static_cast<double>(cost[j]) - v[j]));
    if (d < distance[j]) {
      distance[j] = d;
      from[j] = row;
    }
    if (distance[j] < nearest.distance) nearest = {distance[j], j};
  }
}

template <class T>
double lower_from(const T* cost, double shift, std::int32_t begin, std::int32_t count, double* least, double most) {
  for (std::int32_t j = begin; j < count; ++j) {
    const double x = static_cast<double>(cost[j]) - shift;
    most = std::max(most, least[j] - x);
    least[j] = std::min(least[j], x);
  }
  return most;
}

template <class T>
bool lower_to_row_from(const T* cost, std::int32_t begin, std::int32_t count, double limit, double* least) {
  bool ordinary = true;
  for (std::int32_t j = begin; j < count; ++j) {
    const auto x = static_cast<double>(cost[j]);
    ordinary = ordinary && std::abs(x) <= limit;
    least[j] = std::min(least[j], x);
  }
  return ordinary;
}

#ifdef MATCHER_X86

// Joins lanes that each hold their lowest column among equals.
template <std::size_t kLanes>
TwoLeast join(const double (&first)[kLanes], const double (&second)[kLanes], const std::int64_t (&at)[kLanes]) {
  TwoLeast best{kInf, kInf, -1, true};
  for (std::size_t k = 0; k < kLanes; ++k) {
    if (first[k] < best.first || (first[k] == best.first && first[k] < kInf && at[k] < best.at)) {
      best.second = std::min(best.first, second[k]);
      best.first = first[k];
      best.at = static_cast<std::int32_t>(at[k]);
    } else {
      best.second = std::min(best.second, first[k]);
    }
    best.second = std::min(best.second, second[k]);
  }
  return best;
}

template <class T>
MATCHER_AVX2 TwoLeast two_least_avx2(const T* cost, const double* v, std::int32_t count, double limit) {
  __m256d first = _mm256_set1_pd(kInf), second = first, odd = _mm256_setzero_pd();
  const __m256d top = _mm256_set1_pd(limit), sign = _mm256_set1_pd(-0.0);
  __m256i at = _mm256_set1_epi64x(-1), j4 = _mm256_setr_epi64x(0, 1, 2, 3);
  const __m256i step = _mm256_set1_epi64x(4);
  std::int32_t j = 0;
  for (; j + 4 <= count; j += 4, j4 = _mm256_add_epi64(j4, step)) {
    const __m256d c = load4(cost + j), x = _mm256_sub_pd(c, _mm256_loadu_pd(v + j));
    odd = _mm256_or_pd(odd, _mm256_cmp_pd(_mm256_andnot_pd(sign, c), top, _CMP_NLE_UQ));
    const __m256d less = _mm256_cmp_pd(x, first, _CMP_LT_OQ);
    second = _mm256_min_pd(second, _mm256_max_pd(x, first));
    first = _mm256_min_pd(x, first);
    at = _mm256_castpd_si256(_mm256_blendv_pd(_mm256_castsi256_pd(at), _mm256_castsi256_pd(j4), less));
  }
  double firsts[4], seconds[4];
  std::int64_t columns[4];
  _mm256_storeu_pd(firsts, first);
  _mm256_storeu_pd(seconds, second);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(columns), at);
  TwoLeast best = join(firsts, seconds, columns);
  best.ordinary = _mm256_movemask_pd(odd) == 0;
  least_from(cost, v, j, count, limit, best);
  return best;
}

template <class T>
MATCHER_AVX2 Nearest relax_row_avx2(const T* cost, const double* v, std::int32_t count, double base, double now,
                                    std::int64_t row, double* distance, std::int64_t* from) {
  const __m256d base4 = _mm256_set1_pd(base), now4 = _mm256_set1_pd(now);
  const __m256d row4 = _mm256_castsi256_pd(_mm256_set1_epi64x(row));
  __m256d least = _mm256_set1_pd(kInf);
  __m256i at = _mm256_set1_epi64x(-1), j4 = _mm256_setr_epi64x(0, 1, 2, 3);
  const __m256i step = _mm256_set1_epi64x(4);
  std::int32_t j = 0;
  for (; j + 4 <= count; j += 4, j4 = _mm256_add_epi64(j4, step)) {
    const __m256d x = _mm256_sub_pd(load4(cost + j), _mm256_loadu_pd(v + j));
    const __m256d d = _mm256_max_pd(_mm256_add_pd(base4, x), now4);
    __m256d old = _mm256_loadu_pd(distance + j);
    const __m256d nearer = _mm256_cmp_pd(d, old, _CMP_LT_OQ);
    auto* origin = reinterpret_cast<double*>(from + j);
    _mm256_storeu_pd(origin, _mm256_blendv_pd(_mm256_loadu_pd(origin), row4, nearer));
    old = _mm256_min_pd(d, old);
    _mm256_storeu_pd(distance + j, old);
    const __m256d less = _mm256_cmp_pd(old, least, _CMP_LT_OQ);
    least = _mm256_min_pd(old, least);
    at = _mm256_castpd_si256(_mm256_blendv_pd(_mm256_castsi256_pd(at), _mm256_castsi256_pd(j4), less));
  }
  double leasts[4];
  std::int64_t columns[4];
  _mm256_storeu_pd(leasts, least);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(columns), at);
  Nearest nearest{kInf, -1};
  for (int k = 0; k < 4; ++k) {
    if (leasts[k] < nearest.distance ||
        (leasts[k] == nearest.distance && leasts[k] < kInf && columns[k] < nearest.at)) {
      nearest = {leasts[k], static_cast<std::int32_t>(columns[k])};
    }
  }
  relax_from(cost, v, j, count, base, now, row, distance, from, nearest);
  return nearest;
}

template <class T>
MATCHER_AVX2 double lower_to_avx2(const T* cost, double shift, std::int32_t count, double* least) {
  const __m256d shift4 = _mm256_set1_pd(shift);
  __m256d most = _mm256_setzero_pd();
  std::int32_t j = 0;
  for (; j + 4 <= count; j += 4) {
    const __m256d x = _mm256_sub_pd(load4(cost + j), shift4), old = _mm256_loadu_pd(least + j);
    most = _mm256_max_pd(_mm256_sub_pd(old, x), most);
    _mm256_storeu_pd(least + j, _mm256_min_pd(x, old));
  }
  double lanes[4];
  _mm256_storeu_pd(lanes, most);
  return lower_from(cost, shift, j, count, least, *std::max_element(lanes, lanes + 4));
}

template <class T>
MATCHER_AVX2 bool lower_to_row_avx2(const T* cost, std::int32_t count, double limit, double* least) {
  const __m256d top = _mm256_set1_pd(limit), sign = _mm256_set1_pd(-0.0);
  __m256d odd = _mm256_setzero_pd();
  std::int32_t j = 0;
  for (; j + 4 <= count; j += 4) {
    const __m256d x = load4(cost + j);
    odd = _mm256_or_pd(odd, _mm256_cmp_pd(_mm256_andnot_pd(sign, x), top, _CMP_NLE_UQ));
    _mm256_storeu_pd(least + j, _mm256_min_pd(x, _mm256_loadu_pd(least + j)));
  }
  const bool ordinary = _mm256_movemask_pd(odd) == 0;
  return lower_to_row_from(cost, j, count, limit, least) && ordinary;
}

MATCHER_AVX2 Nearest nearest_of_avx2(const double* distance, std::int32_t count) {
  __m256d least[4];
  std::fill(least, least + 4, _mm256_set1_pd(kInf));
  std::int32_t j = 0;
  for (; j + 16 <= count; j += 16) {
    for (std::ptrdiff_t k = 0; k < 4; ++k) least[k] = _mm256_min_pd(least[k], _mm256_loadu_pd(distance + j + 4 * k));
  }
  double lanes[4];
  _mm256_storeu_pd(lanes, _mm256_min_pd(_mm256_min_pd(least[0], least[1]), _mm256_min_pd(least[2], least[3])));
  double first = *std::min_element(lanes, lanes + 4);
  for (; j < count; ++j) first = std::min(first, distance[j]);
  if (!(first < kInf)) return {kInf, -1};
  const __m256d wanted = _mm256_set1_pd(first);
  for (j = 0; j + 4 <= count; j += 4) {
    const int equal = _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(distance + j), wanted, _CMP_EQ_OQ));
    if (equal != 0) return {first, j + std::countr_zero(static_cast<unsigned>(equal))};
  }
  while (distance[j] != first) ++j;
  return {first, j};
}

// The lowest column among the lanes named. Mostly there is one.
MATCHER_AVX512 inline std::int32_t lowest_of(__mmask8 lanes, __m512i columns) {
  if ((lanes & (lanes - 1)) != 0) return static_cast<std::int32_t>(_mm512_mask_reduce_min_epi64(lanes, columns));
  return static_cast<std::int32_t>(
      _mm_cvtsi128_si64(_mm512_castsi512_si128(_mm512_maskz_compress_epi64(lanes, columns))));
}

// The least of eight lanes in each of two.
MATCHER_AVX512 inline __m128d least_of(__m512d values) {
  const __m256d four = _mm256_min_pd(_mm512_castpd512_pd256(values), _mm512_extractf64x4_pd(values, 1));
  const __m128d two = _mm_min_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_min_pd(two, _mm_permute_pd(two, 1));
}

template <class T>
MATCHER_AVX512 TwoLeast two_least_avx512(const T* cost, const double* v, std::int32_t count, double limit) {
  const __m512d inf = _mm512_set1_pd(kInf), top = _mm512_set1_pd(limit);
  __mmask8 odd = 0;
  __m512d first = inf, second = inf;
  __m512i at = _mm512_set1_epi64(-1), j8 = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
  const __m512i step = _mm512_set1_epi64(8);
  std::int32_t j = 0;
  for (; j + 8 <= count; j += 8, j8 = _mm512_add_epi64(j8, step)) {
    const __m512d c = load8(cost + j), x = _mm512_sub_pd(c, _mm512_loadu_pd(v + j));
    odd = static_cast<__mmask8>(odd | _mm512_cmp_pd_mask(_mm512_abs_pd(c), top, _CMP_NLE_UQ));
    const __mmask8 less = _mm512_cmp_pd_mask(x, first, _CMP_LT_OQ);
    second = _mm512_min_pd(second, _mm512_max_pd(x, first));
    first = _mm512_min_pd(x, first);
    at = _mm512_mask_mov_epi64(at, less, j8);
  }
  if (j < count) {
    const auto tail = static_cast<__mmask8>((1U << (count - j)) - 1U);
    const __m512d c = load8(tail, cost + j);  // zero beyond the tail
    const __m512d x = _mm512_mask_sub_pd(inf, tail, c, _mm512_maskz_loadu_pd(tail, v + j));
    odd = static_cast<__mmask8>(odd | _mm512_cmp_pd_mask(_mm512_abs_pd(c), top, _CMP_NLE_UQ));
    const __mmask8 less = _mm512_cmp_pd_mask(x, first, _CMP_LT_OQ);
    second = _mm512_min_pd(second, _mm512_max_pd(x, first));
    first = _mm512_min_pd(x, first);
    at = _mm512_mask_mov_epi64(at, less, j8);
  }
  // Lanes join in halves: the second of two lanes is the least of their seconds and the greater of their firsts.
  const __m256d f4 = _mm512_castpd512_pd256(first), g4 = _mm512_extractf64x4_pd(first, 1);
  const __m256d first4 = _mm256_min_pd(f4, g4);
  const __m256d second4 = _mm256_min_pd(
      _mm256_min_pd(_mm512_castpd512_pd256(second), _mm512_extractf64x4_pd(second, 1)), _mm256_max_pd(f4, g4));
  const __m128d f2 = _mm256_castpd256_pd128(first4), g2 = _mm256_extractf128_pd(first4, 1);
  const __m128d first2 = _mm_min_pd(f2, g2);
  const __m128d second2 =
      _mm_min_pd(_mm_min_pd(_mm256_castpd256_pd128(second4), _mm256_extractf128_pd(second4, 1)), _mm_max_pd(f2, g2));
  const __m128d f1 = _mm_permute_pd(first2, 1);
  const __m128d first1 = _mm_min_pd(first2, f1);
  const __m128d second1 = _mm_min_pd(_mm_min_pd(second2, _mm_permute_pd(second2, 1)), _mm_max_pd(first2, f1));
  const double least = _mm_cvtsd_f64(first1);
  if (!(least < kInf)) return {kInf, kInf, -1, odd == 0};
  const __mmask8 equal = _mm512_cmp_pd_mask(first, _mm512_broadcastsd_pd(first1), _CMP_EQ_OQ);
  return {least, _mm_cvtsd_f64(second1), lowest_of(equal, at), odd == 0};
}

template <class T>
MATCHER_AVX512 Nearest relax_row_avx512(const T* cost, const double* v, std::int32_t count, double base, double now,
                                        std::int64_t row, double* distance, std::int64_t* from) {
  const __m512d base8 = _mm512_set1_pd(base), now8 = _mm512_set1_pd(now), inf = _mm512_set1_pd(kInf);
  const __m512i row8 = _mm512_set1_epi64(row);
  __m512d least = inf;
  __m512i at = _mm512_set1_epi64(-1), j8 = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
  const __m512i step = _mm512_set1_epi64(8);
  std::int32_t j = 0;
  for (; j + 8 <= count; j += 8, j8 = _mm512_add_epi64(j8, step)) {
    // A search goes from row to row all over the matrix: the start of a row finds no prefetching under way.
    _mm_prefetch(reinterpret_cast<const char*>(cost + j + 128), _MM_HINT_T0);
    const __m512d x = _mm512_sub_pd(load8(cost + j), _mm512_loadu_pd(v + j));
    const __m512d d = _mm512_max_pd(_mm512_add_pd(base8, x), now8);
    __m512d old = _mm512_loadu_pd(distance + j);
    _mm512_mask_storeu_epi64(from + j, _mm512_cmp_pd_mask(d, old, _CMP_LT_OQ), row8);
    old = _mm512_min_pd(d, old);
    _mm512_storeu_pd(distance + j, old);
    at = _mm512_mask_mov_epi64(at, _mm512_cmp_pd_mask(old, least, _CMP_LT_OQ), j8);
    least = _mm512_min_pd(old, least);
  }
  if (j < count) {
    const auto tail = static_cast<__mmask8>((1U << (count - j)) - 1U);
    const __m512d x = _mm512_sub_pd(load8(tail, cost + j), _mm512_maskz_loadu_pd(tail, v + j));
    const __m512d d = _mm512_max_pd(_mm512_add_pd(base8, x), now8);
    __m512d old = _mm512_mask_loadu_pd(inf, tail, distance + j);
    const __mmask8 nearer = _mm512_mask_cmp_pd_mask(tail, d, old, _CMP_LT_OQ);
    _mm512_mask_storeu_epi64(from + j, nearer, row8);
    old = _mm512_mask_mov_pd(old, nearer, d);
    _mm512_mask_storeu_pd(distance + j, tail, old);
    at = _mm512_mask_mov_epi64(at, _mm512_cmp_pd_mask(old, least, _CMP_LT_OQ), j8);
    least = _mm512_min_pd(old, least);
  }
  const __m128d nearest2 = least_of(least);
  const double nearest = _mm_cvtsd_f64(nearest2);
  if (nearest == kInf) return {kInf, -1};
  const __mmask8 equal = _mm512_cmp_pd_mask(least, _mm512_broadcastsd_pd(nearest2), _CMP_EQ_OQ);
  return {nearest, lowest_of(equal, at)};
}

template <class T>
MATCHER_AVX512 double lower_to_avx512(const T* cost, double shift, std::int32_t count, double* least) {
  const __m512d shift8 = _mm512_set1_pd(shift);
  __m512d most = _mm512_setzero_pd();
  std::int32_t j = 0;
  for (; j + 8 <= count; j += 8) {
    const __m512d x = _mm512_sub_pd(load8(cost + j), shift8), old = _mm512_loadu_pd(least + j);
    most = _mm512_max_pd(_mm512_sub_pd(old, x), most);
    _mm512_storeu_pd(least + j, _mm512_min_pd(x, old));
  }
  return lower_from(cost, shift, j, count, least, _mm512_reduce_max_pd(most));
}

template <class T>
MATCHER_AVX512 bool lower_to_row_avx512(const T* cost, std::int32_t count, double limit, double* least) {
  const __m512d top = _mm512_set1_pd(limit);
  __mmask8 odd = 0;
  std::int32_t j = 0;
  for (; j + 8 <= count; j += 8) {
    const __m512d x = load8(cost + j);
    odd = static_cast<__mmask8>(odd | _mm512_cmp_pd_mask(_mm512_abs_pd(x), top, _CMP_NLE_UQ));
    _mm512_storeu_pd(least + j, _mm512_min_pd(x, _mm512_loadu_pd(least + j)));
  }
  if (j < count) {
    const auto tail = static_cast<__mmask8>((1U << (count - j)) - 1U);
    const __m512d x = load8(tail, cost + j);
    odd = static_cast<__mmask8>(odd | _mm512_cmp_pd_mask(_mm512_abs_pd(x), top, _CMP_NLE_UQ));
    _mm512_mask_storeu_pd(least + j, tail, _mm512_min_pd(x, _mm512_maskz_loadu_pd(tail, least + j)));
  }
  return odd == 0;
}

#endif

}  // namespace

template <class T>
TwoLeast two_least(Isa isa, const T* cost, const double* v, std::int32_t count, double limit) {
#ifdef MATCHER_X86
  if (isa == Isa::kAvx512) return two_least_avx512(cost, v, count, limit);
  if (isa == Isa::kAvx2) return two_least_avx2(cost, v, count, limit);
#endif
  TwoLeast best{kInf, kInf, -1, true};
  least_from(cost, v, 0, count, limit, best);
  return best;
}

template <class T>
Nearest relax_row(Isa isa, const T* cost, const double* v, std::int32_t count, double base, double now,
                  std::int64_t row, double* distance, std::int64_t* from) {
#ifdef MATCHER_X86
  if (isa == Isa::kAvx512) return relax_row_avx512(cost, v, count, base, now, row, distance, from);
  if (isa == Isa::kAvx2) return relax_row_avx2(cost, v, count, base, now, row, distance, from);
#endif
  Nearest nearest{kInf, -1};
  relax_from(cost, v, 0, count, base, now, row, distance, from, nearest);
  return nearest;
}

Nearest nearest_of(Isa isa, const double* distance, std::int32_t count) {
#ifdef MATCHER_X86
  if (isa != Isa::kScalar) return nearest_of_avx2(distance, count);
#endif
  Nearest nearest{kInf, -1};
  for (std::int32_t j = 0; j < count; ++j) {
    if (distance[j] < nearest.distance) nearest = {distance[j], j};
  }
  return nearest;
}

template <class T>
double lower_to(Isa isa, const T* cost, double shift, std::int32_t count, double* least) {
#ifdef MATCHER_X86
  if (isa == Isa::kAvx512) return lower_to_avx512(cost, shift, count, least);
  if (isa == Isa::kAvx2) return lower_to_avx2(cost, shift, count, least);
#endif
  return lower_from(cost, shift, 0, count, least, 0.0);
}

template <class T>
bool lower_to_row(Isa isa, const T* cost, std::int32_t count, double limit, double* least) {
#ifdef MATCHER_X86
  if (isa == Isa::kAvx512) return lower_to_row_avx512(cost, count, limit, least);
  if (isa == Isa::kAvx2) return lower_to_row_avx2(cost, count, limit, least);
#endif
  return lower_to_row_from(cost, 0, count, limit, least);
}

#define MATCHER_INSTANTIATE(T)                                                                                  \
  template TwoLeast two_least(Isa, const T*, const double*, std::int32_t, double);                              \
  template bool lower_to_row(Isa, const T*, std::int32_t, double, double*);                                     \
  template Nearest relax_row(Isa, const T*, const double*, std::int32_t, double, double, std::int64_t, double*, \
                             std::int64_t*);                                                                    \
  template double lower_to(Isa, const T*, double, std::int32_t, double*);
MATCHER_INSTANTIATE(float)
MATCHER_INSTANTIATE(double)
MATCHER_INSTANTIATE(std::int32_t)
MATCHER_INSTANTIATE(std::int64_t)
#undef MATCHER_INSTANTIATE

}  // namespace matcher::assign
