// Four or eight costs of any type as doubles, under the instruction sets that vector code is compiled for.
#ifndef MATCHER_ASSIGN_VECTOR_LOADS_H
#define MATCHER_ASSIGN_VECTOR_LOADS_H

#if defined(__x86_64__) && defined(__GNUC__)
#define MATCHER_X86 1
// GCC 12 takes the deliberately undefined operands inside its own intrinsics for mistakes (GCC bug 105593). It says so
// where they are inlined, so the silence lasts to the end of the file that includes this.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include <cstdint>

#define MATCHER_AVX2 __attribute__((target("avx2")))
#define MATCHER_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))

namespace matcher::assign {

MATCHER_AVX2 inline __m256d load4(const double* p) { return _mm256_loadu_pd(p); }
MATCHER_AVX2 inline __m256d load4(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
MATCHER_AVX2 inline __m256d load4(const std::int32_t* p) {
  return _mm256_cvtepi32_pd(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MATCHER_AVX2 inline __m256d load4(const std::int64_t* p) {  // no such conversion before AVX-512
  return _mm256_setr_pd(static_cast<double>(p[0]), static_cast<double>(p[1]), static_cast<double>(p[2]),
                        static_cast<double>(p[3]));
}

MATCHER_AVX512 inline __m512d load8(const double* p) { return _mm512_loadu_pd(p); }
MATCHER_AVX512 inline __m512d load8(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
MATCHER_AVX512 inline __m512d load8(const std::int32_t* p) {
  return _mm512_cvtepi32_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
MATCHER_AVX512 inline __m512d load8(const std::int64_t* p) { return _mm512_cvtepi64_pd(_mm512_loadu_si512(p)); }

// The first of eight, as the mask says; zero for the others, which are not read.
MATCHER_AVX512 inline __m512d load8(__mmask8 mask, const double* p) { return _mm512_maskz_loadu_pd(mask, p); }
MATCHER_AVX512 inline __m512d load8(__mmask8 mask, const float* p) {
  return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, p));
}
MATCHER_AVX512 inline __m512d load8(__mmask8 mask, const std::int32_t* p) {
  return _mm512_cvtepi32_pd(_mm256_maskz_loadu_epi32(mask, p));
}
MATCHER_AVX512 inline __m512d load8(__mmask8 mask, const std::int64_t* p) {
  return _mm512_cvtepi64_pd(_mm512_maskz_loadu_epi64(mask, p));
}

}  // namespace matcher::assign
#endif

#endif  // MATCHER_ASSIGN_VECTOR_LOADS_H
